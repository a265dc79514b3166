package engine

import "github.com/phimq/zmq/internal/pipe"

const (
	// firstBody is what the body of a frame gets before any of it has come,
	// and bodyGrowth how much more than what has come it gets at most.
	firstBody  = 64 << 10
	bodyGrowth = 16
	// arenaSize is the memory that small frames of a large message share.
	arenaSize = 32 << 10
	// smallFrame is the size below which a frame goes there, once it is whole.
	smallFrame = arenaSize / 4
)

// assembly is a large message while its frames come in.
type assembly struct {
	active  bool
	reading bool // a body is incomplete
	last    bool // the frame at hand ends the message
	total   int64
	parts   [][]byte
	bufs    *pipe.Buf // all memory of the parts
	arena   *pipe.Buf // the one that small frames go to
	body    *pipe.Buf // the one that is being read into
	want    int       // octets of the whole body
}

func (a *assembly) begin() { a.active = true }

// frame begins a frame of size octets, of which have are there.
func (a *assembly) frame(pool *pipe.Pool, have []byte, size int, last bool) {
	a.last = last
	if len(have) == size && size < smallFrame {
		a.small(pool, have)
		return
	}
	a.body = pool.Get(min(size, max(firstBody, bodyGrowth*len(have))))
	a.body.B = append(a.body.B, have...)
	a.want = size
	a.reading = true
	a.whole()
}

// add copies a whole frame.
func (a *assembly) add(pool *pipe.Pool, frame []byte) {
	if len(frame) < smallFrame {
		a.small(pool, frame)
		return
	}
	b := pool.Get(len(frame))
	b.B = append(b.B, frame...)
	a.part(b, b.B)
	a.keep(b)
}

// small copies a frame next to others.
func (a *assembly) small(pool *pipe.Pool, frame []byte) {
	if a.arena == nil || cap(a.arena.B)-len(a.arena.B) < len(frame) {
		a.arena = pool.Get(arenaSize)
		a.keep(a.arena)
	}
	from := len(a.arena.B)
	a.arena.B = append(a.arena.B, frame...)
	a.part(a.arena, a.arena.B[from:len(a.arena.B):len(a.arena.B)])
}

// part adds a frame that lies in b, which is kept.
func (a *assembly) part(b *pipe.Buf, frame []byte) {
	if a.parts == nil {
		a.parts = b.List()
	}
	a.parts = append(a.parts, frame)
}

func (a *assembly) keep(b *pipe.Buf) {
	b.Chain(a.bufs)
	a.bufs = b
}

// space returns where the body goes on, in memory that follows what has come.
func (a *assembly) space(pool *pipe.Pool) []byte {
	n := len(a.body.B)
	if n == cap(a.body.B) {
		grown := pool.Get(min(a.want, bodyGrowth*n))
		grown.B = append(grown.B, a.body.B...)
		a.body.Release()
		a.body = grown
	}
	return a.body.B[n:min(cap(a.body.B), a.want)]
}

// got counts n octets that were read and returns how many were the body's.
func (a *assembly) got(n int) int {
	have := len(a.body.B)
	n = min(n, min(cap(a.body.B), a.want)-have)
	a.body.B = a.body.B[:have+n]
	a.whole()
	return n
}

// whole ends the body when all of it is there.
func (a *assembly) whole() {
	if len(a.body.B) < a.want {
		return
	}
	a.part(a.body, a.body.B[:a.want:a.want])
	a.keep(a.body)
	a.body, a.reading = nil, false
}

// done returns the message when its last frame is whole.
func (a *assembly) done() (parts [][]byte, buf *pipe.Buf, ok bool) {
	if !a.active || a.reading || !a.last || len(a.parts) == 0 {
		return nil, nil, false
	}
	parts, buf = a.parts, a.bufs
	*a = assembly{}
	return parts, buf, true
}

func (a *assembly) drop() {
	a.body.Release()
	a.bufs.Release()
	*a = assembly{}
}
