package interop

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
	"github.com/phimq/zmq/internal/leak"
)

// A guard is what a server does about its clients.
type guard string

const (
	noGuard  guard = "no guard" // nobody is asked
	withAuth guard = "WithAuth" // ours only
	withZAP  guard = "ZAP"      // pyzmq's authenticator, or auth.ServeZAP
)

// keyring is the keys of a case and what they are kept in.
type keyring struct {
	server, ann, eve zmq.CurveKeys
	certificates     string // a directory with that of ann
}

func newKeyring(t *testing.T) *keyring {
	t.Helper()
	k := &keyring{server: zmq.NewCurveKeys(), ann: zmq.NewCurveKeys(), eve: zmq.NewCurveKeys(), certificates: t.TempDir()}
	cert := auth.NewPublicCertificate(k.ann.Public(), map[string]string{"name": "Ann"})
	if err := cert.SavePublic(filepath.Join(k.certificates, "ann.key")); err != nil { // pyzmq reads *.key
		t.Fatal(err)
	}
	return k
}

// serve is the options of a server of a mechanism.
func (k *keyring) serve(mechanism string, g guard) []string {
	options := []string{}
	switch mechanism {
	case "PLAIN":
		options = append(options, "plain_server=1")
	case "CURVE":
		options = append(options, "curve_server=1", "curve_secretkey="+k.server.Secret())
	}
	if g == withZAP {
		options = append(options, "zap_domain=global")
	}
	return options
}

// client is the options of a client, and who it is for the server.
func (k *keyring) client(mechanism string, keys zmq.CurveKeys, password string) (options []string, user string) {
	switch mechanism {
	case "PLAIN":
		return []string{"plain_username=ann", "plain_password=" + password}, "ann"
	case "CURVE":
		return []string{"curve_publickey=" + keys.Public().String(), "curve_secretkey=" + keys.Secret(),
			"curve_serverkey=" + k.server.Public().String()}, keys.Public().String()
	}
	return nil, ""
}

// secured makes sockets of ours that are guarded.
type secured struct{ opts []zmq.Option }

func (s secured) New(socketType string) (peer, error) { return newLocal(socketType, s.opts...) }

func (secured) Proxy(front, back, control peer) (func() error, error) {
	return local{}.Proxy(front, back, control)
}

// guardedSide is a side that guards its servers, with an authenticator of its own.
func (k *keyring) guardedSide(t *testing.T, name string, g guard, deny bool) side {
	t.Helper()
	if name == us {
		return k.ours(t, g, deny)
	}
	p, err := startLibzmq()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if g == withZAP {
		settings := [][]string{{"plain", "ann", "secret"}, {"curve", k.certificates}}
		if deny {
			settings = append(settings, []string{"deny", "127.0.0.1"})
		}
		for _, s := range settings {
			if _, err := p.call("auth", octets(s)...); err != nil {
				t.Fatal(err)
			}
		}
	}
	return side{name: name, shared: p}
}

func (k *keyring) ours(t *testing.T, g guard, deny bool) side {
	t.Helper()
	d := zmq.NewDomain()
	opts := []zmq.Option{zmq.WithDomain(d)}
	if g == noGuard {
		return side{name: us, shared: secured{opts}}
	}
	rules := []auth.Option{auth.WithPasswords(map[string]string{"ann": "secret"}), auth.WithCertificates(os.DirFS(k.certificates))}
	if deny {
		rules = append(rules, auth.WithDeny("127.0.0.1"))
	}
	a, err := auth.New(rules...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if g == withAuth {
		return side{name: us, shared: secured{append(opts, zmq.WithAuth(a.Authenticate))}}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.ServeZAP(ctx, d) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the ZAP handler: %v", err)
		}
	})
	probe := zmq.NewDealer(zmq.WithDomain(d))
	defer probe.Close()
	if err := probe.Connect("inproc://zeromq.zap.01"); err != nil {
		t.Fatal(err)
	}
	if err := probe.WaitReady(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	return side{name: us, shared: secured{opts}}
}

// eachSecured runs a test for each mechanism, guard and way; the left side is the
// server.
func eachSecured(t *testing.T, run func(r *rig, k *keyring, mechanism string, g guard)) {
	for _, names := range [][2]string{{us, libzmq}, {libzmq, us}, {us, us}} {
		for _, mechanism := range []string{"NULL", "PLAIN", "CURVE"} {
			for _, g := range []guard{noGuard, withAuth, withZAP} {
				if g == withAuth && names[0] == libzmq {
					continue
				}
				t.Run(fmt.Sprintf("%s-%s/%s/%s", names[0], names[1], mechanism, g), func(t *testing.T) {
					k := newKeyring(t)
					left := k.guardedSide(t, names[0], g, false)
					right := k.guardedSide(t, names[1], noGuard, false)
					for _, w := range allWays {
						t.Run(w.name, func(t *testing.T) {
							leak.Check(t)
							run(&rig{T: t, way: w, left: left, right: right}, k, mechanism, g)
						})
					}
				})
			}
		}
	}
}

// nobodyEnters: a server of PLAIN that asks nobody lets nobody in.
func nobodyEnters(mechanism string, g guard) bool { return mechanism == "PLAIN" && g == noGuard }

// TestSecurityCarries lets a client in and carries all shapes of messages both
// ways, with heartbeats, and again after the connection was lost.
func TestSecurityCarries(t *testing.T) {
	eachSecured(t, func(r *rig, k *keyring, mechanism string, g guard) {
		if nobodyEnters(mechanism, g) {
			return // TestSecurityKeepsOut has it
		}
		const beats = "heartbeat_ivl=20"
		options, user := k.client(mechanism, k.ann, "secret")
		serverOptions := append(k.serve(mechanism, g), beats)
		server := r.socket(r.left, "DEALER", serverOptions...)
		client := r.socket(r.right, "DEALER", append(options, beats, "reconnect_ivl=10")...)
		endpoint := r.link(server, client)
		switch {
		case g == noGuard:
			user = ""
		case mechanism == "NULL" && r.left.name == libzmq:
			user = "anonymous" // so pyzmq calls everybody
		}
		carry := func() {
			t := strings.Repeat("0123456789abcdef", 20_000)
			for _, m := range [][]string{{""}, {"a"}, {"", "b", ""}, {t}, {"a", t, t[:300], ""}} {
				client.send(m...)
				server.want(m...)
				server.send(m...)
				client.want(m...)
			}
			client.sendRun(0, 300, 100)
			server.wantRun(0, 300)
			server.sendRun(0, 300, 100)
			client.wantRun(0, 300)
			client.send("who am I")
			if got := userOf(r, server); got != user {
				r.Errorf("the server knows the client as %q, want %q", got, user)
			}
		}
		carry()
		if r.flip {
			return
		}
		// The server goes away, and another one comes.
		r.ok(server.Close(0))
		client.wait(ended, 1)
		server = r.socket(r.left, "DEALER", serverOptions...)
		server.bind(endpoint)
		server.wait(peers, 1)
		client.wait(shaken, 2)
		carry()
	})
}

// userOf receives a message and returns its user.
func userOf(r *rig, s *sock) string {
	r.Helper()
	if p, ok := s.peer.(*remotePeer); ok {
		answer, err := p.call("recvuser", millis(patience))
		r.ok(err)
		return string(answer[0])
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := s.peer.(*localPeer).s.Recv(ctx)
	r.ok(err)
	return m.Peer().UserID()
}

// TestSecurityLarge carries 100 MB both ways.
func TestSecurityLarge(t *testing.T) {
	for _, names := range [][2]string{{us, libzmq}, {libzmq, us}} {
		for _, mechanism := range []string{"PLAIN", "CURVE"} {
			t.Run(fmt.Sprintf("%s-%s/%s", names[0], names[1], mechanism), func(t *testing.T) {
				leak.Check(t)
				k := newKeyring(t)
				r := &rig{T: t, way: tcpLeft, left: k.guardedSide(t, names[0], withZAP, false), right: k.guardedSide(t, names[1], noGuard, false)}
				options, _ := k.client(mechanism, k.ann, "secret")
				server := r.socket(r.left, "DEALER", append(k.serve(mechanism, withZAP), "heartbeat_ivl=100", "heartbeat_timeout=20000", "linger=20000")...)
				client := r.socket(r.right, "DEALER", append(options, "heartbeat_ivl=100", "heartbeat_timeout=20000", "linger=20000")...)
				r.link(server, client)
				server.large(client)
				client.large(server)
			})
		}
	}
}

// TestSecurityKeepsOut lets clients try that must not enter: nothing of theirs
// arrives, and what they are sent goes nowhere.
func TestSecurityKeepsOut(t *testing.T) {
	eachSecured(t, func(r *rig, k *keyring, mechanism string, g guard) {
		right, _ := k.client(mechanism, k.ann, "secret")
		wrong := map[string][]string{}
		for _, other := range []string{"NULL", "PLAIN", "CURVE"} {
			if other != mechanism {
				wrong["speaks "+other], _ = k.client(other, k.ann, "secret")
			}
		}
		switch {
		case nobodyEnters(mechanism, g):
			wrong["nobody is asked"] = right
		case mechanism == "PLAIN":
			wrong["wrong password"], _ = k.client(mechanism, k.ann, "guess")
			wrong["unknown user"] = []string{"plain_username=eve", "plain_password=secret"}
		case mechanism == "CURVE":
			stranger := *k
			stranger.server = k.eve
			wrong["another server's key"], _ = stranger.client(mechanism, k.ann, "")
			if g != noGuard {
				wrong["unknown key"], _ = k.client(mechanism, k.eve, "")
			}
		}
		for name, options := range wrong {
			r.Run(name, func(t *testing.T) { r.with(t).staysOut(k.serve(mechanism, g), options) })
		}
	})
}

func (r *rig) with(t *testing.T) *rig {
	return &rig{T: t, way: r.way, left: r.left, right: r.right}
}

// staysOut lets a client of the right side knock at a server of the left.
func (r *rig) staysOut(serverOptions, clientOptions []string) {
	r.Helper()
	server := r.socket(r.left, "DEALER", serverOptions...)
	client := r.socket(r.right, "DEALER", clientOptions...)
	binds, connects := server, client
	if r.flip {
		binds, connects = client, server
	}
	connects.connect(binds.bind(r.free()))
	if !r.flip {
		_ = client.trySend("let me in") // it is queued, unless the connection is refused already
	}
	server.wait(ended, 1)
	server.wantNone()
	for _, s := range []*sock{server, client} {
		if n, err := s.Count(shaken); err != nil || n > 0 {
			r.Errorf("%s made %d handshakes, %v", s.what, n, err)
		}
	}
}

// TestSecurityDeniedAddress denies the address of a client of NULL.
func TestSecurityDeniedAddress(t *testing.T) {
	for _, names := range [][2]string{{us, libzmq}, {libzmq, us}} {
		for _, g := range []guard{withAuth, withZAP} {
			if g == withAuth && names[0] == libzmq {
				continue
			}
			for _, w := range []way{tcpLeft, tcpRight} {
				t.Run(fmt.Sprintf("%s-%s/%s/%s", names[0], names[1], g, w.name), func(t *testing.T) {
					leak.Check(t)
					k := newKeyring(t)
					r := &rig{T: t, way: w, left: k.guardedSide(t, names[0], g, true), right: k.guardedSide(t, names[1], noGuard, false)}
					r.staysOut(k.serve("NULL", g), nil)
				})
			}
		}
	}
}
