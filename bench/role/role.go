// Package role is one end of a measured run on our sockets, in a process of its
// own. The program in ../peer is its twin on libzmq: the same arguments, the
// same work and the same lines of output.
package role

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/phimq/zmq"
)

// Result is what a role writes when its work is done.
type Result struct {
	Count    uint64   `json:"count"`    // messages
	Sum      uint64   `json:"sum"`      // of all words of all payloads received
	Began    int64    `json:"began"`    // ns of the clock that all processes share: first send
	Ended    int64    `json:"ended"`    // last octet received
	CPU      int64    `json:"cpu"`      // ns, user and system
	Allocs   uint64   `json:"allocs"`   // in the Go heap
	Resident [2]int64 `json:"resident"` // octets, before and after
	P50      int64    `json:"p50"`      // ns
	P99      int64    `json:"p99"`
	P999     int64    `json:"p999"`
}

// The environment has the keys of the side that binds, if it is to be a server of CURVE.
const EnvPublic, EnvSecret = "BENCH_CURVE_PUBLIC", "BENCH_CURVE_SECRET"

// EnvProfile names the folder in which each process leaves a profile of its
// processor time, if any.
const EnvProfile = "BENCH_PROFILE"

// Run runs a role with arguments KEY=VALUE. It writes "ready" and the endpoints
// that it has bound, waits for a line of in, works, writes its [Result] and
// ends when in does.
func Run(name string, args []string, in io.Reader, out io.Writer) error {
	run, ok := map[string]func(*work) error{
		"push": (*work).push, "pull": (*work).pull, "pub": (*work).pub, "sub": (*work).sub,
		"req": (*work).req, "rep": (*work).rep, "dealer": (*work).dealer, "router": (*work).router,
		"proxy": (*work).proxy, "inproc": (*work).inproc, "hub": (*work).hub, "storm": (*work).storm,
		"flood": (*work).flood, "idle": (*work).idle, "pace": (*work).pace, "timed": (*work).timed,
		"raw-push": (*work).rawPush, "raw-pull": (*work).rawPull, "raw-req": (*work).rawReq, "raw-rep": (*work).rawRep,
	}[name]
	if !ok {
		return fmt.Errorf("no role %q", name)
	}
	w := &work{clock: newClock(), ctx: context.Background(), in: bufio.NewReader(in), out: out}
	if err := w.parse(args); err != nil {
		return err
	}
	if w.procs > 0 {
		runtime.GOMAXPROCS(w.procs)
	}
	if w.heap > 0 {
		w.ballast = make([]byte, w.heap<<20)
	}
	w.pattern = makePattern(w.size)
	defer w.closeAll()
	stop, err := profile(name)
	if err != nil {
		return err
	}
	defer stop()
	if err := run(w); err != nil {
		return err
	}
	if err := json.NewEncoder(w.out).Encode(w.result); err != nil {
		return err
	}
	return w.waitEnd()
}

// work is one run of a role: what is asked, and what comes of it.
type work struct {
	clock
	ctx context.Context
	in  *bufio.Reader
	out io.Writer

	size, peers, topics, pairs, window, hwm, backlog, heap, procs int
	count, rate                                                   uint64
	unordered                                                     bool
	way, bind, at, kind, option                                   string

	pattern []byte
	ballast []byte // what else lives in the heap
	sockets []*zmq.Socket
	result  Result
	used    int64  // processor time when the work began
	objects uint64 // allocated by then
}

func (w *work) parse(args []string) error {
	w.size, w.peers, w.pairs, w.window, w.hwm, w.backlog = 64, 1, 1, 100, 1000, 100
	numbers := map[string]*int{
		"size": &w.size, "peers": &w.peers, "topics": &w.topics, "pairs": &w.pairs,
		"window": &w.window, "hwm": &w.hwm, "backlog": &w.backlog, "heap": &w.heap,
		"procs": &w.procs,
	}
	texts := map[string]*string{"way": &w.way, "bind": &w.bind, "at": &w.at, "kind": &w.kind, "option": &w.option}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		var err error
		switch {
		case numbers[key] != nil:
			*numbers[key], err = strconv.Atoi(value)
		case texts[key] != nil:
			*texts[key] = value
		case key == "count":
			w.count, err = strconv.ParseUint(value, 10, 64)
		case key == "rate":
			w.rate, err = strconv.ParseUint(value, 10, 64)
		case key == "ordered":
			w.unordered = value == "0"
		default:
			err = fmt.Errorf("no argument %q", arg)
		}
		if err != nil {
			return err
		}
	}
	if w.size < 16 || w.size%8 != 0 || w.peers < 1 || w.pairs < 1 {
		return errors.New("size has to be a multiple of 8 from 16 on, peers and pairs at least 1")
	}
	return nil
}

// open makes a socket that is closed at the end. The argument option=NAME:VALUE
// sets one option more.
func (w *work) open(t zmq.Type, opts ...zmq.Option) (*zmq.Socket, error) {
	secured, err := w.secure()
	if err != nil {
		return nil, err
	}
	opts = append([]zmq.Option{
		zmq.WithSendHWM(w.hwm), zmq.WithRecvHWM(w.hwm), zmq.WithBacklog(w.backlog), zmq.WithLinger(-1),
	}, append(secured, opts...)...)
	if name, value, ok := strings.Cut(w.option, ":"); ok {
		o, err := zmq.ParseOption(name, value)
		if err != nil {
			return nil, err
		}
		opts = append(opts, o)
	}
	s, err := zmq.New(t, opts...)
	if err == nil {
		w.sockets = append(w.sockets, s)
	}
	return s, err
}

// secure returns what one end needs for CURVE, if there are keys.
func (w *work) secure() ([]zmq.Option, error) {
	secret := os.Getenv(EnvSecret)
	if secret == "" {
		return nil, nil
	}
	keys, err := zmq.ParseCurveKeys(secret)
	switch {
	case err != nil:
		return nil, err
	case w.bind != "":
		return []zmq.Option{zmq.WithCurveServer(keys)}, nil
	}
	return []zmq.Option{zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()})}, nil
}

// attach binds or connects, and is ready.
func (w *work) attach(s *zmq.Socket) error {
	if w.bind == "" {
		if err := s.Connect(w.at); err != nil {
			return err
		}
		return w.ready()
	}
	b, err := s.Bind(w.bind)
	if err != nil {
		return err
	}
	return w.ready(b.Endpoint())
}

// openAttached is open and attach.
func (w *work) openAttached(t zmq.Type, opts ...zmq.Option) (*zmq.Socket, error) {
	s, err := w.open(t, opts...)
	if err != nil {
		return nil, err
	}
	return s, w.attach(s)
}

// ready tells what is bound, and waits for the word to begin.
func (w *work) ready(endpoints ...string) error {
	if err := w.say(endpoints...); err != nil {
		return err
	}
	_, err := w.in.ReadString('\n')
	return err
}

func (w *work) say(endpoints ...string) error {
	_, err := fmt.Fprintln(w.out, "ready", strings.Join(endpoints, " "))
	return err
}

func (w *work) waitEnd() error {
	_, err := io.Copy(io.Discard, w.in)
	return err
}

// begin notes what has been used before the work, and end what the work used.
func (w *work) begin() { w.used, w.objects = cpuTime(), objects() }

func (w *work) end() {
	w.result.CPU = cpuTime() - w.used
	w.result.Allocs = objects() - w.objects
}

// closeAll waits until all is written.
func (w *work) closeAll() {
	for _, s := range w.sockets {
		_ = s.Close()
	}
	w.sockets = nil
}
