// Command peering2 is the second step of inter-broker routing, the local and the cloud
// flow: a broker with clients and workers of its own gives most requests to its own
// workers, and one in five to a random peer.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/phimq/zmq"
)

func main() {
	dir := flag.String("dir", "", "folder of the brokers' ipc endpoints, with a slash at its end")
	clients := flag.Int("clients", 10, "how many clients")
	workers := flag.Int("workers", 3, "how many workers")
	pause := flag.Duration("pause", time.Second, "how long a client waits between requests")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "peering2 [flags] ME [PEER...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	b, err := newBroker(*dir, flag.Arg(0), flag.Args()[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer b.close()
	fmt.Println("waiting for the peers") // what is sent to one that is not there is lost
	if err := b.cloudbe.WaitReady(ctx, len(b.peers)); err != nil {
		return
	}
	for range *workers {
		go b.worker(ctx)
	}
	for range *clients {
		go b.client(ctx, *pause)
	}
	for ctx.Err() == nil {
		b.routeReplies(ctx)
		b.routeRequests()
	}
}

// broker is the four ROUTERs. The cloud ones have the broker's name as identity.
type broker struct {
	local            string // where the local ones are bound, without the end
	peers            []string
	localfe, localbe *zmq.Socket
	cloudfe, cloudbe *zmq.Socket
	free             [][]byte // workers, who has waited longest first
}

func newBroker(dir, self string, peers []string) (*broker, error) {
	identity := zmq.WithRoutingID(self)
	b := &broker{
		local: "ipc://" + dir + self, peers: peers,
		localfe: zmq.NewRouter(), localbe: zmq.NewRouter(), cloudfe: zmq.NewRouter(identity), cloudbe: zmq.NewRouter(identity),
	}
	_, err1 := b.cloudfe.Bind(b.local + "-cloud.ipc")
	_, err2 := b.localfe.Bind(b.local + "-localfe.ipc")
	_, err3 := b.localbe.Bind(b.local + "-localbe.ipc")
	err := errors.Join(err1, err2, err3)
	for _, peer := range peers {
		err = errors.Join(err, b.cloudbe.Connect("ipc://"+dir+peer+"-cloud.ipc"))
	}
	return b, err
}

func (b *broker) close() {
	for _, s := range []*zmq.Socket{b.localfe, b.localbe, b.cloudfe, b.cloudbe} {
		s.Close()
	}
}

// routeReplies waits for workers and peers, and hands their replies on.
func (b *broker) routeReplies(ctx context.Context) {
	wait, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	items := []zmq.PollItem{{Socket: b.localbe, Want: zmq.CanRecv}, {Socket: b.cloudbe, Want: zmq.CanRecv}}
	if len(b.free) > 0 {
		items = append(items, zmq.PollItem{Socket: b.cloudfe, Want: zmq.CanRecv}, zmq.PollItem{Socket: b.localfe, Want: zmq.CanRecv})
	}
	if _, err := zmq.Poll(wait, items...); err != nil {
		return
	}
	if m, err := b.localbe.TryRecv(); err == nil && len(m.Frames) > 2 {
		b.free = append(b.free, m.Unwrap())
		if len(m.Frames) > 1 { // else it is READY
			b.reply(m)
		}
	}
	if m, err := b.cloudbe.TryRecv(); err == nil && len(m.Frames) > 2 {
		m.Pop() // the peer
		b.reply(m)
	}
}

// reply hands a reply to the peer or the client that its first frame names.
func (b *broker) reply(m zmq.Msg) {
	to := b.localfe
	if slices.Contains(b.peers, string(m.Frames[0])) {
		to = b.cloudfe
	}
	_ = to.TrySend(m.Frames...) // who is gone gets none
}

// routeRequests hands requests out while workers are free; peers come first.
func (b *broker) routeRequests() {
	for len(b.free) > 0 {
		m, err := b.cloudfe.TryRecv()
		mine := err != nil
		if mine {
			if m, err = b.localfe.TryRecv(); err != nil {
				return
			}
		}
		if mine && len(b.peers) > 0 && rand.N(5) == 0 {
			m.Push([]byte(b.peers[rand.N(len(b.peers))]))
			_ = b.cloudbe.TrySend(m.Frames...) // lost if the peer is not there
			continue
		}
		m.Wrap(b.free[0])
		b.free = b.free[1:]
		_ = b.localbe.TrySend(m.Frames...)
	}
}

// client asks, again and again.
func (b *broker) client(ctx context.Context, pause time.Duration) {
	s := zmq.NewReq()
	defer s.Close()
	if s.Connect(b.local+"-localfe.ipc") != nil {
		return
	}
	for s.Send(ctx, []byte("HELLO")) == nil {
		m, err := s.Recv(ctx)
		if err != nil {
			return
		}
		fmt.Printf("Client: %s\n", m.Frames[0])
		<-time.After(pause)
	}
}

// worker answers OK.
func (b *broker) worker(ctx context.Context) {
	s := zmq.NewReq()
	defer s.Close()
	if s.Connect(b.local+"-localbe.ipc") != nil || s.Send(ctx, []byte{1}) != nil {
		return
	}
	for m, err := range s.Msgs(ctx) {
		if err != nil {
			return
		}
		last := len(m.Frames) - 1
		fmt.Printf("Worker: %s\n", m.Frames[last])
		m.Frames[last] = []byte("OK")
		if s.SendMsg(ctx, &m) != nil {
			return
		}
	}
}
