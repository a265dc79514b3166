package zmq_test

import (
	"bufio"
	"errors"
	"net"
	"os"
	"slices"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// A far is a peer of the socket under test.
type far interface {
	say(frames ...string) // sends a message
	hear() []string       // receives a message
	rest() [][]string     // receives all that comes until nothing moves; in a bubble
	arrived()             // waits until what it said has come in at the socket
	leave()               // ends the connection
	ended()               // waits until the socket has ended the connection
}

// A socketFar is a peer that is a socket itself.
type socketFar struct {
	st       *stage
	s        *zmq.Socket
	envelope []string
}

func (st *stage) farSocket(name string) *socketFar {
	opts := []zmq.Option{zmq.WithSendHWM(4), zmq.WithRecvHWM(4)}
	if name != "" && (st.peer == zmq.DEALER || st.peer == zmq.ROUTER) {
		opts = append(opts, zmq.WithRoutingID(name))
	}
	return &socketFar{st: st, s: st.subscribing(st.open(st.peer, opts...)), envelope: st.envelope}
}

func (f *socketFar) say(frames ...string) {
	f.st.Helper()
	if err := f.s.Send(soon(f.st), zmq.MsgFromStrings(slices.Concat(f.envelope, frames)...).Frames...); err != nil {
		f.st.Fatal(err)
	}
}

func (f *socketFar) hear() []string {
	f.st.Helper()
	m, err := f.s.Recv(soon(f.st))
	if err != nil {
		f.st.Fatal(err)
	}
	return f.st.opened(texts(m.Frames), f.envelope)
}

func (f *socketFar) rest() (list [][]string) {
	f.st.Helper()
	for {
		synctest.Wait()
		m, err := f.s.TryRecv()
		if errors.Is(err, zmq.ErrAgain) {
			return list
		} else if err != nil {
			f.st.Fatal(err)
		}
		list = append(list, f.st.opened(texts(m.Frames), f.envelope))
	}
}

func (f *socketFar) arrived() {} // on inproc it has

func (f *socketFar) leave() { f.s.Close() }

func (f *socketFar) ended() {
	f.st.Helper()
	f.st.until(f.s, "the connection ends", func() bool { return f.s.Peers() == 0 && !f.st.canSend(f.s) })
}

// opened takes an envelope off a message, which must have it.
func (st *stage) opened(m, envelope []string) []string {
	st.Helper()
	n := min(len(envelope), len(m))
	st.same(m[:n], envelope)
	return m[n:]
}

// A rawFar is a peer that the test plays octet by octet.
type rawFar struct {
	*wirePeer
	st       *stage
	in       *bufio.Reader // what wirePeer reads from
	envelope []string
	early    [][]string // came while arrived waited
}

// raw lets a raw peer connect to the socket.
func (st *stage) raw(s *zmq.Socket, name string) *rawFar {
	st.Helper()
	st.bind(s)
	return st.greets(dialWire(st, s), name)
}

// accepts takes what the socket dials.
func (st *stage) accepts(name string) *rawFar {
	st.Helper()
	return st.greets(st.dials.accept(), name)
}

func (st *stage) greets(p *wirePeer, name string) *rawFar {
	st.Helper()
	in := bufio.NewReader(p.conn)
	p.conn = peekedConn{p.conn, in}
	p.handshake(st.peer.String(), "Identity", name)
	switch {
	case !st.subscribed:
	case st.sends:
		p.sendCommand(wire.NameSubscribe, "")
	case st.receives:
		p.expectTopic(wire.NameSubscribe, "")
	}
	return &rawFar{wirePeer: p, st: st, in: in, envelope: st.wireEnvelope}
}

// A peekedConn is a connection whose next octets can be looked at.
type peekedConn struct {
	net.Conn
	in *bufio.Reader
}

func (c peekedConn) Read(b []byte) (int, error) { return c.in.Read(b) }

func (r *rawFar) say(frames ...string) { r.sendMsg(slices.Concat(r.envelope, frames)...) }

// tears sends frames of a message that would go on, and ends the connection.
func (r *rawFar) tears(frames ...string) {
	r.st.Helper()
	for _, f := range frames {
		r.send(wire.AppendFrame(nil, wire.FlagMore, []byte(f)))
	}
	r.end()
}

func (r *rawFar) hear() []string {
	r.st.Helper()
	if len(r.early) == 0 {
		return r.st.opened(r.recvMsg(), r.envelope)
	}
	m := r.early[0]
	r.early = r.early[1:]
	return r.st.opened(m, r.envelope)
}

func (r *rawFar) rest() (list [][]string) {
	r.st.Helper()
	for len(r.early) > 0 || r.more() {
		list = append(list, r.hear())
	}
	return list
}

// more reports whether anything comes while nothing else moves.
func (r *rawFar) more() bool {
	r.st.Helper()
	r.readBy(time.Now().Add(time.Second))
	_, err := r.in.Peek(1)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		r.st.Fatal(err)
	}
	return err == nil
}

// arrived sends a PING. Its PONG says that all that was sent before is read.
func (r *rawFar) arrived() {
	r.st.Helper()
	r.send(wire.AppendPing(nil, 0, nil))
	var m []string
	for {
		flags, body := r.recvFrame()
		if flags&wire.FlagCommand != 0 {
			return
		}
		if m = append(m, string(body)); flags&wire.FlagMore == 0 {
			r.early, m = append(r.early, m), nil
		}
	}
}

func (r *rawFar) leave() { r.cut() }

func (r *rawFar) ended() {
	r.st.Helper()
	r.expectEnd()
}
