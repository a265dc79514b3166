package session

import (
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phimq/zmq/internal/wire"
)

// ErrHeartbeat says that a peer was silent for too long.
var ErrHeartbeat = errors.New("no sign of life from the peer")

const (
	// maxPongs is the octets of unsent PONGs from which PINGs go unanswered: a
	// peer that does not read gets no more of them.
	maxPongs = 64
	// deciseconds is the unit of a PING's time to live.
	deciseconds = 100 * time.Millisecond
)

// heart keeps watch over a connection. RFC 37 "Connection Heartbeating".
type heart struct {
	c     *conn
	heard atomic.Int64 // when octets came last, in time of the group's

	mu         sync.Mutex
	stopped    bool
	beats      *time.Timer   // sends the next PING
	death      *time.Timer   // checks that the peer answered
	waiting    bool          // a PING is not answered by any traffic yet
	unanswered time.Duration // when it was sent
	ttl        time.Duration // what the peer asked for
	expiry     *time.Timer   // checks that the peer kept it
}

func (h *heart) start(c *conn) {
	h.c = c
	h.traffic()
	if c.o.Heartbeat <= 0 || c.o.Engine.Raw {
		return
	}
	h.mu.Lock()
	h.beats = time.AfterFunc(c.o.Heartbeat, h.beat)
	h.mu.Unlock()
}

func (h *heart) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for _, t := range []*time.Timer{h.beats, h.death, h.expiry} {
		if t != nil {
			t.Stop()
		}
	}
}

// traffic notes a sign of life: anything that comes is one.
func (h *heart) traffic() { h.heard.Store(int64(h.c.g.now())) }

func (h *heart) silence() time.Duration { return h.c.g.now() - time.Duration(h.heard.Load()) }

// answered reports whether anything came since the PING that waits.
func (h *heart) answered() bool { return time.Duration(h.heard.Load()) >= h.unanswered }

// beat sends a PING.
func (h *heart) beat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return
	}
	if h.c.o.HeartbeatTimeout > 0 && (!h.waiting || h.answered()) {
		h.waiting, h.unanswered = true, h.c.g.now()
		h.death = arm(h.death, h.c.o.HeartbeatTimeout, h.check)
	}
	ttl := min(h.c.o.HeartbeatTTL/deciseconds, 1<<16-1)
	h.say(wire.AppendPing(nil, uint16(ttl), binary.BigEndian.AppendUint64(nil, uint64(h.c.g.now()))))
	h.beats.Reset(h.c.o.Heartbeat)
}

// check ends the connection if nothing came since the first PING that waits.
func (h *heart) check() {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch left := h.unanswered + h.c.o.HeartbeatTimeout - h.c.g.now(); {
	case h.stopped:
	case h.answered():
		h.waiting = false
	case left > 0:
		h.death.Reset(left) // a PING overtook this check
	case h.c.reader.paused.Load():
		// It is we who do not read.
		h.death.Reset(h.c.o.HeartbeatTimeout)
	case h.moving():
		// The PING waits behind a message that the peer is reading.
		h.death.Reset(h.c.o.HeartbeatTimeout)
	default:
		h.c.hangup(ErrHeartbeat)
	}
}

// moving reports whether a large message has gone on within the time of a
// heartbeat.
func (h *heart) moving() bool {
	moved := time.Duration(h.c.writer.moved.Load())
	return moved > 0 && h.c.g.now()-moved < h.c.o.HeartbeatTimeout
}

// pong takes the answer to a PING, whose context is when it was sent.
func (h *heart) pong(data []byte) error {
	context, err := wire.ParsePong(data)
	if err != nil {
		return err
	}
	if len(context) == 8 {
		if sent := time.Duration(binary.BigEndian.Uint64(context)); sent > 0 && sent <= h.c.g.now() {
			h.c.pipe.RoundTrip.Store(int64(h.c.g.now() - sent))
		}
	}
	return nil
}

// ping answers a PING, and keeps the time that the peer asked for.
func (h *heart) ping(data []byte) error {
	ttl, context, err := wire.ParsePing(data)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return nil
	}
	if h.ttl = time.Duration(ttl) * deciseconds; h.ttl > 0 {
		h.expiry = arm(h.expiry, h.ttl, h.expire)
	}
	h.say(wire.AppendPong(nil, context))
	return nil
}

// expire ends the connection if nothing came for as long as the peer promised.
func (h *heart) expire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch silence := h.silence(); {
	case h.stopped || h.ttl == 0:
	case silence < h.ttl:
		h.expiry.Reset(h.ttl - silence)
	case h.c.reader.paused.Load():
		h.expiry.Reset(h.ttl)
	default:
		h.c.hangup(ErrHeartbeat)
	}
}

// say puts a command before all that waits.
func (h *heart) say(frame []byte) {
	q := h.c.pipe.Out
	q.Mu.Lock()
	tell := q.ControlLen() < maxPongs && q.PutControl(frame)
	q.Mu.Unlock()
	if tell {
		q.TellLate()
	}
}

// arm starts a timer, or starts it again.
func arm(t *time.Timer, d time.Duration, f func()) *time.Timer {
	if t == nil {
		return time.AfterFunc(d, f)
	}
	t.Reset(d)
	return t
}
