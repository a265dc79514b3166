package trie

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestSetCounts(t *testing.T) {
	// RFC 37 "The Publish-Subscribe Pattern": subscriptions are additive and not idempotent.
	var s Set
	a := []byte("A")
	if !s.Add(a) || s.Add(a) {
		t.Error("only the first Add is the first")
	}
	if last, found := s.Remove(a); last || !found {
		t.Errorf("first Remove: %v, %v", last, found)
	}
	if !s.Match([]byte("Abc")) {
		t.Error("one Remove of two took the topic away")
	}
	if last, found := s.Remove(a); !last || !found {
		t.Errorf("second Remove: %v, %v", last, found)
	}
	if s.Match([]byte("Abc")) {
		t.Error("the topic is still there")
	}
	if last, found := s.Remove(a); last || found {
		t.Errorf("third Remove: %v, %v", last, found)
	}
}

func TestSetEverything(t *testing.T) {
	var s Set
	for _, step := range []struct {
		topic string
		add   bool
		want  bool
	}{{"A", true, false}, {"", true, true}, {"", true, true}, {"", false, true}, {"A", false, true}, {"", false, false}} {
		if step.add {
			s.Add([]byte(step.topic))
		} else {
			s.Remove([]byte(step.topic))
		}
		if s.Everything() != step.want {
			t.Errorf("after %+v: %v", step, s.Everything())
		}
	}
}

func TestSetMatch(t *testing.T) {
	tests := []struct {
		topics string
		yes    string
		no     string
	}{
		{"", "", "a b abc"},
		{"a", "a ab abc", "b ba A"},
		{"abc", "abc abcd", "a ab abd b"},
		{"abc abd", "abc abd abde", "a ab abe"},
		{"ab abcd", "ab abc abcd abce", "a b ac"},
		{"abcd ab", "ab abc abcd abce", "a b ac"},
		{"abcdef abcxyz a", "a ab abcd", "b"},
		{"abcdef abcxyz", "abcdef abcxyz", "a abc abcde abcdeg abcx"},
		{"\x00 \xff\xfe", "\x00 \x00a \xff\xfe", "\xff \xff\xff \x01"},
	}
	for _, tt := range tests {
		var s Set
		for _, topic := range strings.Fields(tt.topics) {
			s.Add([]byte(topic))
		}
		for _, m := range strings.Fields(tt.yes) {
			if !s.Match([]byte(m)) {
				t.Errorf("%q does not match %q", tt.topics, m)
			}
		}
		for _, m := range strings.Fields(tt.no) {
			if s.Match([]byte(m)) {
				t.Errorf("%q matches %q", tt.topics, m)
			}
		}
		if s.Match(nil) {
			t.Errorf("%q matches the empty message", tt.topics)
		}
		s.Add(nil)
		for _, m := range append(strings.Fields(tt.no), "") {
			if !s.Match([]byte(m)) {
				t.Errorf("the empty topic does not match %q", m)
			}
		}
	}
}

func TestSetRemoveWhatIsNotThere(t *testing.T) {
	var s Set
	s.Add([]byte("abc"))
	s.Add([]byte("abd"))
	for _, topic := range []string{"", "a", "ab", "abcd", "abe", "x"} {
		if last, found := s.Remove([]byte(topic)); last || found {
			t.Errorf("%q: %v, %v", topic, last, found)
		}
	}
	s.counts.check(t, []string{"abc", "abd"})
}

func TestSetAllStops(t *testing.T) {
	var s Set
	for _, topic := range []string{"b", "", "ab", "a"} {
		s.Add([]byte(topic))
	}
	all := []string{"", "a", "ab", "b"}
	for n := range all {
		var got []string
		for topic := range s.All() {
			got = append(got, string(topic))
			if len(got) == n+1 {
				break
			}
		}
		if !slices.Equal(got, all[:n+1]) {
			t.Errorf("got %q, want %q", got, all[:n+1])
		}
	}
}

func TestSetKeepsNoCallerMemory(t *testing.T) {
	var s Set
	topic := []byte("topic")
	s.Add(topic)
	clear(topic)
	if !s.Match([]byte("topic")) {
		t.Error("the set has changed with the caller's memory")
	}
}

func TestSetLongTopic(t *testing.T) {
	// No recursion on the length of a topic: one of 1 MiB, and a chain of 64 topics, each the start of the next.
	var s Set
	long := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	s.Add(long)
	var want []string
	for n := 0; n < len(long); n += len(long) / 64 {
		s.Add(long[:n])
		want = append(want, string(long[:n]))
	}
	s.counts.check(t, append(want, string(long)))
	for _, topic := range want {
		if last, _ := s.Remove([]byte(topic)); !last {
			t.Fatalf("the topic of %d octets is lost", len(topic))
		}
	}
	if s.Match(long[:len(long)-1]) || !s.Match(append(long, 'x')) {
		t.Error("wrong match")
	}
	if last, found := s.Remove(long); !last || !found {
		t.Errorf("%v, %v", last, found)
	}
	if s.Len() != 0 || s.counts.root.kids != nil {
		t.Errorf("%d topics are left", s.Len())
	}
}

func TestSetShortLabelHoldsNoLongOne(t *testing.T) {
	// Each round leaves one short topic behind a long one that is gone again.
	var s Set
	before := heap()
	for i := range uint16(1000) {
		short := binary.BigEndian.AppendUint16(nil, i)
		long := append(short, make([]byte, 64<<10)...)
		s.Add(long)
		s.Add(long[:3])
		s.Remove(long)
	}
	used := heap() - before
	if used > 1<<20 {
		t.Errorf("1000 topics of 3 octets hold %d octets", used)
	}
	runtime.KeepAlive(&s)
}

// randomTopics are n distinct topics of 30 random octets.
func randomTopics(n int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	topics := make([][]byte, n)
	for i := range topics {
		for range 4 {
			topics[i] = binary.LittleEndian.AppendUint64(topics[i], random.Uint64())
		}
		topics[i] = topics[i][:30]
	}
	return topics
}

// heap is how many octets are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

const (
	memoryTopics = 200_000
	memoryOctets = memoryTopics * 30
)

func TestSetMemory(t *testing.T) {
	topics := randomTopics(memoryTopics)
	before := heap()
	var s Set
	for _, topic := range topics {
		s.Add(topic)
	}
	used := heap() - before
	t.Logf("%d octets, %.2f for each octet of a topic", used, float64(used)/memoryOctets)
	if used > 4*memoryOctets+1<<20 {
		t.Errorf("%d octets for %d octets of topics", used, memoryOctets)
	}
	for _, topic := range topics {
		if last, found := s.Remove(topic); !last || !found {
			t.Fatalf("%x: %v, %v", topic, last, found)
		}
	}
	if left := heap() - before; left > 1<<20 {
		t.Errorf("%d octets are left", left)
	}
	runtime.KeepAlive(topics)
	runtime.KeepAlive(&s)
}

func FuzzSet(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Set
		model := map[string]int{}
		for _, step := range steps(b) {
			topic := string(step.topic)
			before := model[topic]
			if step.op%3 != 1 {
				model[topic]++
				if first := s.Add(step.topic); first != (before == 0) {
					t.Fatalf("Add(%q) = %v with %d", topic, first, before)
				}
			} else {
				last, found := s.Remove(step.topic)
				if last != (before == 1) || found != (before > 0) {
					t.Fatalf("Remove(%q) = %v, %v with %d", topic, last, found, before)
				}
				if model[topic]--; before <= 1 {
					delete(model, topic)
				}
			}
			for _, probe := range step.probes() {
				want := false
				for n := range len(probe) + 1 {
					want = want || model[string(probe[:n])] > 0
				}
				if got := s.Match(probe); got != want {
					t.Fatalf("Match(%q) = %v with %v", probe, got, model)
				}
			}
		}
		var want []string
		for topic := range model {
			want = append(want, topic)
		}
		s.counts.check(t, want)
		if s.Len() != len(want) {
			t.Fatalf("Len() = %d, want %d", s.Len(), len(want))
		}
	})
}

// marketTopics are n distinct topics with much in common, as people choose them.
func marketTopics(n int) [][]byte {
	topics := make([][]byte, n)
	for i := range topics {
		topics[i] = fmt.Appendf(nil, "market.%02d.symbol-%05d.", i%23, i)
	}
	return topics
}

func BenchmarkSetMatch(b *testing.B) {
	few := []byte("weather")
	for _, n := range []int{1, 2, 10} {
		b.Run(fmt.Sprintf("few/topics=%d", n), func(b *testing.B) {
			benchmarkSetMatch(b, append([][]byte{few}, marketTopics(n-1)...), [][]byte{few})
		})
	}
	for _, n := range []int{10_000, 100_000} {
		random, market := randomTopics(n), marketTopics(n)
		b.Run(fmt.Sprintf("random/topics=%d", n), func(b *testing.B) { benchmarkSetMatch(b, random, random) })
		b.Run(fmt.Sprintf("market/topics=%d", n), func(b *testing.B) { benchmarkSetMatch(b, market, market) })
	}
}

// benchmarkSetMatch matches messages of 64 octets that begin with wanted topics, in random order.
func benchmarkSetMatch(b *testing.B, topics, wanted [][]byte) {
	var s Set
	for _, topic := range topics {
		s.Add(topic)
	}
	random := rand.New(rand.NewPCG(3, 4))
	messages := make([][]byte, 1<<12)
	for i := range messages {
		messages[i] = make([]byte, 64)
		copy(messages[i], wanted[random.IntN(len(wanted))])
	}
	i := 0
	for b.Loop() {
		if !s.Match(messages[i%len(messages)]) {
			b.Fatal("no match")
		}
		i++
	}
}
