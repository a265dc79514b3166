package zmq_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// withs are all With functions that set rows of the table, with the rows.
var withs = []struct {
	typ  zmq.Type
	o    zmq.Option
	rows map[string]string
}{
	{zmq.PUSH, zmq.WithSendHWM(7), map[string]string{"sndhwm": "7"}},
	{zmq.PULL, zmq.WithRecvHWM(8), map[string]string{"rcvhwm": "8"}},
	{zmq.PAIR, zmq.WithLinger(2 * time.Millisecond), map[string]string{"linger": "2"}},
	{zmq.PAIR, zmq.WithSendTimeout(3 * time.Second), map[string]string{"sndtimeo": "3000"}},
	{zmq.PAIR, zmq.WithRecvTimeout(4 * time.Second), map[string]string{"rcvtimeo": "4000"}},
	{zmq.PAIR, zmq.WithImmediate(true), map[string]string{"immediate": "1"}},
	{zmq.SUB, zmq.WithConflate(true), map[string]string{"conflate": "1"}},
	{zmq.DEALER, zmq.WithRoutingID("me"), map[string]string{"routing_id": "me"}},
	{zmq.ROUTER, zmq.WithConnectRoutingID("you"), map[string]string{"connect_routing_id": "you"}},
	{zmq.REQ, zmq.WithProbeRouter(true), map[string]string{"probe_router": "1"}},
	{zmq.ROUTER, zmq.WithRouterMandatory(true), map[string]string{"router_mandatory": "1"}},
	{zmq.ROUTER, zmq.WithRouterHandover(true), map[string]string{"router_handover": "1"}},
	{zmq.REQ, zmq.WithReqRelaxed(true), map[string]string{"req_relaxed": "1"}},
	{zmq.REQ, zmq.WithReqCorrelate(true), map[string]string{"req_correlate": "1"}},
	{zmq.XPUB, zmq.WithXPubVerbose(true), map[string]string{"xpub_verbose": "1"}},
	{zmq.XPUB, zmq.WithXPubVerboser(true), map[string]string{"xpub_verboser": "1"}},
	{zmq.XPUB, zmq.WithXPubManual(true), map[string]string{"xpub_manual": "1"}},
	{zmq.PUB, zmq.WithXPubNoDrop(true), map[string]string{"xpub_nodrop": "1"}},
	{zmq.XPUB, zmq.WithXPubWelcome("hi"), map[string]string{"xpub_welcome_msg": "hi"}},
	{zmq.SUB, zmq.WithInvertMatching(true), map[string]string{"invert_matching": "1"}},
	{zmq.STREAM, zmq.WithStreamNotify(false), map[string]string{"stream_notify": "0"}},
	{zmq.PAIR, zmq.WithReconnect(-1), map[string]string{"reconnect_ivl": "-1"}},
	{zmq.PAIR, zmq.WithReconnectMax(5 * time.Second), map[string]string{"reconnect_ivl_max": "5000"}},
	{zmq.PAIR, zmq.WithConnectTimeout(6 * time.Second), map[string]string{"connect_timeout": "6000"}},
	{zmq.PAIR, zmq.WithHandshakeTimeout(7 * time.Second), map[string]string{"handshake_ivl": "7000"}},
	{zmq.PAIR, zmq.WithHeartbeat(8 * time.Second), map[string]string{"heartbeat_ivl": "8000"}},
	{zmq.PAIR, zmq.WithHeartbeatTimeout(9 * time.Second), map[string]string{"heartbeat_timeout": "9000"}},
	{zmq.PAIR, zmq.WithHeartbeatTTL(10 * time.Second), map[string]string{"heartbeat_ttl": "10000"}},
	{zmq.PAIR, zmq.WithMaxMessageSize(1 << 40), map[string]string{"maxmsgsize": "1099511627776"}},
	{zmq.PAIR, zmq.WithLeastVersion("3.1"), map[string]string{"zmtp_least": "3.1"}},
	{zmq.PAIR, zmq.WithSpin(20 * time.Microsecond), map[string]string{"spin": "20"}},
	{zmq.PAIR, zmq.WithIPv6(true), map[string]string{"ipv6": "1"}},
	{zmq.PAIR, zmq.WithZAPDomain("home"), map[string]string{"zap_domain": "home"}},
	{zmq.PAIR, zmq.WithZAPEnforceDomain(false), map[string]string{"zap_enforce_domain": "0"}},
	{zmq.PAIR, zmq.WithBacklog(11), map[string]string{"backlog": "11"}},
	{zmq.PAIR, zmq.WithSendBuffer(12), map[string]string{"sndbuf": "12"}},
	{zmq.PAIR, zmq.WithRecvBuffer(13), map[string]string{"rcvbuf": "13"}},
	{zmq.PAIR, zmq.WithTOS(14), map[string]string{"tos": "14"}},
	{zmq.PAIR, zmq.WithKeepAlive(true), map[string]string{"tcp_keepalive": "1"}},
	{zmq.PAIR, zmq.WithKeepAlive(false), map[string]string{"tcp_keepalive": "0"}},
	{zmq.PAIR, zmq.WithKeepAliveProbes(15, 16, 17),
		map[string]string{"tcp_keepalive_idle": "15", "tcp_keepalive_intvl": "16", "tcp_keepalive_cnt": "17"}},
	{zmq.PAIR, zmq.WithSOCKSProxy("proxy.test:1080"), map[string]string{"socks_proxy": "proxy.test:1080"}},
	{zmq.PAIR, zmq.WithSOCKSCredentials("user", "secret"), map[string]string{"socks_username": "user"}},
}

// TestWithFunctions: each With function sets its rows of the table and no
// other, in a constructor and by Set.
func TestWithFunctions(t *testing.T) {
	for _, w := range withs {
		fresh, made, later := open(t, w.typ), open(t, w.typ, w.o), open(t, w.typ)
		if err := later.Set(w.o); err != nil {
			t.Fatal(err)
		}
		for _, row := range zmq.Options() {
			if row.ReadOnly || row.WriteOnly {
				continue
			}
			before := optionOf(t, fresh, row.Name)
			want, sets := w.rows[row.Name]
			if !sets {
				want = before
			} else if want == before {
				t.Errorf("%s: %q is the default: the test shows nothing", row.Name, want)
			}
			for how, s := range map[string]*zmq.Socket{"the constructor": made, "Set": later} {
				if got := optionOf(t, s, row.Name); got != want {
					t.Errorf("%s: after %s it is %q, want %q", row.Name, how, got, want)
				}
			}
		}
	}
}

// TestWithFunctionsRefuse: With functions have the bounds of the table.
func TestWithFunctionsRefuse(t *testing.T) {
	for i, o := range []zmq.Option{
		zmq.WithSendHWM(-1), zmq.WithRecvHWM(-1), zmq.WithConnectTimeout(-1), zmq.WithReconnectMax(-1),
		zmq.WithHandshakeTimeout(-1), zmq.WithHeartbeat(-1), zmq.WithHeartbeatTTL(2 * time.Hour), zmq.WithMaxMessageSize(-2),
		zmq.WithLeastVersion("1.0"), zmq.WithBacklog(-1), zmq.WithSendBuffer(-2), zmq.WithRecvBuffer(-2), zmq.WithTOS(256),
		zmq.WithKeepAliveProbes(-2, 0, 0), zmq.WithKeepAliveProbes(0, -2, 0), zmq.WithKeepAliveProbes(0, 0, -2), {},
	} {
		if _, err := zmq.New(zmq.PAIR, o); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("option %d: %v, want ErrInvalid", i, err)
		}
	}
}

func TestWithDomain(t *testing.T) {
	first := open(t, zmq.PAIR, zmq.WithDomain(nil))
	if _, err := first.Bind("inproc://with-domain"); err != nil {
		t.Fatal(err)
	}
	second := open(t, zmq.PAIR)
	connect(t, second, "inproc://with-domain")
	say(t, second, "default")
	expectHeard(t, first, "default")
	third := open(t, zmq.PAIR, zmq.WithDomain(zmq.NewDomain()), zmq.WithDomain(zmq.DefaultDomain()))
	if _, err := third.Bind("inproc://with-domain"); err == nil {
		t.Error("the last WithDomain does not count")
	}
}

// A logbook keeps what is logged.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logbook) has(level slog.Level, parts ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.buf.String()) {
		all := strings.Contains(line, "level="+level.String()+" ")
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			return true
		}
	}
	return false
}

// TestWithLogger: what is normal is logged at Debug, what is lost at Info, what
// breaks the protocol at Warn, and nothing to a logger that wants less.
func TestWithLogger(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		book := &logbook{}
		logger := slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: slog.LevelDebug}))
		dials := newWireDials(t)
		s := open(t, zmq.PULL, dials.dialer(), zmq.WithLogger(logger))
		connect(t, s, wireEndpoint)
		p := dials.accept()
		p.handshake("PUSH")
		awaitPeers(t, s, 1)
		p.end()
		p = dials.accept()
		p.send(bytes.Repeat([]byte{0xff, 0, 'x'}, 30))
		p.rest()
		synctest.Wait()
		for _, want := range []struct {
			level slog.Level
			kind  zmq.EventKind
		}{
			{slog.LevelDebug, zmq.EventConnected},
			{slog.LevelDebug, zmq.EventHandshakeSucceeded},
			{slog.LevelInfo, zmq.EventDisconnected},
			{slog.LevelWarn, zmq.EventHandshakeFailedProtocol},
		} {
			if !book.has(want.level, want.kind.String(), wireEndpoint) {
				t.Errorf("%q is not logged at %s:\n%s", want.kind, want.level, book.buf.String())
			}
		}
		quiet := &logbook{}
		o := zmq.WithLogger(slog.New(slog.NewTextHandler(quiet, &slog.HandlerOptions{Level: slog.LevelError})))
		for _, o := range []zmq.Option{o, zmq.WithLogger(nil)} {
			s := open(t, zmq.PULL, dials.dialer(), o)
			connect(t, s, wireEndpoint)
			dials.accept().cut()
			synctest.Wait()
			s.Close()
		}
		if quiet.buf.Len() > 0 {
			t.Errorf("logged %s", quiet.buf.String())
		}
	})
}

// TestWithMetadata: properties of the application reach the peer, by tcp and
// by inproc, and their names are held to the rules.
func TestWithMetadata(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:*", "inproc://metadata"} {
		s := open(t, zmq.PULL)
		endpoint := bind(t, s, at)
		peer := open(t, zmq.PUSH, zmq.WithMetadata("X-Word", "hello"), zmq.WithMetadata("x-Empty", ""), zmq.WithMetadata("X-a-_.+9", "\x00\xff"))
		connect(t, peer, endpoint)
		say(t, peer, "")
		m, err := s.Recv(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"X-Word": "hello", "x-word": "hello", "X-Empty": "", "X-a-_.+9": "\x00\xff", "X-Other": ""} {
			if got := m.Property(name); got != want {
				t.Errorf("%s: %s is %q, want %q", at, name, got, want)
			}
		}
	}
	for _, name := range []string{"", "X-", "Word", "XWord", "X-a b", "X-\xc3\xa9", "X-\xff", "X-a:", "X-" + strings.Repeat("a", 254)} {
		if _, err := zmq.New(zmq.PAIR, zmq.WithMetadata(name, "")); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("%.20q: %v, want ErrInvalid", name, err)
		}
	}
	if _, err := zmq.New(zmq.PAIR, zmq.WithMetadata("X-Large", strings.Repeat("a", 32<<10+1))); !errors.Is(err, zmq.ErrTooLarge) {
		t.Errorf("33 KiB: %v, want ErrTooLarge", err)
	}
}
