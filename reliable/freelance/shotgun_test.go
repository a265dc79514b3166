package freelance

import (
	"context"
	"testing"
	"time"

	"github.com/phimq/zmq"
)

// TestShotgunOfADomainThatIsShut: nobody goes on to receive on a socket that its
// domain has closed.
func TestShotgunOfADomainThatIsShut(t *testing.T) {
	domain := zmq.NewDomain()
	s, err := NewShotgun(ShotgunConfig{Options: []zmq.Option{zmq.WithDomain(domain)}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Connect("inproc://server"); err != nil {
		t.Fatal(err)
	}
	if err := domain.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	within, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	alike := Shotgun{ctx: within}
	(&barrel{s: &alike, socket: s.barrels[0].socket}).recvLoop()
	if within.Err() != nil {
		t.Error("it receives until the client is closed")
	}
}
