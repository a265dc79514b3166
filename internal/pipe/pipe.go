// Package pipe holds whole messages between a socket and one of its peers:
// up to the high-water mark, in order, and it wakes the other end.
//
// A [Pipe] is the socket's view of one peer: a [Queue] of what goes out and a
// queue of what came in. For a connection, the session takes from the one and
// puts into the other. For inproc, the out-queue of one pipe is the in-queue
// of the other.
//
// A queue is put and taken by whole messages; its storage is octets framed as
// ZMTP 2.0 and later frame them, in recycled chunks, and large messages by
// reference.
package pipe

import (
	"crypto/x509"
	"errors"
	"sync/atomic"
)

// Peer says who is at the other end of a connection. It never changes once
// it is made, so it stays valid after the peer has gone.
type Peer struct {
	Type       string     // socket type, as announced
	Identity   string     // identity that the peer announced
	Version    [2]byte    // ZMTP version in use
	Mechanism  string     // "NULL", "PLAIN", "CURVE"
	Local      string     // our endpoint
	Remote     string     // address of the peer
	UserID     string     // what authentication calls the peer
	Descriptor uintptr    // the system's number of the connection; 0 if there is none
	Properties Properties // metadata
	PublicKey  string     // of CURVE: 32 octets
	// Certificate is what the peer has shown in TLS, if it was verified.
	Certificate *x509.Certificate
	// Username and Password are there while the peer is asked about only.
	Username, Password string
}

// Properties is metadata of a peer, names in lower case. There are few: a list is
// smaller than a map, and there is one for every connection.
type Properties []Property

// Property is one of them.
type Property struct{ Name, Value string }

// Get returns the value of a name, "" if there is none.
func (l Properties) Get(name string) string {
	for _, p := range l {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Set gives a name its value.
func (l *Properties) Set(name, value string) {
	for i := range *l {
		if (*l)[i].Name == name {
			(*l)[i].Value = value
			return
		}
	}
	*l = append(*l, Property{name, value})
}

// Pipe is a socket's view of one peer.
type Pipe struct {
	Out *Queue // guarded by the socket's send mutex
	In  *Queue

	// ID is the routing identity; it is set before the pipe is attached.
	ID []byte
	// Preset says that ID was chosen by the user, not by the peer.
	Preset bool
	// Endpoint is the user's endpoint that the pipe belongs to.
	Endpoint string
	// Inproc says that Out is the in-queue of a pipe of another socket.
	Inproc bool
	// Serial orders the pipes of a socket as their connections were made,
	// however long the handshakes took.
	Serial uint64
	// Connected says that the pipe was made by a connect and outlives its
	// connections.
	Connected bool

	// Replaced says that another peer has taken the name over: the pipe is of no more use.
	Replaced atomic.Bool

	// Session ends the connection.
	Session Closer
	// Link writes at once what waits; nil on inproc.
	Link Flusher

	// Connects counts connections, guarded by the send mutex; RoundTrip is the
	// time of the last heartbeat, in nanoseconds.
	Connects  int
	RoundTrip atomic.Int64

	peer atomic.Pointer[Peer]

	// Send is what the send half of a pattern remembers of the pipe, guarded
	// by the send mutex; Recv likewise, guarded by the receive mutex.
	Send SendState
	Recv RecvState

	cursor
}

// ErrReplaced ends the connection of a pipe that was replaced.
var ErrReplaced = errors.New("another peer has taken its name over")

// Closer ends a pipe's connection. It must not block.
type Closer interface {
	// Hangup ends it now.
	Hangup(p *Pipe, reason error)
	// Finish ends it when what waits in Out is written.
	Finish(p *Pipe)
}

// Opening is what a pipe gets when a connection is up.
type Opening struct {
	Reader     Reader // takes from Out
	ReaderPipe *Pipe  // what it is told of
	Session    Closer
	Link       Flusher // nil on inproc
}

// Open makes the connection's parts the pipe's. It reports whether the reader
// has to be told at once. It runs under the socket's mutexes.
func (p *Pipe) Open(o Opening) (tell bool) {
	p.Session, p.Link = o.Session, o.Link
	p.Connects++
	return p.Out.SetReader(o.Reader, o.ReaderPipe)
}

// Flusher writes at once, without blocking, what waits in a pipe's Out.
type Flusher interface {
	// Quiet reports whether a write now would not cut a stream of messages
	// into many system calls.
	Quiet() bool
	Flush()
}

// SendState is a pattern's note on a pipe.
type SendState struct {
	Index    int    // place in the pattern's list, from 1; 0: not in it
	Blocked  bool   // in the part of the list that has no room
	Mark     uint64 // stamp of the last fan-out that chose the pipe
	Stale    bool   // subscriptions are those of the connection before
	Attached bool
	Finished bool // the user ended the connection
	Retired  bool // by Unbind or Disconnect: it is not attached any more
}

// RecvState is a pattern's note on a pipe.
type RecvState struct {
	Index  int  // place in the ready list, from 1; 0: not in it
	Unread int  // messages that wait for the user of an XPUB
	Ended  bool // no more will come; detach when it is drained
}

// Peer returns who is, or was last, at the other end; never nil.
func (p *Pipe) Peer() *Peer {
	if peer := p.peer.Load(); peer != nil {
		return peer
	}
	return &Peer{}
}

// SetPeer notes who is at the other end now.
func (p *Pipe) SetPeer(peer *Peer) { p.peer.Store(peer) }

// Known reports whether a peer has been there yet.
func (p *Pipe) Known() bool { return p.peer.Load() != nil }
