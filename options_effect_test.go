package zmq_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// Options set by their names as libzmq's users know them, each held by what it
// does. docs/option_tests.txt has the test of every option.

// optionally is an option by its name.
func optionally(t *testing.T, name, value string) zmq.Option {
	t.Helper()
	o, err := zmq.ParseOption(name, value)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestSubscribeByOption: subscriptions can be set by name, and taken back.
func TestSubscribeByOption(t *testing.T) {
	pub, sub := open(t, zmq.PUB), open(t, zmq.SUB, optionally(t, "subscribe", "early"))
	connect(t, sub, bind(t, pub, "tcp://127.0.0.1:*"))
	set(t, sub, "subscribe", "late")
	awaitSubscribers(t, pub, "late", 1)
	set(t, sub, "unsubscribe", "early")
	set(t, sub, "subscribe", "end")
	awaitSubscribers(t, pub, "end", 1)
	for _, topic := range []string{"early", "other", "late", "end"} {
		say(t, pub, topic)
	}
	expectHeard(t, sub, "late")
	expectHeard(t, sub, "end")
}

// TestMaxMsgSize: a frame of that size comes, a larger one ends its connection
// before it is read, and 0 and -1 mean what they say.
func TestMaxMsgSize(t *testing.T) {
	for value, c := range map[string]struct{ good, bad int }{"10": {10, 11}, "0": {0, 1}, "300": {300, 301}, "-1": {100_000, -1}} {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			s := r.socket(zmq.PULL, optionally(t, "maxmsgsize", value))
			p := r.peer(s)
			p.handshake("PUSH")
			good := strings.Repeat("g", c.good)
			p.sendMsg(good)
			expectHeard(t, s, good)
			if c.bad < 0 {
				return
			}
			p.sendMsg(good, strings.Repeat("b", c.bad))
			p.expectEnd()
			expectNone(t, s)
		})
	}
}

// TestReqCorrelate: requests have a number on the wire, and only the reply that
// has the number of the last one counts.
func TestReqCorrelate(t *testing.T) {
	bothRoles(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.REQ, optionally(t, "req_correlate", "1"), optionally(t, "req_relaxed", "1"))
		p := r.peer(s)
		p.handshake("ROUTER")
		awaitPeers(t, s, 1)
		say(t, s, "first")
		first := p.recvMsg()
		say(t, s, "second")
		second := p.recvMsg()
		for i, m := range [][]string{first, second} {
			if len(m) != 3 || len(m[0]) != 4 || m[1] != "" || m[2] != []string{"first", "second"}[i] {
				t.Fatalf("request %d is %q, want a number of 4 octets, an empty frame and the body", i, m)
			}
		}
		if first[0] == second[0] {
			t.Errorf("both requests have the number %q", first[0])
		}
		p.sendMsg(first[0], "", "to the first")
		p.sendMsg("", "to none")
		p.sendMsg(second[0], "", "to the second")
		expectHeard(t, s, "to the second")
	})
}

// TestReqRelaxed: a REQ may ask again, and the reply to the request before, from
// the peer that was asked then, is no longer taken.
func TestReqRelaxed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		s := open(t, zmq.REQ, dials.dialer(), optionally(t, "req_relaxed", "1"))
		var p [2]*wirePeer
		for i := range p {
			connect(t, s, wireEndpoint)
			p[i] = dials.accept()
			p[i].handshake("REP")
			awaitPeers(t, s, i+1)
		}
		say(t, s, "first")
		say(t, s, "second")
		asked := slices.IndexFunc(p[:], func(p *wirePeer) bool { return p.recvMsg()[1] == "second" })
		p[1-asked].sendMsg("", "to the first")
		synctest.Wait()
		p[asked].sendMsg("", "to the second")
		expectHeard(t, s, "to the second")
	})
}

// TestConnectRoutingID: the next peer that is connected to has that identity,
// and only the next.
func TestConnectRoutingID(t *testing.T) {
	leak.Check(t)
	for _, typ := range []zmq.Type{zmq.ROUTER, zmq.STREAM} {
		s := open(t, typ, optionally(t, "connect_routing_id", "you"))
		bind(t, s, "tcp://127.0.0.1:*") // which does not use it up
		first, second := open(t, zmq.PAIR), open(t, zmq.PAIR)
		if typ == zmq.ROUTER {
			first, second = open(t, zmq.DEALER), open(t, zmq.DEALER)
		}
		connect(t, s, bind(t, first, "tcp://127.0.0.1:*"))
		if got := optionOf(t, s, "connect_routing_id"); got != "" {
			t.Errorf("%s: it is still %q", typ, got)
		}
		connect(t, s, bind(t, second, "tcp://127.0.0.1:*"))
		if typ == zmq.STREAM {
			var got []string
			for len(got) < 2 {
				if m := hear(t, s); m[1] == "" { // it tells of a connection
					got = append(got, m[0])
				}
			}
			if (got[0] == "you") == (got[1] == "you") {
				t.Errorf("the peers are %q, want that one of them is you", got)
			}
			continue
		}
		say(t, s, "you", "found")
		expectHeard(t, first, "found")
		say(t, second, "who")
		if got := hear(t, s)[0]; got == "you" {
			t.Error("the second peer has the identity too")
		}
	}
}

// TestXPubManual: the application decides what a peer gets.
func TestXPubManual(t *testing.T) {
	bothRoles(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.XPUB, optionally(t, "xpub_manual", "1"))
		var p [2]*wirePeer
		for i := range p {
			p[i] = r.peer(s)
			p[i].handshake("SUB")
			p[i].sendCommand("SUBSCRIBE", "asked")
			expectHeard(t, s, "\x01asked")
			set(t, s, "subscribe", fmt.Sprint("given ", i))
		}
		for _, m := range []string{"asked", "given 0", "given 1"} {
			say(t, s, m)
		}
		p[0].expectMsg("given 0")
		p[1].expectMsg("given 1")
		p[0].sendCommand("CANCEL", "asked")
		expectHeard(t, s, "\x00asked")
		set(t, s, "unsubscribe", "given 0")
		set(t, s, "subscribe", "end")
		say(t, s, "given 0")
		say(t, s, "end")
		p[0].expectMsg("end")
	})
}

// TestXPubWelcome: each new subscriber gets the message if it subscribed to its
// start, and none when there is none any more.
func TestXPubWelcome(t *testing.T) {
	leak.Check(t)
	xpub := open(t, zmq.XPUB, optionally(t, "xpub_welcome_msg", "WELCOME"))
	endpoint := bind(t, xpub, "tcp://127.0.0.1:*")
	for _, c := range []struct {
		topic, message string
		welcome        bool
	}{{"", "WELCOME", true}, {"W", "WELCOME", true}, {"WELCOME", "WELCOME", true}, {"WELCOME!", "WELCOME", false}, {"other", "WELCOME", false}, {"", "", false}} {
		set(t, xpub, "xpub_welcome_msg", c.message)
		sub := open(t, zmq.SUB)
		if err := sub.Subscribe(c.topic); err != nil {
			t.Fatal(err)
		}
		connect(t, sub, endpoint)
		expectHeard(t, xpub, "\x01"+c.topic)
		say(t, xpub, c.topic+"!")
		if c.welcome {
			expectHeard(t, sub, "WELCOME")
		}
		expectHeard(t, sub, c.topic+"!")
		sub.Close()
		expectHeard(t, xpub, "\x00"+c.topic)
	}
}

// TestInvertMatching: what a subscriber did not subscribe to comes, and nothing
// else; both publishers and subscribers see to it.
func TestInvertMatching(t *testing.T) {
	invert := optionally(t, "invert_matching", "1")
	bothRoles(t, func(t *testing.T, r *wireRole) {
		for _, typ := range []zmq.Type{zmq.PUB, zmq.XPUB} {
			s := r.socket(typ, invert)
			p := r.peer(s)
			p.handshake("SUB")
			p.sendCommand("SUBSCRIBE", "not")
			p.sync()
			for _, m := range []string{"not", "this", "not this", ""} {
				say(t, s, m)
			}
			p.expectMsg("this")
			p.expectMsg("")
		}
		s := r.socket(zmq.SUB, invert)
		if err := s.Subscribe("not"); err != nil {
			t.Fatal(err)
		}
		p := r.peer(s)
		p.handshake("PUB")
		p.sendMsg("not this")
		p.sendMsg("this")
		expectHeard(t, s, "this")
	})
}

// TestStreamNotify: empty messages tell of a connection and of its end, or not.
func TestStreamNotify(t *testing.T) {
	leak.Check(t)
	for _, on := range []bool{true, false} {
		s := open(t, zmq.STREAM, optionally(t, "stream_notify", map[bool]string{true: "1", false: "0"}[on]))
		bind(t, s, "tcp://127.0.0.1:*")
		for range 3 {
			p := dialWire(t, s)
			p.send([]byte("octets"))
			p.end()
			var got []string
			for want := map[bool]int{true: 3, false: 1}[on]; want > 0; want-- {
				got = append(got, hear(t, s)[1])
			}
			if want := map[bool][]string{true: {"", "octets", ""}, false: {"octets"}}[on]; !slices.Equal(got, want) {
				t.Errorf("notify %t: %q, want %q", on, got, want)
			}
		}
	}
}

// TestIPv6: without it an IPv6 address is refused, with it both kinds are taken.
func TestIPv6(t *testing.T) {
	leak.Check(t)
	without := open(t, zmq.PULL)
	if _, err := without.Bind("tcp://[::1]:*"); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("bind without it: %v", err)
	}
	pull := open(t, zmq.PULL, optionally(t, "ipv6", "1"))
	endpoint := bind(t, pull, "tcp://*:*")
	port := endpoint[strings.LastIndexByte(endpoint, ':'):]
	for _, at := range []string{"tcp://[::1]", "tcp://127.0.0.1"} {
		push := open(t, zmq.PUSH, optionally(t, "ipv6", "1"))
		connect(t, push, at+port)
		say(t, push, at)
		expectHeard(t, pull, at)
	}
}

// TestSOCKSProxy: the connection is made through the proxy, which is told the
// name as it is, and who is behind it is spoken to as if there were none. The
// test plays the proxy, and then the peer.
func TestSOCKSProxy(t *testing.T) {
	for name, c := range map[string]struct {
		opts        []zmq.Option
		greeting    string
		method      string
		login, okay string
	}{
		"open": {[]zmq.Option{zmq.WithSOCKSProxy("proxy.test:1080")}, "05 01 00", "\x05\x00", "", ""},
		"login": {[]zmq.Option{zmq.WithSOCKSProxy("proxy.test:1080"), zmq.WithSOCKSCredentials("user", "secret")},
			"05 02 00 02", "\x05\x02", "01 04 75736572 06 736563726574", "\x01\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				leak.Check(t)
				dials := newWireDials(t)
				s := open(t, zmq.PUSH, append(c.opts, dials.dialer())...)
				connect(t, s, "tcp://peer.test:258")
				say(t, s, "through the proxy")
				for _, reply := range []string{"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"} {
					p := dials.accept() // at first it can't connect, and is asked again
					p.expect(c.greeting)
					p.send([]byte(c.method))
					if c.login != "" {
						p.expect(c.login)
						p.send([]byte(c.okay))
					}
					p.expect("05 01 00 03 09 706565722E74657374 01 02") // peer.test, port 258
					p.send([]byte(reply))
					if reply[1] != 0 {
						p.expectEnd()
						continue
					}
					p.handshake("PULL")
					p.expectMsg("through the proxy")
				}
			})
		})
	}
	for _, o := range []zmq.Option{zmq.WithSOCKSProxy("proxy.test"), zmq.WithSOCKSProxy("socks5://host.test:1080")} {
		if _, err := zmq.New(zmq.PAIR, o); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("a proxy without a port or with a scheme: %v", err)
		}
	}
	long := strings.Repeat("x", 256)
	for _, o := range []zmq.Option{zmq.WithSOCKSCredentials(long, ""), zmq.WithSOCKSCredentials("", long)} {
		if _, err := zmq.New(zmq.PAIR, o); !errors.Is(err, zmq.ErrTooLarge) {
			t.Errorf("256 octets of credentials: %v", err)
		}
	}
}

// TestSOCKSProxyIsSilent: a proxy that says nothing holds Close up as little as
// a peer that does not answer.
func TestSOCKSProxyIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		s := open(t, zmq.PUSH, zmq.WithSOCKSProxy("proxy.test:1080"), zmq.WithConnectTimeout(time.Second), dials.dialer())
		connect(t, s, "tcp://peer.test:258")
		start := time.Now()
		for range 2 {
			p := dials.accept()
			p.expect("05 01 00")
			p.expectEnd()
		}
		if took := time.Since(start); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("two tries took %v, want a second each and the wait between them", took)
		}
		dials.accept()
		start = time.Now()
		s.Close()
		if took := time.Since(start); took != 0 {
			t.Errorf("Close took %v", took)
		}
	})
}

// TestSecurityByOption: mechanisms are chosen, and a ZAP handler asked, by the
// options that libzmq has for it.
func TestSecurityByOption(t *testing.T) {
	server, client := zmq.NewCurveKeys(), zmq.NewCurveKeys()
	for name, c := range map[string]struct {
		mechanism, user string
		server, client  map[string]string
	}{
		"PLAIN": {"1", "ann", map[string]string{"plain_server": "1"}, map[string]string{"plain_username": "ann", "plain_password": "secret"}},
		"CURVE": {"2", client.Public().String(), map[string]string{"curve_server": "1", "curve_secretkey": server.Secret()},
			map[string]string{"curve_publickey": client.Public().String(), "curve_secretkey": client.Secret(), "curve_serverkey": server.Public().String()}},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			in := zmq.NewDomain()
			handle(t, in, func(r [][]byte) [][]byte {
				if string(r[2]) != "here" {
					t.Errorf("the ZAP domain is %q", r[2])
				}
				return zapAdmits(c.user)(r)
			})
			s, peer := open(t, zmq.ROUTER, zmq.WithDomain(in)), open(t, zmq.DEALER, zmq.WithDomain(in))
			set(t, s, "zap_domain", "here")
			for s, values := range map[*zmq.Socket]map[string]string{s: c.server, peer: c.client} {
				for name, value := range values {
					set(t, s, name, value)
				}
				if got := optionOf(t, s, "mechanism"); got != c.mechanism {
					t.Errorf("the mechanism is %s, want %s", got, c.mechanism)
				}
			}
			connect(t, peer, bind(t, s, "tcp://127.0.0.1:*"))
			bothWays(t, peer, s, c.user)
		})
	}
}

// TestZAPEnforceDomain: without a handler for its domain a server of CURVE or
// NULL lets nobody in, unless the option is off, as it is in libzmq.
func TestZAPEnforceDomain(t *testing.T) {
	leak.Check(t)
	keys := zmq.NewCurveKeys()
	for name, options := range map[string][2][]zmq.Option{
		"NULL":  {},
		"CURVE": {{zmq.WithCurveServer(keys)}, {zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()})}},
	} {
		for enforce, want := range map[string]zmq.EventKind{"1": zmq.EventHandshakeFailedNoDetail, "0": zmq.EventHandshakeSucceeded} {
			server := append(options[0], zmq.WithDomain(zmq.NewDomain()), zmq.WithZAPDomain("any"), optionally(t, "zap_enforce_domain", enforce))
			s, sees := watched(t, zmq.PULL, server)
			peer := open(t, zmq.PUSH, append(options[1], zmq.WithReconnect(patience))...)
			connect(t, peer, bind(t, s, "tcp://127.0.0.1:*"))
			if e := awaitEnd(t, sees); e.Kind != want {
				t.Errorf("%s, enforced %s: %s, want %s", name, enforce, e, want)
			}
		}
	}
}

// awaitEnd waits for the end of a handshake.
func awaitEnd(t *testing.T, events <-chan zmq.Event) zmq.Event {
	t.Helper()
	for timer := time.After(patience); ; {
		select {
		case e := <-events:
			if e.Kind == zmq.EventHandshakeSucceeded || e.Kind == zmq.EventHandshakeFailedNoDetail {
				return e
			}
		case <-timer:
			t.Fatal("the handshake does not end")
		}
	}
}
