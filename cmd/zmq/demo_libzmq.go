package main

import (
	"context"
	_ "embed" // for the Python program
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/phimq/zmq"
)

//go:embed demo_libzmq.py
var libzmqPeer string

// pythonWithZMQ finds a Python that has libzmq, and the version of that.
func pythonWithZMQ(ctx context.Context) (python, version string) {
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		out, err := exec.CommandContext(ctx, python, "-c", "import zmq; print(zmq.zmq_version())").Output()
		if err == nil {
			return python, strings.TrimSpace(string(out))
		}
	}
	return "", ""
}

// libzmq sends to a libzmq peer, which sends it back.
func (d *demo) libzmq(ctx context.Context) error {
	const messages = 10000
	python, version := pythonWithZMQ(ctx)
	if python == "" {
		d.say("   Left out: there is no python3 with zmq (Debian: apt install python3-zmq).")
		return nil
	}
	push, pull := zmq.NewPush(), zmq.NewPull()
	defer push.Close()
	defer pull.Close()
	forth, err := push.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	back, err := pull.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	peering := begin(ctx, func(context.Context) error {
		peer := exec.CommandContext(ctx, python, "-c", libzmqPeer, back.Endpoint(), forth.Endpoint(), fmt.Sprint(messages))
		peer.Stderr = os.Stderr
		err := peer.Run()
		if err != nil {
			cancel(fmt.Errorf("the libzmq peer: %w", err)) // nobody would answer us
		}
		return err
	})
	sender := begin(ctx, func(ctx context.Context) error { return numbered(ctx, push, messages) })
	err = echoed(ctx, pull, messages)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		cancel(err) // ends the peer
	}
	if err := peering.stop(sender.stop(err)); err != nil {
		return err
	}
	d.say("   %d messages to libzmq %s and back, none lost, all in order.", messages, version)
	return nil
}

// numbered sends n messages with their numbers.
func numbered(ctx context.Context, push *zmq.Socket, n int) error {
	for i := range n {
		if err := push.Send(ctx, fmt.Append(nil, i), []byte("payload")); err != nil {
			return err
		}
	}
	return nil
}

// echoed receives them with the number that the peer gave them in front.
func echoed(ctx context.Context, pull *zmq.Socket, n int) error {
	for i := range n {
		m, err := pull.Recv(ctx)
		if err != nil {
			return err
		}
		number := fmt.Sprint(i)
		if len(m.Frames) != 3 || string(m.Frames[0]) != number || string(m.Frames[1]) != number {
			return fmt.Errorf("got %s, want number %d", m, i)
		}
	}
	return nil
}
