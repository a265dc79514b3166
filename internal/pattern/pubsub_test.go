package pattern

import (
	"slices"
	"strings"
	"testing"

	"github.com/phimq/zmq/internal/pipe"
)

// matches returns which of pipes a message with this first frame goes to.
func (b *bench) matches(pipes []*pipe.Pipe, first string) (list []int) {
	b.t.Helper()
	matched, v := b.p.(Fanner).Match([]byte(first))
	if v != Go {
		b.t.Fatalf("verdict %d", v)
	}
	for i, p := range pipes {
		n := 0
		for _, m := range matched {
			if m == p {
				n++
			}
		}
		if n > 1 {
			b.t.Fatalf("%q goes to peer %d %d times", first, i, n)
		}
		if n == 1 {
			list = append(list, i)
		}
	}
	if len(list) != len(matched) {
		b.t.Fatalf("%q goes to %d pipes, of which %d are known", first, len(matched), len(list))
	}
	return list
}

func (b *bench) goes(pipes []*pipe.Pipe, first string, want ...int) {
	b.t.Helper()
	if got := b.matches(pipes, first); !slices.Equal(got, want) {
		b.t.Fatalf("%q goes to %v, want %v", first, got, want)
	}
}

// TestPubMatchesPrefixes: RFC 29 "The PUB Socket Type".
func TestPubMatchesPrefixes(t *testing.T) {
	for _, typ := range []string{"PUB", "XPUB"} {
		b := newBench(t, typ, Config{})
		pipes := b.joins(4, 0)
		b.goes(pipes, "anything")
		b.asks(pipes[0], "+a", "+ab", "+abc")
		b.asks(pipes[1], "+")
		b.asks(pipes[2], "+ab")
		b.goes(pipes, "", 1)
		b.goes(pipes, "a", 0, 1)
		b.goes(pipes, "abcd", 0, 1, 2)
		b.goes(pipes, "b", 1)
		b.asks(pipes[0], "-ab", "-a", "-none", "-")
		b.goes(pipes, "ab", 1, 2)
		b.goes(pipes, "abc", 0, 1, 2)
		b.asks(pipes[2], "+ab", "-ab") // it is the subscriber who counts
		b.goes(pipes, "ab", 1)
		b.asks(pipes[2], "-ab", "-ab")
		b.goes(pipes, "ab", 1)
		b.p.Lost(pipes[1])
		b.goes(pipes, "abc", 0)
		b.asks(pipes[1], "+late")
		b.goes(pipes, "late")
		b.canSend(true)
	}
}

// TestXPubTells its user of the first subscription to a topic and of the last
// cancellation, and a PUB nobody. RFC 29 "The XPUB Socket Type".
func TestXPubTells(t *testing.T) {
	for _, c := range []struct {
		name string
		c    Config
		want []string
	}{
		{"plain", Config{}, []string{"\x01t", "\x00t", "\x01u", "\x00u"}},
		{"verbose", Config{XPubVerbose: true}, []string{"\x01t", "\x01t", "\x01t", "\x00t", "\x01u", "\x00u"}},
		{"verboser", Config{XPubVerboser: true}, []string{"\x01t", "\x01t", "\x01t", "\x00t", "\x00t", "\x01u", "\x00u"}},
	} {
		b := newBench(t, "XPUB", c.c)
		pipes := b.joins(2, 0)
		b.asks(pipes[0], "+t", "+t")
		b.asks(pipes[1], "+t", "-t", "-t", "-unknown")
		b.asks(pipes[0], "-t", "-t", "+u")
		b.p.Lost(pipes[0])
		var got []string
		for {
			m, _, v := b.recv()
			if v != Go {
				break
			}
			got = append(got, m)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: received %q, want %q", c.name, got, c.want)
		}
	}
	b := newBench(t, "PUB", Config{XPubVerboser: true})
	b.asks(b.join("", 0), "+t", "-t")
	if _, _, v := b.recv(); v != Unsupported {
		t.Errorf("a PUB receives: verdict %d", v)
	}
}

// TestXPubOldPeers: subscriptions come as messages from peers of ZMTP 3.0.
// RFC 23 "The Publish-Subscribe Pattern". Other messages are for the user.
func TestXPubOldPeers(t *testing.T) {
	b := newBench(t, "XPUB", Config{})
	p := b.join("", 0)
	pipes := []*pipe.Pipe{p}
	b.comes(p, "\x01topic")
	b.goes(pipes, "topic", 0)
	b.comes(p, "\x00topic")
	b.goes(pipes, "topic")
	b.comes(p, "\x00")
	b.comes(p, "\x01multipart", "is no subscription")
	b.comes(p, "\x02user")
	b.comes(p, "")
	b.goes(pipes, "multipart")
	b.receives("\x01topic", "\x00topic", "\x01multipart|is no subscription", "\x02user", "")

	b = newBench(t, "PUB", Config{})
	p = b.join("", 0)
	b.comes(p, "an ordinary message")
	if b.p.(*xpub).news != nil || p.In.Len() != 0 {
		t.Error("a PUB keeps what it can't receive")
	}
}

func TestXPubInverts(t *testing.T) {
	b := newBench(t, "XPUB", Config{InvertMatching: true})
	pipes := b.joins(3, 0)
	b.asks(pipes[0], "+a")
	b.asks(pipes[1], "+b", "+")
	b.goes(pipes, "a", 2)
	b.goes(pipes, "b", 0, 2)
}

func TestXPubNoDrop(t *testing.T) {
	b := newBench(t, "XPUB", Config{XPubNoDrop: true})
	pipes := b.joins(2, 2)
	b.asks(pipes[0], "+a")
	b.asks(pipes[1], "+a", "+b")
	b.fills(pipes[0])
	if _, v := b.p.(Fanner).Match([]byte("a")); v != Again {
		t.Errorf("verdict %d with a full subscriber", v)
	}
	b.goes(pipes, "b", 1)
	b.p.Lost(pipes[0])
	b.goes(pipes, "a", 1)
	b.c.XPubNoDrop = false
	b.fills(pipes[1])
	b.goes(pipes, "a", 1) // the socket drops it
}

// TestXPubManual: what a subscriber gets is what the user says, for the
// subscription that was received last.
func TestXPubManual(t *testing.T) {
	b := newBench(t, "XPUB", Config{XPubManual: true})
	pipes := b.joins(2, 0)
	s := b.p.(Subscriber)
	if _, found := s.Subscribe([]byte("x"), true); found {
		t.Error("a subscription for nobody")
	}
	b.asks(pipes[0], "+a")
	b.asks(pipes[1], "+b", "+b")
	b.goes(pipes, "a")
	for _, answer := range []string{"A", "B"} {
		if _, _, v := b.recv(); v != Go {
			t.Fatalf("verdict %d", v)
		}
		s.Subscribe([]byte(answer), true)
	}
	b.goes(pipes, "A", 0)
	b.goes(pipes, "B", 1)
	b.goes(pipes, "a")
	b.receives("\x01b")
	if _, found := s.Subscribe([]byte("none"), false); found {
		t.Error("a subscription was taken back that there is not")
	}
	if _, found := s.Subscribe([]byte("B"), false); !found {
		t.Error("a subscription could not be taken back")
	}
	b.goes(pipes, "B")
	b.p.Lost(pipes[1])
	if _, found := s.Subscribe([]byte("x"), true); found {
		t.Error("a subscription for one who is gone")
	}
	b.receives("\x00b")
	b.goes(pipes, "x")
}

func TestXPubWelcomes(t *testing.T) {
	b := newBench(t, "XPUB", Config{XPubWelcome: []byte("hello")})
	p := b.join("", 0)
	b.p.Opened(p)
	b.got(p, "hello", "hello") // one for each connection
}

// TestXPubKeepsTopicsUntilTheFirstSubscription of the next connection.
func TestXPubKeepsTopicsUntilTheFirstSubscription(t *testing.T) {
	b := newBench(t, "XPUB", Config{})
	p := b.join("", 0)
	pipes := []*pipe.Pipe{p}
	b.asks(p, "+old", "+both")
	b.receives("\x01old", "\x01both")
	b.p.Opened(p)
	b.goes(pipes, "old", 0)
	b.asks(p, "+both", "+new")
	b.goes(pipes, "old")
	b.goes(pipes, "both", 0)
	b.goes(pipes, "new", 0)
	got := map[string]bool{}
	for {
		m, _, v := b.recv()
		if v != Go {
			break
		}
		got[m] = true
	}
	for _, m := range []string{"\x00old", "\x00both", "\x01both", "\x01new"} {
		if !got[m] {
			t.Errorf("the user was not told %q", m)
		}
	}
}

// TestXPubLimits: who asks for too much loses its connection, and a user who
// does not receive costs no memory without end.
func TestXPubLimits(t *testing.T) {
	b := newBench(t, "XPUB", Config{MaxTopics: 3, MaxTopicBytes: 100, RecvMark: 2})
	p := b.join("", 0)
	b.asks(p, "+a", "+b", "+c")
	if b.ends[p] != 0 {
		t.Fatal("the connection was ended within the limit")
	}
	b.asks(p, "+d")
	if b.ends[p] != 1 {
		t.Error("a fourth topic is taken")
	}
	b.goes([]*pipe.Pipe{p}, "d")
	q := b.join("", 0)
	b.asks(q, "+"+strings.Repeat("x", 60), "+"+strings.Repeat("y", 60))
	if b.ends[q] != 1 {
		t.Error("more octets than the limit are taken")
	}
	x := b.p.(*xpub)
	for range 1000 {
		b.asks(q, "+z", "-z")
		b.comes(p, "message")
	}
	if len(x.news) > 5 || x.told > 100 {
		t.Errorf("%d messages of %d octets wait for a user who does not receive", len(x.news), x.told)
	}
}

// TestXPubNewsLeaveNoTrace while something always waits.
func TestXPubNewsLeaveNoTrace(t *testing.T) {
	b := newBench(t, "XPUB", Config{})
	p := b.join("", 0)
	b.asks(p, "+first")
	for range 10_000 {
		b.asks(p, "+t")
		b.recv()
		b.asks(p, "-t")
		b.recv()
		b.asks(p, "+wait", "-wait")
		b.recv()
		b.recv()
	}
	x := b.p.(*xpub)
	if cap(x.news) > 100 {
		t.Errorf("%d entries are kept for %d", cap(x.news), len(x.news)-x.heard)
	}
	for _, _, v := b.recv(); v == Go; _, _, v = b.recv() {
	}
	if x.told != 0 {
		t.Errorf("%d octets count with nothing there", x.told)
	}
}

// TestSubTells publishers of each subscription, and of the last cancellation.
func TestSubTells(t *testing.T) {
	b := newBench(t, "SUB", Config{})
	pipes := b.joins(2, 0)
	s := b.p.(Subscriber)
	for _, c := range []struct {
		topic string
		add   bool
		tells int
		found bool
	}{
		{"t", true, 2, true}, {"t", true, 2, true}, {"t", false, 0, true},
		{"t", false, 2, true}, {"t", false, 0, false},
	} {
		tell, found := s.Subscribe([]byte(c.topic), c.add)
		if len(tell) != c.tells || found != c.found {
			t.Errorf("%+v: tells %d, found %v", c, len(tell), found)
		}
	}
	s.Subscribe([]byte("kept"), true)
	late := b.join("", 0)
	b.got(late, "+kept")
	b.p.Opened(pipes[0])
	b.got(pipes[0], "+kept")
	b.p.Lost(late)
	if tell, _ := s.Subscribe([]byte("u"), true); slices.Contains(tell, late) {
		t.Error("a publisher that is gone is told")
	}
}

// TestSubFilters what a publisher sends beyond what was asked for.
func TestSubFilters(t *testing.T) {
	for _, invert := range []bool{false, true} {
		b := newBench(t, "SUB", Config{InvertMatching: invert})
		p := b.join("", 0)
		b.p.(Subscriber).Subscribe([]byte("a"), true)
		b.comes(p, "ab", "x")
		b.comes(p, "b")
		b.asks(p, "+not for a SUB")
		b.comes(p, "a")
		if invert {
			b.receives("b")
		} else {
			b.receives("ab|x", "a")
		}
		if _, v := b.p.(Fanner).Match([]byte("x")); v != Unsupported {
			t.Errorf("a SUB sends: verdict %d", v)
		}
		b.canSend(false)
	}
}

// TestXSub filters nothing, and sends to all publishers.
func TestXSub(t *testing.T) {
	b := newBench(t, "XSUB", Config{})
	pipes := b.joins(3, 0)
	b.comes(pipes[0], "x", "y")
	b.receives("x|y")
	b.goes(pipes, "up", 0, 1, 2)
	b.p.Lost(pipes[1])
	b.goes(pipes, "up", 0, 2)
	b.canSend(true)
}
