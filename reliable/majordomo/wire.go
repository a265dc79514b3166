package majordomo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The four headers. RFC 7 "MDP/Client" and "MDP/Worker", RFC 18 alike.
const (
	headerClient1 = "MDPC01"
	headerClient2 = "MDPC02"
	headerWorker1 = "MDPW01"
	headerWorker2 = "MDPW02"
)

// Version is a version of the protocol.
type Version uint8

// The versions. They do not interoperate; the broker serves both.
const (
	Version01 Version = 1 // RFC 7
	Version02 Version = 2 // RFC 18: replies in parts
)

// String is the version as the RFCs write it.
func (v Version) String() string {
	switch v {
	case Version01:
		return "0.1"
	case Version02:
		return "0.2"
	}
	return fmt.Sprintf("Version(%d)", uint8(v))
}

// command is what a message says, in either version.
type command uint8

const (
	none command = iota
	ready
	request
	partial
	final
	heartbeat
	disconnect

	// Ours, said to those alone who announced to know them.
	failure // a request has failed: status and text stand for the body
	pending // the broker has the request and waits for the worker
	drain   // the worker wants no more requests
)

var commandNames = [...]string{
	"nothing", "READY", "REQUEST", "PARTIAL", "FINAL", "HEARTBEAT", "DISCONNECT", "FAILURE", "PENDING", "DRAIN",
}

func (c command) String() string { return commandNames[c] }

// ours marks the octet of a command of the extension.
const ours = 0x80

// The octets of the commands.
var (
	worker1 = map[byte]command{1: ready, 2: request, 3: final, 4: heartbeat, 5: disconnect}
	worker2 = map[byte]command{1: ready, 2: request, 3: partial, 4: final, 5: heartbeat, 6: disconnect,
		ours | 7: failure, ours | 8: drain}
	client2 = map[byte]command{1: request, 2: partial, 3: final,
		ours | 1: request, ours | 2: partial, ours | 3: final, ours | 4: failure, ours | 5: pending}

	worker1Octets = octetsOf(worker1)
	worker2Octets = octetsOf(worker2)
)

// octetsOf turns a table round: the one-octet frame of each command.
func octetsOf(table map[byte]command) (frames [drain + 1][]byte) {
	for octet, c := range table {
		frames[c] = []byte{octet}
	}
	return frames
}

// message is one MDP message, without the identity that ROUTER puts in front.
type message struct {
	worker   bool // MDP/Worker, else MDP/Client
	version  Version
	extended bool // MDP/Client with a ticket
	command  command
	service  string // client: all; worker: READY
	address  []byte // worker: REQUEST, PARTIAL, FINAL, FAILURE
	ticket   ticket // if extended
	body     [][]byte
}

var (
	errForeign   = errors.New("not an MDP message")
	errMalformed = errors.New("malformed MDP message")
)

// parse reads a message. The frames stay those of the caller. A 0.1 client's
// REQUEST and its REPLY have the same frames: both are a request here.
func parse(frames [][]byte) (m message, err error) {
	if len(frames) == 0 {
		return m, errForeign
	}
	old := len(frames[0]) == 0 // 0.1 has an empty frame in front
	if old {
		frames = frames[1:]
	}
	if len(frames) == 0 {
		return m, errForeign
	}
	header, rest := string(frames[0]), frames[1:]
	switch {
	case old && header == headerClient1:
		m.version, m.command = Version01, request
		return m, m.parseClient(rest)
	case old && header == headerWorker1:
		m.version, m.worker = Version01, true
		return m, m.parseWorker(worker1, rest)
	case !old && header == headerClient2:
		m.version = Version02
		return m, m.parseClient2(rest)
	case !old && header == headerWorker2:
		m.version, m.worker = Version02, true
		return m, m.parseWorker(worker2, rest)
	case strings.HasPrefix(header, "MDP") && len(header) == len(headerClient1):
		return m, fmt.Errorf("%w: header %q, empty frame in front: %t", errMalformed, header, old)
	}
	return m, errForeign
}

// parseClient2 reads what follows the header of MDP/Client 0.2.
func (m *message) parseClient2(rest [][]byte) error {
	if len(rest) == 0 || len(rest[0]) != 1 {
		return fmt.Errorf("%w: no command", errMalformed)
	}
	octet := rest[0][0]
	if m.command = client2[octet]; m.command == none {
		return fmt.Errorf("%w: client command %#02x", errMalformed, octet)
	}
	m.extended = octet&ours != 0
	return m.parseClient(rest[1:])
}

// parseClient reads service, ticket and body.
func (m *message) parseClient(rest [][]byte) (err error) {
	if len(rest) == 0 {
		return fmt.Errorf("%w: no service", errMalformed)
	}
	if m.service, rest = string(rest[0]), rest[1:]; !validService(m.service) {
		return fmt.Errorf("%w: service name %.64q", errMalformed, m.service)
	}
	if m.extended {
		if len(rest) == 0 {
			return fmt.Errorf("%w: no ticket", errMalformed)
		}
		if m.ticket, err = parseTicket(rest[0]); err != nil {
			return err
		}
		rest = rest[1:]
	}
	if m.body = rest; len(rest) == 0 && m.command != pending {
		return fmt.Errorf("%w: %v without a body", errMalformed, m.command)
	}
	return nil
}

// parseWorker reads what follows the header of MDP/Worker.
func (m *message) parseWorker(commands map[byte]command, rest [][]byte) error {
	if len(rest) == 0 || len(rest[0]) != 1 {
		return fmt.Errorf("%w: no command", errMalformed)
	}
	if m.command = commands[rest[0][0]]; m.command == none {
		return fmt.Errorf("%w: worker command %#02x", errMalformed, rest[0][0])
	}
	rest = rest[1:]
	switch m.command {
	case ready:
		if len(rest) != 1 {
			return fmt.Errorf("%w: READY with %d frames behind it, not 1", errMalformed, len(rest))
		}
		if m.service = string(rest[0]); !validService(m.service) {
			return fmt.Errorf("%w: service name %.64q", errMalformed, m.service)
		}
	case request, partial, final, failure:
		if len(rest) < 3 || len(rest[0]) == 0 || len(rest[1]) != 0 {
			return fmt.Errorf("%w: %v wants a client address, an empty frame and a body", errMalformed, m.command)
		}
		m.address, m.body = rest[0], rest[2:]
	default:
		if len(rest) != 0 {
			return fmt.Errorf("%w: %v with %d frames behind it", errMalformed, m.command, len(rest))
		}
	}
	return nil
}

// appendClient appends an MDP/Client message, as parseClient reads it.
func (m *message) appendClient(frames [][]byte) [][]byte {
	switch {
	case m.version == Version01:
		return append(append(frames, nil, frameClient1, []byte(m.service)), m.body...)
	case m.extended:
		octet := [...]byte{request: 1, partial: 2, final: 3, failure: 4, pending: 5}[m.command] | ours
		frames = append(frames, frameClient2, []byte{octet}, []byte(m.service), m.ticket.encode())
	default:
		octet := [...]byte{request: 1, partial: 2, final: 3}[m.command]
		frames = append(frames, frameClient2, []byte{octet}, []byte(m.service))
	}
	return append(frames, m.body...)
}

// appendWorker appends an MDP/Worker message, as parseWorker reads it.
func (m *message) appendWorker(frames [][]byte) [][]byte {
	if m.version == Version01 {
		frames = append(frames, nil, frameWorker1, worker1Octets[m.command])
	} else {
		frames = append(frames, frameWorker2, worker2Octets[m.command])
	}
	switch m.command {
	case ready:
		return append(frames, []byte(m.service))
	case request, partial, final, failure:
		return append(append(frames, m.address, nil), m.body...)
	}
	return frames
}

// The headers as frames. Nobody writes to them.
var (
	frameClient1 = []byte(headerClient1)
	frameClient2 = []byte(headerClient2)
	frameWorker1 = []byte(headerWorker1)
	frameWorker2 = []byte(headerWorker2)
)

// maxService is how long the name of a service may be, in octets.
const maxService = 255

// validService holds a name to be a printable string, as RFC 7 "MDP/Client" has it.
func validService(name string) bool {
	if name == "" || len(name) > maxService || !utf8.ValidString(name) {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// ticket is what the extension says of a request: number(8), milliseconds
// left(4, 0 for no end), key(0 to 255). Replies to the client have the number alone.
type ticket struct {
	number uint64
	left   time.Duration // 0: for ever
	key    string
}

// The sizes of a ticket.
const (
	ticketHead = 12
	maxKey     = 255
	maxLeft    = time.Duration(1<<32-1) * time.Millisecond
)

// encode writes the ticket. A time above 49 days, and one that has no end, is 0.
func (t ticket) encode() []byte {
	left := uint32(0)
	if t.left > 0 && t.left <= maxLeft {
		left = max(1, uint32(t.left/time.Millisecond))
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, ticketHead+len(t.key)), t.number)
	b = binary.BigEndian.AppendUint32(b, left)
	return append(b, t.key...)
}

func parseTicket(b []byte) (ticket, error) {
	if len(b) < ticketHead || len(b) > ticketHead+maxKey {
		return ticket{}, fmt.Errorf("%w: a ticket of %d octets", errMalformed, len(b))
	}
	return ticket{
		number: binary.BigEndian.Uint64(b),
		left:   time.Duration(binary.BigEndian.Uint32(b[8:])) * time.Millisecond,
		key:    string(b[ticketHead:]),
	}, nil
}
