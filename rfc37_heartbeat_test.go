package zmq_test

import (
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// What RFC 37 "Connection Heartbeating" puts as SHOULD, in simulated time.

// beating runs a test with a raw peer of a PAIR that has these options.
func beating(t *testing.T, f func(t *testing.T, s *zmq.Socket, p *wirePeer), opts ...zmq.Option) {
	t.Helper()
	connecting(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.PAIR, opts...)
		p := r.peer(s)
		p.handshake("PAIR")
		awaitPeers(t, s, 1)
		f(t, s, p)
	})
}

// endsAfter wants the connection to end after this time, with nothing but PINGs before.
func (p *wirePeer) endsAfter(d time.Duration) {
	p.t.Helper()
	start := time.Now()
	for b := p.rest(); len(b) > 0; {
		h, ok, err := wire.ParseHeader(b)
		if !ok || err != nil || h.Flags != wire.FlagCommand {
			p.t.Fatalf("came %x: %v", b, err)
		}
		size := h.Len + int(h.Size)
		if name, _, err := wire.ParseCommand(b[h.Len:size]); name != wire.NamePing || err != nil {
			p.t.Fatalf("came %s: %v", name, err)
		}
		b = b[size:]
	}
	if took := time.Since(start); took != d {
		p.t.Fatalf("the connection ended after %v, want %v", took, d)
	}
}

// expectPing wants a PING after this time, and returns its data.
func (p *wirePeer) expectPing(after time.Duration) (ttl uint16, context []byte) {
	p.t.Helper()
	start := time.Now()
	ttl, context, err := wire.ParsePing(p.expectCommand(wire.NamePing))
	if err != nil {
		p.t.Fatal(err)
	}
	if took := time.Since(start); took != after {
		p.t.Fatalf("the PING came after %v, want %v", took, after)
	}
	return ttl, context
}

// TestRFC37_Heartbeat_Interval: one PING an interval, none without the option.
func TestRFC37_Heartbeat_Interval(t *testing.T) {
	beating(t, func(t *testing.T, s *zmq.Socket, p *wirePeer) {
		for range 100 {
			ttl, context := p.expectPing(2 * time.Second)
			if ttl != 0 {
				t.Errorf("the PING says %d", ttl)
			}
			p.send(wire.AppendPong(nil, context))
		}
	}, zmq.WithHeartbeat(2*time.Second))
	beating(t, func(t *testing.T, s *zmq.Socket, p *wirePeer) { p.expectSilence(24 * time.Hour) })
}

// TestRFC37_Heartbeat_TTL: it is told in tenths of a second, as far as its
// sixteen bits go.
func TestRFC37_Heartbeat_TTL(t *testing.T) {
	for ttl, want := range map[time.Duration]uint16{
		99 * time.Millisecond:      0,
		100 * time.Millisecond:     1,
		3750 * time.Millisecond:    37,
		6553500 * time.Millisecond: 65535,
	} {
		beating(t, func(t *testing.T, s *zmq.Socket, p *wirePeer) {
			if got, _ := p.expectPing(time.Second); got != want {
				t.Errorf("a TTL of %v goes as %d, want %d", ttl, got, want)
			}
		}, zmq.WithHeartbeat(time.Second), zmq.WithHeartbeatTTL(ttl))
	}
}

// TestRFC37_Heartbeat_SilentPeer: the connection ends when a PING is not
// answered for the timeout, which is the interval unless it is set, and is
// dialled again as any that is lost.
func TestRFC37_Heartbeat_SilentPeer(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		-1:              4 * time.Second,
		time.Second:     3 * time.Second,
		5 * time.Second: 7 * time.Second,
	} {
		connecting(t, func(t *testing.T, r *wireRole) {
			s := r.socket(zmq.PAIR, zmq.WithHeartbeat(2*time.Second), zmq.WithHeartbeatTimeout(timeout))
			p := r.peer(s)
			for range 3 {
				p.handshake("PAIR")
				p.endsAfter(want)
				p = r.again(s)
			}
		})
	}
}

// TestRFC37_Heartbeat_AnyTraffic: whatever comes is a sign of life, were it one
// octet of a frame.
func TestRFC37_Heartbeat_AnyTraffic(t *testing.T) {
	for name, octets := range map[string]string{
		"message": "\x00\x01A",
		"octet":   "\x00",
		"PING":    "\x04\x07\x04PING\x00\x00",
		"PONG":    "\x04\x05\x04PONG",
		"unknown": "\x04\x04\x03HEY",
	} {
		t.Run(name, func(t *testing.T) {
			beating(t, func(t *testing.T, s *zmq.Socket, p *wirePeer) {
				go discard(p)
				timer := time.NewTicker(700 * time.Millisecond)
				defer timer.Stop()
				for i := range 100 {
					<-timer.C
					if s.Peers() != 1 {
						t.Fatalf("the connection ended after %d times 0.7 s", i)
					}
					if name == "octet" { // of a long message
						p.send([]byte(longMessage[i : i+1]))
					} else {
						p.send([]byte(octets))
					}
				}
			}, zmq.WithHeartbeat(time.Second))
		})
	}
}

const longMessage = "\x02\x00\x00\x00\x00\x00\x00\xFF\xFF" +
	"----------------------------------------------------------------------------------------------------"

// discard reads what comes and looks at none of it.
func discard(p *wirePeer) {
	b := make([]byte, 4096)
	for {
		if _, err := p.conn.Read(b); err != nil {
			return
		}
	}
}

// TestRFC37_Heartbeat_ReceivedTTL: the connection ends when nothing comes for
// as long as the peer's last PING said, and not for one that said nothing.
func TestRFC37_Heartbeat_ReceivedTTL(t *testing.T) {
	ping := func(p *wirePeer, ttl uint16) {
		p.send(wire.AppendPing(nil, ttl, nil))
		p.expectCommand(wire.NamePong)
	}
	beating(t, func(t *testing.T, s *zmq.Socket, p *wirePeer) {
		ping(p, 15)
		p.endsAfter(1500 * time.Millisecond)
	})
	beating(t, func(t *testing.T, s *zmq.Socket, p *wirePeer) {
		for range 10 {
			ping(p, 15)
			p.expectSilence(1400 * time.Millisecond)
			p.sendMsg("life")
			p.expectSilence(1400 * time.Millisecond)
		}
		ping(p, 30)
		p.endsAfter(3 * time.Second)
	})
	beating(t, func(t *testing.T, s *zmq.Socket, p *wirePeer) {
		ping(p, 15)
		ping(p, 0)
		p.expectSilence(24 * time.Hour)
	})
}

// TestRFC37_Heartbeat_FullQueue: a peer that is not read is not to blame for
// its silence.
func TestRFC37_Heartbeat_FullQueue(t *testing.T) {
	beating(t, func(t *testing.T, s *zmq.Socket, p *wirePeer) {
		for range 10 {
			p.sendMsg("unread")
		}
		p.send(wire.AppendPing(nil, 5, nil))
		for range 60 {
			p.expectPing(time.Second)
		}
		for range 10 {
			expectHeard(t, s, "unread")
		}
		p.expectCommand(wire.NamePong)
	}, zmq.WithHeartbeat(time.Second), zmq.WithRecvHWM(1))
}
