package majordomo

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/phimq/zmq"
)

// BrokerConfig is how a broker works. The zero value of a field is its default.
type BrokerConfig struct {
	// Heartbeat is how often the broker and its workers show that they live,
	// unless they have something else to say; both sides need about the same.
	// 2.5 s, as in the guide.
	Heartbeat time.Duration
	// Liveness is after how many heartbeats of silence a worker is dead: 3. A
	// worker whose connection is lost is dead at the next heartbeat.
	Liveness int

	// Limits hold for each service; ServiceLimits, if not nil, says others. It
	// is called when a service is first heard of, and its zero fields are
	// filled from Limits.
	Limits        Limits
	ServiceLimits func(service string) Limits
	// MaxServices and MaxWorkers bound what strangers can make the broker
	// remember: 10,000 (that workers offer, and as many that nobody offers and
	// requests wait for) and 100,000. ClientRequests is how many requests of one
	// client the broker takes before they are answered: 100,000.
	MaxServices, MaxWorkers, ClientRequests int

	// ReplyCache is how long the reply to a request with a key is kept, for
	// those who ask again: not at all. It keeps at most ReplyCacheBytes (64
	// MiB, counted as Limits.Bytes) of replies, and a million. The octets bound
	// also what has come of replies to such requests that are not whole yet.
	ReplyCache      time.Duration
	ReplyCacheBytes int
	// Store keeps requests with a key over a restart: nil for not.
	Store Store

	// Access says who may do what; nil lets everybody. An error refuses: the
	// worker is disconnected, the request is dropped, and the client told if
	// it knows the extension. It is called for each request: it must be fast.
	Access func(peer zmq.Peer, op Op, service string) error
	// Observe is told what happens, for metrics. It must not wait.
	Observe func(Event)
	// Logger gets what an operator should see; nil for nothing.
	Logger *slog.Logger
	// Options are for the broker's ROUTER, and win over its own, but for a receive timeout:
	// it has none.
	Options []zmq.Option
}

// Limits bound what a service may pile up. Zero fields have defaults.
type Limits struct {
	// Requests and Bytes (of their bodies, and 32 for each frame) may wait for
	// a worker: 100,000 and 256 MiB. What is above is refused, or dropped for
	// clients that know no refusal.
	Requests, Bytes int
	// Expiry is how long a request waits while no worker offers the service:
	// 30 s. RFC 7 "MDP/Client".
	Expiry time.Duration
	// Tries is to how many workers a request is given before it is thought to
	// kill them: 5.
	Tries int
}

// Op is what a peer wants to do.
type Op string

// The operations that [BrokerConfig.Access] is asked about.
const (
	OpWork   Op = "work"   // register as a worker
	OpCall   Op = "call"   // call a service
	OpManage Op = "manage" // call a service of the broker's own, mmi.*
)

// The defaults.
const (
	defaultHeartbeat = 2500 * time.Millisecond
	defaultLiveness  = 3
)

// filled returns the configuration with its defaults.
func (c BrokerConfig) filled() (BrokerConfig, error) {
	l := c.Limits
	if c.Heartbeat < 0 || c.Liveness < 0 || c.MaxServices < 0 || c.MaxWorkers < 0 || c.ClientRequests < 0 || c.ReplyCacheBytes < 0 ||
		l.Requests < 0 || l.Bytes < 0 || l.Expiry < 0 || l.Tries < 0 {
		return c, fmt.Errorf("%w: a negative number", ErrConfig)
	}
	or(&c.Heartbeat, defaultHeartbeat)
	or(&c.Liveness, defaultLiveness)
	or(&c.MaxServices, 10_000)
	or(&c.MaxWorkers, 100_000)
	or(&c.ClientRequests, 100_000)
	or(&c.ReplyCacheBytes, 64<<20)
	c.Limits = l.over(Limits{Requests: 100_000, Bytes: 256 << 20, Expiry: 30 * time.Second, Tries: 5})
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// or fills in a default.
func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// limits are those of one service.
func (c *BrokerConfig) limits(service string) Limits {
	if c.ServiceLimits == nil {
		return c.Limits
	}
	return c.ServiceLimits(service).over(c.Limits)
}

// over fills the fields that are zero.
func (l Limits) over(otherwise Limits) Limits {
	or(&l.Requests, otherwise.Requests)
	or(&l.Bytes, otherwise.Bytes)
	or(&l.Expiry, otherwise.Expiry)
	or(&l.Tries, otherwise.Tries)
	return l
}

// EventKind is what happened in a broker.
type EventKind uint8

// The events.
const (
	EventWorkerReady EventKind = iota + 1 // a worker has registered
	EventWorkerGone                       // it left, was silent, or was disconnected
	EventDispatched                       // a worker got a request; Took is how long it waited
	EventRequeued                         // its worker is gone, it waits for another one
	EventReplied                          // the reply went out; Took is since the request came
	EventFailed                           // the handler has failed; Took, Err
	EventExpired                          // the request was given up; Took
	EventOverflow                         // a limit was reached, and a request refused
	EventRefused                          // the access hook said no; Err
	EventMalformed                        // a message was dropped; Err
)

var eventNames = [...]string{"?", "worker ready", "worker gone", "dispatched", "requeued", "replied", "failed", "expired",
	"overflow", "refused", "malformed"}

// String names the event.
func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// Event is told to [BrokerConfig.Observe].
type Event struct {
	Kind    EventKind
	Service string
	Peer    zmq.Peer // the worker, or who sent what was dropped
	Took    time.Duration
	Err     error
}

// Stats are counts since the broker was made; Workers and Queued are of now.
type Stats struct {
	Workers, Queued                           int64
	Requests, Replies, Failures               uint64 // requests: mmi.* and what is refused included
	Requeued, Repeats, CacheHits              uint64 // repeats: asked again while in hand, or with a known key
	Expired, Overflows, Refused               uint64
	Malformed, Disconnects, Late, Undelivered uint64 // late: replies to no request; undelivered: to clients that are gone or full
}

// counters are the same, counted by the broker's goroutine and read by all.
type counters struct {
	workers, queued                           atomic.Int64
	requests, replies, failures               atomic.Uint64
	requeued, repeats, cacheHits              atomic.Uint64
	expired, overflows, refused               atomic.Uint64
	malformed, disconnects, late, undelivered atomic.Uint64
}

func (n *counters) stats() Stats {
	return Stats{
		Workers: n.workers.Load(), Queued: n.queued.Load(),
		Requests: n.requests.Load(), Replies: n.replies.Load(), Failures: n.failures.Load(),
		Requeued: n.requeued.Load(), Repeats: n.repeats.Load(), CacheHits: n.cacheHits.Load(),
		Expired: n.expired.Load(), Overflows: n.overflows.Load(), Refused: n.refused.Load(),
		Malformed: n.malformed.Load(), Disconnects: n.disconnects.Load(), Late: n.late.Load(), Undelivered: n.undelivered.Load(),
	}
}
