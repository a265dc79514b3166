package main

import (
	"errors"

	"github.com/pebbe/zmq4"
)

func pebbeSocket(t zmq4.Type) (*zmq4.Socket, error) {
	s, err := zmq4.NewSocket(t)
	if err != nil {
		return nil, err
	}
	return s, errors.Join(s.SetSndhwm(1000), s.SetRcvhwm(1000))
}

func pebbePush(w *work) error {
	s, err := pebbeSocket(zmq4.PUSH)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := errors.Join(s.Connect(w.at), w.ready("")); err != nil {
		return err
	}
	return w.push(func(b []byte) error {
		_, err := s.SendBytes(b, 0)
		return err
	})
}

func pebbePull(w *work) error {
	s, err := pebbeSocket(zmq4.PULL)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Bind("tcp://127.0.0.1:*"); err != nil {
		return err
	}
	endpoint, err := s.GetLastEndpoint()
	if err != nil {
		return err
	}
	if err := w.ready(endpoint); err != nil {
		return err
	}
	return w.pull(func() ([]byte, error) { return s.RecvBytes(0) })
}
