package peering

import (
	"fmt"
	"time"

	"github.com/phimq/zmq"
)

// Config sets a broker up. The zero value of a field is its default.
type Config struct {
	// Name is the broker's name among its peers: 1 to 255 octets, the first of
	// them not 0. It has no default.
	Name string
	// Interval is how often the broker repeats its capacity, besides telling each
	// change: 1 s. A peer that repeats its own as well is taken to have none when it
	// is silent for three intervals. The brokers of the book tell changes only.
	Interval time.Duration
	// Patience is how long the reply of a peer is waited for: 60 s. What comes
	// later is dropped.
	Patience time.Duration
	// Options go to every socket, and win over the broker's own where it does not
	// depend on them.
	Options []zmq.Option
	// Observe is told what happens, for metrics. It is called by the broker's
	// goroutine and must not wait, nor call the broker.
	Observe func(Event)
}

func (c *Config) complete() error {
	if c.Interval == 0 {
		c.Interval = time.Second
	}
	if c.Patience == 0 {
		c.Patience = time.Minute
	}
	if c.Interval < 0 || c.Patience < 0 {
		return fmt.Errorf("peering: %w: a negative time", zmq.ErrInvalid)
	}
	if c.Name == "" || len(c.Name) > 255 || c.Name[0] == 0 {
		return fmt.Errorf("peering: %w: name %q", zmq.ErrInvalid, c.Name)
	}
	return nil
}

// Peer is another broker: its name, and where its CloudFE and StateBE are bound.
type Peer struct {
	Name             string
	CloudFE, StateBE string
}

// Door is a socket of the broker's that others connect to.
type Door int

// The doors, by the book's names.
const (
	LocalFE Door = iota // clients
	LocalBE             // workers
	CloudFE             // peers, with requests
	StateBE             // peers, who listen for capacity
)

// EventKind is what an Event tells of.
type EventKind int

// The events.
const (
	WorkerReady  EventKind = iota // a worker is new
	WorkerGone                    // a worker is gone; what it worked at is lost
	Capacity                      // N workers are free here; the peers were told
	PeerCapacity                  // Peer told of N free workers
	PeerSilent                    // Peer is silent, and taken to have no free workers
	Taken                         // a worker was given a request, of Peer or, if that is "", of a client
	Forwarded                     // Peer was given a request of a client
	Answered                      // a reply went to Peer or, if that is "", to a client
	Lost                          // a request of Peer or a client will not be answered
	Late                          // a reply came that nobody waits for
	Malformed                     // a message breaks the protocol and is dropped
)

// String names the event.
func (k EventKind) String() string {
	names := [...]string{"worker ready", "worker gone", "capacity", "peer capacity", "peer silent",
		"taken", "forwarded", "answered", "lost", "late", "malformed"}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("EventKind(%d)", int(k))
	}
	return names[k]
}

// Event is something that happened.
type Event struct {
	Kind EventKind
	Peer string
	N    int
}

// Stats is what a broker has counted since it was made, and what it holds now.
type Stats struct {
	Taken     uint64 // requests that were given to a worker, of clients and of peers
	Forwarded uint64 // requests of clients that were given to a peer
	Answered  uint64 // replies that were handed to clients and to peers
	Lost      uint64 // requests whose worker or peer never answers, and replies that who asked is not there to take
	Late      uint64 // replies that nobody waits for
	Malformed uint64 // messages that break the protocol

	Workers  int          // that are known, free or not
	Capacity int          // free ones
	InHand   int          // requests that wait for a reply of a worker or a peer
	Peers    []PeerStatus // by name
}

// PeerStatus is what a broker knows of a peer.
type PeerStatus struct {
	Name     string
	Capacity int       // what it told, less what it was sent since
	Heard    time.Time // when it told; zero: never
	InHand   int       // requests that wait for a reply of it
}
