package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/phimq/zmq"
)

// A result is the last line that a sender or a receiver writes.
type result struct {
	Count   uint64        `json:"count"`
	Sum     uint64        `json:"sum"`     // of all words received
	Elapsed time.Duration `json:"elapsed"` // receiver: from the first message to the last
	CPU     time.Duration `json:"cpu"`     // user and system, in that time; sender: until all is written
}

// patternSize is the distance after which payloads repeat, but for their number.
const patternSize = 4096

// makePattern is what payloads are cut from: the same in both programs.
func makePattern(size int) []byte {
	p := make([]byte, patternSize+size)
	x := uint64(1)
	for i := range p {
		x = x*6364136223846793005 + 1442695040888963407
		p[i] = byte(x >> 56)
	}
	return p
}

// fill writes the payload of message n.
func fill(b, pattern []byte, n uint64) {
	copy(b, pattern[n*8%patternSize:])
	binary.NativeEndian.PutUint64(b, n)
}

// add sums the words of a payload, whose size is a multiple of 32.
func add(b []byte) uint64 {
	var s, t, u, v uint64
	for len(b) >= 32 {
		s += binary.NativeEndian.Uint64(b)
		t += binary.NativeEndian.Uint64(b[8:])
		u += binary.NativeEndian.Uint64(b[16:])
		v += binary.NativeEndian.Uint64(b[24:])
		b = b[32:]
	}
	return s + t + u + v
}

// expectedSum is what a receiver's sum must be.
func expectedSum(size int, count uint64) uint64 {
	pattern, sum := makePattern(size), uint64(0)
	var phases [patternSize / 8]uint64 // sums without the number
	b := make([]byte, size)
	for i := range phases {
		fill(b, pattern, uint64(i))
		phases[i] = add(b) - uint64(i)
	}
	for n := range count {
		sum += phases[n%uint64(len(phases))] + n
	}
	return sum
}

// cpuTime is what the process has used, in user and system mode.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// ours is the program as one end of a run:
//
//	probe pull SIZE COUNT into|recv
//	probe push SIZE COUNT ENDPOINT
func ours(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("probe pull SIZE COUNT into|recv, or probe push SIZE COUNT ENDPOINT")
	}
	size, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	count, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return err
	}
	end := pull
	if args[0] == "push" {
		end = push
	}
	r, err := end(size, count, args[3])
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func pull(size int, count uint64, way string) (r result, err error) {
	s, err := zmq.New(zmq.PULL, append(curve(true), zmq.WithRecvHWM(hwm))...)
	if err != nil {
		return r, err
	}
	defer s.Close()
	b, err := s.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return r, err
	}
	fmt.Println(b.Endpoint())
	ctx := context.Background()
	var m zmq.Msg
	var began time.Time
	var used time.Duration
	for i := range count {
		if way == "into" {
			err = s.RecvInto(ctx, &m)
		} else {
			m, err = s.Recv(ctx)
		}
		if err != nil {
			return r, err
		}
		if i == 0 {
			began, used = time.Now(), cpuTime()
		}
		f := m.Frames[0]
		if n := binary.NativeEndian.Uint64(f); n != i || len(f) != size || len(m.Frames) != 1 {
			return r, fmt.Errorf("message %d is number %d and has %d octets", i, n, len(f))
		}
		r.Sum += add(f)
	}
	r.Count, r.Elapsed, r.CPU = count, time.Since(began), cpuTime()-used
	return r, nil
}

func push(size int, count uint64, endpoint string) (r result, err error) {
	pattern, b := makePattern(size), make([]byte, size)
	s, err := zmq.New(zmq.PUSH, append(curve(false), zmq.WithSendHWM(hwm), zmq.WithLinger(-1))...)
	if err != nil {
		return r, err
	}
	defer s.Close()
	if err := s.Connect(endpoint); err != nil {
		return r, err
	}
	ctx := context.Background()
	began, used := time.Now(), cpuTime()
	for i := range count {
		fill(b, pattern, i)
		if err := s.Send(ctx, b); err != nil {
			return r, err
		}
	}
	if err := s.Close(); err != nil { // waits until all is written
		return r, err
	}
	return result{Count: count, Elapsed: time.Since(began), CPU: cpuTime() - used}, nil
}

// The environment has the keys of the receiver, if it is to be a server of CURVE.
const envPublic, envSecret = "PROBE_CURVE_PUBLIC", "PROBE_CURVE_SECRET"

// curve returns what one end needs for CURVE, if there are keys.
func curve(server bool) []zmq.Option {
	keys, err := zmq.ParseCurveKeys(os.Getenv(envSecret))
	switch {
	case err != nil:
		return nil
	case server:
		return []zmq.Option{zmq.WithCurveServer(keys)}
	}
	return []zmq.Option{zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()})}
}
