package pirate

import "time"

// Heartbeat keeps the time of heartbeats with one peer: when the next one has to be
// sent, and when the peer has been silent for so long that it counts as dead. It
// is for protocols of your own, which wait until [Heartbeat.Next] or until a
// message comes, whichever is first:
//
//	for hb.Start(time.Now()); hb.Alive(time.Now()); {
//		select {
//		case m := <-messages:
//			hb.Heard(time.Now())
//			handle(m)
//		case <-time.After(time.Until(hb.Next())):
//		}
//		if now := time.Now(); hb.Due(now) {
//			hb.Sent(now)
//			sendHeartbeat()
//		}
//	}
//
// It has no clock and no goroutine. Times of time.Now are compared by the
// monotonic clock, so it makes no difference when the date is set. It is not for
// many goroutines at once.
type Heartbeat struct {
	// Interval is how often both sides send; 1 s if it is not set.
	Interval time.Duration
	// Liveness is after how many silent intervals the peer is dead; 3 if it is
	// not set. RFC 6 "Heartbeating Specification" has 3 to 5.
	Liveness int

	sent, heard time.Time
}

// The numbers of the book.
const (
	defaultInterval = time.Second
	defaultLiveness = 3
)

func (h *Heartbeat) interval() time.Duration { return positive(h.Interval, defaultInterval) }

// silence is how long a peer that is alive may be silent.
func (h *Heartbeat) silence() time.Duration {
	return h.interval() * time.Duration(positive(h.Liveness, defaultLiveness))
}

// Start begins to count: the peer is alive, and the first heartbeat is due after
// one interval.
func (h *Heartbeat) Start(now time.Time) { h.sent, h.heard = now, now }

// Heard takes a sign of life of the peer's: any message, not heartbeats alone.
func (h *Heartbeat) Heard(now time.Time) { h.heard = now }

// Sent takes note of a heartbeat that was sent. If the peer takes any message for a
// sign of life, tell Sent of every message: then only who has nothing to say sends
// heartbeats.
func (h *Heartbeat) Sent(now time.Time) { h.sent = now }

// Due reports whether it is time to send a heartbeat.
func (h *Heartbeat) Due(now time.Time) bool { return now.Sub(h.sent) >= h.interval() }

// Alive reports whether the peer has been heard within Liveness intervals.
func (h *Heartbeat) Alive(now time.Time) bool { return now.Sub(h.heard) < h.silence() }

// Next returns when Due or Alive will change, whichever is first.
func (h *Heartbeat) Next() time.Time {
	due, dead := h.sent.Add(h.interval()), h.heard.Add(h.silence())
	if due.Before(dead) {
		return due
	}
	return dead
}
