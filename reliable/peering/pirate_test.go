package peering_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/peering"
	"github.com/phimq/zmq/reliable/pirate"
)

// TestPirates: the pirates' clients and simple workers are those of a broker too;
// the client asks again when its request is lost.
func TestPirates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east", "west")
		east, west := n.broker(peering.Config{Name: "east"}), n.broker(peering.Config{Name: "west"})
		n.join(east, west)
		ctx, cancel := context.WithCancel(t.Context())
		first := true
		worker := &pirate.Worker{
			Endpoint: at("west-localbe"), Simple: true, Options: []zmq.Option{n.dialer()},
			Handler: func(ctx context.Context, m zmq.Msg) (zmq.Msg, error) {
				if first { // its connection is lost while it works
					first = false
					n.link("west-localbe").Cut()
					<-ctx.Done()
				}
				return zmq.NewMsg(append([][]byte{[]byte("w")}, m.Frames...)...), nil
			},
		}
		ended := make(chan error)
		go func() { ended <- worker.Run(ctx) }()
		client := &pirate.Client{Endpoints: []string{at("east-localfe")}, Timeout: 5 * time.Second, Tries: 5, Options: []zmq.Option{n.dialer()}}
		for _, body := range []string{"x", "y"} {
			m, err := client.Request(ctx, []byte(body))
			if err != nil || len(m.Frames) != 2 || string(m.Frames[0]) != "w" || string(m.Frames[1]) != body {
				t.Errorf("%s: %v, %v", body, m, err)
			}
		}
		client.Close()
		cancel()
		<-ended
		if w := west.Stats(); w.Lost != 1 || w.Taken != 3 {
			t.Errorf("%+v", w)
		}
	})
}
