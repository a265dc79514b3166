package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// talker writes lines to stderr; the zero value is silent.
type talker struct{ w io.Writer }

func (t talker) say(format string, args ...any) {
	if t.w != nil {
		fmt.Fprintf(t.w, "zmq: "+format+"\n", args...)
	}
}

// watcher makes of the socket's events what a user wants to know: why nothing
// happens, and that nothing ever will.
type watcher struct {
	talk    talker
	verbose bool
	mayFail bool                    // a broken handshake ends the command
	fail    context.CancelCauseFunc // ends it

	mu    sync.Mutex
	loss  error                // why the last try to connect failed
	since map[string]time.Time // since when there is no connection to an endpoint
	told  map[string]bool      // what was said of an endpoint
}

// patience is how long there may be no connection before it is said: peers
// that are started together need a moment.
const patience = time.Second

func newWatcher(t talker, verbose, mayFail bool, fail context.CancelCauseFunc) *watcher {
	return &watcher{
		talk: t, verbose: verbose, mayFail: mayFail, fail: fail,
		since: map[string]time.Time{}, told: map[string]bool{},
	}
}

// lastLoss says why there is no connection.
func (w *watcher) lastLoss() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loss
}

// event takes what happened to a connection.
func (w *watcher) event(e zmq.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.verbose {
		w.talk.say("%s", e)
	}
	switch e.Kind {
	case zmq.EventConnectRetried:
		if e.Err == nil {
			return
		}
		w.loss = fmt.Errorf("%s: %w", e.Endpoint, e.Err)
		if since, known := w.since[e.Endpoint]; !known {
			w.since[e.Endpoint] = e.Time
		} else if e.Time.Sub(since) >= patience {
			w.tellOnceLocked(e.Endpoint, "no connection to %s, trying on: %s", e.Endpoint, plain(e.Err))
		}
	case zmq.EventHandshakeSucceeded:
		w.loss = nil
		delete(w.since, e.Endpoint)
		delete(w.told, e.Endpoint)
	case zmq.EventHandshakeFailedAuth, zmq.EventHandshakeFailedProtocol:
		if w.mayFail {
			w.fail(e.Err)
			return
		}
		w.tellOnceLocked("peer of "+e.Endpoint, "a peer of %s was turned away: %s", e.Endpoint, plain(e.Err))
	}
}

// tellOnceLocked says something of an endpoint once.
func (w *watcher) tellOnceLocked(of, format string, args ...any) {
	if w.verbose || w.told[of] {
		return
	}
	w.told[of] = true
	w.talk.say(format, args...)
}
