package engine

import (
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// RawDecoder makes a message of whatever a link without ZMTP reads.
type RawDecoder struct {
	in   Inlet
	pool *pipe.Pool
	buf  *pipe.Buf
}

// NewRawDecoder returns a decoder that hands octets on as they come.
func NewRawDecoder(c *Config, in Inlet) *RawDecoder {
	return &RawDecoder{in: in, pool: c.Pool}
}

// Begin has nothing to work off: there is no handshake.
func (d *RawDecoder) Begin() (more bool, err error) { return true, nil }

// Space returns memory to read into, with room for a header before it.
func (d *RawDecoder) Space() []byte {
	if d.buf != nil && cap(d.buf.B)-len(d.buf.B) < readAhead {
		d.Idle()
	}
	if d.buf == nil {
		d.buf = d.pool.Get(plainChunk)
	}
	return d.buf.B[len(d.buf.B)+wire.MaxHeader : cap(d.buf.B)]
}

// Space2 returns nothing.
func (d *RawDecoder) Space2() []byte { return nil }

// Got makes one message of n octets.
func (d *RawDecoder) Got(n int) (more bool, err error) {
	from := len(d.buf.B) + wire.MaxHeader - wire.HeaderLen(n)
	wire.AppendHeader(d.buf.B[from:from], 0, n)
	to := len(d.buf.B) + wire.MaxHeader + n
	d.buf.B = d.buf.B[:to]
	return d.in.Run(d.buf, d.buf.B[from:to:to], 1)
}

// Idle gives memory back before the link waits.
func (d *RawDecoder) Idle() {
	d.buf.Release()
	d.buf = nil
}

// Close gives all memory back.
func (d *RawDecoder) Close() { d.Idle() }
