package majordomo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// WorkerConfig is how a worker works. The zero value of a field is its default.
type WorkerConfig struct {
	// Concurrency is how many requests are handled at once: 1. More than one
	// needs a broker that knows the extension; of another one a worker gets
	// the next request when it has answered the last.
	Concurrency int
	// Version is the version to speak: Version02. A broker that follows RFC 7
	// alone, as the guide's, needs Version01.
	Version Version
	// Heartbeat and Liveness are as in BrokerConfig: 2.5 s and 3.
	Heartbeat time.Duration
	Liveness  int
	// Reconnect is how long to wait after a lost broker, about: 250 ms, then
	// twice that for each time in vain, up to ReconnectMax: 8 s. A broker that is
	// not there yet is waited for without that.
	Reconnect, ReconnectMax time.Duration
	// Logger gets what an operator should see; nil for nothing.
	Logger *slog.Logger
	// Options are for the worker's DEALER, and win over its own, but for a receive timeout:
	// it has none.
	Options []zmq.Option
}

func (c WorkerConfig) filled() (WorkerConfig, error) {
	if c.Concurrency < 0 || c.Concurrency > maxCredit || c.Heartbeat < 0 || c.Liveness < 0 || c.Reconnect < 0 || c.ReconnectMax < 0 {
		return c, fmt.Errorf("%w: a number out of range", ErrConfig)
	}
	or(&c.Concurrency, 1)
	or(&c.Version, Version02)
	or(&c.Heartbeat, defaultHeartbeat)
	or(&c.Liveness, defaultLiveness)
	or(&c.Reconnect, 250*time.Millisecond)
	or(&c.ReconnectMax, 8*time.Second)
	if c.Version != Version01 && c.Version != Version02 {
		return c, fmt.Errorf("%w: %v", ErrConfig, c.Version)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Worker offers a service at a broker. Its methods may be called from any
// goroutine.
type Worker struct {
	service string
	handler Handler
	cfg     WorkerConfig
	log     *lockedLog
	places  chan struct{} // one for each request that is handled
	running sync.WaitGroup
	done    chan struct{}

	mu      sync.Mutex
	serving bool
	ending  bool // Shutdown was called
	cancel  context.CancelFunc
	wake    context.CancelFunc // ends the wait of a session
}

// NewWorker makes a worker. It does nothing before Serve. A name that is no
// printable string of 1 to 255 octets, or begins with "mmi.", is ErrConfig.
func NewWorker(service string, h Handler, cfg WorkerConfig) (*Worker, error) {
	if !validService(service) || managed(service) {
		return nil, fmt.Errorf("%w: service name %.64q", ErrConfig, service)
	}
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	w := &Worker{
		service: service, handler: h, cfg: cfg, log: &lockedLog{log: limitedLog{log: cfg.Logger}},
		places: make(chan struct{}, cfg.Concurrency), done: make(chan struct{}),
	}
	return w, nil
}

// Serve handles the requests of the broker at an endpoint until ctx ends, with
// its error, or until Shutdown, with nil. It finds a lost broker again, on a
// new socket, as RFC 7 "Opening and Closing a Connection" wants. When it
// returns, all handlers have. It serves once.
func (w *Worker) Serve(ctx context.Context, endpoint string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	if w.serving || w.ending {
		w.mu.Unlock()
		return fmt.Errorf("%w: the worker has served", ErrClosed)
	}
	w.serving, w.cancel = true, cancel
	w.mu.Unlock()
	defer close(w.done)
	defer w.running.Wait()
	for wait := w.cfg.Reconnect; ; {
		heard, err := w.session(ctx, endpoint)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errDrained):
			return nil
		case errors.Is(err, zmq.ErrInvalid), errors.Is(err, zmq.ErrNotSupported):
			return fmt.Errorf("majordomo: %w", err)
		}
		w.log.info("broker lost", errorAttr(err))
		if heard {
			wait = w.cfg.Reconnect
		}
		if !w.pause(ctx, wait) {
			return ctx.Err()
		}
		wait = min(2*wait, w.cfg.ReconnectMax)
	}
}

// pause waits half to one and a half of a time, so that not all workers of a
// broker come back at once. It reports false if the worker ends.
func (w *Worker) pause(ctx context.Context, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d/2+rand.N(d+1))
	defer cancel()
	if w.await(cancel) {
		return false
	}
	<-ctx.Done()
	return !w.isEnding()
}

// await notes how a wait is ended, and says whether the worker is to end.
func (w *Worker) await(cancel context.CancelFunc) (ending bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wake = cancel
	return w.ending
}

func (w *Worker) isEnding() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ending
}

// poke ends the wait of a session.
func (w *Worker) poke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wake != nil {
		w.wake()
	}
}

// Shutdown ends the worker in peace: it takes no new requests, finishes those it
// has, tells the broker, and ends Serve. ctx bounds the wait; what is not
// finished then is cancelled, and the error is that of ctx.
func (w *Worker) Shutdown(ctx context.Context) error {
	w.mu.Lock()
	w.ending = true
	serving, cancel := w.serving, w.cancel
	w.mu.Unlock()
	if !serving {
		return nil
	}
	w.poke()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		cancel()
		<-w.done
		return ctx.Err()
	}
}

// newSocket makes the DEALER of a session. RFC 7 wants a new one for each.
func (w *Worker) newSocket(events func(zmq.Event)) (*zmq.Socket, error) {
	opts := append([]zmq.Option{
		zmq.WithMetadata(propertyExtension, extensionVersion),
		zmq.WithMetadata(propertyCredit, strconv.Itoa(w.cfg.Concurrency)),
		zmq.WithReconnectMax(time.Second),
		zmq.WithEvents(events),
		zmq.WithLinger(0),
	}, w.cfg.Options...)
	return zmq.New(zmq.DEALER, append(opts, zmq.WithRecvTimeout(-1))...)
}
