package zmq

import "fmt"

// Type is a socket type. The numbers are libzmq's.
type Type int

// The socket types. RFC 28 "The REQ Socket Type" and its neighbours define
// REQ, REP, DEALER and ROUTER; RFC 29 PUB, SUB, XPUB and XSUB; RFC 30 PUSH and
// PULL; RFC 31 PAIR. STREAM carries octets to peers that know no ZMTP.
const (
	PAIR   Type = 0
	PUB    Type = 1
	SUB    Type = 2
	REQ    Type = 3
	REP    Type = 4
	DEALER Type = 5
	ROUTER Type = 6
	PULL   Type = 7
	PUSH   Type = 8
	XPUB   Type = 9
	XSUB   Type = 10
	STREAM Type = 11
)

var typeNames = [...]string{
	PAIR: "PAIR", PUB: "PUB", SUB: "SUB", REQ: "REQ", REP: "REP", DEALER: "DEALER", ROUTER: "ROUTER",
	PULL: "PULL", PUSH: "PUSH", XPUB: "XPUB", XSUB: "XSUB", STREAM: "STREAM",
}

// String returns the name of the type, as RFC 37 "The Socket-Type Property"
// writes it.
func (t Type) String() string {
	if !t.valid() {
		return fmt.Sprintf("Type(%d)", int(t))
	}
	return typeNames[t]
}

func (t Type) valid() bool { return t >= 0 && int(t) < len(typeNames) }

// New makes a socket of any type. It returns the first option that is wrong.
func New(t Type, opts ...Option) (*Socket, error) {
	s := newSocket(t, opts)
	return s, s.bad
}

// NewPair makes a PAIR socket: it talks to exactly one other PAIR. Like all
// constructors it keeps the first option that is wrong, and every method of
// the socket then returns that error.
func NewPair(opts ...Option) *Socket { return newSocket(PAIR, opts) }

// NewPub makes a PUB socket: it sends each message to all who subscribed to
// the start of its first frame, and drops it for those who do not keep up.
func NewPub(opts ...Option) *Socket { return newSocket(PUB, opts) }

// NewSub makes a SUB socket: it receives what it subscribed to.
func NewSub(opts ...Option) *Socket { return newSocket(SUB, opts) }

// NewReq makes a REQ socket: it sends a request to one peer, in turn, and
// receives its reply, in turn.
func NewReq(opts ...Option) *Socket { return newSocket(REQ, opts) }

// NewRep makes a REP socket: it receives a request and sends its reply.
func NewRep(opts ...Option) *Socket { return newSocket(REP, opts) }

// NewDealer makes a DEALER socket: it sends to its peers in turn and receives
// from all, at any time.
func NewDealer(opts ...Option) *Socket { return newSocket(DEALER, opts) }

// NewRouter makes a ROUTER socket: received messages begin with the identity
// of their sender, and the first frame of a sent message names its receiver.
func NewRouter(opts ...Option) *Socket { return newSocket(ROUTER, opts) }

// NewPull makes a PULL socket: it receives from all PUSH peers, fairly.
func NewPull(opts ...Option) *Socket { return newSocket(PULL, opts) }

// NewPush makes a PUSH socket: it shares its messages out among PULL peers, in
// turn, and waits when none has room.
func NewPush(opts ...Option) *Socket { return newSocket(PUSH, opts) }

// NewXPub makes an XPUB socket: a PUB that receives the subscriptions of its
// peers, as messages whose first octet is 1 (subscribe) or 0 (cancel).
func NewXPub(opts ...Option) *Socket { return newSocket(XPUB, opts) }

// NewXSub makes an XSUB socket: a SUB that subscribes by sending messages whose
// first octet is 1 or 0, and sends all others to its publishers.
func NewXSub(opts ...Option) *Socket { return newSocket(XSUB, opts) }

// NewStream makes a STREAM socket: messages are an identity and octets as TCP
// brings them. An empty second frame tells of a new connection or of its end,
// and ends the connection when it is sent.
func NewStream(opts ...Option) *Socket { return newSocket(STREAM, opts) }
