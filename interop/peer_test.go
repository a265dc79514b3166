package interop

import (
	"errors"
	"time"
)

// What a socket of either side may answer.
var (
	errAgain       = errors.New("not within the time")
	errUnreachable = errors.New("no such peer")
	errState       = errors.New("out of turn")
)

// A peer is a socket of one implementation. Waits bound each call; when one is
// over the call fails with errAgain.
type peer interface {
	Bind(endpoint string) (resolved string, err error)
	Unbind(endpoint string) error
	Connect(endpoint string) error
	Disconnect(endpoint string) error
	// Set sets an option by libzmq's name, once for each value. To subscribe
	// and to unsubscribe are options.
	Set(option string, values ...string) error

	Send(wait time.Duration, frames ...[]byte) error
	Recv(wait time.Duration) ([][]byte, error)
	// SendRun sends n messages, numbered from first, with prefix frames before
	// the number. It ends early when one has to wait longer than wait.
	SendRun(wait time.Duration, first, n, size int, prefix ...[]byte) (sent int, err error)
	// RecvRun receives up to n of them and returns their numbers. It ends
	// early when none comes for wait.
	RecvRun(wait time.Duration, n int) ([]uint64, error)
	// SendLarge sends a frame of this size and returns its sum; RecvSums
	// receives a message and returns the sums of its frames.
	SendLarge(wait time.Duration, size int) (sum string, err error)
	RecvSums(wait time.Duration) ([]string, error)

	// Wait waits until a count has come to n.
	Wait(c count, n int, wait time.Duration) error
	Count(c count) (int, error)
	// Close ends the socket in the background: it lingers so long.
	Close(linger time.Duration) error
}

// A count is of a socket's connections.
type count string

const (
	peers  count = "peers"  // connected now, their handshakes done
	shaken count = "shaken" // handshakes done since the socket was made
	ended  count = "ended"  // connections that ended or failed since then
)

// A maker makes the sockets of one implementation, in one process.
type maker interface {
	New(socketType string) (peer, error)
	// Proxy passes messages between two of its sockets, both ways, until it is
	// stopped. The sockets are the proxy's until then. With a control socket it
	// is stopped by TERMINATE, and stop waits for that.
	Proxy(front, back, control peer) (stop func() error, err error)
}

// The implementations.
const (
	us     = "us"
	libzmq = "libzmq"
)

// A side is an implementation.
type side struct {
	name    string
	shared  maker                    // for all cases
	process func() (*process, error) // one that can be frozen and killed
}
