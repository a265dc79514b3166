package main

// #include "capi.h"
import "C"

import (
	stdcontext "context"
	"math"
	"runtime/cgo"
	"sync"
	"syscall"

	"github.com/phimq/zmq"
)

// context is what zmq_ctx_new makes: a domain, and options that sockets begin
// with.
type context struct {
	domain *zmq.Domain
	gone   bell // rings when a socket is gone

	ended  stdcontext.Context // of calls that must not wait
	ending stdcontext.Context // ends with the context
	end    stdcontext.CancelFunc

	mu      sync.Mutex
	sockets map[*socket]bool
	options map[C.int]C.int
	names   map[string]bool // inproc, connected to
}

// socketLimit is how many sockets a context may be told to allow.
const socketLimit = 65535

// contextOptions are the context's options: what they begin with, the least
// that may be set, and whether they can be read. Threads are the Go runtime's:
// what is said of them is kept and does nothing.
var contextOptions = map[C.int]struct {
	initial, least C.int
	set, get       bool
}{
	C.ZMQ_IO_THREADS:                 {initial: C.ZMQ_IO_THREADS_DFLT, set: true, get: true},
	C.ZMQ_MAX_SOCKETS:                {initial: C.ZMQ_MAX_SOCKETS_DFLT, least: 1, set: true, get: true},
	C.ZMQ_SOCKET_LIMIT:               {initial: socketLimit, set: true, get: true}, // to set is THREAD_PRIORITY
	C.ZMQ_THREAD_SCHED_POLICY:        {initial: C.ZMQ_THREAD_SCHED_POLICY_DFLT, set: true, get: true},
	C.ZMQ_MAX_MSGSZ:                  {initial: math.MaxInt32, set: true, get: true},
	C.ZMQ_MSG_T_SIZE:                 {initial: C.sizeof_zmq_msg_t, get: true},
	C.ZMQ_THREAD_AFFINITY_CPU_ADD:    {set: true},
	C.ZMQ_THREAD_AFFINITY_CPU_REMOVE: {set: true},
	C.ZMQ_THREAD_NAME_PREFIX:         {set: true, get: true},
	C.ZMQ_IPV6:                       {set: true, get: true},
	C.ZMQ_BLOCKY:                     {initial: 1, set: true, get: true},
}

//export capiContextNew
func capiContextNew(fd C.int) C.uintptr_t {
	c := &context{
		domain: zmq.NewDomain(), gone: bell{fd: int(fd)},
		sockets: map[*socket]bool{}, options: map[C.int]C.int{}, names: map[string]bool{},
	}
	c.ending, c.end = stdcontext.WithCancel(stdcontext.Background())
	ended, end := stdcontext.WithCancel(stdcontext.Background())
	end()
	c.ended = ended
	for number, o := range contextOptions {
		c.options[number] = o.initial
	}
	return handle(c)
}

//export capiContextFree
func capiContextFree(h C.uintptr_t) {
	contextOf(h).gone.end()
	cgo.Handle(h).Delete()
}

// capiContextWake wakes every call that waits on one of the sockets: C tells
// them that the context is ending.
//
//export capiContextWake
func capiContextWake(h C.uintptr_t) {
	c := contextOf(h)
	c.end()
	c.joinPending()
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.sockets {
		s.bell.ring()
	}
}

// connects notes a name that somebody may wait for.
func (c *context) connects(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[name] = true
}

// joinPending ends the wait for names that nobody will bind any more: what was
// sent to them is received by a socket that drops it.
func (c *context) joinPending() {
	c.mu.Lock()
	names := c.names
	c.names = map[string]bool{}
	c.mu.Unlock()
	if len(names) == 0 {
		return
	}
	last, err := zmq.New(zmq.PAIR, zmq.WithDomain(c.domain))
	if err != nil {
		return
	}
	for name := range names {
		_, _ = last.Bind(name) // most are bound
	}
	_ = last.Close()
}

//export capiContextSockets
func capiContextSockets(h C.uintptr_t) C.int {
	c := contextOf(h)
	c.gone.hush()
	c.mu.Lock()
	defer c.mu.Unlock()
	return C.int(len(c.sockets))
}

//export capiContextSet
func capiContextSet(h C.uintptr_t, option, value C.int) C.int {
	c := contextOf(h)
	o, ok := contextOptions[option]
	if !ok || !o.set || value < o.least || option == C.ZMQ_MAX_SOCKETS && value > socketLimit {
		return -C.int(syscall.EINVAL)
	}
	if option == C.ZMQ_SOCKET_LIMIT {
		return 0 // by this name it can only be read
	}
	if option == C.ZMQ_IPV6 || option == C.ZMQ_BLOCKY {
		value = boolInt(value != 0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.options[option] = value
	return 0
}

//export capiContextGet
func capiContextGet(h C.uintptr_t, option C.int, value *C.int) C.int {
	c := contextOf(h)
	if !contextOptions[option].get {
		return -C.int(syscall.EINVAL)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	*value = c.options[option]
	return 0
}

// add counts a new socket.
func (c *context) add(s *socket) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sockets) >= int(c.options[C.ZMQ_MAX_SOCKETS]) {
		return syscall.EMFILE
	}
	c.sockets[s] = true
	return nil
}

func (c *context) remove(s *socket) {
	c.mu.Lock()
	delete(c.sockets, s)
	c.mu.Unlock()
	c.gone.ring()
}

// initial are the options that a socket of libzmq's begins with and ours does
// not.
func (c *context) initial() []zmq.Option {
	c.mu.Lock()
	defer c.mu.Unlock()
	options := []zmq.Option{
		zmq.WithDomain(c.domain), zmq.WithLinger(0), zmq.WithReconnectMax(0), zmq.WithMaxMessageSize(-1), zmq.WithBacklog(100),
		zmq.WithZAPEnforceDomain(false), zmq.WithIPv6(c.options[C.ZMQ_IPV6] != 0),
	}
	if c.options[C.ZMQ_BLOCKY] != 0 {
		options = append(options, zmq.WithLinger(-1))
	}
	return options
}
