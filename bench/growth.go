package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// The curves, by what grows.
const (
	bySize          = "size"
	byPeers         = "peers"
	bySubscriptions = "subscriptions"
	byMark          = "mark"
	byMemory        = "memory"
	byLoad          = "load"
)

// growthLines are the points of all curves but that of latency under load,
// which needs to know the peak first.
func growthLines(scale float64) []line {
	var list []line
	for size := 16; size <= 16<<20; size *= 4 {
		count := min(max(uint64(300<<20/(size+200)), 40), 1_500_000)
		list = append(list, point(bySize, float64(size), stream("tcp", size, count, rate(sendInto, 0))))
	}
	for peers := 1; peers <= 10_000; peers *= 10 {
		ends := []string{"pull bind=tcp ordered=0 backlog=4096", fmt.Sprintf("push peers=%d copies=%d", peers, max(peers/2500, 1))}
		list = append(list, pointOf(byPeers, "PUSH peers", peers, 1_000_000, "rate", ends...))
	}
	most := 1_000_000
	if scale < 1 {
		most = 10_000
	}
	for topics := 1; topics <= most; topics *= 10 {
		l := manyTopics(fmt.Sprintf("subscriptions %d", topics), 500_000, topics, rate(sendInto, 0))
		list = append(list, point(bySubscriptions, float64(topics), l))
	}
	for mark := 1; mark <= 100_000; mark *= 10 {
		argument := fmt.Sprintf(" hwm=%d", mark)
		list = append(list, pointOf(byMark, "PUSH-PULL, mark", mark, 500_000, "rate", "pull bind=tcp"+argument, "push"+argument))
	}
	for _, mark := range []int{1_000, 100_000, 0} {
		argument := fmt.Sprintf(" hwm=%d", mark)
		l := pointOf(byMemory, "slow PULL, mark", mark, 300_000, "sender memory", "idle bind=tcp"+argument, "flood"+argument)
		l.Size = 1 << 10
		for _, of := range []string{"receiver memory", "accepted"} {
			l.Goals = append(l.Goals, goal{Metric: of, Lane: sendInto})
		}
		list = append(list, l)
	}
	return list
}

func point(curve string, x float64, l line) line {
	l.Curve, l.X = curve, x
	return l
}

// pointOf is a point that ours and libzmq make of the same ends, 64 octets a message.
func pointOf(curve, name string, x int, count uint64, metric string, ends ...string) line {
	return point(curve, float64(x), line{
		Name: fmt.Sprintf("%s %d", name, x), Count: count, Goals: []goal{{Metric: metric, Lane: sendInto}},
		Lanes: append([]lane{mine(sendInto, ends...)}, threads(ends...)...),
	})
}

// Names of our lanes under load: at a share of our own peak, and of libzmq's.
const (
	atOwnPeak    = "share of our own peak"
	atLibzmqPeak = "share of libzmq's peak"
)

// loadSeconds is how long each load is kept up.
const loadSeconds = 1

// loadLines are latencies at shares of the peak that was measured: messages are
// sent when it is their time, and their age counts from then. libzmq sends in the
// way, and with the threads, with which it has its peak.
func loadLines(r *report, scale float64) []line {
	at := slices.IndexFunc(r.Lines, func(m measured) bool { return m.Curve == bySize && m.Size == 64 })
	if at < 0 {
		return nil
	}
	peak := &r.Lines[at]
	best := peak.best("rate")
	var own float64
	for _, l := range peak.Lanes {
		if l.By == ours {
			own = l.Metrics["rate"].Median
		}
	}
	if best == nil || own == 0 {
		return nil
	}
	theirs := best.Metrics["rate"].Median
	var list []line
	for _, percent := range []int{10, 50, 90} {
		loaded := func(l lane, rate float64, like ...string) lane {
			rate *= float64(percent) / 100
			l.Count = max(uint64(rate*loadSeconds*scale), 100)
			l.Ends = []string{"timed bind=tcp", fmt.Sprintf("pace rate=%.0f", rate)}
			for i, words := range like {
				l.Ends[i] += settingsOf(words)
			}
			return l
		}
		l := line{
			Name: fmt.Sprintf("open loop at %d %%", percent), Count: 1, Curve: byLoad, X: float64(percent),
			Lanes: []lane{
				loaded(mine(atOwnPeak), own), loaded(mine(atLibzmqPeak), theirs),
				loaded(lane{Name: best.Name, By: best.By}, theirs, best.ends...),
			},
		}
		for _, of := range []string{"p50", "p99", "p99.9"} {
			l.Goals = append(l.Goals, goal{Metric: of, Lane: atOwnPeak}, goal{Metric: of, Lane: atLibzmqPeak})
		}
		list = append(list, l)
	}
	return list
}

// settingsOf are the arguments of an end, but where it binds.
func settingsOf(words string) (settings string) {
	for _, field := range strings.Fields(words)[1:] {
		if !strings.HasPrefix(field, "bind=") {
			settings += " " + field
		}
	}
	return settings
}

// measureGrowth measures all curves.
func (b *bench) measureGrowth(ctx context.Context) (*report, error) {
	r, err := b.measureAll(ctx, growthLines(b.scale))
	if err != nil {
		return nil, err
	}
	more, err := b.measureAll(ctx, loadLines(r, b.scale))
	if err != nil {
		return nil, err
	}
	r.Lines = append(r.Lines, more.Lines...)
	r.Took, r.Machine.LoadAfter = more.Took, more.Machine.LoadAfter
	return r, nil
}

// writeCurves writes a table for each curve.
func (r *report) writeCurves(b *strings.Builder) {
	for _, c := range charts {
		points := r.points(c.curve)
		if len(points) == 0 {
			continue
		}
		fmt.Fprintf(b, "### %s\n\n%s\n\n![%s](%s/%s.svg)\n\n", c.title, c.about, c.title, folder, c.curve)
		b.WriteString("| | | PhiMQ (spread) | libzmq (spread) | ratio | CPU a message: PhiMQ | libzmq |\n| --- | --- | --- | --- | --- | --- | --- |\n")
		for _, m := range points {
			for _, v := range m.verdicts() {
				what := v.Metric
				if v.Lane != sendInto {
					what += ", " + v.Lane
				}
				fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", m.Name, what, numberAndSpread(v.mine, v.Metric),
					numberAndSpread(v.theirs, v.Metric), ratioText(v.ratio), number(v.mine, "CPU"), number(v.theirs, "CPU"))
			}
		}
		b.WriteString("\n")
	}
}

func (r *report) points(curve string) []measured {
	var points []measured
	for _, m := range r.Lines {
		if m.Curve == curve {
			points = append(points, m)
		}
	}
	return points
}
