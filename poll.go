package zmq

import (
	"context"
)

// PollItem is a socket that Poll watches: for what, and what it found.
type PollItem struct {
	Socket *Socket
	Want   Ready // CanRecv, CanSend or both
	Ready  Ready // set by Poll: what of it can be done now
}

// Poll waits until at least one of the sockets can do what is wanted of it, or
// ctx ends. It sets Ready of each item and returns how many are ready. A
// context that has ended already makes it look once, without waiting. With
// goroutines to spend, a loop over Msgs for each socket is simpler.
func Poll(ctx context.Context, items ...PollItem) (n int, err error) {
	signal := make(chan struct{}, 1)
	notify := func() {
		select {
		case signal <- struct{}{}:
		default:
		}
	}
	for i := range items {
		defer items[i].Socket.observe(notify)()
	}
	for {
		n = 0
		for i := range items {
			items[i].Ready = items[i].Socket.Ready() & items[i].Want
			if items[i].Ready != 0 {
				n++
			}
		}
		if n > 0 {
			return n, nil
		}
		select {
		case <-signal:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Chan returns the socket's messages as a channel, for select. It is closed
// when ctx ends or the socket is closed. A message that was received and not
// taken from the channel when ctx ends goes to the next Recv: nothing is lost.
func (s *Socket) Chan(ctx context.Context) <-chan Msg {
	ch := make(chan Msg)
	if !s.group.Start(func() { s.chanLoop(ctx, ch) }) {
		close(ch)
	}
	return ch
}

func (s *Socket) chanLoop(ctx context.Context, ch chan<- Msg) {
	defer close(ch)
	for m, err := range s.Msgs(ctx) {
		if err != nil {
			if s.again(ctx, CanRecv, err) != nil {
				return
			}
			continue
		}
		select {
		case ch <- m:
		case <-ctx.Done():
			s.giveBack(m)
			return
		case <-s.done:
			return
		}
	}
}

// giveBack puts a message before all others.
func (s *Socket) giveBack(m Msg) {
	s.recv.mu.Lock()
	s.recv.back = append(s.recv.back, m)
	s.recv.mu.Unlock()
	s.wakeReceiver()
	s.changed()
}

// OnChange names a function that is called whenever what Ready returns may
// have changed: for event loops and pollers. It is called from many
// goroutines, must not block, and must not call the socket: typically it makes
// a non-blocking send to a channel. A nil function ends it.
func (s *Socket) OnChange(f func()) {
	s.obs.mu.Lock()
	defer s.obs.mu.Unlock()
	s.obs.user = f
	s.obs.publishLocked()
}

// observe adds a function like that of OnChange and returns how to end it.
func (s *Socket) observe(f func()) (end func()) {
	s.obs.mu.Lock()
	defer s.obs.mu.Unlock()
	entry := &f
	s.obs.list = append(s.obs.list, entry)
	s.obs.publishLocked()
	return func() { s.obs.remove(entry) }
}

func (o *observers) remove(entry *func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, other := range o.list {
		if other == entry {
			o.list = append(o.list[:i:i], o.list[i+1:]...)
			break
		}
	}
	o.publishLocked()
}

// publishLocked makes what changed calls: a snapshot, so that it takes no lock.
func (o *observers) publishLocked() {
	var all []func()
	if o.user != nil {
		all = append(all, o.user)
	}
	for _, f := range o.list {
		all = append(all, *f)
	}
	o.now.Store(&all)
}

// changed tells that what Ready returns may have changed. Locks may be held.
func (s *Socket) changed() {
	if all := s.obs.now.Load(); all != nil {
		for _, f := range *all {
			f()
		}
	}
}
