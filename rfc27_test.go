package zmq_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// RFC 27 binds two sides. A server of ours asks: its requests are tested here,
// and what it makes of replies. The handler is that of package auth, and is
// tested there.

const zapEndpoint = "inproc://zeromq.zap.01"

// zapHandler serves a domain as a ROUTER. Answer gets a request behind its
// delimiter, and gives all frames of the reply behind the routing identity; none
// is no reply.
type zapHandler struct {
	s        *zmq.Socket
	answer   func(request []string) []string
	mu       sync.Mutex
	requests [][]string
	ended    chan struct{}
}

func newZAPHandler(t *testing.T, d *zmq.Domain, answer func(request []string) []string) *zapHandler {
	t.Helper()
	h := &zapHandler{s: open(t, zmq.ROUTER, zmq.WithDomain(d)), answer: answer, ended: make(chan struct{})}
	if _, err := h.s.Bind(zapEndpoint); err != nil {
		t.Fatal(err)
	}
	go h.serveLoop()
	t.Cleanup(h.stop)
	return h
}

func (h *zapHandler) stop() {
	_ = h.s.Close()
	<-h.ended
}

func (h *zapHandler) serveLoop() {
	defer close(h.ended)
	for m, err := range h.s.Msgs(context.Background()) {
		if err != nil {
			return
		}
		var request []string
		for _, f := range m.Frames[1:] {
			request = append(request, string(f))
		}
		h.mu.Lock()
		h.requests = append(h.requests, request)
		h.mu.Unlock()
		if reply := h.answer(request[1:]); reply != nil {
			r := zmq.MsgFromStrings(reply...)
			r.Push(m.Frames[0])
			_ = h.s.SendMsg(context.Background(), &r)
		}
	}
}

// asked returns the only request.
func (h *zapHandler) asked(t *testing.T) []string {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.requests) != 1 {
		t.Fatalf("there were %d requests: %q", len(h.requests), h.requests)
	}
	return h.requests[0]
}

// reply is a well-formed reply to a request.
func reply(request []string, status, text, user, metadata string) []string {
	return []string{"", "1.0", request[1], status, text, user, metadata}
}

func admitAll(request []string) []string { return reply(request, "200", "OK", "", "") }

// elsewhere is a connection that says where its peer is.
type elsewhere struct {
	net.Conn
	remote net.Addr
}

func (e elsewhere) RemoteAddr() net.Addr { return e.remote }

// comesFrom lets a client come to a server from an address, over a pipe, and
// returns how the handshake ended for each.
func comesFrom(t *testing.T, address string, server, client *zmq.Socket) (serverErr, clientErr error) {
	t.Helper()
	near, far := net.Pipe()
	remote := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 50_000))
	met := make(chan error, 1)
	go func() { met <- client.Attach(t.Context(), far, zmq.Connected) }()
	serverErr = server.Attach(t.Context(), elsewhere{near, remote}, zmq.Accepted)
	return serverErr, <-met
}

// comes is comesFrom somewhere, with sockets of its own.
func comes(t *testing.T, d *zmq.Domain, server, client []zmq.Option) (serverErr, clientErr error) {
	t.Helper()
	s := open(t, zmq.ROUTER, append(server, zmq.WithDomain(d), zmq.WithHandshakeTimeout(time.Minute))...)
	c := open(t, zmq.DEALER, append(client, zmq.WithHandshakeTimeout(time.Minute), zmq.WithLinger(0))...)
	return comesFrom(t, "10.1.2.3", s, c)
}

var plainPair = [2][]zmq.Option{{zmq.WithPlainServer()}, {zmq.WithPlain("ann", "secret")}}

// TestRFC27_Request looks at the requests of each mechanism, frame by frame.
func TestRFC27_Request(t *testing.T) {
	keys, own := zmq.NewCurveKeys(), zmq.NewCurveKeys()
	public := keys.Public()
	curve := []zmq.Option{zmq.WithCurve(zmq.CurveClient{ServerKey: own.Public(), Keys: keys})}
	for _, c := range []struct {
		name, address  string
		server, client []zmq.Option
		request        []string // the id is taken from what was sent
	}{
		{"NULL", "10.1.2.3", []zmq.Option{zmq.WithZAPDomain("test")}, nil, []string{"", "1.0", "", "test", "10.1.2.3", "", "NULL"}},
		{"PLAIN", "10.1.2.3", []zmq.Option{zmq.WithPlainServer(), zmq.WithZAPDomain("test")}, plainPair[1],
			[]string{"", "1.0", "", "test", "10.1.2.3", "", "PLAIN", "ann", "secret"}},
		{"PLAIN, empty", "10.1.2.3", []zmq.Option{zmq.WithPlainServer()}, []zmq.Option{zmq.WithPlain("", "")},
			[]string{"", "1.0", "", "", "10.1.2.3", "", "PLAIN", "", ""}},
		{"CURVE", "10.1.2.3", []zmq.Option{zmq.WithCurveServer(own), zmq.WithZAPDomain("test")}, curve,
			[]string{"", "1.0", "", "test", "10.1.2.3", "", "CURVE", string(public[:])}},
		{"identity", "10.1.2.3", []zmq.Option{zmq.WithCurveServer(own)}, append(curve, zmq.WithRoutingID(strings.Repeat("i", 255))),
			[]string{"", "1.0", "", "", "10.1.2.3", strings.Repeat("i", 255), "CURVE", string(public[:])}},
		{"IPv6", "2001:DB8:0:0::1", []zmq.Option{zmq.WithPlainServer()}, plainPair[1],
			[]string{"", "1.0", "", "", "2001:db8::1", "", "PLAIN", "ann", "secret"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := zmq.NewDomain()
				h := newZAPHandler(t, d, admitAll)
				server := open(t, zmq.ROUTER, append(c.server, zmq.WithDomain(d))...)
				if s, cl := comesFrom(t, c.address, server, open(t, zmq.DEALER, c.client...)); s != nil || cl != nil {
					t.Fatalf("%v, %v", s, cl)
				}
				got := h.asked(t)
				if id := got[2]; id == "" {
					t.Error("there is no request id")
				}
				got[2] = ""
				if !slices.Equal(got, c.request) {
					t.Errorf("the request is %q, want %q", got, c.request)
				}
			})
		})
	}
}

// TestRFC27_Handlers serves by a REP, which sees no delimiter, and by a ROUTER.
func TestRFC27_Handlers(t *testing.T) {
	for _, kind := range []string{"REP", "ROUTER"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := zmq.NewDomain()
				if kind == "REP" {
					handle(t, d, zapAdmits("ann"))
				} else {
					newZAPHandler(t, d, admitAll)
				}
				if s, c := comes(t, d, plainPair[0], plainPair[1]); s != nil || c != nil {
					t.Errorf("%v, %v", s, c)
				}
			})
		})
	}
}

// TestRFC27_OneHandler finds a second handler refused, and that of another
// domain not.
func TestRFC27_OneHandler(t *testing.T) {
	leak.Check(t)
	d := zmq.NewDomain()
	newZAPHandler(t, d, admitAll)
	second := open(t, zmq.REP, zmq.WithDomain(d))
	if _, err := second.Bind(zapEndpoint); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second handler: %v, want EADDRINUSE", err)
	}
	newZAPHandler(t, zmq.NewDomain(), admitAll)
}

// TestRFC27_ManyServers lets ten servers ask one handler at once.
func TestRFC27_ManyServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := zmq.NewDomain()
		all := make(chan struct{})
		newZAPHandler(t, d, func(r []string) []string { <-all; return admitAll(r) })
		results := make(chan error, 10)
		for range cap(results) {
			server := open(t, zmq.ROUTER, zmq.WithPlainServer(), zmq.WithDomain(d))
			client := open(t, zmq.DEALER, zmq.WithPlain("ann", "secret"))
			go func() {
				s, c := comesFrom(t, "10.0.0.1", server, client)
				results <- errors.Join(s, c)
			}()
		}
		synctest.Wait() // they have all asked
		close(all)
		for range cap(results) {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestRFC27_Statuses answers with each status. Only 200 lets in; 400 and 500 are
// told to the client, 300 is not.
func TestRFC27_Statuses(t *testing.T) {
	for _, c := range []struct {
		status    string
		in        bool
		clientSaw string
	}{{"200", true, ""}, {"300", false, ""}, {"400", false, "400"}, {"500", false, "500"}} {
		t.Run(c.status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := zmq.NewDomain()
				newZAPHandler(t, d, func(r []string) []string { return reply(r, c.status, "not for the client", "", "") })
				s, cl := comes(t, d, plainPair[0], plainPair[1])
				switch {
				case c.in:
					if s != nil || cl != nil {
						t.Errorf("%v, %v", s, cl)
					}
				case !errors.Is(s, zmq.ErrAuth) || !strings.Contains(s.Error(), c.status) || !strings.Contains(s.Error(), "not for the client"):
					t.Errorf("the server says %v", s)
				case cl == nil || errors.Is(cl, zmq.ErrAuth) != (c.clientSaw != "") || !strings.Contains(cl.Error(), c.clientSaw) ||
					strings.Contains(cl.Error(), "not for the client"):
					t.Errorf("the client says %v", cl)
				}
			})
		})
	}
}

// TestRFC27_BadReplies answers with what is no reply. Nobody enters.
func TestRFC27_BadReplies(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		name   string
		answer func(r []string) []string
	}{
		{"no delimiter", func(r []string) []string { return admitAll(r)[1:] }},
		{"delimiter of one octet", func(r []string) []string { return append([]string{"x"}, admitAll(r)[1:]...) }},
		{"another version", func(r []string) []string { return []string{"", "2.0", r[1], "200", "", "", ""} }},
		{"another request id", func(r []string) []string { return []string{"", "1.0", r[1] + "1", "200", "", "", ""} }},
		{"no request id", func([]string) []string { return []string{"", "1.0", "", "200", "", "", ""} }},
		{"missing frames", func(r []string) []string { return admitAll(r)[:6] }},
		{"a delimiter alone", func([]string) []string { return []string{""} }},
		{"too many frames", func(r []string) []string { return append(admitAll(r), "") }},
		{"no status", func(r []string) []string { return reply(r, "", "", "", "") }},
		{"another status", func(r []string) []string { return reply(r, "201", "", "", "") }},
		{"status with more behind it", func(r []string) []string { return reply(r, "200 OK", "", "", "") }},
		{"long text", func(r []string) []string { return reply(r, "200", long, "", "") }},
		{"long user id", func(r []string) []string { return reply(r, "200", "", long, "") }},
		{"malformed metadata", func(r []string) []string { return reply(r, "200", "", "", "\x04Name\x00\x00\x00\x09short") }},
		{"metadata without a name", func(r []string) []string { return reply(r, "200", "", "", "\x00\x00\x00\x00\x01x") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := zmq.NewDomain()
				newZAPHandler(t, d, c.answer)
				s, cl := comes(t, d, plainPair[0], plainPair[1])
				if !errors.Is(s, zmq.ErrProtocol) || cl == nil || errors.Is(cl, zmq.ErrAuth) {
					t.Errorf("the server says %v, the client %v", s, cl)
				}
			})
		})
	}
}

// TestRFC27_NoHandler: without a handler PLAIN, and who has a domain, lets nobody
// in; CURVE without a domain lets in who knows the server's key, as libzmq does.
func TestRFC27_NoHandler(t *testing.T) {
	own := zmq.NewCurveKeys()
	curve := []zmq.Option{zmq.WithCurve(zmq.CurveClient{ServerKey: own.Public()})}
	domain := zmq.WithZAPDomain("test")
	for _, c := range []struct {
		name           string
		server, client []zmq.Option
		in             bool
	}{
		{"NULL", nil, nil, true},
		{"NULL with a domain", []zmq.Option{domain}, nil, false},
		{"PLAIN", plainPair[0], plainPair[1], false},
		{"PLAIN with a domain", []zmq.Option{zmq.WithPlainServer(), domain}, plainPair[1], false},
		{"CURVE", []zmq.Option{zmq.WithCurveServer(own)}, curve, true},
		{"CURVE with a domain", []zmq.Option{zmq.WithCurveServer(own), domain}, curve, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, cl := comes(t, zmq.NewDomain(), c.server, c.client)
				if c.in != (s == nil) || c.in != (cl == nil) {
					t.Errorf("the server says %v, the client %v", s, cl)
				}
			})
		})
	}
}

// TestRFC27_LateAnswer: the handler takes longer than the handshake may, or dies
// with the question. The connection ends with the time of the handshake.
func TestRFC27_LateAnswer(t *testing.T) {
	for _, dies := range []bool{false, true} {
		t.Run(map[bool]string{false: "late", true: "dead"}[dies], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := zmq.NewDomain()
				late := make(chan struct{})
				h := newZAPHandler(t, d, func(r []string) []string { <-late; return admitAll(r) })
				began := time.Now()
				if dies {
					time.AfterFunc(time.Second, func() { h.s.CloseAsync(); close(late) })
				} else {
					time.AfterFunc(2*time.Minute, func() { close(late) })
				}
				s, cl := comes(t, d, plainPair[0], plainPair[1])
				if s == nil || cl == nil || time.Since(began) != time.Minute {
					t.Errorf("after %v the server says %v, the client %v", time.Since(began), s, cl)
				}
				if !dies {
					<-late
				}
			})
		})
	}
}

// TestRFC27_HandlerRestarted: who comes while there is no handler stays out, and
// who comes when there is one again enters.
func TestRFC27_HandlerRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := zmq.NewDomain()
		for range 3 {
			if s, c := comes(t, d, plainPair[0], plainPair[1]); s == nil || c == nil {
				t.Error("somebody entered without being asked about")
			}
			h := newZAPHandler(t, d, admitAll)
			if s, c := comes(t, d, plainPair[0], plainPair[1]); s != nil || c != nil {
				t.Errorf("with a handler: %v, %v", s, c)
			}
			h.stop()
		}
	})
}

// TestRFC27_UserAndMetadata: user id and metadata are on each message of the peer,
// over what it says of itself, and never on those of another, also after it has
// gone and somebody else has come.
func TestRFC27_UserAndMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := zmq.NewDomain()
		newZAPHandler(t, d, func(r []string) []string {
			if r[6] == "nobody" {
				return reply(r, "200", "", "", "")
			}
			return reply(r, "200", "", "user "+r[6], "\x06X-Role\x00\x00\x00\x05"+(r[6] + "     ")[:5])
		})
		server := open(t, zmq.PULL, zmq.WithPlainServer(), zmq.WithDomain(d))
		enter := func(name string) *zmq.Socket {
			client := open(t, zmq.PUSH, zmq.WithPlain(name, ""), zmq.WithMetadata("X-Role", "liar"), zmq.WithMetadata("X-Own", "mine"))
			if s, c := comesFrom(t, "10.0.0.1", server, client); s != nil || c != nil {
				t.Fatalf("%s: %v, %v", name, s, c)
			}
			return client
		}
		check := func(client *zmq.Socket, user, role string) {
			t.Helper()
			for range 3 {
				if err := client.Send(t.Context(), []byte("a"), []byte("b")); err != nil {
					t.Fatal(err)
				}
				m, err := server.Recv(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if m.Peer().UserID() != user || m.Property("User-Id") != user || m.Property("x-role") != role || m.Property("X-Own") != "mine" {
					t.Errorf("the message is from %q with role %q, want %q, %q", m.Property("User-Id"), m.Property("X-Role"), user, role)
				}
			}
		}
		ann, bob := enter("ann"), enter("bob")
		check(ann, "user ann", "ann  ")
		check(bob, "user bob", "bob  ")
		check(ann, "user ann", "ann  ")
		if err := ann.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		check(enter("nobody"), "", "liar")
		check(bob, "user bob", "bob  ")
		check(enter("eve"), "user eve", "eve  ")
	})
}

// TestRFC27_Proxy puts a proxy between the server and a handler elsewhere, which
// sees an envelope of two identities.
func TestRFC27_Proxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, far := zmq.NewDomain(), zmq.NewDomain()
		front := open(t, zmq.ROUTER, zmq.WithDomain(d))
		back := open(t, zmq.DEALER, zmq.WithDomain(far))
		if _, err := front.Bind(zapEndpoint); err != nil {
			t.Fatal(err)
		}
		if err := back.Connect(zapEndpoint); err != nil {
			t.Fatal(err)
		}
		handle(t, far, zapAdmits("ann"))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = zmq.Proxy(ctx, front, back) }()
		for name, password := range map[string]string{"right": "secret", "wrong": "guess"} {
			s, c := comes(t, d, plainPair[0], []zmq.Option{zmq.WithPlain("ann", password)})
			if in := password == "secret"; in != (s == nil) || in != (c == nil) {
				t.Errorf("%s password: %v, %v", name, s, c)
			}
		}
		cancel()
		<-ended
	})
}
