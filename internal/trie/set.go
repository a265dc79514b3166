package trie

import "iter"

// Set holds the subscriptions of one subscriber. RFC 37 "The Publish-Subscribe Pattern": they are additive, so
// a topic that was added twice has to be removed twice. The zero Set is empty and ready. 200,000 random topics of 30
// octets take about 3 times their own size.
type Set struct {
	counts tree[uint64]
}

// Add adds a topic once more. first is true if it was not there.
func (s *Set) Add(topic []byte) (first bool) {
	count := s.counts.insert(topic)
	*count++
	return *count == 1
}

// Remove takes back one Add of a topic. last is true if that was the last one, found is false if there was none.
func (s *Set) Remove(topic []byte) (last, found bool) {
	count := s.counts.find(topic)
	if count == nil {
		return false, false
	}
	if *count > 1 {
		*count--
		return false, true
	}
	s.counts.delete(topic)
	return true, true
}

// Match reports whether b begins with some topic of the set. It does not allocate.
func (s *Set) Match(b []byte) bool {
	for n := &s.counts.root; n != nil; n, b = n.next(b) {
		if n.value != 0 {
			return true
		}
	}
	return false
}

// Everything reports whether the empty topic is there, with which all begins.
func (s *Set) Everything() bool { return s.counts.root.value != 0 }

// Len is the number of distinct topics.
func (s *Set) Len() int { return s.counts.size }

// All walks the distinct topics in byte order. A topic is valid only during its step. The set must not be changed
// before the walk has ended.
func (s *Set) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for topic := range s.counts.all() {
			if !yield(topic) {
				return
			}
		}
	}
}
