package trie

import (
	"bytes"
	"iter"
	"slices"
	"strings"
)

// tree is a radix tree from topics to values. The zero value of V says that there is no topic at a node.
//
// Every node but the root has a value or at least two children, which bounds the tree by its topics.
type tree[V comparable] struct {
	root  node[V]
	size  int // distinct topics
	bytes int // their octets
}

// node is the end of an edge. Nodes lie in the array of their parent, not behind pointers of their own: most of
// them are leaves, and a leaf then costs 32 octets beside its label.
type node[V comparable] struct {
	label string   // the octets of the edge but the first, which is in the parent's keys
	kids  *kids[V] // nil for a leaf
	value V
}

// kids are the children of one node, in the order of their keys.
type kids[V comparable] struct {
	keys  []byte // the first octet of each child's edge
	nodes []node[V]
	few   [16]byte // where keys lie while they fit: next to what leads on to nodes
}

// child returns the child whose edge begins with c, or nil.
func (n *node[V]) child(c byte) *node[V] {
	if n.kids == nil {
		return nil
	}
	i := bytes.IndexByte(n.kids.keys, c)
	if i < 0 {
		return nil
	}
	return &n.kids.nodes[i]
}

// next returns the node at the end of the edge that b begins with, and the rest of b behind that edge; or nil.
func (n *node[V]) next(b []byte) (*node[V], []byte) {
	if len(b) == 0 {
		return nil, nil
	}
	c := n.child(b[0])
	if c == nil {
		return nil, nil
	}
	end := 1 + len(c.label)
	if len(b) < end || string(b[1:end]) != c.label {
		return nil, nil
	}
	return c, b[end:]
}

// find returns the value of a topic, or nil if it is not in the tree. The pointer is good until the next change.
func (t *tree[V]) find(topic []byte) *V {
	var none V
	n := &t.root
	for len(topic) > 0 {
		if n, topic = n.next(topic); n == nil {
			return nil
		}
	}
	if n.value == none {
		return nil
	}
	return &n.value
}

// insert returns the value of a topic, which is put into the tree if it is not there yet. The caller then has to
// give it a value that is not zero. The pointer is good until the next change.
func (t *tree[V]) insert(topic []byte) *V {
	var none V
	n := &t.root
	rest := topic
	for len(rest) > 0 {
		c := n.child(rest[0])
		if c == nil {
			n = n.addChild(rest[0], node[V]{label: string(rest[1:])})
			break
		}
		same := commonPrefix(c.label, rest[1:])
		if same < len(c.label) {
			c.split(same)
		}
		n, rest = c, rest[1+same:]
	}
	if n.value == none {
		t.size++
		t.bytes += len(topic)
	}
	return &n.value
}

// delete takes a topic out of the tree, and the nodes that were there for it alone. The topic must be in the tree.
func (t *tree[V]) delete(topic []byte) {
	var none V
	var parent *node[V]
	var key byte
	n := &t.root
	for rest := topic; len(rest) > 0; {
		parent, key = n, rest[0]
		n, rest = n.next(rest)
	}
	t.size--
	t.bytes -= len(topic)
	n.value = none
	if n.kids == nil && parent != nil {
		parent.dropChild(key)
		n = parent
	}
	if n != &t.root && n.value == none && n.kids != nil && len(n.kids.keys) == 1 {
		n.merge()
	}
}

// split parts the edge of n behind same octets of its label. The new node in the middle takes n's place. Its part is
// copied: sharing memory would let a short label hold on to a long one when what is below it has gone.
func (n *node[V]) split(same int) {
	low := *n
	low.label = n.label[same+1:]
	key := n.label[same]
	*n = node[V]{label: strings.Clone(n.label[:same])}
	n.addChild(key, low)
}

// merge joins n, which has no value, with its only child.
func (n *node[V]) merge() {
	key, low := n.kids.keys[:1], n.kids.nodes[0]
	low.label = n.label + string(key) + low.label
	*n = low
}

// addChild puts a child in its place and returns where it lies now.
func (n *node[V]) addChild(key byte, child node[V]) *node[V] {
	if n.kids == nil {
		n.kids = &kids[V]{}
	}
	k := n.kids
	i, _ := slices.BinarySearch(k.keys, key)
	if len(k.nodes) == cap(k.nodes) {
		// Growing by an eighth wastes less than append does, and nodes are where the memory is.
		k.resize(len(k.nodes) + 1 + len(k.nodes)/8)
	}
	k.keys = slices.Insert(k.keys, i, key)
	k.nodes = slices.Insert(k.nodes, i, child)
	return &k.nodes[i]
}

// dropChild takes the child out whose edge begins with key.
func (n *node[V]) dropChild(key byte) {
	k := n.kids
	if len(k.keys) == 1 {
		n.kids = nil
		return
	}
	i := bytes.IndexByte(k.keys, key)
	k.keys = slices.Delete(k.keys, i, i+1)
	k.nodes = slices.Delete(k.nodes, i, i+1)
	if len(k.nodes) <= cap(k.nodes)/2 {
		k.resize(len(k.nodes))
	}
}

// resize moves the children to an array that holds n of them.
func (k *kids[V]) resize(n int) {
	if n <= len(k.few) {
		k.keys = append(k.few[:0], k.keys...)
	}
	k.nodes = append(make([]node[V], 0, n), k.nodes...)
}

// commonPrefix is the length of what a and b both begin with.
func commonPrefix(a string, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// all walks the topics and their values in byte order. A topic is valid only during its step, and the tree must not
// change before the walk has ended.
func (t *tree[V]) all() iter.Seq2[[]byte, *V] {
	type level struct {
		kids *kids[V]
		next int // the child to visit next
		path int // the length of the topic down to these children
	}
	return func(yield func([]byte, *V) bool) {
		var none V
		var path []byte
		if t.root.value != none && !yield(path, &t.root.value) {
			return
		}
		stack := []level{{kids: t.root.kids}}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.kids == nil || top.next == len(top.kids.keys) {
				stack = stack[:len(stack)-1]
				continue
			}
			n := &top.kids.nodes[top.next]
			path = append(path[:top.path], top.kids.keys[top.next])
			path = append(path, n.label...)
			top.next++
			if n.value != none && !yield(path, &n.value) {
				return
			}
			stack = append(stack, level{kids: n.kids, path: len(path)})
		}
	}
}
