package session

import "slices"

// talker is a connection during the handshake. On a link that buffers nothing,
// such as a net.Pipe, two sides that speak at once would wait for each other;
// so it writes in a goroutine of its own, unless the system has a buffer.
type talker struct {
	c    *conn
	said chan error // the result of the write that is under way, if any is
}

func (t *talker) Read(b []byte) (int, error) { return t.c.link.Conn().Read(b) }

func (t *talker) Write(b []byte) (int, error) {
	if t.c.fd != 0 {
		return t.c.link.Conn().Write(b)
	}
	if err := t.wait(); err != nil {
		return 0, err
	}
	said := make(chan error, 1)
	text := slices.Clone(b)
	if !t.c.g.Start(func() { t.writeLoop(text, said) }) {
		return 0, ErrClosed
	}
	t.said = said
	return len(b), nil
}

func (t *talker) writeLoop(b []byte, said chan<- error) {
	_, err := t.c.link.Conn().Write(b)
	said <- err
}

// wait waits until all is written.
func (t *talker) wait() error {
	if t.said == nil {
		return nil
	}
	err := <-t.said
	t.said = nil
	return err
}
