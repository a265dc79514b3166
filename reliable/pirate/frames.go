package pirate

import (
	"bytes"
	"errors"
)

// What is said besides requests and replies: RFC 6 "Command Specifications".
var (
	ready     = []byte{1}
	heartbeat = []byte{2}
)

// readyWord is what workers of the load-balancing broker of chapter 3 say, in the
// book, in place of the octet 1.
var readyWord = []byte("READY")

var (
	errMalformed = errors.New("malformed message")
	errEnvelope  = errors.New("no empty frame between addresses and content")
)

// A verb is what a message between queue and worker is.
type verb int

const (
	sayReady verb = iota
	sayHeartbeat
	sayReply
)

// fromWorker is a message that a queue got from a worker.
type fromWorker struct {
	verb   verb
	id     string   // who the worker is
	simple bool     // the worker puts an empty frame in front, as a REQ does
	reply  [][]byte // with the client's addresses in front
}

// parseFromWorker reads the frames that a ROUTER received from a worker.
func parseFromWorker(frames [][]byte) (fromWorker, error) {
	if len(frames) < 2 {
		return fromWorker{}, errMalformed
	}
	m := fromWorker{id: string(frames[0])}
	frames = frames[1:]
	if len(frames) > 1 && len(frames[0]) == 0 {
		m.simple = true
		frames = frames[1:]
	}
	switch {
	case len(frames) > 1:
		m.verb, m.reply = sayReply, frames
		if _, _, err := splitEnvelope(frames); err != nil || len(frames[0]) == 0 {
			return m, errEnvelope // nobody to send it to
		}
	case bytes.Equal(frames[0], ready), m.simple && bytes.Equal(frames[0], readyWord):
		m.verb = sayReady
	case bytes.Equal(frames[0], heartbeat) && !m.simple:
		m.verb = sayHeartbeat
	default:
		return m, errMalformed
	}
	return m, nil
}

// splitEnvelope parts the addresses, up to and with the first empty frame, from
// the content, which has one frame or more.
func splitEnvelope(frames [][]byte) (envelope, content [][]byte, err error) {
	for i, f := range frames {
		if len(f) == 0 && i+1 < len(frames) {
			return frames[:i+1], frames[i+1:], nil
		}
	}
	return nil, nil, errEnvelope
}

// fromQueue is a message that a worker got from a queue: a request, or a heartbeat
// if it has no content.
type fromQueue struct {
	envelope, content [][]byte
}

// parseFromQueue reads the frames that a worker received.
func parseFromQueue(frames [][]byte, simple bool) (m fromQueue, err error) {
	if simple {
		if len(frames) < 2 || len(frames[0]) != 0 {
			return m, errMalformed
		}
		frames = frames[1:]
	}
	if len(frames) == 1 && !simple && bytes.Equal(frames[0], heartbeat) {
		return m, nil
	}
	m.envelope, m.content, err = splitEnvelope(frames)
	return m, err
}
