package pirate

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is how long to wait before trying again: twice as long each time,
// and never two peers exactly as long.
type Backoff struct {
	First time.Duration // before the second try
	Most  time.Duration // no wait is longer
}

// Delay returns how long to wait after so many tries have failed, 1 for the first:
// half to all of First, doubled for each further try, at most Most.
func (b Backoff) Delay(failed int) time.Duration {
	whole := b.First
	for ; failed > 1 && whole < b.Most; failed-- {
		whole = min(2*whole, b.Most)
	}
	whole = min(whole, b.Most)
	if whole <= 1 {
		return max(whole, 0)
	}
	return whole - rand.N(whole/2)
}

// or returns b with what is not set taken from def.
func (b Backoff) or(def Backoff) Backoff {
	b.First, b.Most = positive(b.First, def.First), positive(b.Most, def.Most)
	return b
}

// positive returns v, or def if v is not set.
func positive[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// pause waits, and fails when ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
