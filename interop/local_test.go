package interop

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// local makes sockets of ours, in this process.
type local struct{}

func (local) New(socketType string) (peer, error) { return newLocal(socketType) }

func newLocal(socketType string, opts ...zmq.Option) (peer, error) {
	for t := zmq.PAIR; t <= zmq.STREAM; t++ {
		if t.String() == socketType {
			j := &journal{seen: map[count]int{}, news: make(chan struct{})}
			s, err := zmq.New(t, append(opts[:len(opts):len(opts)], zmq.WithEvents(j.note))...)
			return &localPeer{s: s, journal: j}, err
		}
	}
	return nil, fmt.Errorf("no socket type %q", socketType)
}

// Proxy runs ours.
func (local) Proxy(front, back, control peer) (stop func() error, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	var opts []zmq.ProxyOption
	if control != nil {
		opts = append(opts, zmq.ProxyControl(control.(*localPeer).s))
	}
	go func() { result <- zmq.Proxy(ctx, front.(*localPeer).s, back.(*localPeer).s, opts...) }()
	return func() error {
		if control != nil {
			defer time.AfterFunc(patience, cancel).Stop()
			return <-result
		}
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}, nil
}

// localPeer is one of them.
type localPeer struct {
	s       *zmq.Socket
	journal *journal
}

func (p *localPeer) Bind(endpoint string) (string, error) {
	b, err := p.s.Bind(endpoint)
	if err != nil {
		return "", err
	}
	return b.Endpoint(), nil
}

func (p *localPeer) Unbind(endpoint string) error     { return p.s.Unbind(endpoint) }
func (p *localPeer) Connect(endpoint string) error    { return p.s.Connect(endpoint) }
func (p *localPeer) Disconnect(endpoint string) error { return p.s.Disconnect(endpoint) }

func (p *localPeer) Set(option string, values ...string) error {
	for _, value := range values {
		o, err := zmq.ParseOption(option, value)
		if err != nil {
			return err
		}
		if err := p.s.Set(o); err != nil {
			return err
		}
	}
	return nil
}

func (p *localPeer) Send(wait time.Duration, frames ...[]byte) error {
	if wait == 0 {
		return translate(p.s.TrySend(frames...))
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	return translate(p.s.Send(ctx, frames...))
}

func (p *localPeer) Recv(wait time.Duration) ([][]byte, error) {
	if wait == 0 {
		m, err := p.s.TryRecv()
		return m.Frames, translate(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	m, err := p.s.Recv(ctx)
	return m.Frames, translate(err)
}

// translate turns our errors into those of the battery.
func translate(err error) error {
	for ours, theirs := range map[error]error{
		zmq.ErrAgain: errAgain, context.DeadlineExceeded: errAgain, zmq.ErrNoPeer: errUnreachable, zmq.ErrState: errState,
	} {
		if errors.Is(err, ours) {
			return theirs
		}
	}
	return err
}

func (p *localPeer) SendRun(wait time.Duration, first, n, size int, prefix ...[]byte) (int, error) {
	body := make([]byte, size)
	frames := append(slices.Clip(prefix), body)
	for i := range n {
		binary.BigEndian.PutUint64(body, uint64(first+i))
		if err := p.Send(wait, frames...); err != nil {
			if err == errAgain {
				err = nil
			}
			return i, err
		}
	}
	return n, nil
}

func (p *localPeer) RecvRun(wait time.Duration, n int) (numbers []uint64, err error) {
	for range n {
		frames, err := p.Recv(wait)
		if err == errAgain {
			break
		}
		if err != nil {
			return numbers, err
		}
		last := frames[len(frames)-1]
		if len(last) < 8 {
			return numbers, fmt.Errorf("a frame of %d octets has no number", len(last))
		}
		numbers = append(numbers, binary.BigEndian.Uint64(last))
	}
	return numbers, nil
}

func (p *localPeer) SendLarge(wait time.Duration, size int) (string, error) {
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i*7 + i/251)
	}
	return sum(body), p.Send(wait, body)
}

func (p *localPeer) RecvSums(wait time.Duration) (sums []string, err error) {
	frames, err := p.Recv(wait)
	for _, f := range frames {
		sums = append(sums, sum(f))
	}
	return sums, err
}

func sum(frame []byte) string { return fmt.Sprintf("%d:%08x", len(frame), crc32.ChecksumIEEE(frame)) }

func (p *localPeer) Wait(c count, n int, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	if c == peers {
		return translate(p.s.WaitReady(ctx, n))
	}
	return translate(p.journal.wait(ctx, c, n))
}

func (p *localPeer) Count(c count) (int, error) {
	if c == peers {
		return p.s.Peers(), nil
	}
	n, _ := p.journal.count(c)
	return n, nil
}

func (p *localPeer) Close(linger time.Duration) error {
	if err := p.Set("linger", strconv.FormatInt(linger.Milliseconds(), 10)); err != nil {
		return err
	}
	p.s.CloseAsync()
	return nil
}

// journal counts what happens to a socket's connections.
type journal struct {
	mu   sync.Mutex
	seen map[count]int
	news chan struct{} // closed at the next entry
}

func (j *journal) note(e zmq.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch e.Kind {
	case zmq.EventHandshakeSucceeded:
		j.seen[shaken]++
	case zmq.EventDisconnected, zmq.EventHandshakeFailedNoDetail, zmq.EventHandshakeFailedProtocol, zmq.EventHandshakeFailedAuth:
		j.seen[ended]++
	}
	close(j.news)
	j.news = make(chan struct{})
}

func (j *journal) count(c count) (int, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seen[c], j.news
}

func (j *journal) wait(ctx context.Context, c count, n int) error {
	for {
		have, news := j.count(c)
		if have >= n {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
