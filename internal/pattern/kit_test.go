package pattern

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/phimq/zmq/internal/pipe"
)

// A bench is a pattern with its pipes and nothing else: what a socket does with
// locks and waiting, it does at once.
type bench struct {
	t    testing.TB
	c    *Config
	p    Pattern
	pool *pipe.Pool
	ends map[*pipe.Pipe]int // how often a pipe's connection was ended
}

func newBench(t testing.TB, socketType string, c Config) *bench {
	t.Helper()
	if c.MaxTopics == 0 {
		c.MaxTopics, c.MaxTopicBytes = 1000, 1000
	}
	if c.RecvMark == 0 {
		c.RecvMark = 1000
	}
	b := &bench{t: t, c: &c, pool: &pipe.Pool{}, ends: map[*pipe.Pipe]int{}}
	b.p = New(socketType, b.c)
	return b
}

// Readable and Writable pass on what queues tell.
func (b *bench) Readable(p *pipe.Pipe) {
	if a, ok := b.p.(Arriver); ok {
		a.Arrived(p)
		return
	}
	b.p.Readable(p)
}

func (b *bench) Writable(p *pipe.Pipe) { b.p.Writable(p) }

// Hangup and Finish count the ends of connections.
func (b *bench) Hangup(p *pipe.Pipe, _ error) { b.ends[p]++ }
func (b *bench) Finish(p *pipe.Pipe)          { b.ends[p]++ }

// make makes a pipe to a peer with an identity, or "", with room for mark
// messages (0: any number).
func (b *bench) make(identity string, mark int) *pipe.Pipe {
	p := &pipe.Pipe{Session: b}
	p.SetPeer(&pipe.Peer{Identity: identity})
	p.Out = pipe.NewQueue(nil, b.pool, mark, false)
	p.Out.SetWriter(b, p)
	p.In = pipe.NewQueue(nil, b.pool, 0, false)
	p.In.SetReader(b, p)
	return p
}

// join attaches a pipe whose peer is connected.
func (b *bench) join(identity string, mark int) *pipe.Pipe {
	b.t.Helper()
	p := b.make(identity, mark)
	if !b.p.Attach(p) {
		b.t.Fatalf("the peer %q is refused", identity)
	}
	b.p.Opened(p)
	return p
}

// joins attaches n pipes.
func (b *bench) joins(n, mark int) (list []*pipe.Pipe) {
	b.t.Helper()
	for range n {
		list = append(list, b.join("", mark))
	}
	return list
}

// comes lets a message arrive from a peer.
func (b *bench) comes(p *pipe.Pipe, frames ...string) {
	if p.In.Put(nil, octets(frames)) {
		p.In.Tell()
	}
}

// asks lets a subscription, or its end, arrive: "+topic" or "-topic".
func (b *bench) asks(p *pipe.Pipe, topics ...string) {
	for _, topic := range topics {
		kind := pipe.Subscribe
		if topic[0] == '-' {
			kind = pipe.Cancel
		}
		if p.In.PutTopic(kind, []byte(topic[1:])) {
			p.In.Tell()
		}
	}
}

// send sends as a socket does, and returns the pipe that got the message.
func (b *bench) send(frames ...string) (*pipe.Pipe, Verdict) {
	if c, ok := b.p.(Coupled); ok {
		c.Prepare()
	}
	list := octets(frames)
	may := b.p.MaySend(list[0], len(list))
	r, v := b.p.Pick(list[0], len(list))
	if _, many := b.p.(Fanner); may != v && !many {
		b.t.Fatalf("MaySend says %d, Pick %d", may, v)
	}
	if r == nil {
		return nil, v
	}
	if v == Go {
		r.Pipe.Out.Put(r.Prefix, list[r.Skip:])
	}
	return r.Pipe, v
}

// sends wants a message to go out to p.
func (b *bench) sends(p *pipe.Pipe, frames ...string) {
	b.t.Helper()
	if got, v := b.send(frames...); v != Go || got != p {
		b.t.Fatalf("%q: verdict %d; goes to the pipe it should: %v", frames, v, got == p)
	}
}

// refuses wants a message to meet with a verdict.
func (b *bench) refuses(want Verdict, frames ...string) {
	b.t.Helper()
	if _, v := b.send(frames...); v != want {
		b.t.Fatalf("%q: verdict %d, want %d", frames, v, want)
	}
}

// recv receives as a socket does: "" if there is nothing.
func (b *bench) recv() (message string, from *pipe.Pipe, v Verdict) {
	may := b.p.MayRecv()
	a, v := b.p.Next()
	if may != v {
		b.t.Fatalf("MayRecv says %d, Next %d", may, v)
	}
	if v != Go {
		return "", nil, v
	}
	frames := a.Frames
	if frames == nil {
		frames = a.Pipe.Load(a.ID, a.Skip)
		a.Pipe.Advance()
	}
	return shown(frames), a.Pipe, v
}

// receives wants these messages, frames separated by "|", and nothing more.
func (b *bench) receives(want ...string) {
	b.t.Helper()
	for _, w := range want {
		if got, _, v := b.recv(); v != Go || got != w {
			b.t.Fatalf("received %q, verdict %d, want %q", got, v, w)
		}
	}
	if got, _, v := b.recv(); v == Go {
		b.t.Fatalf("received %q, want nothing more", got)
	}
}

// out takes all that waits for a peer.
func out(p *pipe.Pipe) (list []string) {
	for _, s := range p.Out.Take(nil, nil, 1<<30) {
		switch s.Kind {
		case pipe.Subscribe:
			list = append(list, "+"+string(s.B))
		case pipe.Cancel:
			list = append(list, "-"+string(s.B))
		case pipe.Parts:
			list = append(list, shown(s.Parts))
		default:
			for run := s.B; len(run) > 0; run = run[pipe.MessageLen(run):] {
				list = append(list, shown(slices.Collect(pipe.Frames(run))))
			}
		}
	}
	return list
}

// got wants this to wait for a peer, and nothing else.
func (b *bench) got(p *pipe.Pipe, want ...string) {
	b.t.Helper()
	if got := out(p); !slices.Equal(got, want) {
		b.t.Fatalf("the peer gets %q, want %q", got, want)
	}
}

// fills fills a pipe of some mark.
func (b *bench) fills(p *pipe.Pipe) {
	for !p.Out.Full() {
		p.Out.Put(nil, octets([]string{"x"}))
	}
}

func (b *bench) canSend(want bool) {
	b.t.Helper()
	if got := b.p.CanSend(); got != want {
		b.t.Fatalf("can send: %v, want %v", got, want)
	}
}

func octets(frames []string) [][]byte {
	list := make([][]byte, len(frames))
	for i, f := range frames {
		list[i] = []byte(f)
	}
	return list
}

func shown(frames [][]byte) string {
	list := make([]string, len(frames))
	for i, f := range frames {
		list[i] = string(f)
	}
	return strings.Join(list, "|")
}

// TestLegal spells the table of RFC 37 "The Socket-Type Property" out.
func TestLegal(t *testing.T) {
	pairs := "REQ-REP REQ-ROUTER REP-DEALER DEALER-DEALER DEALER-ROUTER ROUTER-ROUTER " +
		"PUB-SUB PUB-XSUB XPUB-SUB XPUB-XSUB PUSH-PULL PAIR-PAIR"
	types := strings.Fields("REQ REP DEALER ROUTER PUB SUB XPUB XSUB PUSH PULL PAIR STREAM CLIENT")
	for _, a := range append(types, "") {
		for _, b := range append(types, "") {
			want := slices.Contains(strings.Fields(pairs), a+"-"+b) || slices.Contains(strings.Fields(pairs), b+"-"+a)
			if Legal(a, b) != want {
				t.Errorf("%q to %q: %v, want %v", a, b, !want, want)
			}
		}
	}
}

func TestNew(t *testing.T) {
	for _, typ := range strings.Fields("PUSH PULL DEALER PAIR REQ REP ROUTER STREAM PUB XPUB SUB XSUB") {
		b := newBench(t, typ, Config{})
		if b.p == nil {
			t.Errorf("no %s", typ)
			continue
		}
		// A pipe may be lost twice, and one that never took part.
		p := b.join("", 0)
		for range 2 {
			b.p.Lost(p)
		}
		b.p.Lost(b.make("", 0))
		b.p.Writable(p)
	}
	if New("NONE", &Config{}) != nil {
		t.Error("a pattern for a type that there is not")
	}
}

// counts sends or receives n messages and returns how many each pipe had.
func counts(n int, pipes []*pipe.Pipe, one func() *pipe.Pipe) []int {
	list := make([]int, len(pipes))
	for range n {
		if i := slices.Index(pipes, one()); i >= 0 {
			list[i]++
		}
	}
	return list
}

func even(list []int) bool { return slices.Max(list) == slices.Min(list) }

func number(i int) string { return fmt.Sprint(i) }
