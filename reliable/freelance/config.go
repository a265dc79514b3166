package freelance

import (
	"fmt"
	"time"

	"github.com/phimq/zmq"
)

// ShotgunConfig sets a [Shotgun] up. The zero value of a field is its default.
type ShotgunConfig struct {
	// Timeout is how long a request waits for its reply, whatever its context
	// says: 2.5 s.
	Timeout time.Duration
	// Options go to every socket. What the model depends on they can't change.
	Options []zmq.Option
}

// ClientConfig sets a [Client] up. The zero value of a field is its default.
type ClientConfig struct {
	// Timeout is how long a request waits for its reply, whatever its context
	// says: 3 s.
	Timeout time.Duration
	// Try is how long a server has for a request before the next one is asked as
	// well: 1 s.
	Try time.Duration
	// Ping is after which silence a server is pinged: 2 s.
	Ping time.Duration
	// TTL is after which silence a server is dead: 6 s. RFC 10 "Server
	// Reliability" has it as two or three times Ping.
	TTL time.Duration
	// Options go to the socket. What the model depends on they can't change.
	Options []zmq.Option
}

func (c *ClientConfig) complete() error {
	positive := setDefault(&c.Timeout, 3*time.Second) && setDefault(&c.Try, time.Second) &&
		setDefault(&c.Ping, 2*time.Second) && setDefault(&c.TTL, 3*c.Ping)
	if !positive || c.TTL <= c.Ping {
		return fmt.Errorf("freelance: %w: times are positive, and TTL is longer than Ping", zmq.ErrInvalid)
	}
	return nil
}

// setDefault gives a field its default, and reports whether the field is good.
func setDefault(field *time.Duration, d time.Duration) bool {
	if *field == 0 {
		*field = d
	}
	return *field > 0
}
