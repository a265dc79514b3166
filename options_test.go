package zmq_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

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
	case o.Name == "socks_proxy":
		return map[string]string{"": "", "proxy.test:1080": "proxy.test:1080", "[::1]:1": "[::1]:1"}
	case strings.HasPrefix(o.Name, "curve_") && o.Kind == "text":
		key := zmq.NewCurveKeys().Public().String()
		return map[string]string{key: key}
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
			if _, err := zmq.ParseOption(row.Name, row.Default); err == nil { // a key can't be taken back
				set(t, s, row.Name, row.Default)
			}
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

func TestParseOption(t *testing.T) {
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
		{"routing_id", long, zmq.ErrTooLarge},
		{"routing_id", "\x00a", zmq.ErrInvalid},
		{"connect_routing_id", long, zmq.ErrTooLarge},
		{"connect_routing_id", "\x00", zmq.ErrInvalid},
		{"bindtodevice", "sixteen-octets-x", zmq.ErrTooLarge},
		{"zmtp_least", "2.0", zmq.ErrInvalid},
		{"zmtp_least", "", zmq.ErrInvalid},
		{"socks_proxy", "proxy.test", zmq.ErrInvalid},
		{"socks_proxy", "proxy.test:0", zmq.ErrInvalid},
		{"socks_username", long, zmq.ErrTooLarge},
		{"socks_password", long, zmq.ErrTooLarge},
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
