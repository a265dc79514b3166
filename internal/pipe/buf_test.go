package pipe

import "testing"

func TestPoolRecyclesTheLatest(t *testing.T) {
	var pool Pool
	a, b := pool.Chunk(), pool.Chunk()
	a.Release()
	b.Release()
	if c := pool.Chunk(); c != b {
		t.Error("the buffer that was given back last was not given out first")
	}
	if d := pool.Chunk(); d != a {
		t.Error("the second buffer was not recycled")
	}
	if n := pool.Lent(); n != 2*ChunkSize {
		t.Errorf("lent %d octets, want %d", n, 2*ChunkSize)
	}
}

// TestPoolClasses wants room for what is asked, at most a quarter more of it
// above the smallest class, and memory that is not kept beyond the largest.
func TestPoolClasses(t *testing.T) {
	var pool Pool
	for n := range 5 << 10 {
		n *= 1021
		b := pool.Get(n)
		if len(b.B) != 0 || cap(b.B) < n {
			t.Fatalf("Get(%d) has %d octets and room for %d", n, len(b.B), cap(b.B))
		}
		if most := max(smallestClass, n+n/4); cap(b.B) > most {
			t.Fatalf("Get(%d) has room for %d, at most %d is wanted", n, cap(b.B), most)
		}
		b.Release()
	}
	if pool.Lent() != 0 {
		t.Errorf("%d octets were not given back", pool.Lent())
	}
	for class, list := range pool.free {
		kept, most := 0, keepBytes
		for _, b := range list {
			kept += cap(b.B)
			most = max(most, 2*cap(b.B))
		}
		if kept > most {
			t.Errorf("class %d keeps %d octets", class, kept)
		}
	}
}

func TestPoolKeepsABoundedAmount(t *testing.T) {
	var pool Pool
	var all []*Buf
	for range 2 * keepBytes / ChunkSize {
		all = append(all, pool.Chunk())
	}
	for _, b := range all {
		b.Release()
	}
	if n := len(pool.free[all[0].class]); n != keepBytes/ChunkSize {
		t.Errorf("%d chunks are kept, want %d", n, keepBytes/ChunkSize)
	}
}

// TestPoolKeepsABoundedWhole: all classes together keep so much at most, and what is
// taken out again makes room.
func TestPoolKeepsABoundedWhole(t *testing.T) {
	var pool Pool
	var all []*Buf
	for size := 1 << 20; size <= 16<<20; size += 1 << 20 {
		all = append(all, pool.Get(size), pool.Get(size), pool.Get(size))
	}
	for _, b := range all {
		b.Release()
	}
	kept := 0
	for _, list := range pool.free {
		for _, b := range list {
			kept += cap(b.B)
		}
	}
	if kept != pool.kept || kept > keepAll || kept < keepAll/2 {
		t.Errorf("%d octets are kept and %d counted, at most %d are wanted", kept, pool.kept, keepAll)
	}
	before := pool.kept
	b := pool.Get(1 << 20)
	if pool.kept != before-cap(b.B) {
		t.Errorf("%d octets are kept after one of %d was taken, want %d", pool.kept, cap(b.B), before-cap(b.B))
	}
	if b.Release(); pool.kept != before {
		t.Errorf("%d octets are kept, want %d", pool.kept, before)
	}
}

func TestBufLivesAsLongAsItIsHeld(t *testing.T) {
	var pool Pool
	b := pool.Chunk()
	b.Hold()
	b.Release()
	if pool.Chunk() == b {
		t.Fatal("a buffer that is held was given out again")
	}
	b.Release()
	if pool.Chunk() != b {
		t.Fatal("a buffer that nobody holds was not given out again")
	}
	(*Buf)(nil).Release()
}

// TestChain: the buffers of one message go back together, when the first does.
func TestChain(t *testing.T) {
	var pool Pool
	var head *Buf
	for range 5 {
		b := pool.Get(1 << 20)
		b.Chain(head)
		head = b
	}
	head.Hold()
	head.Release()
	if n := pool.Lent(); n != 5<<20 {
		t.Errorf("lent %d octets while the first of the chain is held", n)
	}
	head.Release()
	if n := pool.Lent(); n != 0 {
		t.Errorf("%d octets were not given back", n)
	}
	if b := pool.Get(1 << 20); b.next != nil {
		t.Error("a recycled buffer is still chained to another")
	}
}

func TestGiveAwayLeavesTheWholeChain(t *testing.T) {
	var pool Pool
	a, b := pool.Chunk(), pool.Chunk()
	a.Chain(b)
	a.giveAway()
	if pool.Lent() != 0 {
		t.Errorf("%d octets count as lent", pool.Lent())
	}
	if c, d := pool.Chunk(), pool.Chunk(); c == a || c == b || d == a || d == b {
		t.Error("memory that was given away was given out again")
	}
}
