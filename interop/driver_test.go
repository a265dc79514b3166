package interop

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/phimq/zmq/internal/leak"
)

// The test program starts itself again in other roles.
const (
	roleVariable = "ZMQ_INTEROP_ROLE"
	roleDriver   = "driver"
	roleWorker   = "worker"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case roleDriver:
		runDriver()
	case roleWorker:
		runWorker()
	case roleMDPBroker:
		runMDPBroker()
	case roleMDPWorker:
		runMDPWorker()
	default:
		leak.Main(m)
	}
}

// runDriver does for our sockets what driver.py does for libzmq's.
func runDriver() {
	d := &driver{peers: map[int]peer{}, stops: map[int]func() error{}}
	in := bufio.NewReader(os.Stdin)
	answer := [][]byte{[]byte("ok"), []byte("ours")}
	for {
		if err := writeFields(os.Stdout, answer); err != nil {
			return
		}
		request, err := readFields(in)
		if err != nil {
			return // the test has ended
		}
		answer = d.answer(string(request[0]), request[1:])
	}
}

// driver answers requests.
type driver struct {
	peers map[int]peer
	stops map[int]func() error
	last  int
}

func (d *driver) answer(operation string, args [][]byte) [][]byte {
	result, err := d.do(operation, args)
	switch {
	case err == nil:
		return append([][]byte{[]byte("ok")}, result...)
	case errors.Is(err, errAgain):
		return [][]byte{[]byte("again")}
	case errors.Is(err, errUnreachable):
		return [][]byte{[]byte("unreachable")}
	case errors.Is(err, errState):
		return [][]byte{[]byte("state")}
	}
	return [][]byte{[]byte("error"), []byte(err.Error())}
}

func (d *driver) do(operation string, args [][]byte) ([][]byte, error) {
	if operation == "new" {
		p, err := local{}.New(string(args[0]))
		d.last++
		d.peers[d.last] = p
		return [][]byte{decimal(d.last)}, err
	}
	id := number(args[0])
	p, args := d.peers[id], args[1:]
	switch operation {
	case "proxy":
		var control peer
		if len(args) > 1 {
			control = d.peers[number(args[1])]
		}
		stop, err := local{}.Proxy(p, d.peers[number(args[0])], control)
		d.last++
		d.stops[d.last] = stop
		return [][]byte{decimal(d.last)}, err
	case "close":
		if stop := d.stops[id]; stop != nil {
			return nil, stop()
		}
		return nil, p.Close(duration(args[0]))
	case "send", "recv", "sendrun", "recvrun", "sendlarge", "recvsum":
		return carry(p, operation, duration(args[0]), args[1:])
	}
	return manage(p, operation, args)
}

// manage does what concerns a socket as a whole.
func manage(p peer, operation string, args [][]byte) ([][]byte, error) {
	first := string(args[0])
	switch operation {
	case "bind":
		endpoint, err := p.Bind(first)
		return [][]byte{[]byte(endpoint)}, err
	case "unbind":
		return nil, p.Unbind(first)
	case "connect":
		return nil, p.Connect(first)
	case "disconnect":
		return nil, p.Disconnect(first)
	case "set":
		for _, value := range args[1:] {
			if err := p.Set(first, string(value)); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case "wait":
		return nil, p.Wait(count(first), number(args[1]), duration(args[2]))
	case "count":
		n, err := p.Count(count(first))
		return [][]byte{decimal(n)}, err
	}
	return nil, fmt.Errorf("no operation %q", operation)
}

// carry does what concerns messages.
func carry(p peer, operation string, wait time.Duration, args [][]byte) ([][]byte, error) {
	switch operation {
	case "send":
		return nil, p.Send(wait, args...)
	case "recv":
		return p.Recv(wait)
	case "sendrun":
		n, err := p.SendRun(wait, number(args[0]), number(args[1]), number(args[2]), args[3:]...)
		return [][]byte{decimal(n)}, err
	case "recvrun":
		numbers, err := p.RecvRun(wait, number(args[0]))
		var b []byte
		for _, n := range numbers {
			b = binary.BigEndian.AppendUint64(b, n)
		}
		return [][]byte{b}, err
	case "sendlarge":
		s, err := p.SendLarge(wait, number(args[0]))
		return [][]byte{[]byte(s)}, err
	}
	sums, err := p.RecvSums(wait)
	var result [][]byte
	for _, s := range sums {
		result = append(result, []byte(s))
	}
	return result, err
}

func number(field []byte) int {
	n, _ := strconv.Atoi(string(field)) // our own test wrote it
	return n
}

func duration(field []byte) time.Duration { return time.Duration(number(field)) * time.Millisecond }
