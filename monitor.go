package zmq

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Monitor sends the socket's events of the kinds in mask as messages, for
// programs that know libzmq's monitors; [Socket.Events] is simpler. It binds a
// PAIR of the socket's domain at an inproc endpoint, to which the receiver
// connects. Version 1 has two frames: the event (16 bits) and its value (32
// bits) in one, then the endpoint. Version 2 has a frame each for the event, the
// number of values, each value (64 bits), our side and the peer's. Numbers are
// in the machine's octet order.
//
// Another call replaces the monitor, and an empty endpoint stops it, as Close
// does: its last message is EventMonitorStopped, if the mask has it. A monitor
// never holds the socket up: what nobody receives is kept up to 1000 events and
// then lost, which version 2 tells by EventsLost, if the mask has it.
func (s *Socket) Monitor(endpoint string, mask EventKind, version int) error {
	return s.opError("monitor", endpoint, s.setMonitor(endpoint, mask, version))
}

func (s *Socket) setMonitor(endpoint string, mask EventKind, version int) error {
	switch {
	case s.bad != nil || s.isClosed():
		return s.dead()
	case version != 1 && version != 2:
		return fmt.Errorf("%w: monitors have version 1 or 2, not %d", ErrInvalid, version)
	case version == 1 && mask>>16 != 0:
		return fmt.Errorf("%w: version 1 has no events beyond 0xFFFF", ErrInvalid)
	case endpoint != "" && !strings.HasPrefix(endpoint, "inproc://"):
		return fmt.Errorf("%w: a monitor is bound to inproc", ErrInvalid)
	}
	s.monitor.mu.Lock()
	defer s.monitor.mu.Unlock()
	s.monitor.stopLocked()
	if endpoint == "" {
		return nil
	}
	m, err := newMonitor(s, mask, version)
	if err != nil {
		return err
	}
	if err := m.bind(endpoint); err != nil {
		m.end()
		return err
	}
	s.monitor.now = m
	if s.isClosed() { // and may have looked for a monitor before it was there
		s.monitor.stopLocked()
		return ErrClosed
	}
	return nil
}

// monitorSlot is the one monitor that a socket may have.
type monitorSlot struct {
	mu  sync.Mutex
	now *monitor
}

func (slot *monitorSlot) stop() {
	slot.mu.Lock()
	defer slot.mu.Unlock()
	slot.stopLocked()
}

func (slot *monitorSlot) stopLocked() {
	if slot.now != nil {
		slot.now.end()
		slot.now = nil
	}
}

// monitor turns events into messages.
type monitor struct {
	s       *Socket
	pair    *Socket
	mask    EventKind
	version int
	events  *eventQueue
	lost    uint64 // events for which the receiver had no room

	ctx    context.Context // ends when the monitor is stopped
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

func newMonitor(s *Socket, mask EventKind, version int) (*monitor, error) {
	// The bound is kept by send: a mark could refuse the last event.
	pair, err := New(PAIR, WithDomain(s.domain), WithSendHWM(0))
	if err != nil {
		return nil, err
	}
	m := &monitor{s: s, pair: pair, mask: mask, version: version, events: newEventQueue()}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m, nil
}

// bind begins to watch.
func (m *monitor) bind(endpoint string) error {
	if _, err := m.pair.bind(endpoint); err != nil {
		return err
	}
	m.s.watchers.add(m.events)
	m.ended.Add(1)
	go m.sendLoop()
	return nil
}

// end says what is left to say, without waiting for anybody.
func (m *monitor) end() {
	m.s.watchers.remove(m.events)
	m.cancel()
	m.ended.Wait()
	_ = m.pair.Close()
}

func (m *monitor) sendLoop() {
	defer m.ended.Done()
	for m.ctx.Err() == nil {
		for _, e := range m.events.take() {
			m.send(e)
		}
		select {
		case <-m.events.ready:
		case <-m.ctx.Done():
		}
	}
	for _, e := range m.events.take() {
		m.send(e)
	}
	m.tellLost()
	m.put(Event{Kind: EventMonitorStopped})
}

// send sends an event, unless too many wait to be received.
func (m *monitor) send(e Event) {
	ended := errors.Is(e.Err, ErrClosed)
	switch {
	case e.Kind == EventMonitorStopped:
		return // the monitor says so itself
	case e.Kind == EventDisconnected && (e.Err == nil || ended), e.Kind == EventHandshakeFailedNoDetail && ended:
		return // libzmq's does not tell what the socket itself ends
	}
	m.tell(e)
	switch e.Kind {
	case EventHandshakeFailedNoDetail, EventHandshakeFailedProtocol, EventHandshakeFailedAuth:
		m.tell(Event{Kind: EventDisconnected, Endpoint: e.Endpoint, Local: e.Local, Remote: e.Remote}) // as libzmq's does
	}
}

func (m *monitor) tell(e Event) {
	if e.Kind&m.mask == 0 {
		return
	}
	if m.backlog() >= maxEvents {
		m.lost++
		return
	}
	m.tellLost()
	m.put(e)
}

func (m *monitor) tellLost() {
	if m.lost > 0 {
		m.put(Event{Kind: EventsLost, Value: m.lost})
		m.lost = 0
	}
}

func (m *monitor) backlog() int {
	n := 0
	for _, p := range m.pair.Stats().Peers {
		n += p.SendQueue.Messages
	}
	return n
}

// put waits for the receiver to connect, until the monitor is stopped.
func (m *monitor) put(e Event) {
	if e.Kind&m.mask != 0 {
		_ = m.pair.Send(m.ctx, m.frames(e)...) // nobody is there to receive it
	}
}

// frames writes an event as libzmq does.
func (m *monitor) frames(e Event) [][]byte {
	order := binary.NativeEndian
	if m.version == 1 {
		first := order.AppendUint16(nil, uint16(e.Kind))
		return [][]byte{order.AppendUint32(first, uint32(e.Value)), []byte(e.Endpoint)}
	}
	values := []uint64{e.Value}
	if e.Kind == EventPipesStats {
		values = []uint64{e.Value >> 32, e.Value & (1<<32 - 1)}
	}
	frames := [][]byte{order.AppendUint64(nil, uint64(e.Kind)), order.AppendUint64(nil, uint64(len(values)))}
	for _, v := range values {
		frames = append(frames, order.AppendUint64(nil, v))
	}
	local, remote := e.sides()
	return append(frames, []byte(local), []byte(remote))
}

// sides are both ends of a connection; before there is one, the end that is
// known.
func (e *Event) sides() (local, remote string) {
	switch {
	case e.Local != "" || e.Remote != "":
		return e.Local, e.Remote
	case e.Kind == EventBindFailed:
		return e.Endpoint, ""
	}
	return "", e.Endpoint
}
