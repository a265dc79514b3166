// Package zap is the frames of an authentication request and of its reply, as
// RFC 27 has them: octets only, without sockets.
package zap

import (
	"errors"
	"fmt"

	"github.com/phimq/zmq/internal/wire"
)

// Endpoint is where a handler serves. RFC 27 "Architecture".
const Endpoint = "inproc://zeromq.zap.01"

// The status codes of a reply. RFC 27 "Message Format".
const (
	OK        = 200
	Temporary = 300
	Denied    = 400
	Internal  = 500
)

const (
	version  = "1.0"
	maxField = 255 // octets of a string field
)

// What can be wrong with a message.
var (
	ErrMalformed = errors.New("not the frames of RFC 27")
	ErrVersion   = errors.New("the version is not 1.0")
	ErrRequestID = errors.New("the reply is to another request")
	ErrStatus    = errors.New("the status code is none of 200, 300, 400, 500")
	ErrMetadata  = errors.New("the metadata is malformed")
)

// Request asks whether a peer may enter.
type Request struct {
	ID          string
	Domain      string
	Address     string
	Identity    string
	Mechanism   string
	Credentials [][]byte
}

// Frames returns the request behind its delimiter.
func (r *Request) Frames() [][]byte {
	frames := [][]byte{[]byte(version), []byte(r.ID), []byte(r.Domain), []byte(r.Address), []byte(r.Identity), []byte(r.Mechanism)}
	return append(frames, r.Credentials...)
}

// requestFrames is the frames of a request before its credentials.
const requestFrames = 6

// ParseRequest reads a request without its delimiter. The result has memory of
// its own.
func ParseRequest(frames [][]byte) (r Request, err error) {
	switch {
	case len(frames) == 0:
		return r, ErrMalformed
	case string(frames[0]) != version:
		return r, fmt.Errorf("%w: %.20q", ErrVersion, frames[0])
	case len(frames) < requestFrames:
		return r, fmt.Errorf("%w: %d frames", ErrMalformed, len(frames))
	}
	for _, f := range frames[2:requestFrames] {
		if len(f) > maxField {
			return r, fmt.Errorf("%w: a field of %d octets", ErrMalformed, len(f))
		}
	}
	r = Request{
		ID: string(frames[1]), Domain: string(frames[2]), Address: string(frames[3]),
		Identity: string(frames[4]), Mechanism: string(frames[5]),
	}
	if r.Mechanism == "" {
		return r, fmt.Errorf("%w: no mechanism", ErrMalformed)
	}
	for _, f := range frames[requestFrames:] {
		r.Credentials = append(r.Credentials, append([]byte{}, f...))
	}
	return r, nil
}

// Reply is the answer to a request.
type Reply struct {
	ID       string
	Status   int
	Text     string
	UserID   string
	Metadata []wire.Property
}

// Frames returns the reply behind its delimiter. Who is not let in gets no
// user id and no metadata.
func (r *Reply) Frames() [][]byte {
	userID, metadata := r.UserID, []byte(nil)
	if r.Status != OK {
		userID = ""
	} else {
		for _, p := range r.Metadata {
			metadata = wire.AppendProperty(metadata, p.Name, string(p.Value))
		}
	}
	return [][]byte{
		[]byte(version), []byte(r.ID), fmt.Append(nil, r.Status), []byte(cut(r.Text)), []byte(cut(userID)), metadata,
	}
}

func cut(s string) string { return s[:min(len(s), maxField)] }

// replyFrames is the frames of a reply.
const replyFrames = 6

// ParseReply reads the reply to the request of an id, without its delimiter.
func ParseReply(frames [][]byte, id string) (r Reply, err error) {
	switch {
	case len(frames) != replyFrames:
		return r, fmt.Errorf("%w: %d frames", ErrMalformed, len(frames))
	case string(frames[0]) != version:
		return r, fmt.Errorf("%w: %.20q", ErrVersion, frames[0])
	case string(frames[1]) != id:
		return r, ErrRequestID
	case len(frames[3]) > maxField || len(frames[4]) > maxField:
		return r, fmt.Errorf("%w: a field of more than %d octets", ErrMalformed, maxField)
	}
	r = Reply{ID: id, Text: string(frames[3]), UserID: string(frames[4])}
	switch string(frames[2]) {
	case "200":
		r.Status = OK
	case "300":
		r.Status = Temporary
	case "400":
		r.Status = Denied
	case "500":
		r.Status = Internal
	default:
		return Reply{}, fmt.Errorf("%w: %.20q", ErrStatus, frames[2])
	}
	if r.Metadata, err = wire.ParseProperties(frames[5], wire.Limits{}); err != nil {
		return Reply{}, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	return r, nil
}
