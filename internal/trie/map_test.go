package trie

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestMap(t *testing.T) {
	var m Map[string]
	add := func(topic, owner string, first, added bool) {
		t.Helper()
		if f, a := m.Add([]byte(topic), owner); f != first || a != added {
			t.Errorf("Add(%q, %q) = %v, %v; want %v, %v", topic, owner, f, a, first, added)
		}
	}
	remove := func(topic, owner string, last, found bool) {
		t.Helper()
		if l, f := m.Remove([]byte(topic), owner); l != last || f != found {
			t.Errorf("Remove(%q, %q) = %v, %v; want %v, %v", topic, owner, l, f, last, found)
		}
	}
	match := func(message string, want ...string) {
		t.Helper()
		got := m.AppendMatches(nil, []byte(message))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q matches %q, want %q", message, got, want)
		}
	}
	remove("A", "x", false, false)
	add("A", "x", true, true)
	add("A", "x", false, false)
	add("A", "y", false, true)
	add("AB", "x", true, true)
	add("", "z", true, true)
	match("A", "x", "y", "z")
	match("ABC", "x", "x", "y", "z")
	match("B", "z")
	if topics, octets := m.OwnerLen("x"); topics != 2 || octets != 3 {
		t.Errorf("OwnerLen: %d, %d", topics, octets)
	}
	if topics, octets := m.OwnerLen("nobody"); topics != 0 || octets != 0 {
		t.Errorf("OwnerLen of nobody: %d, %d", topics, octets)
	}
	remove("B", "x", false, false)
	remove("AB", "y", false, false)
	remove("A", "x", false, true)
	remove("A", "x", false, false)
	match("ABC", "x", "y", "z")
	remove("A", "y", true, true)
	if m.Has([]byte("A")) || !m.Has([]byte("AB")) || m.Len() != 2 {
		t.Errorf("%d topics are left", m.Len())
	}
	if got := m.AppendMatches([]string{"before"}, []byte("AB")); !slices.Contains(got, "before") || len(got) != 3 {
		t.Errorf("AppendMatches does not append: %q", got)
	}
}

func TestMapRemoveOwner(t *testing.T) {
	var m Map[int]
	m.RemoveOwner(7, func([]byte, bool) { t.Error("an owner without topics is visited") })
	for _, topic := range []string{"b", "", "ab", "a"} {
		m.Add([]byte(topic), 7)
	}
	m.Add([]byte("a"), 8)
	m.Add([]byte("c"), 8)
	var got []string
	m.RemoveOwner(7, func(topic []byte, last bool) { got = append(got, fmt.Sprintf("%s %v", topic, last)) })
	if want := []string{" true", "a false", "ab true", "b true"}; !slices.Equal(got, want) {
		t.Errorf("visited %q, want %q", got, want)
	}
	if owners := m.AppendMatches(nil, []byte("ab")); !slices.Equal(owners, []int{8}) {
		t.Errorf("owners left: %v", owners)
	}
	m.RemoveOwner(8, nil)
	if m.Len() != 0 || len(m.byOwner) != 0 {
		t.Errorf("%d topics, %d owners are left", m.Len(), len(m.byOwner))
	}
}

func TestMapManyOwnersOfOneTopic(t *testing.T) {
	var m Map[int]
	topic := []byte("all of them")
	const n = 10_000
	for o := range n {
		m.Add(topic, o)
	}
	for i, o := range rand.New(rand.NewPCG(1, 1)).Perm(n) {
		if last, found := m.Remove(topic, o); last != (i == n-1) || !found {
			t.Fatalf("owner %d: %v, %v", o, last, found)
		}
		if all := m.topics.find(topic); all != nil && len((*all).list) <= cap((*all).list)/4 {
			t.Fatalf("%d owners in an array for %d", len((*all).list), cap((*all).list))
		}
	}
	if m.Len() != 0 {
		t.Error("the topic is left")
	}
}

func TestMapAppendMatchesDoesNotAllocate(t *testing.T) {
	var m Map[int]
	for o := range 10 {
		m.Add([]byte("topic"), o)
		m.Add([]byte("top"), o)
	}
	dst := make([]int, 0, 20)
	message := []byte("topic and more")
	if n := testing.AllocsPerRun(10, func() { dst = m.AppendMatches(dst[:0], message) }); n != 0 || len(dst) != 20 {
		t.Errorf("%v allocations, %d owners", n, len(dst))
	}
}

func TestMapMemory(t *testing.T) {
	topics := randomTopics(memoryTopics)
	before := heap()
	var m Map[*Set]
	one := &Set{}
	for _, topic := range topics {
		m.Add(topic, one)
	}
	used := heap() - before
	t.Logf("%d octets, %.2f for each octet of a topic", used, float64(used)/memoryOctets)
	if used > 9*memoryOctets+1<<20 {
		t.Errorf("%d octets for %d octets of topics", used, memoryOctets)
	}
	m.RemoveOwner(one, nil)
	if left := heap() - before; left > 1<<20 || m.Len() != 0 {
		t.Errorf("%d topics, %d octets are left", m.Len(), left)
	}
	runtime.KeepAlive(topics)
	runtime.KeepAlive(&m)
}

// mapModel is a Map as it would be without a tree.
type mapModel map[string]map[byte]bool

func (model mapModel) remove(topic string, owner byte) (last, found bool) {
	found = model[topic][owner]
	last = found && len(model[topic]) == 1
	delete(model[topic], owner)
	if len(model[topic]) == 0 {
		delete(model, topic)
	}
	return last, found
}

func FuzzMap(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Map[byte]
		model := mapModel{}
		for _, step := range steps(b) {
			topic := string(step.topic)
			switch step.op % 4 {
			default:
				wantFirst, wantAdded := model[topic] == nil, !model[topic][step.owner]
				if model[topic] == nil {
					model[topic] = map[byte]bool{}
				}
				model[topic][step.owner] = true
				if first, added := m.Add(step.topic, step.owner); first != wantFirst || added != wantAdded {
					t.Fatalf("Add(%q, %d) = %v, %v", topic, step.owner, first, added)
				}
			case 1:
				wantLast, wantFound := model.remove(topic, step.owner)
				if last, found := m.Remove(step.topic, step.owner); last != wantLast || found != wantFound {
					t.Fatalf("Remove(%q, %d) = %v, %v", topic, step.owner, last, found)
				}
			case 2:
				before := "-"
				m.RemoveOwner(step.owner, func(topic []byte, last bool) {
					wantLast, wantFound := model.remove(string(topic), step.owner)
					if last != wantLast || !wantFound || before != "-" && string(topic) <= before {
						t.Fatalf("RemoveOwner(%d) visits %q, %v behind %q", step.owner, topic, last, before)
					}
					before = string(topic)
				})
			}
			for _, probe := range step.probes() {
				model.compareMatches(t, &m, probe)
			}
		}
		model.compare(t, &m)
	})
}

func (model mapModel) compareMatches(t *testing.T, m *Map[byte], probe []byte) {
	var want []byte
	for n := range len(probe) + 1 {
		for o := range model[string(probe[:n])] {
			want = append(want, o)
		}
	}
	got := m.AppendMatches(nil, probe)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%q matches %v, want %v", probe, got, want)
	}
	if m.Has(probe) != (model[string(probe)] != nil) {
		t.Fatalf("Has(%q) = %v", probe, m.Has(probe))
	}
}

func (model mapModel) compare(t *testing.T, m *Map[byte]) {
	var all []string
	own := map[byte][]string{}
	for topic, owners := range model {
		all = append(all, topic)
		for o := range owners {
			own[o] = append(own[o], topic)
		}
	}
	m.topics.check(t, all)
	if len(m.byOwner) != len(own) || m.Len() != len(all) {
		t.Fatalf("%d owners and %d topics, want %d and %d", len(m.byOwner), m.Len(), len(own), len(all))
	}
	for o, topics := range own {
		m.byOwner[o].check(t, topics)
		if n, octets := m.OwnerLen(o); n != len(topics) || octets != len(strings.Join(topics, "")) {
			t.Fatalf("OwnerLen(%d) = %d, %d, want %q", o, n, octets, topics)
		}
	}
}

func BenchmarkMapAppendMatches(b *testing.B) {
	for _, n := range []int{1, 10, 100_000} {
		b.Run(fmt.Sprintf("topics=%d", n), func(b *testing.B) {
			var m Map[*int]
			topics := marketTopics(n)
			for _, topic := range topics {
				m.Add(topic, new(int))
			}
			random := rand.New(rand.NewPCG(3, 4))
			messages := make([][]byte, 1<<12)
			for i := range messages {
				messages[i] = make([]byte, 64)
				copy(messages[i], topics[random.IntN(n)])
			}
			var dst []*int
			i := 0
			for b.Loop() {
				dst = m.AppendMatches(dst[:0], messages[i%len(messages)])
				i++
			}
			if len(dst) != 1 {
				b.Fatalf("%d owners", len(dst))
			}
		})
	}
}

// BenchmarkMapRemoveOwner: an owner of 10 topics leaves and comes back, in small maps and in large ones.
func BenchmarkMapRemoveOwner(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("owners=%d", n), func(b *testing.B) {
			var m Map[int]
			topic := func(o, i int) []byte {
				return binary.BigEndian.AppendUint32([]byte("topic"), uint32(o%(n/10)*10+i))
			}
			for o := range n {
				for i := range 10 {
					m.Add(topic(o, i), o)
				}
			}
			o := 0
			for b.Loop() {
				m.RemoveOwner(o, nil)
				for i := range 10 {
					m.Add(topic(o, i), o)
				}
				o = (o + 1) % n
			}
		})
	}
}
