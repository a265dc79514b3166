package interop

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A process makes sockets in another process. It asks for one thing at a time:
// see driver.py for how.
type process struct {
	Greeting string
	mortal   bool // it belongs to a case, and its sockets end with it

	cmd    *exec.Cmd
	mu     sync.Mutex
	in     io.WriteCloser
	out    *bufio.Reader
	errors *tail
}

const needPython = "libzmq's side is missing: apt-get install --no-install-recommends python3-zmq"

// startLibzmq starts Debian's pyzmq. Another python on the path would bring a
// libzmq of its own, or none.
func startLibzmq() (*process, error) {
	p, err := start(exec.Command("/usr/bin/python3", "driver.py"))
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, needPython)
	}
	return p, nil
}

// startOurs starts this test program again, as a driver of our own.
func startOurs() (*process, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+roleDriver)
	return start(cmd)
}

func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, errors: &tail{}}
	cmd.Stderr = p.errors
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	greeting, err := p.answer()
	if err != nil {
		p.Kill()
		return nil, err
	}
	p.Greeting = string(greeting[0])
	return p, nil
}

// Kill ends the process as kill -9 does, frozen or not.
func (p *process) Kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// Freeze stops the process: its connections stay, and are silent.
func (p *process) Freeze() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (p *process) Thaw() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// call asks for an operation.
func (p *process) call(operation string, args ...[]byte) ([][]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := writeFields(p.in, append([][]byte{[]byte(operation)}, args...)); err != nil {
		return nil, fmt.Errorf("%s: %w%s", operation, err, p.errors)
	}
	answer, err := p.answer()
	if err != nil && !errors.Is(err, errAgain) && !errors.Is(err, errUnreachable) && !errors.Is(err, errState) {
		err = fmt.Errorf("%s: %w", operation, err)
	}
	return answer, err
}

func (p *process) answer() ([][]byte, error) {
	fields, err := readFields(p.out)
	if err != nil {
		return nil, fmt.Errorf("the process does not answer: %w%s", err, p.errors)
	}
	switch string(fields[0]) {
	case "ok":
		return fields[1:], nil
	case "again":
		return nil, errAgain
	case "unreachable":
		return nil, errUnreachable
	case "state":
		return nil, errState
	}
	return nil, fmt.Errorf("%q", fields[1:])
}

// New makes a socket.
func (p *process) New(socketType string) (peer, error) {
	answer, err := p.call("new", []byte(socketType))
	if err != nil {
		return nil, err
	}
	return &remotePeer{p: p, id: answer[0]}, nil
}

// Proxy starts one.
func (p *process) Proxy(front, back, control peer) (stop func() error, err error) {
	ids := [][]byte{front.(*remotePeer).id, back.(*remotePeer).id}
	if control != nil {
		ids = append(ids, control.(*remotePeer).id)
	}
	answer, err := p.call("proxy", ids...)
	if err != nil {
		return nil, err
	}
	return func() error { return (&remotePeer{p: p, id: answer[0]}).Close(0) }, nil
}

// remotePeer is a socket of a process.
type remotePeer struct {
	p  *process
	id []byte
}

func (r *remotePeer) call(operation string, args ...[]byte) ([][]byte, error) {
	return r.p.call(operation, append([][]byte{r.id}, args...)...)
}

func (r *remotePeer) tell(operation string, args ...[]byte) error {
	_, err := r.call(operation, args...)
	return err
}

func (r *remotePeer) Bind(endpoint string) (string, error) {
	answer, err := r.call("bind", []byte(endpoint))
	if err != nil {
		return "", err
	}
	return string(answer[0]), nil
}

func (r *remotePeer) Unbind(endpoint string) error  { return r.tell("unbind", []byte(endpoint)) }
func (r *remotePeer) Connect(endpoint string) error { return r.tell("connect", []byte(endpoint)) }
func (r *remotePeer) Disconnect(endpoint string) error {
	return r.tell("disconnect", []byte(endpoint))
}

func (r *remotePeer) Set(option string, values ...string) error {
	args := [][]byte{[]byte(option)}
	for _, v := range values {
		args = append(args, []byte(v))
	}
	return r.tell("set", args...)
}

func (r *remotePeer) Send(wait time.Duration, frames ...[]byte) error {
	return r.tell("send", append([][]byte{millis(wait)}, frames...)...)
}

func (r *remotePeer) Recv(wait time.Duration) ([][]byte, error) { return r.call("recv", millis(wait)) }

func (r *remotePeer) SendRun(wait time.Duration, first, n, size int, prefix ...[]byte) (int, error) {
	answer, err := r.call("sendrun", append([][]byte{millis(wait), decimal(first), decimal(n), decimal(size)}, prefix...)...)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(answer[0]))
}

func (r *remotePeer) RecvRun(wait time.Duration, n int) (numbers []uint64, err error) {
	answer, err := r.call("recvrun", millis(wait), decimal(n))
	if err != nil {
		return nil, err
	}
	for b := answer[0]; len(b) > 0; b = b[8:] {
		numbers = append(numbers, binary.BigEndian.Uint64(b))
	}
	return numbers, nil
}

func (r *remotePeer) SendLarge(wait time.Duration, size int) (string, error) {
	answer, err := r.call("sendlarge", millis(wait), decimal(size))
	if err != nil {
		return "", err
	}
	return string(answer[0]), nil
}

func (r *remotePeer) RecvSums(wait time.Duration) (sums []string, err error) {
	answer, err := r.call("recvsum", millis(wait))
	for _, s := range answer {
		sums = append(sums, string(s))
	}
	return sums, err
}

func (r *remotePeer) Wait(c count, n int, wait time.Duration) error {
	return r.tell("wait", []byte(c), decimal(n), millis(wait))
}

func (r *remotePeer) Count(c count) (int, error) {
	answer, err := r.call("count", []byte(c))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(answer[0]))
}

func (r *remotePeer) Close(linger time.Duration) error { return r.tell("close", millis(linger)) }

func millis(d time.Duration) []byte { return decimal(int(d.Milliseconds())) }
func decimal(n int) []byte          { return strconv.AppendInt(nil, int64(n), 10) }

// maxField bounds what a process may make us read.
const maxField = 1 << 30

func writeFields(w io.Writer, fields [][]byte) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(fields)))
	for _, f := range fields {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(f))), f...)
	}
	_, err := w.Write(b)
	return err
}

func readFields(r io.Reader) ([][]byte, error) {
	n, err := readNumber(r)
	if err != nil {
		return nil, err
	}
	var fields [][]byte
	for range n {
		size, err := readNumber(r)
		if err != nil {
			return nil, err
		}
		field := make([]byte, min(size, maxField))
		if _, err := io.ReadFull(r, field); err != nil {
			return nil, err
		}
		fields = append(fields, field)
	}
	return fields, nil
}

func readNumber(r io.Reader) (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(r, b[:])
	return binary.BigEndian.Uint32(b[:]), err
}

// tail keeps the end of what a process writes to its standard error.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if over := len(t.b) - 8<<10; over > 0 {
		t.b = t.b[over:]
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.b) == 0 {
		return ""
	}
	return "\nit says:\n" + string(t.b)
}
