package zmq

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// ProxyOption is a setting of [Proxy].
type ProxyOption func(*proxy)

// ProxyCapture sends a copy of every message that passes to a socket: PUB,
// PUSH, DEALER or PAIR. A capture that takes no more holds the proxy up, unless
// it is of a type that drops.
func ProxyCapture(s *Socket) ProxyOption { return func(p *proxy) { p.capture = s } }

// ProxyControl steers the proxy by messages of one frame: PAUSE, RESUME,
// TERMINATE and STATISTICS. The socket is a PAIR, REP, PULL or SUB. A REP gets
// an answer to each command, an empty one but for STATISTICS; nothing passes
// any more when PAUSE is answered. The answer to STATISTICS, on a REP or PAIR,
// is eight frames of 64 bits in the machine's octet order, as libzmq has them:
// messages and octets received at the front, sent at the front, received at the
// back, sent at the back. A message of many frames counts as one.
func ProxyControl(s *Socket) ProxyOption { return func(p *proxy) { p.control = s } }

// Proxy passes messages between two sockets, both ways as far as their types
// allow: ROUTER and DEALER, XSUB and XPUB, PULL and PUSH, or one socket given
// twice. It returns when ctx ends, with its error, when the control socket says
// TERMINATE, with nil, or when a socket fails or is closed, with that error.
// The sockets stay open, and a message that was received and not yet passed on
// goes back to the socket that it came from.
//
// No peer can end a proxy: a message whose receiver is unknown to a ROUTER with
// WithRouterMandatory, or whose topic is too long, is dropped.
func Proxy(ctx context.Context, front, back *Socket, opts ...ProxyOption) error {
	p := &proxy{forward: flow{from: front, to: back}, backward: flow{from: back, to: front}}
	for _, o := range opts {
		o(p)
	}
	if err := p.check(); err != nil {
		return front.opError("proxy", "", err)
	}
	return p.run(ctx)
}

// canRecv and canSend say what a socket type does at all.
func (s *Socket) canRecv() bool { return s.typ != PUB && s.typ != PUSH }
func (s *Socket) canSend() bool { return s.typ != SUB && s.typ != PULL }

// proxy is one call of Proxy.
type proxy struct {
	forward, backward flow
	capture, control  *Socket
	running           sync.WaitGroup
	cancel            context.CancelFunc // ends all

	mu      sync.Mutex
	gate    *sync.Cond      // what is below changed, or all is over
	turn    context.Context // of what passes now; ends with PAUSE
	stop    context.CancelFunc
	paused  bool
	passing int // flows that hold the turn
	err     error
}

// errTerminated ends a proxy without an error.
var errTerminated = errors.New("terminated")

// check refuses sockets between which nothing would ever pass.
func (p *proxy) check() error {
	front, back := p.forward.from, p.forward.to
	switch {
	case !p.forward.possible() && !p.backward.possible():
		return fmt.Errorf("%w: nothing passes between %s and %s", ErrNotSupported, front.typ, back.typ)
	case p.capture != nil && !p.capture.canSend():
		return fmt.Errorf("%w: %s can't capture", ErrNotSupported, p.capture.typ)
	case p.control != nil && !p.control.canRecv():
		return fmt.Errorf("%w: %s can't control", ErrNotSupported, p.control.typ)
	}
	return nil
}

func (p *proxy) run(outer context.Context) error {
	ctx, cancel := context.WithCancel(outer)
	defer cancel()
	p.cancel = cancel
	for _, f := range []*flow{&p.forward, &p.backward} {
		f.proxy, f.left.ch = p, make(chan struct{}, 1)
		// What is held back must not wait for anybody but the flow.
		f.gathers = p.capture == nil && f.from.coupled == nil && f.to.coupled == nil && f.to.fanner == nil
	}
	p.gate = sync.NewCond(&p.mu)
	p.turn, p.stop = context.WithCancel(ctx)
	defer context.AfterFunc(ctx, p.wake)()
	if p.forward.possible() {
		p.running.Add(1)
		go p.passLoop(ctx, &p.forward)
	}
	if p.forward.from != p.forward.to && p.backward.possible() {
		p.running.Add(1)
		go p.passLoop(ctx, &p.backward)
	}
	if p.control != nil {
		p.running.Add(1)
		go p.controlLoop(ctx)
	}
	p.running.Add(1)
	go p.watchLoop(ctx)
	p.running.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch ended := outer.Err(); {
	case errors.Is(p.err, errTerminated):
		return nil
	case ended != nil && (p.err == nil || errors.Is(p.err, ended)):
		return ended
	}
	return p.err
}

// watchLoop ends the proxy when a socket is closed, whatever the loops wait for.
func (p *proxy) watchLoop(ctx context.Context) {
	defer p.running.Done()
	front, back := p.forward.from, p.forward.to
	closed := front
	select {
	case <-front.done:
	case <-back.done:
		closed = back
	case <-p.capture.ending():
		closed = p.capture
	case <-p.control.ending():
		closed = p.control
	case <-ctx.Done():
		return
	}
	p.finish(closed.opError("proxy", "", ErrClosed))
}

// ending is closed when Close begins; a socket that is not there never closes.
func (s *Socket) ending() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.done
}

// finish ends the proxy. The first reason counts.
func (p *proxy) finish(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
	p.cancel()
}

// wake lets those at the gate look again.
func (p *proxy) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate.Broadcast()
}

// enter waits while the proxy is paused and takes part in the turn. It returns
// nil when all is over.
func (p *proxy) enter(ctx context.Context) (turn context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.paused && ctx.Err() == nil {
		p.gate.Wait()
	}
	if ctx.Err() != nil {
		return nil
	}
	p.passing++
	return p.turn
}

func (p *proxy) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passing--
	p.gate.Broadcast()
}

// pause ends the turn. When it returns nothing passes any more.
func (p *proxy) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = true
	p.stop()
	for p.passing > 0 {
		p.gate.Wait()
	}
}

func (p *proxy) resume(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused {
		p.paused = false
		p.turn, p.stop = context.WithCancel(ctx)
		p.gate.Broadcast()
	}
}

// passLoop moves messages one way.
func (p *proxy) passLoop(ctx context.Context, f *flow) {
	defer p.running.Done()
	f.mu.Lock() // and for good: when the loop has ended nobody passes anything
	for turn := p.enter(ctx); turn != nil; turn = p.enter(ctx) {
		var err error
		end := f.open()
		for err == nil && turn.Err() == nil {
			err = p.pass(turn, f)
		}
		end()
		f.flush()
		p.leave()
		if turn.Err() == nil {
			p.finish(err)
		}
	}
	if f.held {
		f.from.giveBack(f.m.Clone())
	}
}

// pass moves one message, or goes on with the one that a pause held up.
func (p *proxy) pass(turn context.Context, f *flow) error {
	if !f.held {
		if err := f.from.inTurn(turn, CanRecv); err != nil {
			return err
		}
		if err := f.receive(turn); err != nil {
			return f.from.again(turn, CanRecv, err)
		}
		if !f.held {
			f.held = true
			p.count(&f.received, f.m.Size())
		}
	}
	if p.capture != nil && !f.captured {
		if err := p.capture.Send(turn, f.m.Frames...); err != nil {
			return p.capture.again(turn, CanSend, err)
		}
		f.captured = true
	}
	if err := f.to.inTurn(turn, CanSend); err != nil {
		return err
	}
	size := f.m.Size()
	switch err := f.send(turn, size); {
	case err == nil:
		p.count(&f.sent, size)
	case !undeliverable(err):
		return f.to.again(turn, CanSend, err)
	}
	f.held, f.captured = false, false
	return nil
}

func (p *proxy) count(t *Traffic, size int) {
	p.mu.Lock()
	t.Messages++
	t.Bytes += uint64(size)
	p.mu.Unlock()
}

// again waits after a timeout of the socket's own, which is no reason to end.
func (s *Socket) again(ctx context.Context, want Ready, err error) error {
	if !isTimeout(err) || ctx.Err() != nil {
		return err
	}
	return s.await(ctx, want)
}

// inTurn waits until a REQ or REP may speak or listen.
func (s *Socket) inTurn(ctx context.Context, want Ready) error {
	if s.typ != REQ && s.typ != REP {
		return nil
	}
	return s.await(ctx, want)
}

// await is Poll for one socket.
func (s *Socket) await(ctx context.Context, want Ready) error {
	_, err := Poll(ctx, PollItem{Socket: s, Want: want})
	return err
}

// controlLoop obeys the control socket.
func (p *proxy) controlLoop(ctx context.Context) {
	defer p.running.Done()
	p.finish(p.listen(ctx))
}

func (p *proxy) listen(ctx context.Context) error {
	for m, err := range p.control.Msgs(ctx) {
		if err != nil {
			if err := p.control.again(ctx, CanRecv, err); err != nil {
				return err
			}
			continue
		}
		answer, end := p.obey(ctx, string(m.Frames[0]))
		if p.control.typ == REP || p.control.typ == PAIR && len(answer) > 1 {
			if err := p.control.Send(ctx, answer...); err != nil && !errors.Is(err, ErrTimeout) { // who asked may be gone
				return err
			}
		}
		if end != nil {
			return end
		}
	}
	return p.control.opError("proxy", "", ErrClosed)
}

// obey carries out one command and returns what to answer.
func (p *proxy) obey(ctx context.Context, command string) (answer [][]byte, end error) {
	switch command {
	case "PAUSE":
		p.pause()
	case "RESUME":
		p.resume(ctx)
	case "STATISTICS":
		return p.statistics(), nil
	case "TERMINATE":
		end = errTerminated
	}
	return [][]byte{{}}, end
}

// statistics are libzmq's eight counters, all of one moment.
func (p *proxy) statistics() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	var frames [][]byte
	for _, t := range []Traffic{p.forward.received, p.backward.sent, p.backward.received, p.forward.sent} {
		frames = append(frames,
			binary.NativeEndian.AppendUint64(nil, t.Messages),
			binary.NativeEndian.AppendUint64(nil, t.Bytes))
	}
	return frames
}
