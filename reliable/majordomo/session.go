package majordomo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phimq/zmq"
)

// session is one conversation of a worker with a broker, from READY on.
type session struct {
	w      *Worker
	socket *zmq.Socket
	ctx    context.Context // ends with the conversation: nobody waits for replies then
	cancel context.CancelCauseFunc

	extended  bool // the broker knows the extension; of the goroutine that runs
	heard     bool // the broker has said something
	lastHeard time.Time
	drained   bool // DRAIN was sent

	running   atomic.Int64 // requests in hand
	lastSent  atomic.Pointer[time.Time]
	connected atomic.Bool
}

// Why a session ends.
var (
	errDrained      = errors.New("drained")
	errDisconnected = errors.New("the broker disconnected us")
	errSilent       = errors.New("the broker is silent")
	errConnection   = errors.New("the connection is lost")
)

// session talks to the broker until one of them ends it. It reports whether the
// broker said anything.
func (w *Worker) session(ctx context.Context, endpoint string) (heard bool, err error) {
	s := &session{w: w, lastHeard: time.Now()}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	defer s.cancel(nil)
	s.connected.Store(strings.HasPrefix(endpoint, "inproc:")) // which has no events
	if s.socket, err = w.newSocket(s.event); err != nil {
		return false, err
	}
	defer s.socket.Close()
	if err = s.socket.Connect(endpoint); err != nil {
		return false, err
	}
	if err = s.send(&message{worker: true, version: w.cfg.Version, command: ready, service: w.service}); err != nil {
		return false, err
	}
	err = s.run()
	if errors.Is(err, errDrained) {
		bye, stop := context.WithTimeout(ctx, time.Second)
		defer stop()
		err = errors.Join(err, s.socket.Shutdown(bye))
	}
	return s.heard, err
}

// event notes what happens to the connection. A broker that comes back knows
// nothing of us, so a lost connection is the end.
func (s *session) event(e zmq.Event) {
	switch e.Kind {
	case zmq.EventHandshakeSucceeded:
		s.connected.Store(true)
		s.w.poke()
	case zmq.EventDisconnected:
		if s.connected.Load() {
			s.cancel(errConnection)
		}
	}
}

func (s *session) run() error {
	for {
		wait, err := s.due()
		if err != nil {
			return err
		}
		waiting, cancel := context.WithTimeout(s.ctx, wait)
		if s.w.await(cancel) {
			if err := s.drain(); err != nil {
				cancel()
				return err
			}
		}
		err = s.receive(waiting)
		cancel()
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		if err != nil {
			return err
		}
	}
}

// due does what is due and says how long to wait for the next. RFC 7
// "Heartbeating".
func (s *session) due() (time.Duration, error) {
	hb := s.w.cfg.Heartbeat
	if !s.connected.Load() { // nobody hears us, and nobody is silent
		s.lastHeard = time.Now()
		return hb, nil
	}
	if time.Since(*s.lastSent.Load()) >= hb {
		if err := s.beat(); err != nil {
			return 0, err
		}
	}
	silent := time.Duration(s.w.cfg.Liveness)*hb - time.Since(s.lastHeard)
	if silent <= 0 {
		return 0, errSilent
	}
	return max(0, min(silent, hb-time.Since(*s.lastSent.Load()))), nil
}

// beat sends a heartbeat, if there is room. It never waits: a broker that takes
// nothing may be dead, and that is to be noticed.
func (s *session) beat() error {
	now := time.Now()
	s.lastSent.Store(&now)
	msg := message{worker: true, version: s.w.cfg.Version, command: heartbeat}
	if err := s.socket.TrySend(msg.appendWorker(nil)...); !errors.Is(err, zmq.ErrAgain) {
		return err
	}
	return nil
}

// drain says once that we want no more, and ends the session when nothing is in
// hand.
func (s *session) drain() error {
	if s.extended && !s.drained {
		if err := s.send(&message{worker: true, version: s.w.cfg.Version, command: drain}); err != nil {
			return err
		}
	}
	s.drained = true
	if s.running.Load() > 0 {
		return nil
	}
	return errors.Join(errDrained, s.send(&message{worker: true, version: s.w.cfg.Version, command: disconnect}))
}

// receive works off what comes until the wait is over.
func (s *session) receive(wait context.Context) error {
	for {
		msg, err := s.socket.Recv(wait)
		if err != nil {
			if wait.Err() != nil {
				return nil
			}
			return err
		}
		if err := s.take(&msg); err != nil || wait.Err() != nil {
			return err
		}
	}
}

// take takes one message. What is not of a broker's is dropped.
func (s *session) take(m *zmq.Msg) error {
	msg, err := parse(m.Frames)
	if err == nil && (!msg.worker || msg.version != s.w.cfg.Version) {
		err = errForeign
	}
	if err != nil {
		s.w.log.warn("message dropped", slog.String("peer", m.Peer().Address()), errorAttr(err))
		return nil
	}
	if !s.heard {
		s.heard = true
		s.extended = s.w.cfg.Version == Version02 && m.Property(propertyExtension) == extensionVersion
	}
	s.lastHeard = time.Now()
	switch msg.command {
	case request:
		return s.begin(&msg)
	case heartbeat:
	case disconnect:
		return errDisconnected
	default:
		s.w.log.warn("message dropped", slog.String("unexpected", msg.command.String()))
	}
	return nil
}

// begin starts a handler.
func (s *session) begin(msg *message) error {
	r := &Request{Service: s.w.service, Frames: msg.body, s: s, address: msg.address}
	var cancel context.CancelFunc
	if s.extended {
		t, err := parseTicket(msg.address)
		if err != nil {
			return err
		}
		r.Key = t.key
		if t.left > 0 {
			r.ctx, cancel = context.WithTimeout(s.ctx, t.left)
		}
	} else if s.drained {
		return nil // the broker gives it to others when we part
	}
	if r.ctx == nil {
		r.ctx, cancel = context.WithCancel(s.ctx)
	}
	// As many may be answered and hold a place.
	if s.running.Add(1) > 2*int64(s.w.cfg.Concurrency) {
		cancel()
		s.running.Add(-1)
		return fmt.Errorf("the broker sent more than %d requests at once", s.w.cfg.Concurrency)
	}
	s.w.running.Add(1)
	go s.handleLoop(r, cancel)
	return nil
}

// handleLoop handles one request. Its place may be taken by one of a session
// before, whose handler does not heed its context.
func (s *session) handleLoop(r *Request, cancel context.CancelFunc) {
	defer s.w.running.Done()
	defer cancel()
	var left int64
	select {
	case s.w.places <- struct{}{}:
		r.serve(s.w.handler)
		left = s.running.Add(-1) // before the place is free: so twice Concurrency is never too few
		<-s.w.places
	case <-r.ctx.Done():
		left = s.running.Add(-1) // first: the next one may come as soon as the broker hears of it
		r.conclude(nil)          // the broker counts it as in hand until then
	}
	if left == 0 && s.w.isEnding() {
		s.w.poke()
	}
}

// send sends a message; any counts as a heartbeat.
func (s *session) send(msg *message) error {
	now := time.Now()
	s.lastSent.Store(&now)
	return s.socket.Send(s.ctx, msg.appendWorker(nil)...)
}

// lockedLog is a limitedLog for many goroutines.
type lockedLog struct {
	mu  sync.Mutex
	log limitedLog
}

func (l *lockedLog) warn(text string, attrs ...slog.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log.warn(text, attrs...)
}

func (l *lockedLog) info(text string, attrs ...slog.Attr) { l.log.info(text, attrs...) }
