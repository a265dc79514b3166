// Command peering3 is inter-broker routing, complete: clients ask in bursts, workers
// take a while, and what is too much for a cluster goes to peers with free workers.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/peering"
)

// A cluster is what the tasks of one broker know.
type cluster struct {
	local           string // where its sockets are bound, without the end
	calm, work, max time.Duration
	tasks           sync.WaitGroup
}

func main() {
	dir := flag.String("dir", "", "folder of the brokers' ipc endpoints, with a slash at its end")
	clients := flag.Int("clients", 10, "how many clients")
	workers := flag.Int("workers", 5, "how many workers")
	calm := flag.Duration("calm", 5*time.Second, "how long a client rests between bursts, at most")
	work := flag.Duration("work", 2*time.Second, "how long a request takes, at most")
	timeout := flag.Duration("timeout", 10*time.Second, "when a client complains")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "peering3 [flags] ME [PEER...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	self := flag.Arg(0)
	c := &cluster{local: "ipc://" + *dir + self, calm: *calm, work: *work, max: *timeout}
	b, err := c.broker(*dir, self, flag.Args()[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer b.Close()
	monitor := zmq.NewPull()
	defer monitor.Close()
	if _, err := monitor.Bind(c.local + "-monitor.ipc"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	c.tasks.Add(*workers + *clients)
	for range *workers {
		go c.worker(ctx)
	}
	for range *clients {
		go c.client(ctx)
	}
	fmt.Println("broker", self, "is ready")
	lost := false
	for m, err := range monitor.Msgs(ctx) {
		if err != nil {
			break
		}
		fmt.Printf("%s\n", m.Frames[0])
		lost = lost || bytes.HasPrefix(m.Frames[0], []byte("E:"))
	}
	c.tasks.Wait()
	fmt.Printf("%+v\n", b.Stats())
	if lost {
		os.Exit(1)
	}
}

// broker binds where the book does.
func (c *cluster) broker(dir, self string, peers []string) (*peering.Broker, error) {
	b, err := peering.NewBroker(peering.Config{Name: self})
	if err != nil {
		return nil, err
	}
	for door, end := range map[peering.Door]string{
		peering.LocalFE: "-localfe.ipc", peering.LocalBE: "-localbe.ipc", peering.CloudFE: "-cloud.ipc", peering.StateBE: "-state.ipc",
	} {
		_, failed := b.Bind(door, c.local+end)
		err = errors.Join(err, failed)
	}
	for _, name := range peers {
		err = errors.Join(err, b.Connect(peering.Peer{
			Name: name, CloudFE: "ipc://" + dir + name + "-cloud.ipc", StateBE: "ipc://" + dir + name + "-state.ipc",
		}))
	}
	return b, err
}

// client rests, and then asks many times in a row. What it is answered goes to the
// monitor.
func (c *cluster) client(ctx context.Context) {
	defer c.tasks.Done()
	req, monitor := zmq.NewReq(), zmq.NewPush()
	defer req.Close()
	defer monitor.Close()
	if req.Connect(c.local+"-localfe.ipc") != nil || monitor.Connect(c.local+"-monitor.ipc") != nil {
		return
	}
	for pause(ctx, c.calm) {
		for range rand.N(15) {
			task := fmt.Sprintf("%04X", rand.N(0x10000))
			reply, err := c.ask(ctx, req, task)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				_ = monitor.Send(ctx, []byte("E: CLIENT EXIT - lost task "+task))
				return
			case reply != task:
				_ = monitor.Send(ctx, []byte("E: CLIENT EXIT - "+task+" was answered by "+reply))
				return
			}
			_ = monitor.Send(ctx, []byte(reply))
		}
	}
}

func (c *cluster) ask(ctx context.Context, req *zmq.Socket, task string) (reply string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.max)
	defer cancel()
	if err := req.Send(ctx, []byte(task)); err != nil {
		return "", err
	}
	m, err := req.Recv(ctx)
	if err != nil {
		return "", err
	}
	return string(m.Frames[len(m.Frames)-1]), nil
}

// worker takes a while for each request, and echoes it.
func (c *cluster) worker(ctx context.Context) {
	defer c.tasks.Done()
	req := zmq.NewReq()
	defer req.Close()
	if req.Connect(c.local+"-localbe.ipc") != nil || req.Send(ctx, []byte{1}) != nil {
		return
	}
	for m, err := range req.Msgs(ctx) {
		if err != nil || !pause(ctx, c.work) || req.SendMsg(ctx, &m) != nil {
			return
		}
	}
}

// pause waits at random, at most so long. It reports false if ctx ends first.
func pause(ctx context.Context, most time.Duration) bool {
	select {
	case <-time.After(rand.N(most + 1)):
		return true
	case <-ctx.Done():
		return false
	}
}
