package zmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// having is a type of socket that has an option.
func having(o zmq.OptionInfo) zmq.Type {
	if len(o.Applies) == 0 {
		return zmq.PAIR
	}
	return o.Applies[0]
}

// valuesOf are values that an option takes, each with how Option writes it.
func valuesOf(o zmq.OptionInfo) map[string]string {
	switch {
	case o.Name == "zmtp_least":
		return map[string]string{"3.0": "3.0", "3.1": "3.1"}
	case o.Name == "tcp_keepalive":
		return map[string]string{"0": "0", "1": "1", "-1": "-1"}
	case o.Kind == "bool":
		return map[string]string{"0": "0", "1": "1", "false": "0", "true": "1"}
	case o.Kind == "duration":
		return map[string]string{"0": "0", "1500": "1500", "2s": "2000", "1m0.25s": "60250", "1500us": "2"}
	case o.Kind == "text":
		return map[string]string{"": "", "some text": "some text", "a\x00\xff": "a\x00\xff"}
	default:
		return map[string]string{"0": "0", "7": "7"}
	}
}

func optionOf(t *testing.T, s *zmq.Socket, name string) string {
	t.Helper()
	value, err := s.Option(name)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// set sets an option by its name.
func set(t *testing.T, s *zmq.Socket, name, value string) {
	t.Helper()
	o, err := zmq.ParseOption(name, value)
	if err == nil {
		err = s.Set(o)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestOptionsRoundTrip: every row of the table takes its values as text, gives
// them back, has its default in a new socket, and is refused by other types.
func TestOptionsRoundTrip(t *testing.T) {
	for _, row := range zmq.Options() {
		if row.ReadOnly || row.WriteOnly {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			s := open(t, having(row))
			fresh, err := zmq.New(having(row))
			if err != nil {
				t.Fatal(err)
			}
			defer fresh.Close()
			if got := optionOf(t, fresh, row.Name); got != row.Default {
				t.Errorf("a new socket has %q, the table says %q", got, row.Default)
			}
			for value, want := range valuesOf(row) {
				set(t, s, row.Name, value)
				got := optionOf(t, s, row.Name)
				if got != want {
					t.Errorf("%q became %q, want %q", value, got, want)
				}
				set(t, s, row.Name, got)
				if again := optionOf(t, s, row.Name); again != got {
					t.Errorf("what Option says, %q, became %q", got, again)
				}
			}
			set(t, s, row.Name, row.Default)
		})
	}
}

// TestOptionsOfOtherTypes: an option of other types is refused, by Set and by
// the constructor, and nothing changes.
func TestOptionsOfOtherTypes(t *testing.T) {
	for _, row := range zmq.Options() {
		if len(row.Applies) == 0 {
			continue
		}
		value := map[string]string{"bool": "1", "text": "x"}[row.Kind]
		o, err := zmq.ParseOption(row.Name, value)
		if err != nil {
			t.Fatal(err)
		}
		for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
			_, err := zmq.New(typ, o)
			if fits := slices.Contains(row.Applies, typ); fits && err != nil && !errors.Is(err, zmq.ErrNotFound) {
				t.Errorf("%s %s: %v", typ, row.Name, err)
			} else if !fits && !errors.Is(err, zmq.ErrNotSupported) {
				t.Errorf("%s %s: %v, want ErrNotSupported", typ, row.Name, err)
			}
			s := open(t, typ)
			if err := s.Set(o); !slices.Contains(row.Applies, typ) && !errors.Is(err, zmq.ErrNotSupported) {
				t.Errorf("%s Set %s: %v, want ErrNotSupported", typ, row.Name, err)
			}
			s.Close()
		}
	}
}

func TestParseOptionRefuses(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		name, value string
		want        error
	}{
		{"", "1", zmq.ErrNotFound},
		{"SNDHWM", "1", zmq.ErrNotFound},
		{"zmq_sndhwm", "1", zmq.ErrNotFound},
		{"sndhwm", "", zmq.ErrInvalid},
		{"sndhwm", "many", zmq.ErrInvalid},
		{"sndhwm", "-1", zmq.ErrInvalid},
		{"sndhwm", "2147483648", zmq.ErrInvalid},
		{"sndhwm", "99999999999999999999", zmq.ErrInvalid},
		{"rcvhwm", "1.5", zmq.ErrInvalid},
		{"maxmsgsize", "-2", zmq.ErrInvalid},
		{"tcp_keepalive", "2", zmq.ErrInvalid},
		{"tcp_keepalive", "-2", zmq.ErrInvalid},
		{"tos", "256", zmq.ErrInvalid},
		{"tos", "-1", zmq.ErrInvalid},
		{"immediate", "2", zmq.ErrInvalid},
		{"immediate", "", zmq.ErrInvalid},
		{"immediate", "yes", zmq.ErrInvalid},
		{"linger", "", zmq.ErrInvalid},
		{"linger", "soon", zmq.ErrInvalid},
		{"linger", "2 s", zmq.ErrInvalid},
		{"linger", "9223372036855", zmq.ErrInvalid},
		{"connect_timeout", "-1", zmq.ErrInvalid},
		{"connect_timeout", "-1ms", zmq.ErrInvalid},
		{"connect_timeout", "-9223372036854775807", zmq.ErrInvalid},
		{"connect_timeout", "-9223372036855", zmq.ErrInvalid},
		{"heartbeat_ttl", "6553600", zmq.ErrInvalid},
		{"routing_id", long, zmq.ErrInvalid},
		{"routing_id", long, zmq.ErrTooLarge},
		{"routing_id", "\x00a", zmq.ErrInvalid},
		{"connect_routing_id", long, zmq.ErrTooLarge},
		{"connect_routing_id", "\x00", zmq.ErrInvalid},
		{"bindtodevice", "sixteen-octets-x", zmq.ErrInvalid},
		{"zmtp_least", "2.0", zmq.ErrInvalid},
		{"zmtp_least", "", zmq.ErrInvalid},
		{"type", "1", zmq.ErrNotSupported},
		{"last_endpoint", "tcp://127.0.0.1:1", zmq.ErrNotSupported},
		{"mechanism", "0", zmq.ErrNotSupported},
	} {
		o, err := zmq.ParseOption(c.name, c.value)
		if !errors.Is(err, c.want) {
			t.Errorf("%s %.40q: %v, want %v", c.name, c.value, err, c.want)
		}
		if _, err := zmq.New(zmq.PAIR, o); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("%s %.40q: the option that came with the error was taken: %v", c.name, c.value, err)
		}
	}
}

// TestParseOptionNegative: any negative duration means none, however long.
func TestParseOptionNegative(t *testing.T) {
	s := open(t, zmq.PAIR)
	for _, value := range []string{"-1", "-5", "-2s", "-1ns", "-9223372036855", "-9223372036854775808"} {
		set(t, s, "linger", "0")
		set(t, s, "linger", value)
		if got := optionOf(t, s, "linger"); got != "-1" {
			t.Errorf("%s became %s, want -1", value, got)
		}
	}
	if err := s.Set(zmq.WithLinger(0)); err != nil { // it has nobody to wait for, but so it is sure
		t.Fatal(err)
	}
}

func TestOptionThatTells(t *testing.T) {
	for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
		s := open(t, typ)
		if got := optionOf(t, s, "type"); got != strconv.Itoa(int(typ)) {
			t.Errorf("type of %s is %s", typ, got)
		}
		if got := optionOf(t, s, "mechanism"); got != "0" {
			t.Errorf("mechanism is %s, want 0, NULL", got)
		}
		if got := optionOf(t, s, "last_endpoint"); got != "" {
			t.Errorf("last_endpoint is %q before the first", got)
		}
	}
	s := open(t, zmq.SUB)
	b, err := s.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	if got := optionOf(t, s, "last_endpoint"); got != b.Endpoint() || strings.Contains(got, "*") {
		t.Errorf("last_endpoint is %q, bound to %q", got, b.Endpoint())
	}
	connect(t, s, "inproc://last")
	if got := optionOf(t, s, "last_endpoint"); got != "inproc://last" {
		t.Errorf("last_endpoint is %q after a connect", got)
	}
	for name, want := range map[string]error{"nothing": zmq.ErrNotFound, "subscribe": zmq.ErrNotSupported, "unsubscribe": zmq.ErrNotSupported} {
		var op *zmq.OpError
		if _, err := s.Option(name); !errors.Is(err, want) || !errors.As(err, &op) || op.Op != "option" {
			t.Errorf("Option(%q): %v, want %v", name, err, want)
		}
	}
}

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
	{zmq.PAIR, zmq.WithIPv6(true), map[string]string{"ipv6": "1"}},
	{zmq.PAIR, zmq.WithBacklog(11), map[string]string{"backlog": "11"}},
	{zmq.PAIR, zmq.WithSendBuffer(12), map[string]string{"sndbuf": "12"}},
	{zmq.PAIR, zmq.WithRecvBuffer(13), map[string]string{"rcvbuf": "13"}},
	{zmq.PAIR, zmq.WithTOS(14), map[string]string{"tos": "14"}},
	{zmq.PAIR, zmq.WithKeepAlive(true), map[string]string{"tcp_keepalive": "1"}},
	{zmq.PAIR, zmq.WithKeepAlive(false), map[string]string{"tcp_keepalive": "0"}},
	{zmq.PAIR, zmq.WithKeepAliveProbes(15, 16, 17),
		map[string]string{"tcp_keepalive_idle": "15", "tcp_keepalive_intvl": "16", "tcp_keepalive_cnt": "17"}},
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

// TestFirstBadOption: a constructor keeps the first bad option, and every
// method that can fail returns it.
func TestFirstBadOption(t *testing.T) {
	leak.Check(t)
	bad := []zmq.Option{zmq.WithLinger(0), zmq.WithTOS(999), zmq.WithSendHWM(-1)}
	if _, err := zmq.New(zmq.PUB, bad...); !errors.Is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), "tos") {
		t.Errorf("New: %v", err)
	}
	if _, err := zmq.New(zmq.Type(99)); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("New of no type: %v", err)
	}
	for typ, make := range map[zmq.Type]func(...zmq.Option) *zmq.Socket{
		zmq.PAIR: zmq.NewPair, zmq.PUB: zmq.NewPub, zmq.SUB: zmq.NewSub, zmq.REQ: zmq.NewReq, zmq.REP: zmq.NewRep, zmq.DEALER: zmq.NewDealer,
		zmq.ROUTER: zmq.NewRouter, zmq.PULL: zmq.NewPull, zmq.PUSH: zmq.NewPush, zmq.XPUB: zmq.NewXPub, zmq.XSUB: zmq.NewXSub, zmq.STREAM: zmq.NewStream,
	} {
		s := make(bad...)
		if s.Type() != typ {
			t.Errorf("%s became %s", typ, s.Type())
		}
		for name, do := range methods(t.Context()) {
			err := do(s, "inproc://bad")
			if !errors.Is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), "tos") {
				t.Errorf("%s %s: %v, want the bad option", typ, name, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: Close: %v", typ, err)
		}
	}
}

// methods are all methods of a socket that can fail, but those that close it.
func methods(ctx context.Context) map[string]func(s *zmq.Socket, endpoint string) error {
	return map[string]func(s *zmq.Socket, endpoint string) error{
		"send":    func(s *zmq.Socket, _ string) error { return s.Send(ctx, []byte("a"), []byte("b")) },
		"sendmsg": func(s *zmq.Socket, _ string) error { return s.SendMsg(ctx, &zmq.Msg{Frames: [][]byte{nil}}) },
		"trysend": func(s *zmq.Socket, _ string) error { return s.TrySend([]byte("a"), []byte("b")) },
		"recv": func(s *zmq.Socket, _ string) error {
			_, err := s.Recv(ctx)
			return err
		},
		"recvinto": func(s *zmq.Socket, _ string) error { return s.RecvInto(ctx, new(zmq.Msg)) },
		"tryrecv": func(s *zmq.Socket, _ string) error {
			_, err := s.TryRecv()
			return err
		},
		"bind": func(s *zmq.Socket, endpoint string) error {
			_, err := s.Bind(endpoint)
			return err
		},
		"connect":    func(s *zmq.Socket, endpoint string) error { return s.Connect(endpoint) },
		"unbind":     func(s *zmq.Socket, endpoint string) error { return s.Unbind(endpoint) },
		"disconnect": func(s *zmq.Socket, endpoint string) error { return s.Disconnect(endpoint) },
		"set":        func(s *zmq.Socket, _ string) error { return s.Set(zmq.WithSendHWM(1)) },
		"wait ready": func(s *zmq.Socket, _ string) error { return s.WaitReady(ctx, 0) },
	}
}

func TestSetIsAllOrNothing(t *testing.T) {
	s := open(t, zmq.SUB)
	subscribe, err := zmq.ParseOption("subscribe", "topic")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Set(zmq.WithSendHWM(5), zmq.WithMetadata("X-A", "b"), subscribe, zmq.WithTOS(999), zmq.WithRecvHWM(6))
	var op *zmq.OpError
	if !errors.Is(err, zmq.ErrInvalid) || !errors.As(err, &op) || op.Op != "set" || !strings.Contains(err.Error(), "tos") {
		t.Errorf("Set: %v", err)
	}
	for name, want := range map[string]string{"sndhwm": "1000", "rcvhwm": "1000", "tos": "0"} {
		if got := optionOf(t, s, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if err := s.Unsubscribe("topic"); !errors.Is(err, zmq.ErrNotFound) {
		t.Errorf("it has subscribed: %v", err)
	}
	if err := s.Set(subscribe, zmq.WithSendHWM(5)); err != nil {
		t.Fatal(err)
	}
	if err := s.Unsubscribe("topic"); err != nil {
		t.Errorf("it has not subscribed: %v", err)
	}
	if got := optionOf(t, s, "sndhwm"); got != "5" {
		t.Errorf("sndhwm is %s, want 5", got)
	}
}

// TestSetTimeouts: a timeout acts on the next call.
func TestSetTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, zmq.PAIR)
		for _, d := range []time.Duration{0, time.Second, time.Minute} {
			if err := s.Set(zmq.WithSendTimeout(d), zmq.WithRecvTimeout(2*d)); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if err := s.Send(t.Context(), nil); !errors.Is(err, zmq.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Send: %v", err)
			}
			if took := time.Since(start); took != d {
				t.Errorf("Send took %v, want %v", took, d)
			}
			start = time.Now()
			if _, err := s.Recv(t.Context()); !errors.Is(err, zmq.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Recv: %v", err)
			}
			if took := time.Since(start); took != 2*d {
				t.Errorf("Recv took %v, want %v", took, 2*d)
			}
		}
	})
}

// TestSetMarks: marks act on the pipes that are there.
func TestSetMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		s := open(t, zmq.PUSH, newWireDials(t).dialer(), zmq.WithSendHWM(3))
		connect(t, s, wireEndpoint)
		queued := 0
		for _, mark := range []int{3, 8, 5, 20} {
			if err := s.Set(zmq.WithSendHWM(mark)); err != nil {
				t.Fatal(err)
			}
			for s.TrySend(nil) == nil {
				queued++
			}
			if want := max(mark, 8*min(mark/8, 1)); queued != want && (mark != 5 || queued != 8) {
				t.Errorf("with a mark of %d there are %d messages queued", mark, queued)
			}
		}
	})
}

// TestSetRecvMark: a lower mark lets fewer messages in from now on.
func TestSetRecvMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		s := open(t, zmq.PULL, dials.dialer(), zmq.WithRecvHWM(100))
		connect(t, s, wireEndpoint)
		p := dials.accept()
		p.handshake("PUSH")
		for _, mark := range []int{2, 50, 1} {
			if err := s.Set(zmq.WithRecvHWM(mark)); err != nil {
				t.Fatal(err)
			}
			for i := range 200 {
				p.sendMsg(fmt.Sprint(i))
			}
			synctest.Wait()
			if got := onePeer(t, s).RecvQueue.Messages; got < mark || got > 2*mark+1 {
				t.Errorf("with a mark of %d there are %d messages queued", mark, got)
			}
			for i := range 200 {
				expectHeard(t, s, fmt.Sprint(i))
			}
		}
	})
}

func TestSetLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, zmq.PUSH, newWireDials(t).dialer())
		connect(t, s, wireEndpoint)
		say(t, s, "never sent")
		if err := s.Set(zmq.WithLinger(time.Hour)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		s.Close()
		if took := time.Since(start); took != time.Hour {
			t.Errorf("Close took %v, want an hour", took)
		}
	})
}

func TestSetRules(t *testing.T) {
	router := open(t, zmq.ROUTER)
	for _, mandatory := range []bool{true, false, true} {
		if err := router.Set(zmq.WithRouterMandatory(mandatory)); err != nil {
			t.Fatal(err)
		}
		if err := router.TrySend([]byte("nobody"), nil); errors.Is(err, zmq.ErrNoPeer) != mandatory {
			t.Errorf("mandatory %t: %v", mandatory, err)
		}
	}
	xpub := open(t, zmq.XPUB)
	bindInproc(t, xpub)
	for i, verbose := range []bool{false, true, false} {
		if err := xpub.Set(zmq.WithXPubVerbose(verbose)); err != nil {
			t.Fatal(err)
		}
		sub := open(t, zmq.SUB)
		connect(t, sub, optionOf(t, xpub, "last_endpoint"))
		if err := sub.Subscribe("topic"); err != nil {
			t.Fatal(err)
		}
		if i == 0 || verbose {
			expectHeard(t, xpub, "\x01topic")
		} else {
			awaitSubscribers(t, xpub, "topic", i+1)
			expectNone(t, xpub)
		}
	}
	req := open(t, zmq.REQ)
	bindInproc(t, req)
	rep := open(t, zmq.REP)
	connect(t, rep, optionOf(t, req, "last_endpoint"))
	say(t, req, "one")
	if err := req.TrySend([]byte("two")); !errors.Is(err, zmq.ErrState) {
		t.Errorf("REQ sends twice: %v", err)
	}
	if err := req.Set(zmq.WithReqRelaxed(true)); err != nil {
		t.Fatal(err)
	}
	say(t, req, "two")
}

// TestSetForLaterEndpoints: an option that is not live leaves the connection
// alone and acts on the next.
func TestSetForLaterEndpoints(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		s := open(t, zmq.DEALER, dials.dialer(), zmq.WithRoutingID("first"))
		connect(t, s, wireEndpoint)
		p := dials.accept()
		if got := p.handshake("ROUTER")["identity"]; got != "first" {
			t.Errorf("the identity is %q", got)
		}
		if err := s.Set(zmq.WithRoutingID("second"), zmq.WithMetadata("X-Word", "hello")); err != nil {
			t.Fatal(err)
		}
		connect(t, s, wireEndpoint)
		q := dials.accept()
		got := q.handshake("ROUTER")
		if got["identity"] != "second" || got["x-word"] != "hello" {
			t.Errorf("the properties of the later connect are %q", got)
		}
		p.cut()
		p = dials.accept()
		if got := p.handshake("ROUTER")["identity"]; got != "first" {
			t.Errorf("the identity of the earlier connect became %q", got)
		}
	})
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
