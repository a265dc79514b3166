// Package pattern decides who gets the next message and who may speak now:
// the socket types as state machines over pipes.
//
// A pattern never blocks, never carries a message, and knows no lock, clock
// or network. It answers "this pipe" or "not now", and the socket does the
// rest. What is said of sending is guarded by the socket's send mutex, what
// is said of receiving by its receive mutex; Attach, Opened and Lost run
// under both, and so does sending by a pattern that is [Coupled].
package pattern

import (
	"errors"

	"github.com/phimq/zmq/internal/pipe"
)

// Verdict is a pattern's answer.
type Verdict uint8

const (
	Go          Verdict = iota // do it
	Again                      // not now: no pipe has room, or none has a message
	Discard                    // take the message and forget it
	NoPeer                     // there is no such peer
	State                      // it is not this side's turn
	Unsupported                // the socket type can't do that
)

// Route says where a message goes.
type Route struct {
	Pipe   *pipe.Pipe
	Prefix []byte // framed envelope that goes in front, each frame with MORE
	Skip   int    // frames of the message that are addressing only
	Hangup bool   // end the connection behind what waits (STREAM)
	Alone  bool   // it could go to no other pipe: a sender may wait for this one
}

// Arrival says what is received: the head message of Pipe without its first
// Skip frames and with ID in front, which the caller takes and leaves behind; or
// Frames, which are the caller's.
type Arrival struct {
	Pipe   *pipe.Pipe
	ID     []byte
	Skip   int
	Frames [][]byte
}

// Pattern is one socket type.
type Pattern interface {
	// Attach lets p take part. It reports false if the peer is refused.
	Attach(p *pipe.Pipe) bool
	// Opened says that a connection to p's peer is up, and may put into p
	// what goes before all else.
	Opened(p *pipe.Pipe)
	// Lost ends sending to p. What was received from it stays.
	Lost(p *pipe.Pipe)

	// Pick chooses the pipe for a message of n frames and passes the turn on:
	// with Go or Discard the caller has to do so. The route is valid until the
	// next call.
	Pick(first []byte, n int) (*Route, Verdict)
	// MaySend returns what Pick would say, and passes no turn on.
	MaySend(first []byte, n int) Verdict
	// Writable says that p, found full before, has room again.
	Writable(p *pipe.Pipe)
	// CanSend reports whether Pick would say Go for some message.
	CanSend() bool

	// Readable says that p has something to receive.
	Readable(p *pipe.Pipe)
	// Next chooses what is received next and passes the turn on: with Go the
	// caller has to take it. The arrival is valid until the next call.
	Next() (*Arrival, Verdict)
	// MayRecv returns what Next would say. Nothing but what can't be delivered
	// is lost by it.
	MayRecv() Verdict
}

// Coupled is a pattern whose sending depends on what was received. Its send
// half runs under both mutexes.
type Coupled interface {
	// Prepare comes before Pick, under the receive mutex alone.
	Prepare()
}

// Fanner is a pattern that sends a message to many. Match is valid until the
// next call.
type Fanner interface {
	Match(first []byte) ([]*pipe.Pipe, Verdict)
}

// Arriver is a pattern that works off what comes in at once, whether or not
// the user receives. It runs under both mutexes.
type Arriver interface {
	Arrived(p *pipe.Pipe)
}

// Subscriber is a pattern with subscriptions of its own.
type Subscriber interface {
	// Subscribe adds or removes a subscription. Pipes are those that have to
	// be told; the slice is valid until the next call.
	Subscribe(topic []byte, add bool) (tell []*pipe.Pipe, found bool)
}

// Config is what the socket's options say to its pattern. It may change
// between calls.
type Config struct {
	RouterMandatory bool
	RouterHandover  bool
	ProbeRouter     bool
	ReqRelaxed      bool
	// Requests frees a REQ from its turns and its envelope: the socket numbers
	// its requests itself.
	Requests       bool
	ReqCorrelate   bool
	XPubVerbose    bool
	XPubVerboser   bool
	XPubManual     bool
	XPubNoDrop     bool
	XPubWelcome    []byte
	InvertMatching bool
	StreamNotify   bool
	// MaxTopics and MaxTopicBytes bound what one subscriber may ask for.
	MaxTopics     int
	MaxTopicBytes int
	// RecvMark bounds what waits for an XPUB's user from one peer, in messages.
	RecvMark int
	// Seed starts the generated identities and request ids.
	Seed uint32
}

// New returns the pattern of a socket type, by its name in RFC 37 "The
// Socket-Type Property" (and STREAM, which has no RFC); nil for others.
func New(socketType string, c *Config) Pattern {
	switch socketType {
	case "PUSH":
		return &push{}
	case "PULL":
		return &pull{}
	case "DEALER":
		return &dealer{prober: prober{c}}
	case "PAIR":
		return &pair{}
	case "REQ":
		return &req{prober: prober{c}, c: c, id: c.Seed}
	case "REP":
		return &rep{}
	case "ROUTER":
		return &router{peers: newPeers(c), prober: prober{c}}
	case "STREAM":
		return &stream{peers: newPeers(c)}
	case "PUB":
		return &xpub{c: c}
	case "XPUB":
		return &xpub{c: c, tells: true}
	case "SUB":
		return &xsub{c: c, filters: true}
	case "XSUB":
		return &xsub{c: c}
	}
	return nil
}

// errTooManyTopics ends the connection of a subscriber beyond its limits.
var errTooManyTopics = errors.New("too many subscriptions")

// legal has the peers that a socket type may talk to.
var legal = map[string][]string{
	"REQ":    {"REP", "ROUTER"},
	"REP":    {"REQ", "DEALER"},
	"DEALER": {"REP", "DEALER", "ROUTER"},
	"ROUTER": {"REQ", "DEALER", "ROUTER"},
	"PUB":    {"SUB", "XSUB"},
	"XPUB":   {"SUB", "XSUB"},
	"SUB":    {"PUB", "XPUB"},
	"XSUB":   {"PUB", "XPUB"},
	"PUSH":   {"PULL"},
	"PULL":   {"PUSH"},
	"PAIR":   {"PAIR"},
}

// Legal reports whether two socket types may talk to each other.
// RFC 37 "The Socket-Type Property".
func Legal(ours, theirs string) bool {
	for _, t := range legal[ours] {
		if t == theirs {
			return true
		}
	}
	return false
}

// Joinable reports whether two socket types may be joined within a process:
// those that may talk to each other, and a PAIR with PUSH or PULL, as libzmq
// has it. What these say has no envelope.
func Joinable(ours, theirs string) bool {
	pipeline := func(t string) bool { return t == "PUSH" || t == "PULL" }
	return Legal(ours, theirs) || ours == "PAIR" && pipeline(theirs) || theirs == "PAIR" && pipeline(ours)
}

// mute and deaf are halves that patterns are put together from.
type mute struct{}

func (mute) Pick([]byte, int) (*Route, Verdict) { return nil, Unsupported }
func (mute) MaySend([]byte, int) Verdict        { return Unsupported }
func (mute) Writable(*pipe.Pipe)                {}
func (mute) CanSend() bool                      { return false }

type deaf struct{}

func (deaf) Readable(p *pipe.Pipe)     { p.Drop() }
func (deaf) Next() (*Arrival, Verdict) { return nil, Unsupported }
func (deaf) MayRecv() Verdict          { return Unsupported }

// prober greets new peers with an empty message if the option says so.
type prober struct{ c *Config }

func (pr prober) Opened(p *pipe.Pipe) {
	if pr.c.ProbeRouter {
		greet(p, []byte{0, 0})
	}
}

// greet puts a framed message before all that waits. It is that of the connection: the
// next one has its own, and this one must not wait for it.
func greet(p *pipe.Pipe, message []byte) {
	if p.Inproc {
		p.Out.PutFront(pipe.Seg{Kind: pipe.Run, N: 1, B: message})
		return
	}
	p.Out.PutGreeting(message)
}
