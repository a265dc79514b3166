package auth

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// How wrong passwords of one address are met.
const (
	freeFailures = 5
	firstWait    = time.Second
	longestWait  = time.Minute
	// maxFailures is when longestWait is reached; more are not counted.
	maxFailures = freeFailures + 6
	// forgiven is how long it takes until one failure counts no more.
	forgiven = time.Minute
	// maxOffenders is how many addresses are remembered; the one that was
	// quiet for the longest time gives way.
	maxOffenders = 10_000
)

// limiter counts the failures of addresses. The zero value is ready.
type limiter struct {
	mu        sync.Mutex
	offenders map[netip.Prefix]*list.Element
	order     list.List // of *offender, the latest failure in front
}

type offender struct {
	network  netip.Prefix
	failures int
	last     time.Time // of the last failure
}

// network is what counts as one address.
func network(addr netip.Addr) (netip.Prefix, bool) {
	if !addr.IsValid() {
		return netip.Prefix{}, false
	}
	addr = addr.WithZone("").Unmap()
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	n, err := addr.Prefix(bits)
	return n, err == nil
}

// wait is how long an address has to wait before it may try again.
func (l *limiter) wait(addr netip.Addr) time.Duration {
	n, ok := network(addr)
	if !ok {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.findLocked(n)
	if o == nil || o.failures < freeFailures {
		return 0
	}
	pause := min(firstWait<<(o.failures-freeFailures), longestWait)
	return max(0, time.Until(o.last.Add(pause)))
}

// failed counts a failure.
func (l *limiter) failed(addr netip.Addr) {
	n, ok := network(addr)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.findLocked(n)
	if o == nil {
		o = l.addLocked(n)
	}
	past := int(time.Since(o.last) / forgiven)
	o.failures = min(max(0, o.failures-past)+1, maxFailures)
	o.last = time.Now()
	l.order.MoveToFront(l.offenders[n])
}

// findLocked returns who has failed and is not forgotten.
func (l *limiter) findLocked(n netip.Prefix) *offender {
	for e := l.order.Back(); e != nil && time.Since(e.Value.(*offender).last) > maxFailures*forgiven; e = l.order.Back() {
		l.removeLocked(e)
	}
	if e := l.offenders[n]; e != nil {
		return e.Value.(*offender)
	}
	return nil
}

func (l *limiter) addLocked(n netip.Prefix) *offender {
	if l.offenders == nil {
		l.offenders = map[netip.Prefix]*list.Element{}
	}
	if len(l.offenders) >= maxOffenders {
		l.removeLocked(l.order.Back())
	}
	o := &offender{network: n, last: time.Now()}
	l.offenders[n] = l.order.PushFront(o)
	return o
}

func (l *limiter) removeLocked(e *list.Element) {
	delete(l.offenders, l.order.Remove(e).(*offender).network)
}
