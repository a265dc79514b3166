package main

// #include "capi.h"
import "C"

import (
	"net"
	"runtime/cgo"
	"strings"
	"syscall"
	"time"

	"github.com/phimq/zmq"
)

// socket is a socket as C knows it. One thread uses it at a time.
type socket struct {
	*zmq.Socket
	c    *C.socket_t
	ctx  *context
	bell bell

	in      zmq.Msg   // received, to be handed over
	held    bool      // in is not handed over yet
	ahead   []zmq.Msg // received, before all others
	out     [][]byte  // room for what is sent
	origin  origins
	kept    map[C.int]string // options that do nothing here
	filters filters
	source  string        // the address to reach a SOCKS proxy from
	begun   chan struct{} // a token when a try to connect has begun
}

//export capiSocketNew
func capiSocketNew(ctx C.uintptr_t, kind C.int, c *C.socket_t) C.int {
	s := &socket{c: c, ctx: contextOf(ctx), bell: bell{fd: int(c.fd)}, kept: map[C.int]string{}, begun: make(chan struct{}, 1)}
	if err := s.ctx.add(s); err != nil {
		return result(err)
	}
	var err error
	if s.Socket, err = zmq.New(zmq.Type(kind), append(s.ctx.initial(), zmq.WithEvents(s.event))...); err != nil {
		s.ctx.remove(s)
		return result(err)
	}
	s.OnChange(s.bell.ring)
	c._go = handle(s)
	return 0
}

//export capiSocketClose
func capiSocketClose(h C.uintptr_t) {
	s := socketOf(h)
	s.CloseAsync() // frees what was bound
	go s.closeLoop(h)
}

// closeLoop lingers, and forgets the socket.
func (s *socket) closeLoop(h C.uintptr_t) {
	_ = s.Close() // what could not be sent in time is dropped, as the option says
	s.OnChange(nil)
	s.bell.end()
	s.origin.drop()
	cgo.Handle(h).Delete()
	C.socket_free(s.c)
	s.ctx.remove(s)
}

// schemes are the transports, by which libzmq tells a wrong address from one
// that it knows nothing of.
var schemes = map[string]bool{"tcp": true, "ipc": true, "inproc": true}

// endpoint checks what the core would call malformed for either reason.
func endpoint(text *C.char) (string, error) {
	s := C.GoString(text)
	scheme, address, ok := strings.Cut(s, "://")
	switch {
	case !ok || scheme == "" || address == "":
		return "", syscall.EINVAL
	case !schemes[scheme]:
		return "", syscall.EPROTONOSUPPORT
	}
	return s, nil
}

// endpoint refuses what an option asks for that only shows here.
func (s *socket) endpoint(text *C.char) (string, error) {
	if s.kept[C.ZMQ_ROUTER_RAW] == "1" {
		return "", syscall.ENOTSUP // a STREAM is what it was
	}
	return endpoint(text)
}

//export capiBind
func capiBind(h C.uintptr_t, text *C.char) C.int {
	s := socketOf(h)
	addr, err := s.endpoint(text)
	if err != nil {
		return result(err)
	}
	if fd := s.useFD(); fd >= 0 && !strings.HasPrefix(addr, "inproc:") {
		return result(s.adopt(fd))
	}
	_, err = s.Bind(addr)
	return result(err)
}

// adopt serves a listening descriptor that the program opened.
func (s *socket) adopt(fd int) error {
	f, err := file(fd)
	if err != nil {
		return err
	}
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		return err
	}
	return s.ServeListener(ln)
}

//export capiConnect
func capiConnect(h C.uintptr_t, text *C.char) C.int {
	s := socketOf(h)
	addr, err := s.endpoint(text)
	if err != nil {
		return result(err)
	}
	if strings.HasPrefix(addr, "inproc:") {
		s.ctx.connects(addr)
		return result(s.Connect(addr))
	}
	if s.kept[C.ZMQ_SOCKS_PROXY] != "" && strings.HasPrefix(addr, "tcp:") {
		return result(syscall.EINVAL)
	}
	select {
	case <-s.begun:
	default:
	}
	if err := s.Connect(s.from(addr)); err != nil {
		return result(err)
	}
	timer := time.NewTimer(beginTime)
	defer timer.Stop()
	select {
	case <-s.begun:
	case <-timer.C:
	}
	return 0
}

// from puts the source of SOCKS_PROXY where the core has it: into the endpoint.
func (s *socket) from(addr string) string {
	rest, tcp := strings.CutPrefix(addr, "tcp://")
	if s.source == "" || !tcp || strings.Contains(rest, ";") {
		return addr
	}
	return "tcp://" + s.source + ";" + rest
}

// beginTime is how long zmq_connect waits at most for its connection to be on
// its way. Programs count on it that those of several sockets arrive in order,
// as one I/O thread makes them.
const beginTime = 10 * time.Millisecond

// event watches for tries to connect.
func (s *socket) event(e zmq.Event) {
	if e.Kind == zmq.EventConnectDelayed {
		select {
		case s.begun <- struct{}{}:
		default:
		}
	}
}

//export capiUnbind
func capiUnbind(h C.uintptr_t, text *C.char) C.int {
	addr, err := endpoint(text)
	if strings.HasSuffix(addr, "*") {
		err = syscall.ENOENT // what was bound has another name
	}
	if err == nil {
		err = socketOf(h).Unbind(addr)
	}
	return result(err)
}

//export capiDisconnect
func capiDisconnect(h C.uintptr_t, text *C.char) C.int {
	s := socketOf(h)
	addr, err := endpoint(text)
	if err != nil {
		return result(err)
	}
	gone := map[zmq.Peer]bool{}
	for _, p := range s.Stats().Peers {
		if p.Endpoint == addr {
			gone[p.Peer] = true
		}
	}
	if err := s.Disconnect(s.from(addr)); err != nil {
		return result(err)
	}
	s.forgo(gone)
	return 0
}

// forgo drops what has come from peers and was not received, as zmq_disconnect
// promises; what has come from others is kept in its order. REQ and REP speak in
// turns, which receiving would change.
func (s *socket) forgo(from map[zmq.Peer]bool) {
	if t := s.Type(); t == zmq.REQ || t == zmq.REP || len(from) == 0 {
		return
	}
	ahead := s.ahead[:0]
	for _, m := range s.ahead {
		if !from[m.Peer()] {
			ahead = append(ahead, m)
		}
	}
	for m, err := s.TryRecv(); err == nil; m, err = s.TryRecv() {
		if !from[m.Peer()] {
			ahead = append(ahead, m)
		}
	}
	s.ahead = ahead
}

//export capiMonitor
func capiMonitor(h C.uintptr_t, text *C.char, events C.int) C.int {
	s := socketOf(h)
	if C.GoString(text) == "" {
		return result(s.Monitor("", 0, 1))
	}
	addr, err := endpoint(text)
	if err == nil && !strings.HasPrefix(addr, "inproc:") {
		err = syscall.EPROTONOSUPPORT
	}
	if err == nil {
		err = s.Monitor(addr, zmq.EventKind(events), 1)
	}
	return result(err)
}
