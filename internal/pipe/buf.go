package pipe

import (
	"sync"
	"sync/atomic"
)

const (
	// ChunkSize is the memory in which small messages queue and into which
	// readers read.
	ChunkSize = 128 << 10
	// LargeMessage is the size from which a message is queued by reference
	// and not copied into a chunk. Below it the copy is cheaper.
	LargeMessage = 32 << 10

	smallestClass = 4 << 10
	classSteps    = 4        // steps from one power of two to the next
	classCount    = 50       // 4 KiB to 20 MiB: 16 and their header
	keepBytes     = 8 << 20  // what is kept of one class, or two buffers
	keepAll       = 64 << 20 // of all classes together
)

// Buf is recycled memory that counts who still reads it. Whoever makes the
// count zero gives the memory back.
type Buf struct {
	B     []byte // whoever fills it may be making it longer while others hold what is there
	size  int    // room of B, for them
	refs  atomic.Int32
	pool  *Pool
	class int
	next  *Buf // released together with this one
	list  [2][]byte
}

// List returns an empty list of frames with a little room. It lives as long as
// the memory of b, whose frames it is for: one allocation less for a message.
func (b *Buf) List() [][]byte { return b.list[:0:len(b.list)] }

// Alone reports whether the caller, who holds b, is the only one.
func (b *Buf) Alone() bool { return b != nil && b.refs.Load() == 1 }

// Hold adds a reader.
func (b *Buf) Hold() { b.refs.Add(1) }

// Release takes a reader away. A nil Buf is memory of the garbage collector's.
func (b *Buf) Release() {
	for b != nil {
		if left := b.refs.Add(-1); left != 0 {
			if poison && left < 0 {
				panic("pipe: memory was given back twice") //nolint:forbidigo // a broken invariant, looked for by tests only
			}
			return
		}
		next := b.next
		b.next = nil
		if b.pool != nil {
			b.pool.put(b)
		}
		b = next
	}
}

// giveAway leaves the memory, and what is chained to it, to the garbage
// collector.
func (b *Buf) giveAway() {
	for ; b != nil; b = b.next {
		if b.pool != nil {
			b.pool.count(-b.size)
		}
	}
}

// Chain makes b keep next, with one hold, until b itself is released.
func (b *Buf) Chain(next *Buf) { b.next = next }

// Pool recycles memory, last in, first out: the next user gets what is still
// in the processor's cache. The zero value is ready.
type Pool struct {
	mu   sync.Mutex
	free [classCount][]*Buf
	lent int // octets
	kept int // octets in free
}

// Lent returns the octets of all buffers that were not given back.
func (p *Pool) Lent() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lent
}

func (p *Pool) count(octets int) {
	p.mu.Lock()
	p.lent += octets
	p.mu.Unlock()
}

// Chunk returns an empty buffer of ChunkSize with one reader.
func (p *Pool) Chunk() *Buf { return p.Get(ChunkSize) }

// Get returns an empty buffer with room for n octets and one reader. Sizes
// beyond the largest class come from the garbage collector and go back to it.
func (p *Pool) Get(n int) *Buf {
	class, size := classOf(n)
	p.mu.Lock()
	p.lent += size
	var list []*Buf
	if class < classCount {
		list = p.free[class]
	}
	if len(list) == 0 {
		p.mu.Unlock()
		b := &Buf{B: make([]byte, 0, size), size: size, pool: p, class: class}
		b.refs.Store(1)
		return b
	}
	b := list[len(list)-1]
	list[len(list)-1] = nil
	p.free[class] = list[:len(list)-1]
	p.kept -= b.size
	p.mu.Unlock()
	b.B = b.B[:0]
	b.refs.Store(1)
	return b
}

func (p *Pool) put(b *Buf) {
	if poison {
		for i := range b.B {
			b.B[i] = 0xDB
		}
	}
	clear(b.list[:]) // it may name memory of others
	p.mu.Lock()
	p.lent -= b.size
	if b.class < classCount {
		list := p.free[b.class]
		if (len(list) < 2 || (len(list)+1)*b.size <= keepBytes) && p.kept+b.size <= keepAll {
			p.free[b.class] = append(list, b)
			p.kept += b.size
		}
	}
	p.mu.Unlock()
}

// classOf returns the class whose buffers hold n octets, and their size. Four
// classes to a power of two keep the waste below a quarter.
func classOf(n int) (class, size int) {
	size = smallestClass
	for class = 0; class < classCount; {
		step := size / classSteps
		for range classSteps {
			if n <= size {
				return class, size
			}
			size += step
			class++
		}
	}
	return classCount, n
}
