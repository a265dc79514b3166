package role

import (
	"io"
	"net"
	"strings"
)

// Without ZeroMQ: what the sockets of package net allow. Messages are written
// next to each other, without frames, as many at once as a buffer holds.

const rawBuffer = 64 << 10

// rawAccept listens, is ready and takes one connection.
func (w *work) rawAccept() (net.Conn, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	if err := w.ready("tcp://" + ln.Addr().String()); err != nil {
		return nil, err
	}
	return ln.Accept()
}

func (w *work) rawConnect() (net.Conn, error) {
	c, err := net.Dial("tcp", strings.TrimPrefix(w.at, "tcp://"))
	if err != nil {
		return nil, err
	}
	return c, w.ready()
}

func (w *work) rawPush() error {
	c, err := w.rawConnect()
	if err != nil {
		return err
	}
	defer c.Close()
	buffer, used := make([]byte, rawBuffer), 0
	return w.stream(func(n uint64) error {
		w.fill(buffer[used:used+w.size], n)
		used += w.size
		if used+w.size <= len(buffer) && n+1 < w.count {
			return nil
		}
		_, err := c.Write(buffer[:used])
		used = 0
		return err
	})
}

func (w *work) rawPull() error {
	c, err := w.rawAccept()
	if err != nil {
		return err
	}
	defer c.Close()
	buffer, have := make([]byte, rawBuffer), 0
	w.begin()
	for w.result.Count < w.count {
		n, err := c.Read(buffer[have:])
		if err != nil {
			return err
		}
		have += n
		done := 0
		for ; have-done >= w.size; done += w.size {
			if err := w.check(buffer[done:done+w.size], w.result.Count); err != nil {
				return err
			}
			w.result.Count++
		}
		have = copy(buffer, buffer[done:have])
	}
	w.result.Ended = w.now()
	w.end()
	return nil
}

func (w *work) rawReq() error {
	c, err := w.rawConnect()
	if err != nil {
		return err
	}
	defer c.Close()
	b := make([]byte, w.size)
	return w.roundTrips(func(n uint64) error {
		w.fill(b, n)
		if _, err := c.Write(b); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return err
		}
		return w.check(b, n)
	})
}

func (w *work) rawRep() error {
	c, err := w.rawAccept()
	if err != nil {
		return err
	}
	defer c.Close()
	b := make([]byte, w.size)
	w.begin()
	for n := range Warm + w.count {
		if n == Warm {
			w.begin()
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return err
		}
		if err := w.check(b, n); err != nil {
			return err
		}
		if _, err := c.Write(b); err != nil {
			return err
		}
	}
	w.end()
	w.result.Count = w.count
	return nil
}
