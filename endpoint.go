package zmq

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/phimq/zmq/internal/engine"
	"github.com/phimq/zmq/internal/inproc"
	"github.com/phimq/zmq/internal/pattern"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/session"
	"github.com/phimq/zmq/internal/transport"
	"github.com/phimq/zmq/internal/wire"
)

// endpoint is one bind or connect of the socket. Exactly one of its parts is
// set.
type endpoint struct {
	asked    string // as the user wrote it
	resolved string
	listener *session.Listener
	dialer   *session.Dialer
	named    bool         // bound to an inproc name
	link     *inproc.Link // connected to one
}

func (e *endpoint) bound() bool { return e.listener != nil || e.named }

// over reports whether a connect has come to its end by itself.
func (e *endpoint) over() bool {
	return e.link != nil && e.link.Ended() || e.dialer != nil && e.dialer.Over()
}

// Binding is an endpoint that a socket has bound.
type Binding struct {
	s *Socket
	e *endpoint
}

// Endpoint returns the endpoint with what the bind resolved: the real port for
// port 0 or *, the path for ipc://*.
func (b *Binding) Endpoint() string { return b.e.resolved }

// Addr returns the address that is listened at; nil on inproc.
func (b *Binding) Addr() net.Addr {
	if b.e.listener == nil {
		return nil
	}
	return b.e.listener.Addr()
}

// Close unbinds, as [Socket.Unbind] does.
func (b *Binding) Close() error {
	if !b.s.forget(b.e) {
		return b.s.opError("unbind", b.e.resolved, ErrNotFound)
	}
	b.s.unbind(b.e)
	return nil
}

// Bind makes the socket reachable at an endpoint:
//
//	tcp://127.0.0.1:5555   tcp://*:5555   tcp://eth0:5555   tcp://[::1]:*
//	ipc:///tmp/feed   ipc://*   ipc://@abstract (Linux)
//	inproc://name
//	tls+tcp://... as tcp, inside TLS; see WithTLS
//
// Port 0 or * takes a free port, and ipc://* a new path; [Binding.Endpoint]
// tells which. An address in use is syscall.EADDRINUSE.
func (s *Socket) Bind(addr string) (*Binding, error) {
	e, err := s.bind(addr)
	if err != nil {
		return nil, s.opError("bind", addr, err)
	}
	return &Binding{s: s, e: e}, nil
}

func (s *Socket) bind(addr string) (*endpoint, error) {
	parsed, err := s.parse(addr, transport.Endpoint.CheckBind)
	if err != nil {
		return nil, err
	}
	e := &endpoint{asked: addr, resolved: parsed.String()}
	if parsed.Scheme == "inproc" {
		if s.typ == STREAM {
			return nil, fmt.Errorf("%w: STREAM needs tcp or ipc", ErrNotSupported)
		}
		if err := s.domain.names.Bind(e.resolved, s.host); err != nil {
			return nil, err
		}
		e.named = true
	} else {
		options, err := s.sessionOptions(false)
		if err != nil {
			return nil, err
		}
		if e.listener, err = s.group.Listen(parsed, options); err != nil {
			return nil, err
		}
		e.resolved = e.listener.Endpoint()
	}
	if !s.remember(e) {
		s.unbind(e)
		return nil, ErrClosed
	}
	return e, nil
}

// Connect makes the socket reach for an endpoint, and returns at once: an
// error means that the endpoint is malformed. It tries for ever, and again
// when the connection is lost. An endpoint may be connected to more than once.
//
//	tcp://host:5555   tcp://eth1:0;host:5555 (from that interface)
//	ipc:///tmp/feed   ipc://@abstract   inproc://name
func (s *Socket) Connect(addr string) error { return s.opError("connect", addr, s.connect(addr)) }

func (s *Socket) connect(addr string) error {
	parsed, err := s.parse(addr, transport.Endpoint.CheckConnect)
	if err != nil {
		return err
	}
	if parsed.Scheme == "inproc" && s.typ == STREAM {
		return fmt.Errorf("%w: STREAM needs tcp or ipc", ErrNotSupported)
	}
	e := &endpoint{asked: addr, resolved: parsed.String()}
	options, err := s.sessionOptions(true)
	if err != nil {
		return err
	}
	if parsed.Scheme == "inproc" {
		link, ok := s.domain.names.Connect(e.resolved, s.host, options.ID, !options.PipeAtConnect)
		if !ok {
			s.restoreID(options.ID)
			return fmt.Errorf("%w: the socket bound to this name is of a type that does not talk to %s", ErrInvalid, s.typ)
		}
		e.link = link
	} else if e.dialer, err = s.group.Dial(parsed, options); err != nil {
		return err
	}
	if !s.remember(e) {
		s.disconnect(e)
		return ErrClosed
	}
	return nil
}

// parse reads an endpoint for a socket that is alive.
func (s *Socket) parse(addr string, check func(transport.Endpoint) error) (transport.Endpoint, error) {
	if s.bad != nil {
		return transport.Endpoint{}, s.bad
	}
	if s.isClosed() {
		return transport.Endpoint{}, ErrClosed
	}
	e, err := transport.Parse(addr)
	if err == nil {
		err = check(e)
	}
	return e, err
}

// Unbind stops accepting at an endpoint, as it was given to Bind or as it was
// resolved. Peers that are connected through it stay until what is queued for
// them is written, at most the linger time. ErrNotFound if it is not bound.
func (s *Socket) Unbind(addr string) error {
	e := s.find(addr, true)
	if e == nil {
		return s.opError("unbind", addr, s.orDead(ErrNotFound))
	}
	s.unbind(e)
	return nil
}

// Disconnect ends one connection that Connect made to an endpoint. What is
// queued for it is still written, for at most the linger time. ErrNotFound if
// there is none: one over inproc has ended when the other socket was closed.
func (s *Socket) Disconnect(addr string) error {
	e := s.find(addr, false)
	if e == nil {
		return s.opError("disconnect", addr, s.orDead(ErrNotFound))
	}
	s.disconnect(e)
	return nil
}

func (s *Socket) orDead(err error) error {
	if s.bad != nil || s.isClosed() {
		return s.dead()
	}
	return err
}

// unbind ends a bind that is forgotten already.
func (s *Socket) unbind(e *endpoint) {
	if e.named {
		s.domain.names.Unbind(e.resolved, s.host)
		return
	}
	_ = e.listener.Close() // what was bound is gone either way
	s.release(e.listener.Pipes(), e.listener.Hangup)
}

// disconnect ends a connect that is forgotten already.
func (s *Socket) disconnect(e *endpoint) {
	if e.link != nil {
		e.link.Cut()
		return
	}
	if p := e.dialer.Retire(); p != nil {
		s.release([]*pipe.Pipe{p}, e.dialer.Stop)
	}
}

// release sends no more to pipes and ends their connections: at once if nothing
// waits to be written.
func (s *Socket) release(pipes []*pipe.Pipe, end func()) {
	idle := true
	for _, p := range pipes {
		s.retire(p)
		p.Out.Mu.Lock()
		idle = idle && p.Out.Emptied() == nil
		p.Out.Mu.Unlock()
	}
	if idle || !s.group.Start(func() { s.releaseLoop(pipes, end) }) {
		end()
	}
}

// retire sends no more to p, but lets what waits go out.
func (s *Socket) retire(p *pipe.Pipe) {
	s.recv.mu.Lock()
	s.send.mu.Lock()
	p.Send.Retired = true
	s.pattern.Lost(p)
	s.send.mu.Unlock()
	s.recv.mu.Unlock()
	s.wakeReceiver() // there may be news for an XPUB
	s.wakeSenders()
	s.peersChanged()
}

// releaseLoop waits at most the linger time until what is queued for pipes is
// written, then ends their connections.
func (s *Socket) releaseLoop(pipes []*pipe.Pipe, end func()) {
	defer end()
	s.mu.Lock()
	linger := s.conf.linger
	s.mu.Unlock()
	timer := limit(linger)
	var over <-chan time.Time
	if timer != nil {
		defer timer.Stop()
		over = timer.C
	}
	written(s.group.Context(), over, pipes)
}

// remember keeps an endpoint, unless the socket is closing.
func (s *Socket) remember(e *endpoint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	if s.last = e.resolved; e.link == nil || !e.link.Ended() {
		s.endpoints = append(s.endpoints, e)
	}
	return true
}

// forgetLinks takes out of the socket's list what neighbours have ended: nothing is left
// to disconnect, and nothing of them must be kept.
func (s *Socket) forgetLinks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return // all of them are about to end
	}
	s.endpoints = slices.DeleteFunc(s.endpoints, func(e *endpoint) bool { return e.link != nil && e.link.Ended() })
}

// find takes an endpoint out of the socket's list, by either of its names: one that is
// alive if it can.
func (s *Socket) find(addr string, bound bool) *endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil // Close ends them all
	}
	named := func(e *endpoint) bool { return e.bound() == bound && (e.resolved == addr || e.asked == addr) }
	i := slices.IndexFunc(s.endpoints, func(e *endpoint) bool { return named(e) && !e.over() })
	if i < 0 {
		i = slices.IndexFunc(s.endpoints, named)
	}
	if i < 0 {
		return nil
	}
	e := s.endpoints[i]
	s.endpoints = slices.Delete(s.endpoints, i, i+1)
	return e
}

func (s *Socket) forget(e *endpoint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.endpoints, e)
	if i >= 0 {
		s.endpoints = slices.Delete(s.endpoints, i, i+1)
	}
	return i >= 0
}

// unbindAll stops accepting; cutAll ends the links to neighbours.
func (s *Socket) unbindAll() {
	for _, e := range s.endpointList() {
		switch {
		case e.named:
			s.domain.names.Unbind(e.resolved, s.host)
		case e.listener != nil:
			_ = e.listener.Close() // what was bound is gone either way
		}
	}
}

// cutAll ends the links to neighbours; with keep, not those on which something
// waits for a socket that has not bound the name yet.
func (s *Socket) cutAll(keep bool) {
	waits := map[pipe.Closer]bool{}
	for _, e := range s.endpointList() {
		if e.link == nil {
			continue
		}
		if waits[e.link] = keep && s.unsettled(e.link); !waits[e.link] {
			e.link.Cut()
		}
	}
	for _, p := range s.allPipes() {
		if link, ok := s.sessionOf(p).(*inproc.Link); ok && !waits[link] {
			link.Cut()
		}
	}
}

// unsettled reports whether messages wait for a name to be bound.
func (s *Socket) unsettled(l *inproc.Link) bool {
	select {
	case <-l.Settled():
		return false
	default:
	}
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	return l.Pipe().Out.Len() > 0
}

// settle waits until what was sent by inproc is the receivers'. It reports
// false when the time was over before.
func (s *Socket) settle(ctx context.Context, over <-chan time.Time) bool {
	for _, e := range s.endpointList() {
		if e.link == nil || !s.unsettled(e.link) {
			continue
		}
		select {
		case <-e.link.Settled():
		case <-over:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (s *Socket) sessionOf(p *pipe.Pipe) pipe.Closer {
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	return p.Session
}

func (s *Socket) endpointList() []*endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.endpoints)
}

// restoreID gives back the routing id of a connect that failed.
func (s *Socket) restoreID(id []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(id) > 0 && s.conf.connectRoutingID == "" {
		s.conf.connectRoutingID = string(id)
	}
}

// sessionOptions is a snapshot of the options that a bind or connect takes. A connect
// uses up the routing id that was set for the next one.
func (s *Socket) sessionOptions(connects bool) (*session.Options, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.conf
	if err := c.security.check(); err != nil {
		return nil, err
	}
	o := &session.Options{
		Engine:           s.engineConfig(),
		Transport:        transportOptions(c),
		HandshakeTimeout: c.handshake,
		Spin:             time.Duration(c.spin) * time.Microsecond,
		ConnectTimeout:   c.connectTimeout,
		Reconnect:        c.reconnect,
		ReconnectMax:     c.reconnectMax,
		Heartbeat:        c.heartbeat,
		HeartbeatTimeout: c.heartbeatTimeout,
		HeartbeatTTL:     c.heartbeatTTL,
		Auth:             s.authenticator(&c.security),
		Accept:           c.accept,
		Conflate:         c.conflate,
	}
	if o.HeartbeatTimeout < 0 {
		o.HeartbeatTimeout = o.Heartbeat
	}
	if connects {
		o.ID, c.connectRoutingID = []byte(c.connectRoutingID), ""
	}
	byName := s.typ == ROUTER || s.typ == STREAM
	o.KeepPipe = !c.immediate && s.typ != STREAM
	o.PipeAtConnect = !c.immediate && (!byName || len(o.ID) > 0)
	return o, nil
}

func (s *Socket) engineConfig() *engine.Config {
	c := &s.conf
	e := &engine.Config{
		SocketType:   s.typ.String(),
		Identity:     c.routingID,
		Legal:        func(peer string) bool { return pattern.Legal(s.typ.String(), peer) },
		Raw:          s.typ == STREAM,
		LeastVersion: [2]byte{3, c.leastVersion[len(c.leastVersion)-1] - '0'},
		MaxMessage:   c.maxMessage,
		Mechanism:    c.security.start(),
		Pool:         &s.domain.pool,
	}
	for i := 0; i+1 < len(c.metadata); i += 2 {
		e.Metadata = wire.AppendProperty(e.Metadata, c.metadata[i], c.metadata[i+1])
	}
	return e
}

func transportOptions(c *settings) *transport.Options {
	return &transport.Options{
		IPv6: c.ipv6, Backlog: int(c.backlog), SendBuffer: int(c.sendBuffer), RecvBuffer: int(c.recvBuffer),
		KeepAlive: transport.KeepAlive(c.keepAlive + 1), KeepAliveCount: int(c.keepCount),
		KeepAliveIdle: int(c.keepIdle), KeepAliveInterval: int(c.keepIntvl),
		TOS: int(c.tos), MaxRetransmit: c.maxRetransmit, BindToDevice: c.device, Priority: int(c.priority),
		Proxy: transport.Proxy{Address: c.socksProxy, User: c.socksUser, Password: c.socksPassword.reveal()},
		TLS:   c.security.tls,
		Dial:  c.dial,
	}
}

// validProxy is what a SOCKS proxy must be, if there is one.
func validProxy(address string) error {
	if address == "" {
		return nil
	}
	return transport.CheckProxy(address)
}
