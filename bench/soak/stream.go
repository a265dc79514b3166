package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"github.com/phimq/zmq"
)

// A stream is a goroutine that numbers what it sends. The sockets of streams
// stay connected all the time, so each number must come, once and in order.

const (
	streamsPerSocket = 3
	window           = 50 // requests of a stream that are not answered yet
	last             = 1 << 63
)

// head is the first frame of a stream's message: which stream, and its number.
// The last one carries the bit of last.
func head(stream int, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(stream)}, n)
}

// ledger is what a receiver knows of its streams.
type ledger struct {
	next []uint64
	open int
}

func newLedger(streams int) *ledger { return &ledger{next: make([]uint64, streams), open: streams} }

// note checks the place of a message. It reports which stream it is of.
func (l *ledger) note(frames [][]byte) (stream int, err error) {
	if len(frames) < 2 || len(frames[0]) != 9 || int(frames[0][0]) >= len(l.next) {
		return 0, fmt.Errorf("a message of no stream: %d frames", len(frames))
	}
	stream = int(frames[0][0])
	n := binary.BigEndian.Uint64(frames[0][1:])
	if n&^last != l.next[stream] {
		return 0, fmt.Errorf("stream %d: number %d came, want %d", stream, n&^last, l.next[stream])
	}
	l.next[stream]++
	if n&last != 0 {
		l.open--
	}
	return stream, checkBody(frames[1:])
}

// startStreams joins the sockets of the streams and starts them.
func (s *soak) startStreams() error {
	for i, bind := range []string{"tcp://127.0.0.1:*", "ipc://" + filepath.Join(s.dir, "stream-%s"), "inproc://stream-%s"} {
		seed := uint64(1000 * (i + 1))
		if err := s.startPipeline(name(bind, "push"), seed); err != nil {
			return err
		}
		if err := s.startEcho(name(bind, "echo"), seed+100); err != nil {
			return err
		}
	}
	return nil
}

func name(bind, what string) string {
	if bind == "tcp://127.0.0.1:*" {
		return bind
	}
	return fmt.Sprintf(bind, what)
}

// socket makes a socket that drops nothing when it closes.
func (s *soak) socket(t zmq.Type) (*zmq.Socket, error) {
	return zmq.New(t, zmq.WithDomain(s.domain), zmq.WithLinger(patience), zmq.WithSendHWM(200), zmq.WithRecvHWM(200))
}

// startPipeline sends from two PUSH sockets, several streams each, to a PULL.
func (s *soak) startPipeline(bind string, seed uint64) error {
	pull, err := s.socket(zmq.PULL)
	if err != nil {
		return err
	}
	b, err := pull.Bind(bind)
	if err != nil {
		return err
	}
	const sockets = 2
	r := &receiver{s: s, from: pull, book: newLedger(sockets * streamsPerSocket), name: "PULL " + bind}
	s.streams.Go(r.receiveLoop)
	for i := range sockets {
		push, err := s.socket(zmq.PUSH)
		if err == nil {
			err = push.Connect(b.Endpoint())
		}
		if err != nil {
			return err
		}
		for k := range streamsPerSocket {
			n := i*streamsPerSocket + k
			w := &sender{s: s, to: push, number: n, name: fmt.Sprintf("PUSH %s stream %d", bind, n), rand: s.rand(seed + uint64(n))}
			s.streams.Go(w.sendLoop)
		}
	}
	return nil
}

// startEcho sends from a DEALER to a ROUTER that answers everything.
func (s *soak) startEcho(bind string, seed uint64) error {
	router, err := s.socket(zmq.ROUTER)
	if err != nil {
		return err
	}
	b, err := router.Bind(bind)
	if err != nil {
		return err
	}
	dealer, err := s.socket(zmq.DEALER)
	if err == nil {
		err = dealer.Connect(b.Endpoint())
	}
	if err != nil {
		return err
	}
	e := &receiver{s: s, from: router, book: newLedger(streamsPerSocket), echo: true, name: "ROUTER " + bind}
	s.streams.Go(e.receiveLoop)
	r := &receiver{s: s, from: dealer, book: newLedger(streamsPerSocket), name: "DEALER " + bind}
	for k := range streamsPerSocket {
		free := make(chan struct{}, window)
		r.free = append(r.free, free)
		w := &sender{s: s, to: dealer, number: k, free: free, name: fmt.Sprintf("DEALER %s stream %d", bind, k), rand: s.rand(seed + uint64(k))}
		s.streams.Go(w.sendLoop)
	}
	s.streams.Go(r.receiveLoop)
	return nil
}

func (s *soak) rand(who uint64) *rand.Rand { return rand.New(rand.NewPCG(s.seed, who)) }

// sender is one stream.
type sender struct {
	s      *soak
	to     *zmq.Socket
	number int
	free   chan struct{} // holds a token for each request that is not answered; nil: there are no answers
	name   string
	rand   *rand.Rand
}

func (w *sender) sendLoop() {
	alive := w.s.dog.enter(w.name)
	defer alive.leave()
	for n := uint64(0); ; n++ {
		alive.beat("waiting for an answer")
		if w.free != nil {
			select {
			case w.free <- struct{}{}:
			case <-w.s.broken:
				return
			}
		}
		number := n
		if w.s.ctx.Err() != nil {
			number |= last
		}
		alive.beat("sending")
		err := w.send(appendBody(w.rand, [][]byte{head(w.number, number)}))
		if err != nil {
			w.s.failf("%s: %w", w.name, err)
		}
		if err != nil || number&last != 0 {
			return
		}
	}
}

// send uses every way of sending in turn.
func (w *sender) send(frames [][]byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	switch w.rand.IntN(3) {
	case 0:
		m := zmq.NewMsg(frames...)
		return w.to.SendMsg(ctx, &m)
	case 1:
		if err := w.to.TrySend(frames...); !errors.Is(err, zmq.ErrAgain) {
			return err
		}
	}
	return w.to.Send(ctx, frames...)
}

// receiver checks what streams send.
type receiver struct {
	s    *soak
	from *zmq.Socket
	book *ledger
	free []chan struct{} // of the streams that wait for answers
	echo bool            // it answers: messages begin with an identity
	name string
}

func (r *receiver) receiveLoop() {
	alive := r.s.dog.enter(r.name)
	defer alive.leave()
	var m zmq.Msg
	for way := 0; r.book.open > 0; way++ {
		alive.beat("receiving")
		err := r.receive(&m, way)
		if err == nil {
			err = r.take(m.Frames)
		}
		if err != nil {
			r.s.failf("%s: %w", r.name, err)
			return
		}
	}
}

func (r *receiver) take(frames [][]byte) error {
	body := frames
	if r.echo {
		body = frames[1:]
	}
	stream, err := r.book.note(body)
	if err != nil {
		return err
	}
	r.s.streamed.Add(1)
	if r.free != nil {
		<-r.free[stream]
	}
	if r.echo {
		return r.from.Send(context.Background(), frames...) // a ROUTER never waits
	}
	return nil
}

// receive uses every way of receiving in turn.
func (r *receiver) receive(m *zmq.Msg, way int) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	switch way % 4 {
	case 0:
		*m, err = r.from.Recv(ctx)
		return err
	case 1:
		if *m, err = r.from.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
			return err
		}
	case 2:
		for *m, err = range r.from.Msgs(ctx) {
			return err
		}
		return zmq.ErrClosed
	}
	return r.from.RecvInto(ctx, m)
}
