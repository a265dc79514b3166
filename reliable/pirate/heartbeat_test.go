package pirate

import (
	"testing"
	"time"
)

func TestHeartbeat(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		hb := Heartbeat{Interval: 100 * time.Millisecond, Liveness: 4}
		began := time.Now()
		at := func(d time.Duration) time.Time { return began.Add(d * time.Millisecond) }
		hb.Start(began)
		for _, c := range []struct {
			at         time.Duration
			do         func(now time.Time)
			due, alive bool
			next       time.Duration
		}{
			{0, nil, false, true, 100},
			{99, nil, false, true, 100},
			{100, nil, true, true, 100},
			{130, hb.Sent, false, true, 230},
			{230, hb.Sent, false, true, 330},
			{330, hb.Sent, false, true, 400},
			{399, nil, false, true, 400},
			{400, nil, false, false, 400},
			{401, hb.Heard, false, true, 430},
			{430, hb.Sent, false, true, 530},
			{900, nil, true, false, 530},
			{901, hb.Start, false, true, 1001},
		} {
			now := at(c.at)
			if c.do != nil {
				c.do(now)
			}
			if due, alive, next := hb.Due(now), hb.Alive(now), hb.Next(); due != c.due || alive != c.alive || !next.Equal(at(c.next)) {
				t.Errorf("at %d: due %v alive %v next %v, want %v %v %d", c.at, due, alive, next.Sub(began), c.due, c.alive, c.next)
			}
		}
	})
}

func TestHeartbeatDefaults(t *testing.T) {
	var hb Heartbeat
	now := time.Now()
	hb.Start(now)
	if hb.Due(now.Add(time.Second-1)) || !hb.Due(now.Add(time.Second)) {
		t.Error("the interval is not 1 s")
	}
	if !hb.Alive(now.Add(3*time.Second-1)) || hb.Alive(now.Add(3*time.Second)) {
		t.Error("the peer is not dead after 3 s")
	}
}

func TestBackoff(t *testing.T) {
	b := Backoff{First: time.Second, Most: 5 * time.Second}
	for failed, whole := range []time.Duration{1, 1, 2, 4, 5, 5} {
		whole *= time.Second
		least, most := whole, time.Duration(0)
		for range 1000 {
			d := b.Delay(failed)
			least, most = min(least, d), max(most, d)
		}
		if least < whole/2 || least > whole*6/10 || most > whole || most < whole*9/10 {
			t.Errorf("after %d failures: %v to %v, want half to all of %v", failed, least, most, whole)
		}
	}
	for _, c := range []struct {
		b    Backoff
		most time.Duration
	}{
		{Backoff{}, 0}, {Backoff{First: 1, Most: 1}, 1}, {Backoff{First: time.Hour, Most: time.Second}, time.Second},
		{Backoff{First: -1, Most: -1}, 0}, {Backoff{First: 1 << 62, Most: 1<<63 - 1}, 1<<63 - 1},
	} {
		for _, failed := range []int{-1, 0, 1, 2, 1000} {
			if d := c.b.Delay(failed); d < 0 || d > c.most {
				t.Errorf("%+v after %d failures: %v", c.b, failed, d)
			}
		}
	}
}
