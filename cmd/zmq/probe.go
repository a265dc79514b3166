package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// probe is one end of a connection that says no more than it takes to learn
// who the other end is. RFC 37 "Framing" and its neighbours.
type probe struct {
	conn net.Conn
	r    *bufio.Reader
	rest sync.Once // the rest of our greeting is sent
}

// greeting is what a peer says first.
type greeting struct {
	major, minor byte
	mechanism    string
	server       bool
}

// maxCommand bounds the commands of a handshake.
const maxCommand = 64 << 10

// The bits of a frame's first octet.
const (
	flagLong    = 2
	flagCommand = 4
)

// errMechanism: the peer wants another mechanism than NULL.
var errMechanism = &failure{exitAuth, errors.New("the peer wants another mechanism than NULL")}

// protocolFailure is a peer that does not speak as it must.
func protocolFailure(format string, args ...any) error {
	return fmt.Errorf("%w: %s", zmq.ErrProtocol, fmt.Sprintf(format, args...))
}

// greet exchanges greetings. libzmq says which mechanism it wants when it knows
// our version, but not once it knows that we want another: so the half with the
// mechanism is held back until the peer has said its own, or is silent for so
// long. After twice that a silent peer is given an end of line, which those
// that speak no ZMTP may wait for.
func (p *probe) greet(patience time.Duration) (greeting, error) {
	g, err := p.hear(patience)
	p.rest.Do(p.sayRest)
	return g, err
}

func (p *probe) sayRest() { _, _ = p.conn.Write(ourGreeting[versionEnd:]) }

// versionEnd is where the version of a greeting ends and the mechanism begins.
const versionEnd = 12

var ourGreeting = append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x01NULL"), make([]byte, 48)...)

// hear begins our greeting and reads the peer's.
func (p *probe) hear(patience time.Duration) (greeting, error) {
	var g greeting
	if _, err := p.conn.Write(ourGreeting[:versionEnd]); err != nil {
		return g, err
	}
	second := time.AfterFunc(patience, func() { p.rest.Do(p.sayRest) })
	nudge := time.AfterFunc(2*patience, p.nudge)
	defer second.Stop()
	defer nudge.Stop()
	first, err := p.r.Peek(1)
	nudge.Stop()
	switch {
	case err != nil:
		return g, err
	case first[0] != 0xFF:
		return g, p.stranger()
	}
	theirs := make([]byte, 64)
	if _, err := io.ReadFull(p.r, theirs[:11]); err != nil {
		return g, err
	}
	if theirs[9]&1 == 0 {
		return g, protocolFailure("no ZMTP: it begins with % x", theirs[:11])
	}
	if g.major = theirs[10]; g.major < 3 {
		g.major, g.minor = 2, 0 // revision 1 or 2: RFC 15
		return g, protocolFailure("ZMTP 2.0 is too old")
	}
	if _, err := io.ReadFull(p.r, theirs[11:]); err != nil {
		return g, err
	}
	g.minor, g.server = theirs[11], theirs[32]&1 == 1
	name, _, _ := bytes.Cut(theirs[12:32], []byte{0})
	if g.mechanism = string(name); g.mechanism != "NULL" {
		return g, errMechanism
	}
	return g, nil
}

func (p *probe) nudge() { _, _ = p.conn.Write([]byte("\r\n\r\n")) }

// stranger says what came instead of a greeting.
func (p *probe) stranger() error {
	line, _ := p.r.Peek(max(p.r.Buffered(), 1))
	line, _, _ = bytes.Cut(line, []byte{'\n'})
	text := visible(bytes.TrimRight(line[:min(len(line), 60)], "\r"))
	if strings.HasPrefix(text, "HTTP/") {
		return protocolFailure("an HTTP server, it says %q", text)
	}
	return protocolFailure("no ZMTP: it begins with %q", text)
}

// ready says which type we are, if any, and reads what the peer is.
func (p *probe) ready(asked string) (properties []property, err error) {
	if asked != "" {
		body := append([]byte{5}, "READY"...)
		body = appendProperty(body, "Socket-Type", asked)
		body = appendProperty(body, "Identity", "")
		if err := p.writeCommand(body); err != nil {
			return nil, err
		}
	}
	for {
		command, body, err := p.readFrame()
		if err != nil {
			return nil, err
		}
		if !command {
			return nil, protocolFailure("a message before READY")
		}
		switch name, rest := commandName(body); name {
		case "READY":
			return parseProperties(rest)
		case "ERROR":
			return nil, refusal(rest)
		default:
			return nil, protocolFailure("command %q before READY", visible([]byte(name)))
		}
	}
}

// refused is an ERROR command without a status code: the peer does not fit.
type refused struct{ reason string }

func (r *refused) Error() string {
	return fmt.Sprintf("refused by the peer: %q", visible([]byte(r.reason)))
}
func (r *refused) Unwrap() error { return zmq.ErrProtocol }

// refusal is what an ERROR command says.
func refusal(body []byte) error {
	if len(body) == 0 || int(body[0]) != len(body)-1 {
		return protocolFailure("a malformed ERROR command")
	}
	reason := string(body[1:])
	if reason == "300" || reason == "400" || reason == "500" {
		return fmt.Errorf("%w: refused by the peer: %s", zmq.ErrAuth, reason)
	}
	return &refused{reason}
}

// ping sends a PING and waits for its PONG. Whatever else comes is skipped.
func (p *probe) ping(context string) (time.Duration, error) {
	start := time.Now()
	body := append([]byte{4}, "PING"...)
	body = append(body, 0, 0) // no time to live
	if err := p.writeCommand(append(body, context...)); err != nil {
		return 0, err
	}
	for {
		command, body, err := p.readFrame()
		if err != nil {
			return 0, err
		}
		if name, rest := commandName(body); command && name == "PONG" && string(rest) == context {
			return time.Since(start), nil
		}
	}
}

func (p *probe) writeCommand(body []byte) error {
	_, err := p.conn.Write(append([]byte{flagCommand, byte(len(body))}, body...))
	return err
}

// readFrame reads a frame. The body of one that is no command is skipped.
func (p *probe) readFrame() (command bool, body []byte, err error) {
	flags, err := p.r.ReadByte()
	if err != nil {
		return false, nil, err
	}
	head := make([]byte, 1)
	if flags&flagLong != 0 {
		head = make([]byte, 8)
	}
	if _, err := io.ReadFull(p.r, head); err != nil {
		return false, nil, err
	}
	size := binary.BigEndian.Uint64(append(make([]byte, 8-len(head)), head...))
	command = flags&flagCommand != 0
	switch {
	case flags > flagLong|flagCommand || size > 1<<62:
		return command, nil, protocolFailure("a frame with flags %#x", flags)
	case !command:
		_, err = io.CopyN(io.Discard, p.r, int64(size))
	case size > maxCommand:
		err = protocolFailure("a command of %d octets", size)
	default:
		body = make([]byte, size)
		_, err = io.ReadFull(p.r, body)
	}
	return command, body, err
}

// commandName divides a command into its name and its data.
func commandName(body []byte) (name string, rest []byte) {
	if len(body) == 0 || int(body[0]) > len(body)-1 {
		return "", nil
	}
	return string(body[1 : 1+body[0]]), body[1+body[0]:]
}

// property is one of a peer's metadata.
type property struct{ name, value string }

func appendProperty(b []byte, name, value string) []byte {
	b = append(append(b, byte(len(name))), name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

func parseProperties(b []byte) ([]property, error) {
	var list []property
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+4 {
			return list, protocolFailure("malformed metadata")
		}
		name := string(b[1 : 1+n])
		size := binary.BigEndian.Uint32(b[1+n:])
		if b = b[1+n+4:]; uint64(size) > uint64(len(b)) {
			return list, protocolFailure("malformed metadata")
		}
		list = append(list, property{name, string(b[:size])})
		b = b[size:]
	}
	return list, nil
}
