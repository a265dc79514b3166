package majordomo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// Pending is a call that is under way.
type Pending struct {
	c      *Client
	ctx    context.Context
	call   Call
	stream bool
	done   chan struct{} // closed when it is over
	more   chan struct{} // has a token when there are parts; nil unless stream

	mu      sync.Mutex // before Client.mu
	number  uint64     // in Client.calls; changes with c.mu held too, until it is over
	over    bool
	err     error
	parts   [][][]byte // that came; of a stream those not yet taken
	parted  bool       // a part was given away, or came
	sent    bool       // the broker should have it
	attempt int        // how often it was sent since the broker showed life
	breaks  int        // how often its reply broke off, or may have broken the connection
	due     time.Time  // when it is sent again
}

// Done is closed when the call is over.
func (p *Pending) Done() <-chan struct{} { return p.done }

// Reply waits until the call is over and returns what Call does.
func (p *Pending) Reply() ([][]byte, error) {
	select {
	case <-p.done:
	case <-p.ctx.Done():
		p.end(nil, p.ctx.Err())
		<-p.done
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return nil, p.err
	}
	if len(p.parts) == 1 {
		return p.parts[0], nil
	}
	var all [][]byte
	for _, part := range p.parts {
		all = append(all, part...)
	}
	return all, nil
}

// next waits for the next part of a stream.
func (p *Pending) next() (part [][]byte, more bool, err error) {
	for {
		p.mu.Lock()
		switch {
		case len(p.parts) > 0:
			part, p.parts = p.parts[0], p.parts[1:]
			more = len(p.parts) > 0 || !p.over || p.err != nil
			p.mu.Unlock()
			return part, more, nil
		case p.over:
			err = p.err
			p.mu.Unlock()
			return nil, false, err
		}
		p.mu.Unlock()
		select {
		case <-p.more:
		case <-p.done:
		case <-p.ctx.Done():
			p.end(nil, p.ctx.Err())
		}
	}
}

// end ends the call, once: with the last part, or with an error.
func (p *Pending) end(last [][]byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endLocked(last, err)
}

func (p *Pending) endLocked(last [][]byte, err error) {
	if p.over {
		return
	}
	p.over, p.err = true, err
	if err == nil {
		p.parts = append(p.parts, last)
	}
	p.c.forget(p)
	close(p.done)
	<-p.c.window // never waits: the call has a place there
}

// take takes what the broker says of the call. What it says of the number that the
// call had before is late.
func (p *Pending) take(msg *message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || msg.ticket.number != p.number {
		return
	}
	switch msg.command {
	case final:
		p.endLocked(msg.body, nil)
	case partial:
		p.partLocked(msg.body)
	case pending:
		p.waitLocked()
	case failure:
		e := parseFailure(p.call.Service, msg.body)
		if p.againLocked(e) {
			return
		}
		p.endLocked(nil, e)
	}
}

// waitLocked notes that the broker lives.
func (p *Pending) waitLocked() {
	p.attempt = 1
	p.due = time.Now().Add(p.c.cfg.Timeout)
}

func (p *Pending) part(body [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partLocked(body)
}

func (p *Pending) partLocked(body [][]byte) {
	p.parts = append(p.parts, body)
	p.parted = true
	p.waitLocked()
	if p.stream {
		select {
		case p.more <- struct{}{}:
		default:
		}
	}
}

// againLocked reports whether a failure is one that passes: then the request goes
// out again after a while, unless that would give a reader the same parts twice.
func (p *Pending) againLocked(e *CallError) bool {
	if e.Status == statusInterrupted {
		p.breaks++ // the parts showed life, so attempt alone would not end it
	}
	passes := e.Status == statusBusy || e.Status == statusInterrupted && p.breaks < p.c.cfg.Attempts
	if e.Status == statusUnknown && (!p.stream || !p.parted) {
		if p.sent { // it was lost; else we know already
			p.parts, p.sent, p.due, p.attempt = nil, false, time.Time{}, 1
			p.c.kickRetry()
		}
		return true
	}
	p.sent = false
	if !passes || p.over || p.attempt >= p.c.cfg.Attempts || p.stream && p.parted {
		return false
	}
	p.parts = nil
	p.due = time.Now().Add(p.c.backOff(p.attempt))
	return true
}

// message is the request as it goes over the shared connection, or, if the
// broker should have it, the question whether it has.
func (p *Pending) message() *message {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := &message{version: Version02, extended: true, command: request, service: p.call.Service, body: p.call.Frames}
	m.ticket = ticket{number: p.number, key: p.call.Key}
	if p.sent {
		m.command, m.body = pending, nil
	}
	if deadline, ok := p.ctx.Deadline(); ok {
		m.ticket.left = max(time.Millisecond, time.Until(deadline))
	}
	return m
}

// attempted notes that the request goes out, and reports whether it may.
func (p *Pending) attempted() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.attempt >= p.c.cfg.Attempts {
		return fmt.Errorf("%w from %s for %s after %d attempts", ErrNoReply, p.c.endpoint, p.call.Service, p.attempt)
	}
	p.attempt++
	p.due = time.Now().Add(p.c.backOff(p.attempt))
	return nil
}

// backOff is how long the n-th attempt waits.
func (c *Client) backOff(n int) time.Duration { return c.cfg.Timeout << min(max(n-1, 0), 3) }

// share sends a call over the connection that calls share.
func (c *Client) share(p *Pending) {
	if p.enter() {
		p.send()
	}
}

// enter puts a call among those under way, unless it is over: it may have been given up
// while the broker was not known.
func (p *Pending) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.c.ctx.Err() != nil {
		p.endLocked(nil, ErrClosed)
	}
	if p.over {
		return false
	}
	if p.c.enter(p) == 1 {
		p.c.kickRetry()
	}
	return true
}

// enter gives a call, whose lock is held, a number of its own, also instead of the one
// that it had, and returns how many are under way.
func (c *Client) enter(p *Pending) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, p.number)
	c.last++
	p.number = c.last
	c.calls[p.number] = p
	return len(c.calls)
}

// send sends the request for the first time. It waits for room no longer than
// an attempt lasts.
func (p *Pending) send() {
	_ = p.attempted() // the first one may always
	frames := p.message().appendClient(nil)
	err := p.c.socket.TrySend(frames...)
	if errors.Is(err, zmq.ErrAgain) {
		ctx, cancel := context.WithTimeout(p.ctx, p.c.cfg.Timeout)
		defer cancel()
		if err = p.c.socket.Send(ctx, frames...); ctx.Err() != nil && p.ctx.Err() == nil {
			return // the next attempt is due
		}
	}
	p.went(err)
}

// sendAgain sends it again, if there is room.
func (p *Pending) sendAgain() {
	if err := p.attempted(); err != nil {
		p.end(nil, err)
		return
	}
	if p.c.broker.Load() == unknown {
		return // there is none, and it will be asked anew
	}
	err := p.c.socket.TrySend(p.message().appendClient(nil)...)
	if !errors.Is(err, zmq.ErrAgain) {
		p.went(err)
	}
}

func (p *Pending) went(err error) {
	switch {
	case err == nil:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sent = true
	case errors.Is(err, zmq.ErrClosed):
		p.end(nil, ErrClosed)
	default:
		p.end(nil, err)
	}
}

func (c *Client) forget(p *Pending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, p.number)
}

// underWay are the calls of the shared connection.
func (c *Client) underWay() []*Pending {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.calls))
}

func (c *Client) kickRetry() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// retryLoop sends again what was not answered in time.
func (c *Client) retryLoop() {
	defer c.loops.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-c.kick:
		case <-timer.C:
		case <-c.ctx.Done():
			return
		}
		calls := c.underWay()
		for _, p := range calls {
			p.look(time.Now())
		}
		if len(calls) > 0 {
			timer.Reset(max(c.cfg.Timeout/10, time.Millisecond))
		} else {
			timer.Stop()
		}
	}
}

// look sends the request again if that is due.
func (p *Pending) look(now time.Time) {
	if err := p.ctx.Err(); err != nil {
		p.end(nil, err)
		return
	}
	p.mu.Lock()
	due := !p.over && p.attempt > 0 && !p.due.After(now)
	p.mu.Unlock()
	if due {
		p.sendAgain()
	}
}

// askAnew makes calls due: a broker is there that does not know them.
func (c *Client) askAnew(calls []*Pending) {
	for _, p := range calls {
		p.askAnew()
	}
	c.kickRetry()
}

func (p *Pending) askAnew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stream && p.parted:
		p.endLocked(nil, fmt.Errorf("%w: the broker was lost", ErrInterrupted))
	case p.attempt > 0 && !p.over:
		p.parts, p.due, p.attempt, p.sent = nil, time.Time{}, 1, false
		// The broker may be the one of before, and go on with a reply of which parts were
		// lost with the connection: under the number of before, the rest would look like the whole.
		p.c.enter(p)
	}
}

// blame counts against all calls that a reply which can't be taken broke the connection:
// nothing tells whose it was, and asking for it anew does not make it smaller.
func (c *Client) blame(err error) {
	for _, p := range c.underWay() {
		p.blame(err)
	}
}

func (p *Pending) blame(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.sent {
		return
	}
	if p.breaks++; p.breaks >= p.c.cfg.Attempts {
		p.endLocked(nil, fmt.Errorf("%w: %w", ErrInterrupted, err))
	}
}
