package majordomo

import (
	"context"
	"log/slog"
	"time"
)

// limitedLog writes at most so many warnings a second, so that who sends
// rubbish does not fill the disk.
type limitedLog struct {
	log        *slog.Logger
	since      time.Time
	n, dropped int
}

const warningsPerSecond = 10

func (l *limitedLog) warn(text string, attrs ...slog.Attr) {
	now := time.Now()
	if now.Sub(l.since) >= time.Second || now.Before(l.since) {
		if l.dropped > 0 {
			l.log.LogAttrs(context.Background(), slog.LevelWarn, "more warnings were left out", slog.Int("n", l.dropped))
		}
		l.since, l.n, l.dropped = now, 0, 0
	}
	if l.n++; l.n > warningsPerSecond {
		l.dropped++
		return
	}
	l.log.LogAttrs(context.Background(), slog.LevelWarn, text, attrs...)
}

func (l *limitedLog) info(text string, attrs ...slog.Attr) {
	l.log.LogAttrs(context.Background(), slog.LevelInfo, text, attrs...)
}

func (l *limitedLog) debug(text string, attrs ...slog.Attr) {
	l.log.LogAttrs(context.Background(), slog.LevelDebug, text, attrs...)
}

func errorAttr(err error) slog.Attr { return slog.Any("error", err) }
