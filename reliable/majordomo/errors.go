package majordomo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// What a call can fail with, beside the context's errors and those of package
// zmq. The error is a [*CallError] where a broker or a worker said it.
var (
	// ErrNoReply: the broker was silent for all attempts.
	ErrNoReply = errors.New("majordomo: no reply")
	// ErrRefused: the broker does not let this client use the service.
	ErrRefused = errors.New("majordomo: refused")
	// ErrNoService: no worker offered the service in time.
	ErrNoService = errors.New("majordomo: no such service")
	// ErrConflict: the key was used for another request.
	ErrConflict = errors.New("majordomo: the key belongs to another request")
	// ErrFailed: the worker's handler returned an error, or every worker that
	// got the request died of it.
	ErrFailed = errors.New("majordomo: the request failed")
	// ErrInterrupted: the worker died when a part of the reply had come, a part
	// was lost on the way, or the reply is larger than the client takes.
	ErrInterrupted = errors.New("majordomo: the reply was interrupted")
	// ErrBusy: the broker has all the requests it wants to keep.
	ErrBusy = errors.New("majordomo: too many requests")
	// ErrExpired: the time of the request was over before a reply came. It goes
	// with context.DeadlineExceeded.
	ErrExpired = errors.New("majordomo: the request has expired")
	// ErrClosed: the client, the worker or the broker is closed.
	ErrClosed = errors.New("majordomo: closed")
	// ErrConfig: a configuration, a service name or a request that can't be.
	ErrConfig = errors.New("majordomo: bad configuration")
)

// The statuses of a FAILURE.
const (
	statusRefused     = 403
	statusNoService   = 404
	statusConflict    = 409
	statusUnknown     = 410
	statusFailed      = 500
	statusInterrupted = 502
	statusBusy        = 503
	statusExpired     = 504
)

// CallError is what the broker or the worker said of a request that failed.
type CallError struct {
	Service string
	Status  int    // 403, 404, 409, 410, 500, 502, 503 or 504
	Text    string // for people
}

// Error says what failed.
func (e *CallError) Error() string {
	text := fmt.Sprintf("majordomo: call %s: %d", e.Service, e.Status)
	if e.Text != "" {
		text += " " + e.Text
	}
	return text
}

// Unwrap returns the sentinel of the status.
func (e *CallError) Unwrap() []error {
	switch e.Status {
	case statusRefused:
		return []error{ErrRefused}
	case statusNoService:
		return []error{ErrNoService}
	case statusConflict:
		return []error{ErrConflict}
	case statusInterrupted, statusUnknown:
		return []error{ErrInterrupted}
	case statusBusy:
		return []error{ErrBusy}
	case statusExpired:
		return []error{ErrExpired, context.DeadlineExceeded}
	}
	return []error{ErrFailed}
}

// failureBody is the body of a FAILURE.
func failureBody(status int, text string) [][]byte {
	return [][]byte{strconv.AppendInt(nil, int64(status), 10), []byte(text)}
}

// parseFailure reads the body of a FAILURE; a status that is none is 500.
func parseFailure(service string, body [][]byte) *CallError {
	e := &CallError{Service: service, Status: statusFailed}
	if n, err := strconv.ParseUint(string(body[0]), 10, 10); err == nil && n >= 400 && n < 600 {
		e.Status = int(n)
	}
	if len(body) > 1 {
		e.Text = string(body[1])
	}
	return e
}
