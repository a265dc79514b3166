package zmq

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// ProxyOption is a setting of [Proxy].
type ProxyOption func(*proxy)

// ProxyCapture sends a copy of every message that passes to a socket: PUB,
// PUSH, DEALER or PAIR. A capture that takes no more holds the proxy up, unless
// it is of a type that drops.
func ProxyCapture(s *Socket) ProxyOption { return func(p *proxy) { p.capture = s } }

// ProxyControl steers the proxy by messages of one frame: PAUSE, RESUME,
// TERMINATE and STATISTICS. The socket is a PAIR, REP, PULL or SUB. A REP gets
// an empty answer to each but the last; the answer to STATISTICS, on a REP or
// PAIR, is eight frames of 64 bits in the machine's octet order, as libzmq has
// them: messages and octets received at the front, sent at the front, received
// at the back, sent at the back.
func ProxyControl(s *Socket) ProxyOption { return func(p *proxy) { p.control = s } }

// Proxy passes messages between two sockets, both ways as far as their types
// allow: ROUTER and DEALER, XSUB and XPUB, PULL and PUSH, or one socket given
// twice. It returns when ctx ends, with its error, when the control socket says
// TERMINATE, with nil, or when a socket fails or is closed, with that error.
// The sockets stay open.
func Proxy(ctx context.Context, front, back *Socket, opts ...ProxyOption) error {
	p := &proxy{front: front, back: back}
	for _, o := range opts {
		o(p)
	}
	p.gate = sync.NewCond(&p.mu)
	if !front.canRecv() && !back.canRecv() {
		return front.opError("proxy", "", fmt.Errorf("%w: neither %s nor %s receives", ErrNotSupported, front.typ, back.typ))
	}
	return p.run(ctx)
}

// canRecv and canSend say what a socket type does at all.
func (s *Socket) canRecv() bool { return s.typ != PUB && s.typ != PUSH }
func (s *Socket) canSend() bool { return s.typ != SUB && s.typ != PULL }

// proxy is one call of Proxy.
type proxy struct {
	front, back      *Socket
	capture, control *Socket

	forward, backward flow // front to back, back to front
	running           sync.WaitGroup

	mu     sync.Mutex
	gate   *sync.Cond
	paused bool
	ended  bool
}

// flow counts what passed one way.
type flow struct {
	received, receivedBytes atomic.Uint64
	sent, sentBytes         atomic.Uint64
}

// errTerminated ends a proxy without an error.
var errTerminated = errors.New("terminated")

func (p *proxy) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, p.end)
	defer stop()
	var loops []func(context.Context) error
	if p.front.canRecv() && p.back.canSend() {
		loops = append(loops, p.forwardLoop)
	}
	if p.back != p.front && p.back.canRecv() && p.front.canSend() {
		loops = append(loops, p.backwardLoop)
	}
	if p.control != nil {
		loops = append(loops, p.controlLoop)
	}
	p.running.Add(len(loops))
	for _, loop := range loops {
		go p.runLoop(ctx, cancel, loop)
	}
	p.running.Wait()
	if err := context.Cause(ctx); !errors.Is(err, errTerminated) {
		return err
	}
	return nil
}

// runLoop runs one of the loops. The first that ends ends all.
func (p *proxy) runLoop(ctx context.Context, cancel context.CancelCauseFunc, loop func(context.Context) error) {
	defer p.running.Done()
	cancel(loop(ctx))
}

func (p *proxy) forwardLoop(ctx context.Context) error {
	return p.pass(ctx, p.front, p.back, &p.forward)
}

func (p *proxy) backwardLoop(ctx context.Context) error {
	return p.pass(ctx, p.back, p.front, &p.backward)
}

// pass moves messages one way.
func (p *proxy) pass(ctx context.Context, from, to *Socket, f *flow) error {
	var m Msg
	for {
		if !p.open() {
			return context.Cause(ctx)
		}
		if err := from.RecvInto(ctx, &m); err != nil {
			if isTimeout(err) && ctx.Err() == nil {
				continue
			}
			return err
		}
		if !p.open() { // paused while it waited: this message waits with it
			from.giveBack(m.Clone())
			return context.Cause(ctx)
		}
		size := uint64(m.Size())
		f.received.Add(1)
		f.receivedBytes.Add(size)
		if p.capture != nil {
			if err := p.capture.Send(ctx, m.Frames...); err != nil {
				return err
			}
		}
		if err := p.send(ctx, to, &m); err != nil {
			return err
		}
		f.sent.Add(1)
		f.sentBytes.Add(size)
	}
}

// send waits for room for as long as it takes.
func (p *proxy) send(ctx context.Context, to *Socket, m *Msg) error {
	for {
		err := to.SendMsg(ctx, m)
		if !isTimeout(err) || ctx.Err() != nil {
			return err
		}
	}
}

// open waits while the proxy is paused. It reports false when it has ended.
func (p *proxy) open() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.paused && !p.ended {
		p.gate.Wait()
	}
	return !p.ended
}

func (p *proxy) pause(on bool) {
	p.mu.Lock()
	p.paused = on
	p.mu.Unlock()
	p.gate.Broadcast()
}

func (p *proxy) end() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.gate.Broadcast()
}

// controlLoop obeys the control socket.
func (p *proxy) controlLoop(ctx context.Context) error {
	for m, err := range p.control.Msgs(ctx) {
		if isTimeout(err) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return err
		}
		answer, err := p.obey(string(m.Frames[0]))
		if answer != nil && (p.control.typ == REP || p.control.typ == PAIR && len(answer) > 1) {
			if sendErr := p.control.Send(ctx, answer...); sendErr != nil {
				return sendErr
			}
		}
		if err != nil {
			return err
		}
	}
	return ErrClosed
}

// obey carries out one command and returns what to answer.
func (p *proxy) obey(command string) (answer [][]byte, err error) {
	answer = [][]byte{{}}
	switch command {
	case "PAUSE":
		p.pause(true)
	case "RESUME":
		p.pause(false)
	case "TERMINATE":
		return answer, errTerminated
	case "STATISTICS":
		return p.statistics(), nil
	}
	return answer, nil
}

// statistics are libzmq's eight counters.
func (p *proxy) statistics() [][]byte {
	counters := []*atomic.Uint64{
		&p.forward.received, &p.forward.receivedBytes, &p.backward.sent, &p.backward.sentBytes,
		&p.backward.received, &p.backward.receivedBytes, &p.forward.sent, &p.forward.sentBytes,
	}
	frames := make([][]byte, len(counters))
	for i, c := range counters {
		frames[i] = binary.NativeEndian.AppendUint64(nil, c.Load())
	}
	return frames
}
