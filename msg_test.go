package zmq_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/phimq/zmq"
)

// TestMsgVerbs: each verb does what it says, on messages that are too short for it as well.
func TestMsgVerbs(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(m *zmq.Msg) string // what it returns, if anything
		from []string
		want []string
		got  string
	}{
		{"push", func(m *zmq.Msg) string { m.Push([]byte("x")); return "" }, []string{"a"}, []string{"x", "a"}, ""},
		{"push on none", func(m *zmq.Msg) string { m.Push([]byte("x")); return "" }, nil, []string{"x"}, ""},
		{"push nil", func(m *zmq.Msg) string { m.Push(nil); return "" }, []string{"a"}, []string{"", "a"}, ""},
		{"pop", func(m *zmq.Msg) string { return string(m.Pop()) }, []string{"a", "b"}, []string{"b"}, "a"},
		{"pop the last", func(m *zmq.Msg) string { return string(m.Pop()) }, []string{"a"}, nil, "a"},
		{"pop of none", func(m *zmq.Msg) string { return string(m.Pop()) }, nil, nil, ""},
		{"append", func(m *zmq.Msg) string { m.Append([]byte("x"), nil); return "" }, []string{"a"}, []string{"a", "x", ""}, ""},
		{"append nothing", func(m *zmq.Msg) string { m.Append(); return "" }, []string{"a"}, []string{"a"}, ""},
		{"wrap", func(m *zmq.Msg) string { m.Wrap([]byte("id")); return "" }, []string{"a"}, []string{"id", "", "a"}, ""},
		{"unwrap", func(m *zmq.Msg) string { return string(m.Unwrap()) }, []string{"id", "", "a"}, []string{"a"}, "id"},
		{"unwrap without delimiter", func(m *zmq.Msg) string { return string(m.Unwrap()) }, []string{"id", "a"}, []string{"a"}, "id"},
		{"unwrap two empty ones", func(m *zmq.Msg) string { return string(m.Unwrap()) }, []string{"id", "", ""}, []string{""}, "id"},
		{"unwrap an address alone", func(m *zmq.Msg) string { return string(m.Unwrap()) }, []string{"id"}, nil, "id"},
		{"unwrap none", func(m *zmq.Msg) string { return string(m.Unwrap()) }, nil, nil, ""},
	} {
		m := zmq.MsgFromStrings(c.from...)
		if got := c.do(&m); got != c.got {
			t.Errorf("%s returns %q, want %q", c.name, got, c.got)
		}
		if got := texts(m.Frames); !slices.Equal(got, c.want) {
			t.Errorf("%s leaves %q, want %q", c.name, got, c.want)
		}
	}
}

func TestMsgSize(t *testing.T) {
	var none zmq.Msg
	m := zmq.NewMsg([]byte("ab"), nil, []byte("c"))
	if none.Size() != 0 || m.Size() != 3 {
		t.Errorf("sizes are %d and %d, want 0 and 3", none.Size(), m.Size())
	}
}

// TestMsgClone: a clone has memory of its own and keeps what else is in the message.
func TestMsgClone(t *testing.T) {
	m := zmq.MsgFromStrings("abc", "")
	m.RoutingID, m.Group = 7, "g"
	c := m.Clone()
	m.Frames[0][0] = 'X'
	m.Frames[1] = []byte("Y")
	if got := texts(c.Frames); !slices.Equal(got, []string{"abc", ""}) || c.RoutingID != 7 || c.Group != "g" {
		t.Errorf("the clone is %q, %d, %q", got, c.RoutingID, c.Group)
	}
	var none zmq.Msg
	if c := none.Clone(); len(c.Frames) != 0 {
		t.Errorf("the clone of nothing is %v", c)
	}
}

func TestMsgString(t *testing.T) {
	for _, c := range []struct {
		m    zmq.Msg
		want string
	}{
		{zmq.Msg{}, `[]`},
		{zmq.NewMsg(nil), `[""]`},
		{zmq.MsgFromStrings("kv@", `a"b`), `["kv@" "a\"b"]`},
		{zmq.NewMsg([]byte{0, 0xAB}), `[0x00AB]`},
		{zmq.MsgFromStrings("é"), `[0xC3A9]`},
		{zmq.MsgFromStrings(strings.Repeat("x", 100)), `["` + strings.Repeat("x", 64) + `"...(100)]`},
		{zmq.NewMsg(make([]byte, 65)), `[0x` + strings.Repeat("00", 64) + `...(65)]`},
	} {
		if got := c.m.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestMsgOfNobody: a message that was not received has no peer, and says so without harm.
func TestMsgOfNobody(t *testing.T) {
	m := zmq.MsgFromStrings("a")
	p := m.Peer()
	if got := p.Type() + string(p.Identity()) + p.Address() + p.Endpoint() + p.Version() + p.Mechanism() +
		p.Property("Socket-Type") + m.Property("Peer-Address") + m.Property("User-Id"); got != "" {
		t.Errorf("it says %q of its peer", got)
	}
}

// TestMsgPeer: a message says who sent it, after the sender has gone and to a clone as well.
func TestMsgPeer(t *testing.T) {
	for _, transport := range []string{"tcp://127.0.0.1:*", "inproc://here"} {
		t.Run(transport[:3], func(t *testing.T) {
			d := zmq.WithDomain(zmq.NewDomain())
			router := open(t, zmq.ROUTER, d)
			b, err := router.Bind(transport)
			if err != nil {
				t.Fatal(err)
			}
			dealer := open(t, zmq.DEALER, d, zmq.WithRoutingID("alice"), zmq.WithMetadata("X-Shard", "7"))
			connect(t, dealer, b.Endpoint())
			say(t, dealer, "hello")
			m, err := router.Recv(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			dealer.Close()
			router.Close()
			m = m.Clone()
			for name, want := range map[string]string{
				"Socket-Type": "DEALER", "identity": "alice", "Routing-Id": "alice", "x-shard": "7", "X-SHARD": "7",
				"User-Id": "", "X-Other": "",
			} {
				if got := m.Property(name); got != want {
					t.Errorf("property %s is %q, want %q", name, got, want)
				}
			}
			p := m.Peer()
			if p.Type() != "DEALER" || string(p.Identity()) != "alice" {
				t.Errorf("the peer is %s %q", p.Type(), p.Identity())
			}
			if transport[:3] == "tcp" && (p.Version() != "3.1" || p.Mechanism() != "NULL" || p.Endpoint() != b.Endpoint() ||
				p.Address() != m.Property("Peer-Address") || !strings.HasPrefix(p.Address(), "tcp://127.0.0.1:")) {
				t.Errorf("the connection is %s %s %s %s", p.Version(), p.Mechanism(), p.Endpoint(), p.Address())
			}
		})
	}
}

// connect connects a socket.
func connect(t testing.TB, s *zmq.Socket, endpoint string) {
	t.Helper()
	if err := s.Connect(endpoint); err != nil {
		t.Fatal(err)
	}
}

// bind binds a socket and returns where.
func bind(t testing.TB, s *zmq.Socket, endpoint string) string {
	t.Helper()
	b, err := s.Bind(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return b.Endpoint()
}
