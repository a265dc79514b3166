package main

import (
	"context"
	"errors"

	"github.com/go-zeromq/zmq4"
)

func gozeromqPush(w *work) error {
	s := zmq4.NewPush(context.Background())
	defer s.Close()
	if err := errors.Join(s.Dial(w.at), w.ready("")); err != nil {
		return err
	}
	return w.push(func(b []byte) error { return s.Send(zmq4.NewMsg(b)) })
}

func gozeromqPull(w *work) error {
	s := zmq4.NewPull(context.Background())
	defer s.Close()
	if err := s.Listen("tcp://127.0.0.1:0"); err != nil {
		return err
	}
	if err := w.ready("tcp://" + s.Addr().String()); err != nil {
		return err
	}
	return w.pull(func() ([]byte, error) {
		m, err := s.Recv()
		return m.Bytes(), err
	})
}
