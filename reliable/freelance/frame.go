package freelance

import (
	"bytes"
	"math/rand/v2"
	"strconv"
)

// The two commands of RFC 10 "Overall Operation" that are one frame.
const (
	ping = "PING"
	pong = "PONG"
)

// isCommand reports whether a message is one of them.
func isCommand(frames [][]byte, command string) bool {
	return len(frames) == 1 && string(frames[0]) == command
}

// firstNumber is where a client begins to number its requests. Not at 0: with an
// identity of its own one that is started again gets the late replies to what it
// asked before. Half of all numbers are left, so that they never wrap.
func firstNumber() uint64 { return rand.Uint64N(1 << 63) }

// appendSequence writes the number of a request, in decimal as the book has it.
func appendSequence(b []byte, sequence uint64) []byte { return strconv.AppendUint(b, sequence, 10) }

// parseSequence reads what appendSequence wrote, and nothing else: a server has
// to return it unmodified.
func parseSequence(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 20 || b[0] < '1' || b[0] > '9' {
		return 0, false
	}
	for _, digit := range b {
		if digit < '0' || digit > '9' {
			return 0, false
		}
	}
	sequence, err := strconv.ParseUint(string(b), 10, 64)
	return sequence, err == nil
}

// parseReply reads the reply to a request of ours: its number, and one or more
// frames of body.
func parseReply(frames [][]byte) (sequence uint64, body [][]byte, ok bool) {
	if len(frames) < 2 {
		return 0, nil, false
	}
	sequence, ok = parseSequence(frames[0])
	return sequence, frames[1:], ok
}

// An envelope says how many frames of a message that a ROUTER received come
// back in front of the reply. What is behind them is the body, at least one
// frame; 0 means that the message is malformed.
type envelope func(frames [][]byte) int

// simpleEnvelope is all up to the first empty frame. RFC 28 "The REP Socket Type".
func simpleEnvelope(frames [][]byte) int {
	for i := 1; i < len(frames)-1; i++ {
		if len(frames[i]) == 0 {
			return i + 1
		}
	}
	return 0
}

// shotgunEnvelope is that, and the sequence number.
func shotgunEnvelope(frames [][]byte) int {
	n := simpleEnvelope(frames)
	if n == 0 || len(frames) < n+2 {
		return 0
	}
	return n + 1
}

// flpEnvelope is the identity and the control frame, which the client may use
// as it likes. RFC 10 "Overall Operation".
func flpEnvelope(frames [][]byte) int {
	if len(frames) < 3 {
		return 0
	}
	return 2
}

// cloneFrames copies a message, for whoever keeps it.
func cloneFrames(frames [][]byte) [][]byte {
	list := make([][]byte, len(frames))
	for i, f := range frames {
		list[i] = bytes.Clone(f)
		if list[i] == nil {
			list[i] = []byte{}
		}
	}
	return list
}
