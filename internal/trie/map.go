package trie

// Map holds the topics of many owners, for each owner a set: to add a topic twice is to add it once. The zero Map
// is empty and ready.
//
// It costs about 2.5 times what a Set with the same topics does, because each owner also has a tree of its own
// topics. That is what makes RemoveOwner as cheap as the owner is small.
type Map[O comparable] struct {
	topics tree[*owners[O]]
	// byOwner has, for each topic of an owner, 1 + its index in the list of the topic's owners. An owner without
	// topics is not in it.
	byOwner map[O]*tree[int]
}

// owners are those who want one topic, in no order. There is at least one.
type owners[O comparable] struct {
	list []O
}

// Add gives a topic to o. firstOwner is true if nobody had it before, added is false if o had it already.
func (m *Map[O]) Add(topic []byte, o O) (firstOwner, added bool) {
	own := m.byOwner[o]
	if own == nil {
		own = &tree[int]{}
		if m.byOwner == nil {
			m.byOwner = make(map[O]*tree[int])
		}
		m.byOwner[o] = own
	}
	place := own.insert(topic)
	if *place != 0 {
		return false, false
	}
	all := m.topics.insert(topic)
	if *all == nil {
		*all = &owners[O]{}
	}
	(*all).list = append((*all).list, o)
	*place = len((*all).list)
	return *place == 1, true
}

// Remove takes a topic from o. lastOwner is true if nobody has it any more, found is false if o did not have it.
func (m *Map[O]) Remove(topic []byte, o O) (lastOwner, found bool) {
	own := m.byOwner[o]
	if own == nil {
		return false, false
	}
	place := own.find(topic)
	if place == nil {
		return false, false
	}
	lastOwner = m.disown(topic, *place)
	own.delete(topic)
	if own.size == 0 {
		delete(m.byOwner, o)
	}
	return lastOwner, true
}

// RemoveOwner takes all topics from o, in time that follows o's own topics and not the size of the map. It calls
// visit, unless that is nil, for each of them in byte order; the topic is valid only during the call, and
// visit must not change the map.
func (m *Map[O]) RemoveOwner(o O, visit func(topic []byte, lastOwner bool)) {
	own := m.byOwner[o]
	if own == nil {
		return
	}
	delete(m.byOwner, o)
	for topic, place := range own.all() {
		lastOwner := m.disown(topic, *place)
		if visit != nil {
			visit(topic, lastOwner)
		}
	}
}

// disown takes the owner at a place (1 + its index) out of a topic's list. The last of the list moves there.
func (m *Map[O]) disown(topic []byte, place int) (lastOwner bool) {
	all := *m.topics.find(topic)
	last := len(all.list)
	if last == 1 {
		m.topics.delete(topic)
		return true
	}
	if place != last {
		moved := all.list[last-1]
		all.list[place-1] = moved
		*m.byOwner[moved].find(topic) = place
	}
	var none O
	all.list[last-1] = none
	all.list = all.list[:last-1]
	if len(all.list) <= cap(all.list)/4 {
		all.list = append(make([]O, 0, len(all.list)), all.list...)
	}
	return false
}

// AppendMatches appends the owners of all topics that b begins with. An owner of several of them occurs as often.
// It allocates only to let dst grow.
func (m *Map[O]) AppendMatches(dst []O, b []byte) []O {
	for n := &m.topics.root; n != nil; n, b = n.next(b) {
		if n.value != nil {
			dst = append(dst, n.value.list...)
		}
	}
	return dst
}

// Has reports whether anybody has the topic itself.
func (m *Map[O]) Has(topic []byte) bool { return m.topics.find(topic) != nil }

// OwnerLen is how many topics o has and how many octets these have in all.
func (m *Map[O]) OwnerLen(o O) (topics int, bytes int) {
	if own := m.byOwner[o]; own != nil {
		return own.size, own.bytes
	}
	return 0, 0
}

// Len is the number of distinct topics.
func (m *Map[O]) Len() int { return m.topics.size }
