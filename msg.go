package zmq

import (
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/phimq/zmq/internal/pipe"
)

// Msg is a message: one or more frames that travel together. The zero value
// is an empty message, ready to be filled.
//
// A Msg may be copied. Frames that [Socket.RecvInto] filled stay valid until
// the next RecvInto or [Socket.SendMsg] with the same Msg, as with bufio.Scanner;
// a copy that is kept longer needs [Msg.Clone].
type Msg struct {
	// Frames are the parts of the message.
	Frames [][]byte
	// RoutingID and Group belong to socket types that address by number or
	// by group.
	RoutingID uint32
	Group     string

	peer *pipe.Peer
	mem  pipe.Memory
}

// NewMsg makes a message of frames, which it does not copy.
func NewMsg(frames ...[]byte) Msg { return Msg{Frames: frames} }

// MsgFromStrings makes a message of strings.
func MsgFromStrings(frames ...string) Msg {
	m := Msg{Frames: make([][]byte, len(frames))}
	for i, f := range frames {
		m.Frames[i] = []byte(f)
	}
	return m
}

// Alloc makes the message one frame of n octets, and returns the frame to be filled
// for [Socket.SendMsg], like zmq_msg_init_size. The memory is recycled: a sender
// that fills the same Msg again and again allocates nothing, and a large message
// is written from where it was filled. Before it is filled, the frame holds octets
// of earlier messages.
func (m *Msg) Alloc(n int) []byte {
	m.Frames = m.mem.Alloc(m.Frames, n)
	m.RoutingID, m.Group, m.peer = 0, "", nil
	return m.Frames[0]
}

// Size returns the octets of all frames.
func (m *Msg) Size() int {
	n := 0
	for _, f := range m.Frames {
		n += len(f)
	}
	return n
}

// Clone returns a copy with memory of its own.
func (m *Msg) Clone() Msg {
	c := Msg{Frames: make([][]byte, len(m.Frames)), RoutingID: m.RoutingID, Group: m.Group, peer: m.peer}
	for i, f := range m.Frames {
		c.Frames[i] = append([]byte{}, f...)
	}
	return c
}

// Push puts a frame in front.
func (m *Msg) Push(frame []byte) { m.Frames = append([][]byte{frame}, m.Frames...) }

// Pop takes the first frame away and returns it; nil if there is none.
func (m *Msg) Pop() []byte {
	if len(m.Frames) == 0 {
		return nil
	}
	frame := m.Frames[0]
	m.Frames = m.Frames[1:]
	return frame
}

// Append puts frames behind.
func (m *Msg) Append(frames ...[]byte) { m.Frames = m.mem.Append(m.Frames, frames...) }

// Wrap puts an address and an empty delimiter in front: the envelope of
// RFC 28 "The REP Socket Type".
func (m *Msg) Wrap(address []byte) { m.Frames = append([][]byte{address, {}}, m.Frames...) }

// Unwrap takes the first frame away, and the empty frame behind it if there is
// one, and returns the first: it undoes Wrap.
func (m *Msg) Unwrap() []byte {
	address := m.Pop()
	if len(m.Frames) > 0 && len(m.Frames[0]) == 0 {
		m.Pop()
	}
	return address
}

// Peer says who sent the message. It stays valid after the peer has gone.
func (m *Msg) Peer() Peer {
	if m.peer == nil {
		return Peer{}
	}
	return Peer{m.peer}
}

// Property returns a metadata property of who sent the message, such as
// "Socket-Type", "Identity", "User-Id", "Peer-Address" or one of the sender's
// own; "" if it has none. Case does not matter.
func (m *Msg) Property(name string) string { return m.Peer().Property(name) }

// String shows the message for people: its frames, quoted or as hex, and cut
// when they are long.
func (m Msg) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, f := range m.Frames {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(frameString(f))
	}
	b.WriteByte(']')
	return b.String()
}

// shownOctets is how much of a frame String shows.
const shownOctets = 64

func frameString(f []byte) string {
	shown, rest := f, ""
	if len(f) > shownOctets {
		shown, rest = f[:shownOctets], fmt.Sprintf("...(%d)", len(f))
	}
	for _, c := range shown {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("0x%X%s", shown, rest)
		}
	}
	return fmt.Sprintf("%q%s", shown, rest)
}

// Peer describes the other end of a connection as it was when a message came,
// or when it was asked for. It does not change.
type Peer struct{ p *pipe.Peer }

func (p Peer) get() *pipe.Peer {
	if p.p == nil {
		return &pipe.Peer{}
	}
	return p.p
}

// Type returns the socket type that the peer announced.
func (p Peer) Type() string { return p.get().Type }

// Identity returns the identity that the peer announced.
func (p Peer) Identity() []byte { return []byte(p.get().Identity) }

// Address returns where the peer is: "tcp://10.0.0.7:41034".
func (p Peer) Address() string { return p.get().Remote }

// Endpoint returns our side of the connection.
func (p Peer) Endpoint() string { return p.get().Local }

// Descriptor returns the operating system's number of the connection, 0 if it
// has none. It is that of another one after the connection has ended.
func (p Peer) Descriptor() uintptr { return p.get().Descriptor }

// Version returns the ZMTP version that is spoken: "3.1"; "" on inproc.
func (p Peer) Version() string {
	v := p.get().Version
	if v[0] == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", v[0], v[1])
}

// Mechanism returns the security mechanism: "NULL", "PLAIN" or "CURVE".
func (p Peer) Mechanism() string { return p.get().Mechanism }

// UserID returns what the authenticator calls the peer, or else whom its TLS
// certificate was made out to; "" if there is neither.
func (p Peer) UserID() string { return p.get().UserID }

// CurveKey returns the public key by which a client of CURVE is known; ok is
// false for others.
func (p Peer) CurveKey() (key CurveKey, ok bool) {
	ok = len(p.get().PublicKey) == keySize
	if ok {
		key = CurveKey([]byte(p.get().PublicKey))
	}
	return key, ok
}

// Certificate returns what the peer has shown in TLS and was verified; nil if
// there is none.
func (p Peer) Certificate() *x509.Certificate { return p.get().Certificate }

// Credentials returns the user name and password of a client of PLAIN. They are
// there in the function of [WithAuth] only, and nobody keeps them.
func (p Peer) Credentials() (username, password string) {
	return p.get().Username, p.get().Password
}

// Property returns one of the peer's metadata properties, "" if it has none.
func (p Peer) Property(name string) string {
	d := p.get()
	switch name = strings.ToLower(name); name {
	case "peer-address":
		return d.Remote
	case "user-id":
		return d.UserID
	case "routing-id":
		return d.Identity
	default:
		return d.Properties.Get(name)
	}
}
