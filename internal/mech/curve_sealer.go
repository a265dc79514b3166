package mech

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/phimq/zmq/internal/box"
	"github.com/phimq/zmq/internal/wire"
)

const (
	messageName = "\x07MESSAGE"
	messageHead = len(messageName) + shortNonceSize
	messageOver = messageHead + tagSize + 1 // what a MESSAGE has besides the body inside
)

// The flags inside a MESSAGE. RFC 26 "The MESSAGE Command" knows MORE only;
// libzmq has commands in boxes too, with bit 1.
const (
	innerMore    = 1
	innerCommand = 2
)

// curveSealer makes and opens MESSAGEs. RFC 26 "The MESSAGE Command".
type curveSealer struct {
	out  *box.Key
	sent uint64 // the short nonce of what was sealed last

	in    *box.Key
	heard rising
}

// newCurveSealer goes on from the short nonces of the handshake.
func newCurveSealer(key *boxKey, ours, theirs string, sent uint64, heard rising) *curveSealer {
	return &curveSealer{
		out: box.NewKey((*[keySize]byte)(key), (*[longNonceSize]byte)([]byte(ours))), sent: sent,
		in: box.NewKey((*[keySize]byte)(key), (*[longNonceSize]byte)([]byte(theirs))), heard: heard,
	}
}

// Format writes what this is, and no key.
func (*curveSealer) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "CURVE sealer") }

// Overhead is that of a MESSAGE: 33 octets.
func (*curveSealer) Overhead() int { return messageOver }

// gang is how many frames are sealed or opened together at most.
const gang = 32

// Seal makes MESSAGEs of frames. Their own headers have no flags: RFC 26 has
// MESSAGE as a command, but libzmq sends and wants a message frame, and takes
// the flags of the frame for those of what is inside.
func (s *curveSealer) Seal(run []byte) bool {
	var items [gang]box.Item
	for len(run) > 0 {
		n := 0
		for ; n < gang && len(run) > 0; n++ {
			var frame []byte
			frame, run = cutFrame(run)
			if s.sent == math.MaxUint64-1 {
				return false
			}
			s.sent++
			copy(frame, messageName)
			binary.BigEndian.PutUint64(frame[len(messageName):], s.sent)
			text := frame[messageOver-1:]
			text[0] = innerFlags(text[0])
			items[n] = box.Item{Plain: text, Sealed: frame[messageHead:], Counter: s.sent}
		}
		s.out.SealAll(items[:n])
	}
	return true
}

// Open opens MESSAGEs.
func (s *curveSealer) Open(run []byte) (opened int, err error) {
	var items [gang]box.Item
	for rest := run; len(rest) > 0 && err == nil; {
		n, end := 0, len(run)-len(rest)
		var ends [gang]int
		for ; n < gang && len(rest) > 0; n++ {
			var frame []byte
			frame, rest = cutFrame(rest)
			if items[n], err = s.item(frame); err != nil {
				break
			}
			ends[n] = len(run) - len(rest)
		}
		done := s.in.OpenAll(items[:n])
		for i := range done {
			if err := openFlags(items[i].Plain); err != nil {
				return end, err
			}
			end = ends[i]
		}
		opened = end
		if done < n {
			return opened, fmt.Errorf("MESSAGE: %w", ErrBox)
		}
	}
	return opened, err
}

// OpenFrame opens one MESSAGE.
func (s *curveSealer) OpenFrame(frame []byte) error {
	item, err := s.item(frame)
	if err != nil {
		return err
	}
	if s.in.OpenAll([]box.Item{item}) == 0 {
		return fmt.Errorf("MESSAGE: %w", ErrBox)
	}
	return openFlags(item.Plain)
}

// item finds the box in a MESSAGE.
func (s *curveSealer) item(frame []byte) (box.Item, error) {
	if !bytes.HasPrefix(frame, []byte(messageName)) {
		return box.Item{}, fmt.Errorf("%w: not a MESSAGE", ErrUnexpected)
	}
	if len(frame) < messageOver {
		return box.Item{}, fmt.Errorf("MESSAGE: %w", wire.ErrCommand)
	}
	nonce, err := s.heard.accept(frame[len(messageName):messageHead])
	if err != nil {
		return box.Item{}, fmt.Errorf("MESSAGE: %w", err)
	}
	return box.Item{Plain: frame[messageOver-1:], Sealed: frame[messageHead:], Counter: nonce}, nil
}

// cutFrame divides a run behind its first frame, which comes without header.
func cutFrame(run []byte) (frame, rest []byte) {
	h, ok, err := wire.ParseHeader(run)
	if size := uint64(len(run) - h.Len); !ok || err != nil || h.Size > size {
		return nil, nil // the engine gives whole frames
	}
	at := h.Len + int(h.Size)
	return run[h.Len:at], run[at:]
}

// openFlags puts the flags of a frame where the flags of a MESSAGE are.
func openFlags(text []byte) (err error) {
	if text[0], err = outerFlags(text[0]); err != nil {
		return fmt.Errorf("MESSAGE: %w", err)
	}
	return nil
}

// innerFlags are the flags of a frame as a MESSAGE has them.
func innerFlags(flags byte) (inner byte) {
	if flags&wire.FlagMore != 0 {
		inner |= innerMore
	}
	if flags&wire.FlagCommand != 0 {
		inner |= innerCommand
	}
	return inner
}

// outerFlags are the flags inside a MESSAGE as a frame has them. RFC 26
// "The MESSAGE Command": the reserved ones MUST be zero.
func outerFlags(inner byte) (flags byte, err error) {
	switch inner {
	case 0:
		return 0, nil
	case innerMore:
		return wire.FlagMore, nil
	case innerCommand:
		return wire.FlagCommand, nil
	case innerMore | innerCommand:
		return 0, wire.ErrMoreCommand
	}
	return 0, wire.ErrReserved
}
