package zmq_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience is how long a test waits for what has to come. Only a test that
// fails waits so long.
const patience = 20 * time.Second

// A kind is a socket type under test, with the peer that it talks to.
type kind struct {
	typ, peer       zmq.Type
	sends, receives bool
	names           bool     // its messages begin with the identity of the peer
	envelope        []string // what a socket at the other end has in front of each message
	wireEnvelope    []string // and what is there on the wire
	byTurns         bool     // it sends and receives by turns
	drops           bool     // what it has no room for is dropped
	subscribed      bool     // whoever can subscribe has subscribed to everything
}

var (
	reqKind = kind{typ: zmq.REQ, peer: zmq.ROUTER, sends: true, receives: true, byTurns: true,
		envelope: []string{"q", ""}, wireEnvelope: []string{""}}
	repKind = kind{typ: zmq.REP, peer: zmq.DEALER, sends: true, receives: true, byTurns: true,
		envelope: []string{""}, wireEnvelope: []string{""}}
	dealerKind = kind{typ: zmq.DEALER, peer: zmq.DEALER, sends: true, receives: true}
	routerKind = kind{typ: zmq.ROUTER, peer: zmq.DEALER, sends: true, receives: true, names: true}
	pushKind   = kind{typ: zmq.PUSH, peer: zmq.PULL, sends: true}
	pullKind   = kind{typ: zmq.PULL, peer: zmq.PUSH, receives: true}
	pairKind   = kind{typ: zmq.PAIR, peer: zmq.PAIR, sends: true, receives: true}
)

// A stage is where one test lets a socket meet its peers, over one transport:
//
//	tcp     the socket binds, raw peers connect
//	inproc  the peers are sockets; who has to be there first binds
//	pipe    the socket connects, raw peers are at the other end of a net.Pipe,
//	        which holds no octet: what a peer has not read is still unsent
type stage struct {
	*testing.T
	kind
	link   string
	domain *zmq.Domain
	dials  *wireDials // pipe: what the socket connects to
	bound  map[*zmq.Socket]string
}

// onLinks runs a test over tcp and over inproc.
func onLinks(t *testing.T, k kind, test func(st *stage)) {
	for _, link := range []string{"tcp", "inproc"} {
		t.Run(link, func(t *testing.T) { test(newStage(t, k, link)) })
	}
}

// inBubbles runs a test over pipe and over inproc where time is simulated, so
// that the test can wait until nothing moves any more.
func inBubbles(t *testing.T, k kind, test func(st *stage)) {
	for _, link := range []string{"pipe", "inproc"} {
		t.Run(link, func(t *testing.T) { inBubble(t, k, link, test) })
	}
}

func inBubble(t *testing.T, k kind, link string, test func(st *stage)) {
	synctest.Test(t, func(t *testing.T) { test(newStage(t, k, link)) })
}

func newStage(t *testing.T, k kind, link string) *stage {
	leak.Check(t)
	return &stage{T: t, kind: k, link: link, domain: zmq.NewDomain(), dials: newWireDials(t), bound: map[*zmq.Socket]string{}}
}

// socket makes a socket of the type under test.
func (st *stage) socket(opts ...zmq.Option) *zmq.Socket {
	st.Helper()
	first := []zmq.Option{zmq.WithReconnect(time.Millisecond), zmq.WithReconnectMax(0)}
	if st.link == "pipe" {
		first = append(first, st.dials.dialer())
	}
	switch st.typ {
	case zmq.ROUTER:
		first = append(first, zmq.WithRouterMandatory(true))
	case zmq.REQ:
		first = append(first, zmq.WithRoutingID("q"))
	}
	return st.subscribing(st.open(st.typ, append(first, opts...)...))
}

// subscribing lets a subscriber subscribe to everything, if the test wants that.
func (st *stage) subscribing(s *zmq.Socket) *zmq.Socket {
	st.Helper()
	if typ := s.Type(); st.subscribed && (typ == zmq.SUB || typ == zmq.XSUB) {
		if err := s.Subscribe(""); err != nil {
			st.Fatal(err)
		}
	}
	return s
}

func (st *stage) open(typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	st.Helper()
	return open(st.T, typ, append(opts, zmq.WithDomain(st.domain))...)
}

// bind binds a socket where peers can come to it, once.
func (st *stage) bind(s *zmq.Socket) string {
	st.Helper()
	if st.bound[s] == "" {
		st.bound[s] = st.bindAt(s, map[string]string{"tcp": "tcp://127.0.0.1:0", "inproc": st.name()}[st.link])
	}
	return st.bound[s]
}

func (st *stage) bindAt(s *zmq.Socket, endpoint string) string {
	st.Helper()
	b, err := s.Bind(endpoint)
	if err != nil {
		st.Fatal(err)
	}
	return b.Endpoint()
}

// name is an inproc endpoint for the next socket that binds.
func (st *stage) name() string { return "inproc://" + strconv.Itoa(len(st.bound)) }

// comes lets a peer join the socket, and waits until it has.
func (st *stage) comes(s *zmq.Socket, name string) far {
	st.Helper()
	before := s.Peers()
	f := st.calls(s, name)
	st.ready(s, before+1)
	return f
}

// calls lets a peer join the socket, which may refuse it.
func (st *stage) calls(s *zmq.Socket, name string) far {
	st.Helper()
	switch st.link {
	case "tcp":
		return st.raw(s, name)
	case "pipe":
		return st.reaches(s, name)()
	}
	f := st.farSocket(name)
	st.connect(f.s, st.bind(s))
	return f
}

// reaches lets the socket connect to a peer that is not there until appear is called.
func (st *stage) reaches(s *zmq.Socket, name string) (appear func() far) {
	st.Helper()
	if st.names && name != "" {
		if err := s.Set(zmq.WithConnectRoutingID(name)); err != nil {
			st.Fatal(err)
		}
	}
	if st.link == "pipe" {
		st.connect(s, wireEndpoint)
		return func() far { return st.accepts(name) }
	}
	endpoint := st.name()
	st.connect(s, endpoint)
	return func() far {
		f := st.farSocket(name)
		st.bound[f.s] = st.bindAt(f.s, endpoint)
		return f
	}
}

func (st *stage) connect(s *zmq.Socket, endpoint string) {
	st.Helper()
	if err := s.Connect(endpoint); err != nil {
		st.Fatal(err)
	}
}

func (st *stage) ready(s *zmq.Socket, peers int) {
	st.Helper()
	awaitPeers(st, s, peers)
	if st.subscribed && (st.typ == zmq.PUB || st.typ == zmq.XPUB) {
		awaitSubscribers(st, s, "", peers)
	}
}

// until waits for a condition on a socket.
func (st *stage) until(s *zmq.Socket, what string, reached func() bool) {
	st.Helper()
	changed := make(chan struct{}, 1)
	s.OnChange(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer s.OnChange(nil)
	over := soon(st).Done()
	for !reached() {
		select {
		case <-changed:
		case <-over:
			st.Fatalf("waited in vain until %s", what)
		}
	}
}

func (st *stage) canSend(s *zmq.Socket) bool { return s.Ready()&zmq.CanSend != 0 }

// own is a message as the user of the socket has it.
func (st *stage) own(peer string, frames []string) [][]byte {
	if st.names {
		frames = append([]string{peer}, frames...)
	}
	return zmq.MsgFromStrings(frames...).Frames
}

// try sends to a peer without waiting. Only a ROUTER heeds which.
func (st *stage) try(s *zmq.Socket, peer string, frames ...string) error {
	return s.TrySend(st.own(peer, frames)...)
}

func (st *stage) send(s *zmq.Socket, peer string, frames ...string) {
	st.Helper()
	if err := s.Send(soon(st), st.own(peer, frames)...); err != nil {
		st.Fatal(err)
	}
}

// refused wants an error of a TrySend.
func (st *stage) refused(s *zmq.Socket, peer string, want error) {
	st.Helper()
	if err := st.try(s, peer, "refused"); !errors.Is(err, want) {
		st.Fatalf("TrySend returned %v, wants %v", err, want)
	}
}

// recv receives, with the identity of the sender if the socket gives it.
func (st *stage) recv(s *zmq.Socket) (peer string, frames []string) {
	st.Helper()
	m, err := s.Recv(soon(st))
	if err != nil {
		st.Fatal(err)
	}
	return st.parted(m)
}

// parted takes the identity off a received message.
func (st *stage) parted(m zmq.Msg) (peer string, frames []string) {
	frames = texts(m.Frames)
	if st.names {
		return frames[0], frames[1:]
	}
	return "", frames
}

// recvs receives messages and wants these.
func (st *stage) recvs(s *zmq.Socket, want ...[]string) {
	st.Helper()
	for _, w := range want {
		_, got := st.recv(s)
		st.same(got, w)
	}
}

// hears lets a peer receive messages and wants these.
func (st *stage) hears(f far, want ...[]string) {
	st.Helper()
	for _, w := range want {
		st.same(f.hear(), w)
	}
}

func (st *stage) same(got, want []string) {
	st.Helper()
	if !slices.Equal(got, want) {
		st.Fatalf("the message is %.200q (%d frames), wants %.200q (%d frames)", got, len(got), want, len(want))
	}
}

// fill sends to a peer numbers from 0 until no more is taken and nothing moves,
// and returns how many were taken. It is for bubbles.
func (st *stage) fill(s *zmq.Socket, peer string) int {
	st.Helper()
	n := 0
	for before := -1; n > before; synctest.Wait() {
		before = n
		for ; n < 1000; n++ {
			if err := st.try(s, peer, strconv.Itoa(n)); errors.Is(err, zmq.ErrAgain) {
				break
			} else if err != nil {
				st.Fatal(err)
			}
		}
	}
	if n == 0 || n == 1000 {
		st.Fatalf("%d messages were taken", n)
	}
	return n
}

// numbers are the messages that fill sent: those from one number up to another.
func numbers(from, to int) (list [][]string) {
	for ; from < to; from++ {
		list = append(list, []string{strconv.Itoa(from)})
	}
	return list
}

// taker finds who of the peers has got the one message that was sent. It is for bubbles.
func (st *stage) taker(fars []far) (i int, message []string) {
	st.Helper()
	i = -1
	for at, f := range fars {
		for _, m := range f.rest() {
			if i >= 0 {
				st.Fatalf("more than one message came: %q and %q", message, m)
			}
			i, message = at, m
		}
	}
	if i < 0 {
		st.Fatal("no peer has got the message")
	}
	return i, message
}

// A call is a Send that may wait.
type call struct {
	st     *stage
	done   chan error
	cancel context.CancelFunc
}

func (st *stage) beside(s *zmq.Socket, peer string, frames ...string) *call {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	c := &call{st: st, done: make(chan error, 1), cancel: cancel}
	st.Cleanup(cancel)
	go func() { c.done <- s.Send(ctx, st.own(peer, frames)...) }()
	return c
}

// waits wants the call to wait for as long as nothing moves. It is for bubbles.
func (c *call) waits() {
	c.st.Helper()
	synctest.Wait()
	select {
	case err := <-c.done:
		c.st.Fatalf("Send does not wait: %v", err)
	default:
	}
}

func (c *call) returns(want error) {
	c.st.Helper()
	if err := <-c.done; !errors.Is(err, want) {
		c.st.Fatalf("Send returned %v, wants %v", err, want)
	}
}

// texts are the frames of a message as text.
func texts(frames [][]byte) []string {
	list := make([]string, len(frames))
	for i, f := range frames {
		list[i] = string(f)
	}
	return list
}
