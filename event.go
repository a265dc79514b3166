package zmq

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/session"
)

// EventKind is what happened to an endpoint or connection. The values are
// those of libzmq's monitor; they can be combined to a mask.
type EventKind uint32

// The events of libzmq's monitor, with what Event.Value is for each, and one
// of our own.
const (
	EventConnected               EventKind = 0x0001     // a connection is there, before its handshake; descriptor
	EventConnectDelayed          EventKind = 0x0002     // a try to connect begins
	EventConnectRetried          EventKind = 0x0004     // the next try is due; milliseconds until then
	EventListening               EventKind = 0x0008     // an endpoint is bound; descriptor
	EventBindFailed              EventKind = 0x0010     // an endpoint is not; errno
	EventAccepted                EventKind = 0x0020     // a peer connected, before its handshake; descriptor
	EventAcceptFailed            EventKind = 0x0040     // a peer could not be accepted; errno
	EventClosed                  EventKind = 0x0080     // an endpoint, or a try to connect, is closed; descriptor
	EventCloseFailed             EventKind = 0x0100     // an endpoint could not be closed cleanly; errno
	EventDisconnected            EventKind = 0x0200     // a connection is lost; descriptor
	EventMonitorStopped          EventKind = 0x0400     // no more events
	EventHandshakeFailedNoDetail EventKind = 0x0800     // a handshake broke off; errno
	EventHandshakeSucceeded      EventKind = 0x1000     // a peer takes part
	EventHandshakeFailedProtocol EventKind = 0x2000     // a peer broke the protocol; a ProtocolCode
	EventHandshakeFailedAuth     EventKind = 0x4000     // a peer was refused, or refuses us; status code 300, 400 or 500
	EventPipesStats              EventKind = 0x10000    // see Socket.MonitorPipes
	EventsLost                   EventKind = 0x80000000 // Value events were lost, because nobody took them
	EventsAll                    EventKind = 0xFFFF     // every event of a connection
)

// kindNames are what String says, by bit.
var kindNames = map[EventKind]string{
	EventConnected: "connected", EventConnectDelayed: "connect delayed", EventConnectRetried: "connect retried",
	EventListening: "listening", EventBindFailed: "bind failed", EventAccepted: "accepted",
	EventAcceptFailed: "accept failed", EventClosed: "closed", EventCloseFailed: "close failed",
	EventDisconnected: "disconnected", EventMonitorStopped: "monitor stopped",
	EventHandshakeFailedNoDetail: "handshake failed", EventHandshakeSucceeded: "handshake succeeded",
	EventHandshakeFailedProtocol: "handshake failed: protocol", EventHandshakeFailedAuth: "handshake failed: refused",
	EventPipesStats: "pipes stats", EventsLost: "events lost",
}

// String names the event.
func (k EventKind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return fmt.Sprintf("EventKind(%#x)", uint32(k))
}

// Event tells what happened.
type Event struct {
	Kind     EventKind
	Time     time.Time
	Endpoint string // as it was given to Bind or Connect, resolved
	Local    string // our side of the connection
	Remote   string // the peer's side
	Peer     Peer   // who it is, once the handshake is done
	Value    uint64 // what libzmq's monitor tells
	Err      error  // the cause; one of the Err values where there is one for it
}

// String describes the event in a line.
func (e Event) String() string {
	s := e.Kind.String() + " " + e.Endpoint
	if e.Remote != "" {
		s += " peer " + e.Remote
	}
	switch e.Kind {
	case EventsLost:
		s = fmt.Sprintf("%d events lost", e.Value)
	case EventConnectRetried:
		s += fmt.Sprintf(" in %d ms", e.Value)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// WithEvents names a function that sees every event of the socket from its
// birth on. It is called from many goroutines and must not block; it may call
// the socket's other methods, but not Close. If there are several, as where a
// package that makes sockets takes options for them, each is called, in their order.
func WithEvents(f func(Event)) Option {
	return Option{birth: "WithEvents", apply: func(c *settings) { c.events = inTurn(c.events, f) }}
}

// inTurn is a function that calls two, each of which may be nil.
func inTurn(first, second func(Event)) func(Event) {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(e Event) {
		first(e)
		second(e)
	}
}

// maxEvents is how many events wait for who ranges over them.
const maxEvents = 1000

// Events returns what happens to the socket's connections, from the call on.
// The loop ends with ctx or when the socket is closed. What a slow loop has no
// time for becomes one event of kind EventsLost with its count.
func (s *Socket) Events(ctx context.Context) iter.Seq[Event] {
	q := newEventQueue()
	s.watchers.add(q)
	return func(yield func(Event) bool) {
		defer s.watchers.remove(q)
		if s.bad != nil {
			return // nothing will ever happen
		}
		for {
			for _, e := range q.take() {
				if !yield(e) {
					return
				}
			}
			select {
			case <-q.ready:
			case <-ctx.Done():
				return
			case <-s.finished:
				if q.empty() {
					return
				}
			}
		}
	}
}

// eventQueue is the events that wait for one loop.
type eventQueue struct {
	ready chan struct{}

	mu   sync.Mutex
	list []Event
	lost uint64
}

func newEventQueue() *eventQueue { return &eventQueue{ready: make(chan struct{}, 1)} }

func (q *eventQueue) put(e Event) {
	q.mu.Lock()
	if len(q.list) < maxEvents {
		q.list = append(q.list, e)
	} else {
		q.lost++
	}
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *eventQueue) take() []Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.list
	if q.lost > 0 {
		list = append(list, Event{Kind: EventsLost, Time: time.Now(), Value: q.lost})
	}
	q.list, q.lost = nil, 0
	return list
}

func (q *eventQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list) == 0 && q.lost == 0
}

// watchers are the loops over a socket's events.
type watchers struct {
	mu   sync.Mutex
	list []*eventQueue
}

func (w *watchers) add(q *eventQueue) {
	w.mu.Lock()
	w.list = append(w.list, q)
	w.mu.Unlock()
}

func (w *watchers) remove(q *eventQueue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.list {
		if other == q {
			w.list = append(w.list[:i:i], w.list[i+1:]...)
			return
		}
	}
}

func (w *watchers) put(e Event) {
	w.mu.Lock()
	list := w.list
	w.mu.Unlock()
	for _, q := range list {
		q.put(e)
	}
}

// Event tells the log, the callback and the loops what happened.
func (h *host) Event(e session.Event) {
	told := Event{
		Kind: EventKind(e.Kind), Time: time.Now(), Endpoint: e.Endpoint, Local: e.Local, Remote: e.Remote,
		Peer: Peer{e.Peer}, Value: eventValue(e), Err: public(e.Err),
	}
	switch e.Kind {
	case session.HandshakeFailed, session.HandshakeProtocol, session.HandshakeRefused:
		told.Err = handshakeError(e)
	}
	h.logEvent(told)
	h.emit(told)
}

func (h *host) emit(e Event) {
	if h.onEvent != nil {
		h.onEvent(e)
	}
	h.watchers.put(e)
}

// eventValue is what libzmq's monitor tells with an event.
func eventValue(e session.Event) uint64 {
	switch e.Kind {
	case session.Connected, session.Accepted, session.Listening, session.ListenerClosed, session.Disconnected:
		return uint64(e.Descriptor)
	case session.ConnectRetried:
		return uint64(e.Interval.Milliseconds())
	case session.BindFailed, session.AcceptFailed, session.CloseFailed, session.HandshakeFailed:
		var errno syscall.Errno
		if errors.As(e.Err, &errno) {
			return uint64(errno)
		}
	case session.HandshakeProtocol:
		return uint64(protocolCode(e.Err))
	case session.HandshakeRefused:
		return statusCode(e.Err)
	}
	return 0
}

// statusCode is why we refuse a peer, or what a peer that refuses us gives as
// its reason, as libzmq does. RFC 27 "Message Format" has the codes.
func statusCode(err error) uint64 {
	var denied *mech.Denied
	if errors.As(err, &denied) {
		return uint64(denied.Verdict.Status)
	}
	var refused *mech.PeerError
	if errors.As(err, &refused) {
		return uint64(refused.Status())
	}
	return 0
}

// logEvent writes an event to the socket's log.
func (h *host) logEvent(e Event) {
	level := slog.LevelDebug
	switch e.Kind {
	case EventDisconnected, EventAcceptFailed, EventHandshakeFailedNoDetail:
		level = slog.LevelInfo
	case EventHandshakeFailedProtocol, EventHandshakeFailedAuth:
		level = slog.LevelWarn
	}
	ctx := h.group.Context()
	if !h.logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.String("type", h.typ.String()), slog.String("endpoint", e.Endpoint)}
	if e.Remote != "" {
		attrs = append(attrs, slog.String("peer", e.Remote))
	}
	if e.Kind == EventConnectRetried {
		attrs = append(attrs, slog.Duration("again in", time.Duration(e.Value)*time.Millisecond))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	h.logger.LogAttrs(ctx, level, e.Kind.String(), attrs...)
}
