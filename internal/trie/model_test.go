package trie

import (
	"bytes"
	"slices"
	"testing"
)

// step is one change that a fuzzer asks for: the topic and what to do with it.
type step struct {
	op    byte
	owner byte
	topic []byte
}

// steps reads changes out of fuzz input: op, owner, length of the topic, topic. The octets of topics come from an
// alphabet of four, for topics that share prefixes, but for those that have their high bit set.
func steps(b []byte) (all []step) {
	for len(b) >= 3 {
		s := step{op: b[0], owner: b[1] % 5}
		n := min(int(b[2]%24), len(b)-3)
		s.topic = bytes.Clone(b[3 : 3+n])
		for i, c := range s.topic {
			if c < 128 {
				s.topic[i] = 'a' + c%4
			}
		}
		all = append(all, s)
		b = b[3+n:]
	}
	return all
}

// probes are messages to match after each change: the topic, longer, shorter and other.
func (s step) probes() [][]byte {
	return [][]byte{
		nil,
		s.topic,
		append(bytes.Clone(s.topic), 'a'),
		append(bytes.Clone(s.topic), "bcd"...),
		s.topic[:len(s.topic)/2],
		append(bytes.Clone(s.topic[:len(s.topic)/2]), 'z'),
	}
}

func seed(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x00" + "\x00\x00\x01a" + "\x01\x00\x00" + "\x01\x00\x01a"))
	f.Add([]byte("\x00\x00\x03abc" + "\x00\x01\x03abd" + "\x00\x02\x01a" + "\x01\x00\x03abc" + "\x01\x01\x03abd"))
	f.Add([]byte("\x00\x00\x05abcda" + "\x00\x00\x03abc" + "\x00\x00\x03abc" + "\x01\x00\x03abc" + "\x02\x00\x00"))
	many := []byte{}
	for c := range 256 {
		many = append(many, 0, byte(c), 2, byte(c), byte(255-c))
	}
	for c := range 250 {
		many = append(many, 1, byte(c), 2, byte(c), byte(255-c))
	}
	f.Add(many)
}

// check holds the tree to its own rules and to the topics that it should have.
func (t *tree[V]) check(tb testing.TB, want []string) {
	tb.Helper()
	var none V
	var got []string
	octets := 0
	for topic, value := range t.all() {
		if *value == none {
			tb.Fatalf("%q has no value", topic)
		}
		got = append(got, string(topic))
		octets += len(topic)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		tb.Fatalf("topics %q, want %q", got, want)
	}
	if t.size != len(want) || t.bytes != octets {
		tb.Fatalf("size %d, bytes %d, want %d, %d", t.size, t.bytes, len(want), octets)
	}
	if t.root.label != "" {
		tb.Fatalf("the root has the label %q", t.root.label)
	}
	for todo := []*node[V]{&t.root}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		kids := 0
		if n.kids != nil {
			kids = len(n.kids.keys)
			if kids <= cap(n.kids.nodes)/2 {
				tb.Fatalf("%d children in an array for %d", kids, cap(n.kids.nodes))
			}
			if kids == 0 || kids != len(n.kids.nodes) || !slices.IsSorted(n.kids.keys) {
				tb.Fatalf("keys %q of %d children", n.kids.keys, len(n.kids.nodes))
			}
			for i := range n.kids.nodes {
				todo = append(todo, &n.kids.nodes[i])
			}
		}
		if n != &t.root && n.value == none && kids < 2 {
			tb.Fatalf("a node without value has %d children, label %q", kids, n.label)
		}
	}
}
