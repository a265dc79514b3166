package zmq_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/internal/wire"
)

// ready is READY of a peer of some socket type.
func ready(socketType string) []byte {
	return wire.AppendReady(nil, wire.AppendProperty(nil, "Socket-Type", socketType))
}

// hello is the first command of a client of PLAIN.
func hello(username, password string) []byte {
	data := append([]byte{byte(len(username))}, username...)
	data = append(append(data, byte(len(password))), password...)
	return wire.AppendCommand(nil, wire.NameHello, data)
}

// older is what peers open with that know no mechanism at all, or none that is
// named as RFC 37 "Formal Grammar" has it. Each would go on to a message.
func older() map[string][]byte {
	in := []byte("\x00\x03in!")
	zmtp2 := []byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x08\x00\x00")
	openings := map[string][]byte{
		"unversioned":               []byte("\x01\x00\x04\x00in!"),
		"unversioned, an identity":  []byte("\x03\x00me\x04\x00in!"),
		"unversioned, a long size":  []byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x04\x00in!"),
		"2.0":                       slices.Concat(zmtp2, in),
		"2.1":                       slices.Concat(zmtp2[:10], []byte{2}, zmtp2[11:], in),
		"2.0, as long as 3.0":       slices.Concat(zmtp2, make([]byte, 50), in),
		"1.0 in a greeting of 3.0":  slices.Concat(greeting(0, 0, "NULL"), ready("PUSH"), in),
		"2.0 in a greeting of 3.0":  slices.Concat(greeting(1, 0, "NULL"), ready("PUSH"), in),
		"no mechanism":              slices.Concat(greeting(3, 1, ""), ready("PUSH"), in),
		"no mechanism of 3.0":       slices.Concat(greeting(3, 0, ""), ready("PUSH"), in),
		"a mechanism of its own":    slices.Concat(greeting(3, 1, "ABCDEFGHIJKLMNOPQRST"), ready("PUSH"), in),
		"lower case":                slices.Concat(greeting(3, 1, "null"), ready("PUSH"), in),
		"nothing but a message":     in,
		"a list of mechanisms":      slices.Concat(greeting(3, 1, "NULL,PLAIN,CURVE"), ready("PUSH"), in),
		"octets behind the name":    slices.Concat(greeting(3, 1, "NULL\x00PLAIN"), ready("PUSH"), in),
		"more octets behind a name": slices.Concat(greeting(3, 1, "CURVE\x00NULL"), ready("PUSH"), in),
		"a name cut short":          slices.Concat(greeting(3, 1, "CURV"), ready("PUSH"), in),
		"a name with a blank":       slices.Concat(greeting(3, 1, "PLAIN "), hello("ann", "secret"), in),
	}
	for _, name := range []string{"NULL", "PLAIN", "CURVE"} {
		for minor := range byte(2) {
			openings[name+" and READY, 3."+string('0'+minor)] = slices.Concat(greeting(3, minor, name), ready("PUSH"), in)
			openings[name+" and a message, 3."+string('0'+minor)] = slices.Concat(greeting(3, minor, name), in)
		}
		openings[name+" and ERROR"] = slices.Concat(greeting(3, 1, name), wire.AppendError(nil, ""), in)
		openings[name+" and PING"] = slices.Concat(greeting(3, 1, name), wire.AppendPing(nil, 0, nil), in)
		openings[name+" and INITIATE"] = slices.Concat(greeting(3, 1, name),
			wire.AppendCommand(nil, wire.NameInitiate, wire.AppendProperty(nil, "Socket-Type", "PUSH")), in)
		openings[name+" and WELCOME"] = slices.Concat(greeting(3, 1, name), wire.AppendCommand(nil, wire.NameWelcome, nil), in)
		openings[name+" and a wrong HELLO"] = slices.Concat(greeting(3, 1, name), hello("ann", "guess"), in)
	}
	return openings
}

// TestDowngrade: peers that know no mechanism, a weaker one, or only its name are
// not let in by any guard, whatever they say behind their greeting. They get no
// octet but the greeting, and ERROR if they were asked about.
func TestDowngrade(t *testing.T) {
	for _, g := range guards() {
		t.Run(g.name, func(t *testing.T) {
			leak.Check(t)
			d := zmq.NewDomain()
			if g.zap {
				handle(t, d, zapAdmits(g.user))
			}
			v := newVictim(t, zmq.PULL, append(g.server, zmq.WithDomain(d))...)
			v.client = g.client
			mechanism := g.name[:strings.Index(g.name+",", ",")]
			want := greeting(3, 1, mechanism)
			if mechanism != "NULL" {
				want[32] = 1
			}
			for name, opening := range older() {
				if mechanism == "NULL" && strings.HasPrefix(name, "NULL and READY") {
					continue // it is the right one
				}
				p := v.raw()
				p.send(opening)
				got := p.rest()
				refused := strings.Contains(name, "a wrong HELLO") && string(got[min(64, len(got)):]) == "\x04\x0a\x05ERROR\x03400"
				if !bytes.Equal(got, want) && !refused && len(got) > 0 { // a reset may take octets back
					t.Errorf("%s: came %q", name, got)
				}
				p.cut()
			}
			v.good()
			expectNone(t, v.Socket)
		})
	}
}

// TestDowngradeTLS: nobody speaks to a tls+tcp endpoint in clear, nor by an old
// version or another mechanism inside.
func TestDowngradeTLS(t *testing.T) {
	leak.Check(t)
	a := newAuthority(t)
	pull := open(t, zmq.PULL, zmq.WithTLS(a.config("server")))
	b, err := pull.Bind(anyTLS)
	if err != nil {
		t.Fatal(err)
	}
	old, err := net.Dial("tcp4", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	newWirePeer(t, old).cut()
	for name, opening := range older() {
		p := dialTCP(t, b)
		p.send(opening)
		p.send(noise(64)) // an opening may be the begin of a record
		p.finish()
		_ = p.conn.(*net.TCPConn).CloseWrite() // the server may have left by now
		if got := p.rest(); bytes.Contains(got, ours[9:20]) || bytes.Contains(got, []byte("READY")) {
			t.Errorf("%s: came %q", name, got)
		}
		p.cut()
		if strings.HasPrefix(name, "NULL and READY") {
			continue // inside TLS it is the right one
		}
		p = newWirePeer(t, tls.Client(dialTCP(t, b).conn, a.client("mallory")))
		p.send(opening)
		if got := p.rest(); len(got) > 0 && !bytes.Equal(got, ours) {
			t.Errorf("%s, inside TLS: came %q", name, got)
		}
		p.cut()
	}
	push := open(t, zmq.PUSH, zmq.WithTLS(a.config("ann")))
	if err := push.Connect(b.Endpoint()); err != nil {
		t.Fatal(err)
	}
	say(t, push, "good")
	expectHeard(t, pull, "good")
	expectNone(t, pull)
}

// dialTCP makes a raw connection to where a socket is bound.
func dialTCP(t testing.TB, b *zmq.Binding) *wirePeer {
	t.Helper()
	conn, err := net.Dial("tcp4", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return newWirePeer(t, conn)
}

// client is config for a raw client at 127.0.0.1.
func (a *authority) client(name string) *tls.Config {
	c := a.config(name)
	c.ServerName = "127.0.0.1"
	return c
}

// TestDowngradeByServers: a server that is old, has another mechanism, or only
// claims the right one gets no message and no password, and nothing that it says
// is received. The client tries again, and the right server is served.
func TestDowngradeByServers(t *testing.T) {
	keys := zmq.NewCurveKeys()
	const name, password = "a-name-of-mine", "a-password-of-mine"
	for _, c := range []struct {
		mechanism string
		option    zmq.Option
		right     speaks
	}{
		{"PLAIN", zmq.WithPlain(name, password), plainHost},
		{"CURVE", zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()}), curveHost(keys)},
	} {
		t.Run(c.mechanism, func(t *testing.T) {
			leak.Check(t)
			synctest.Test(t, func(t *testing.T) {
				s := newSuitor(t, c.option)
				for opening, b := range older() {
					p := s.dials.accept()
					p.send(bytes.ReplaceAll(b, []byte("\x04PUSH"), []byte("\x06DEALER")))
					got := told(p)
					claims := strings.HasPrefix(opening, c.mechanism+" and ")
					if want := greeting(3, 1, c.mechanism); !bytes.HasPrefix(want, got) && !claims {
						t.Errorf("%s: the client said %q", opening, got)
					}
					if bytes.Contains(got, []byte(dowry)) || bytes.Contains(got, []byte(password)) && (!claims || c.mechanism != "PLAIN") {
						t.Errorf("%s: the client told its secret: %q", opening, got)
					}
					if claims && len(got) > 64 && opening != "PLAIN and WELCOME" {
						if said, _ := commandIn(t, got[64:]); said != wire.NameHello {
							t.Errorf("%s: the client said %q", opening, got)
						}
					}
					p.cut()
					synctest.Wait()
					expectNone(t, s.Socket)
				}
				p := secure(s.dials.accept(), c.right(t, "DEALER")).meet()
				p.expectOpened(dowry)
			})
		})
	}
}

// TestDowngradeByTLSServers: a client of TLS says nothing in clear, and nothing to
// a server that its configuration does not trust.
func TestDowngradeByTLSServers(t *testing.T) {
	leak.Check(t)
	a, stranger := newAuthority(t), newAuthority(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := open(t, zmq.DEALER, zmq.WithTLS(a.config("ann")), zmq.WithReconnect(time.Millisecond), zmq.WithReconnectMax(time.Millisecond),
		zmq.WithPlain("a-name-of-mine", "a-password-of-mine"))
	if err := s.Connect("tls+tcp://" + l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	say(t, s, dowry)
	for name, opening := range older() {
		p := dialedBy(t, l)
		p.send(slices.Concat(opening, noise(64))) // an opening may be the begin of a record
		got := p.rest()
		if len(got) == 0 || got[0] != 0x16 || bytes.Contains(got, ours[9:20]) || bytes.Contains(got, []byte("of-mine")) {
			t.Errorf("%s: the client said %q", name, got)
		}
		p.cut()
	}
	p := newWirePeer(t, tls.Server(dialedBy(t, l).conn, stranger.config("server")))
	p.send(greeting(3, 1, "PLAIN"))
	p.readBy(time.Now().Add(patience))
	if n, err := p.conn.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("a server of somebody's else was told something")
	}
	p.cut()
	expectNone(t, s)
	right := newWirePeer(t, tls.Server(dialedBy(t, l).conn, a.config("server")))
	secure(right, plainHost(t, "DEALER")).meet().expectOpened(dowry)
}

// dialedBy is the next connection of a listener.
func dialedBy(t testing.TB, l net.Listener) *wirePeer {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return newWirePeer(t, conn)
}
