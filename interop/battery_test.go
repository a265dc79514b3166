package interop

import (
	"flag"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phimq/zmq/internal/leak"
)

// control runs libzmq against itself: it shows that the battery is right.
var control = flag.Bool("control", false, "run the battery with libzmq on both sides")

// patience is how long something may take that has to happen. It is waited
// only where it does not.
const patience = 20 * time.Second

// A way is how two sockets come together.
type way struct {
	name      string
	transport string
	flip      bool // the right side binds
}

var (
	tcpLeft  = way{name: "tcp,left-binds", transport: "tcp"}
	tcpRight = way{name: "tcp,right-binds", transport: "tcp", flip: true}
	ipcLeft  = way{name: "ipc,left-binds", transport: "ipc"}
	ipcRight = way{name: "ipc,right-binds", transport: "ipc", flip: true}

	allWays  = []way{tcpLeft, tcpRight, ipcLeft, ipcRight}
	leftWays = []way{tcpLeft, ipcLeft}
	oneWay   = []way{tcpLeft}
)

// A testCase is one case of the battery: what a left and a right side, each
// of either implementation, do together.
type testCase struct {
	name string
	ways []way
	run  func(r *rig)
}

// battery is all cases.
func battery() []testCase {
	return slices.Concat(pairCases(), messageCases(), routingCases(), pubsubCases(), markCases(), lifeCases(), streamCases(), proxyCases())
}

// A rig is where a case runs.
type rig struct {
	*testing.T
	way
	left, right side
	sockets     int
}

// A sock is a socket in a case. Its methods fail the test.
type sock struct {
	peer
	r     *rig
	what  string
	kind  string              // its socket type
	id    string              // its identity, if the case chose one
	links int                 // peers that must be connected
	kept  map[string][]string // what wantOf has not given yet, by identity
}

// TestBattery runs every case for us against us, and for us against libzmq in
// both roles.
func TestBattery(t *testing.T) {
	driver, err := startLibzmq()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(driver.Kill)
	if !strings.HasPrefix(driver.Greeting, "4.3.") {
		t.Fatalf("libzmq's side has version %s, wants 4.3\n%s", driver.Greeting, needPython)
	}
	ours := side{name: us, shared: local{}, process: startOurs}
	theirs := side{name: libzmq, shared: driver, process: startLibzmq}
	pairings := [][2]side{{ours, ours}, {ours, theirs}, {theirs, ours}}
	if *control {
		other, err := startLibzmq() // so that its sockets can wait for each other
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(other.Kill)
		pairings = [][2]side{{theirs, {name: libzmq, shared: other, process: startLibzmq}}}
	}
	for _, pairing := range pairings {
		t.Run(pairing[0].name+"-"+pairing[1].name, func(t *testing.T) {
			for _, c := range battery() {
				t.Run(c.name, func(t *testing.T) {
					for _, w := range c.ways {
						t.Run(w.name, func(t *testing.T) {
							leak.Check(t)
							c.run(&rig{T: t, way: w, left: pairing[0], right: pairing[1]})
						})
					}
				})
			}
		})
	}
}

// ok fails the case if err is not nil.
func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// socket makes a socket on a side, with options "name=value".
func (r *rig) socket(s side, socketType string, options ...string) *sock {
	r.Helper()
	return r.socketOf(s.shared, s.name, socketType, options...)
}

func (r *rig) socketOf(m maker, where, socketType string, options ...string) *sock {
	r.Helper()
	p, err := m.New(socketType)
	r.ok(err)
	r.sockets++
	s := &sock{peer: p, r: r, kind: socketType, what: fmt.Sprintf("%s %d of %s", socketType, r.sockets, where)}
	if p, remote := m.(*process); !remote || !p.mortal {
		r.Cleanup(func() { s.Close(0); s.settle() })
	}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		s.set(name, value)
	}
	return s
}

// named makes a socket with an identity, if its type has one.
func (r *rig) named(s side, socketType, id string, options ...string) *sock {
	r.Helper()
	if socketType == "REQ" || socketType == "DEALER" || socketType == "ROUTER" {
		options = append(options, "routing_id="+id)
	}
	made := r.socket(s, socketType, options...)
	made.id = id
	return made
}

// settle waits for the end of a socket of ours.
func (s *sock) settle() {
	if p, ok := s.peer.(*localPeer); ok {
		p.s.Close()
	}
}

// spawn starts a process of a side, which the case may freeze or kill.
func (r *rig) spawn(s side) *process {
	r.Helper()
	p, err := s.process()
	r.ok(err)
	p.mortal = true
	r.Cleanup(p.Kill)
	return p
}

// free is an endpoint to bind that nobody uses.
func (r *rig) free() string {
	if r.transport == "ipc" {
		r.sockets++
		return "ipc://" + filepath.Join(r.TempDir(), fmt.Sprint(r.sockets))
	}
	return "tcp://127.0.0.1:*"
}

// later is an endpoint that nobody binds yet.
func (r *rig) later() string {
	r.Helper()
	if r.transport == "ipc" {
		return r.free()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	r.ok(err)
	defer l.Close()
	return "tcp://" + l.Addr().String()
}

// link brings a left and a right socket together, and waits for both.
func (r *rig) link(left, right *sock) (endpoint string) {
	r.Helper()
	binds, connects := left, right
	if r.flip {
		binds, connects = right, left
	}
	endpoint = binds.bind(r.free())
	connects.connect(endpoint)
	r.linked(left, right)
	return endpoint
}

// linked waits until both have one peer more.
func (r *rig) linked(a, b *sock) {
	r.Helper()
	for _, s := range []*sock{a, b} {
		s.links++
		s.wait(peers, s.links)
	}
}

func (s *sock) fail(what string, err error) {
	s.r.Helper()
	if err != nil {
		s.r.Fatalf("%s: %s: %v", s.what, what, err)
	}
}

func (s *sock) bind(endpoint string) string {
	s.r.Helper()
	resolved, err := s.Bind(endpoint)
	s.fail("bind "+endpoint, err)
	return resolved
}

func (s *sock) connect(endpoint string) {
	s.r.Helper()
	s.fail("connect "+endpoint, s.Connect(endpoint))
}

func (s *sock) set(option string, values ...string) {
	s.r.Helper()
	s.fail("set "+option, s.Set(option, values...))
}

func (s *sock) wait(c count, n int) {
	s.r.Helper()
	s.fail(fmt.Sprintf("wait for %d %s", n, c), s.Wait(c, n, patience))
}

func (s *sock) send(frames ...string) {
	s.r.Helper()
	s.fail(fmt.Sprintf("send %.80q", frames), s.Send(patience, octets(frames)...))
}

// trySend sends without waiting and returns why it can't.
func (s *sock) trySend(frames ...string) error { return s.Send(0, octets(frames)...) }

func (s *sock) recv() []string {
	s.r.Helper()
	frames, err := s.Recv(patience)
	s.fail("recv", err)
	return texts(frames)
}

// want receives this message.
func (s *sock) want(frames ...string) {
	s.r.Helper()
	if got := s.recv(); !slices.Equal(got, frames) {
		s.r.Fatalf("%s: received %.200q, wants %.200q", s.what, got, frames)
	}
}

// wantNone finds nothing to receive. What it proves depends on what was waited
// for before.
func (s *sock) wantNone() {
	s.r.Helper()
	frames, err := s.Recv(0)
	if err == nil {
		s.r.Fatalf("%s: received %.200q, wants nothing", s.what, texts(frames))
	}
	if err != errAgain {
		s.fail("recv", err)
	}
}

// sendRun sends all of a run.
func (s *sock) sendRun(first, n, size int, prefix ...string) {
	s.r.Helper()
	sent, err := s.SendRun(patience, first, n, size, octets(prefix)...)
	s.fail("send a run", err)
	if sent != n {
		s.r.Fatalf("%s: sent %d messages of %d, then it was stuck", s.what, sent, n)
	}
}

// wantRun receives numbered messages: all of them, in order, once.
func (s *sock) wantRun(first, n int) {
	s.r.Helper()
	numbers, err := s.RecvRun(patience, n)
	s.fail("receive a run", err)
	for i, number := range numbers {
		if number != uint64(first+i) {
			s.r.Fatalf("%s: message %d has number %d, wants %d", s.what, i, number, first+i)
		}
	}
	if len(numbers) != n {
		s.r.Fatalf("%s: received %d messages of %d", s.what, len(numbers), n)
	}
}

func octets(frames []string) [][]byte {
	list := make([][]byte, len(frames))
	for i, f := range frames {
		list[i] = []byte(f)
	}
	return list
}

func texts(frames [][]byte) []string {
	list := make([]string, len(frames))
	for i, f := range frames {
		list[i] = string(f)
	}
	return list
}
