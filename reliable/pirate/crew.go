package pirate

import (
	"container/list"
	"time"
)

// crew is the workers that a queue knows of: those that wait for a request, in
// the order in which they began to, and those that work on one.
type crew struct {
	hands map[string]*hand
	idle  list.List // of *hand, who has waited longest in front
}

// A hand is one worker as its queue sees it.
type hand struct {
	id     string
	simple bool          // no heartbeats, and an empty frame in front of all
	beat   Heartbeat     // of its signs of life alone: all hands are sent heartbeats at once
	place  *list.Element // in crew.idle; nil while it works
	since  time.Time     // when it began to work
}

// heard takes a sign of life of a worker's that is known.
func (c *crew) heard(id string, now time.Time) *hand {
	h := c.hands[id]
	if h != nil {
		h.beat.Heard(now)
	}
	return h
}

// rest puts a worker that can take a request at the end of the idle ones. A
// stranger becomes one of the crew.
func (c *crew) rest(id string, simple bool, beat Heartbeat, now time.Time) {
	h := c.hands[id]
	if h == nil {
		h = &hand{id: id, beat: beat}
		if c.hands == nil {
			c.hands = map[string]*hand{}
		}
		c.hands[id] = h
	}
	h.simple = simple
	h.beat.Start(now)
	c.remove(h.place)
	h.place = c.idle.PushBack(h)
}

// next takes the worker that has been idle for longest, or none.
func (c *crew) next(now time.Time) *hand {
	front := c.idle.Front()
	if front == nil {
		return nil
	}
	h := c.idle.Remove(front).(*hand)
	h.place, h.since = nil, now
	return h
}

func (c *crew) remove(place *list.Element) {
	if place != nil {
		c.idle.Remove(place)
	}
}

// forget strikes a worker off, unless it is a newer one of the same name.
func (c *crew) forget(h *hand) {
	if c.hands[h.id] != h {
		return
	}
	c.remove(h.place)
	h.place = nil
	delete(c.hands, h.id)
}

// lost reports whether a worker counts as dead: a paranoid one was silent for too
// long. A simple one never is.
func (h *hand) lost(now time.Time) bool { return !h.simple && !h.beat.Alive(now) }
