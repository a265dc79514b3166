package zmq

import (
	"errors"

	"github.com/phimq/zmq/internal/pipe"
)

// errDisconnected is the reason of a connection that DisconnectPeers ended.
var errDisconnected = errors.New("the application ended the connection")

// DisconnectPeers ends at once the connections to all peers that which picks,
// and returns how many there were. It is for peers that may not stay, such as
// those whose credentials were revoked. What such a peer has sent and what has
// arrived whole can still be received; what waits for it is dropped, or kept for
// the next connection where [Socket.Connect] made this one, which is made again:
// but not over inproc, where an end is one for good.
//
// Handshakes that are under way are not looked at. No lock is held while which
// runs.
func (s *Socket) DisconnectPeers(which func(p Peer) bool) (int, error) {
	if err := s.orDead(nil); err != nil {
		return 0, s.opError("disconnect peers", "", err)
	}
	n := 0
	for _, p := range s.connectedPipes() {
		if peer := p.Peer(); which(Peer{peer}) && s.hangup(p, peer) {
			n++
		}
	}
	return n, nil
}

// connectedPipes are the pipes whose peers are there.
func (s *Socket) connectedPipes() []*pipe.Pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*pipe.Pipe, 0, len(s.pipes))
	for p, connected := range s.pipes {
		if connected {
			list = append(list, p)
		}
	}
	return list
}

// hangup ends the connection of a pipe, if it is still that to peer.
func (s *Socket) hangup(p *pipe.Pipe, peer *pipe.Peer) bool {
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	if p.Session == nil || p.Peer() != peer {
		return false
	}
	p.Session.Hangup(p, errDisconnected)
	return true
}
