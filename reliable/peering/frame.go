package peering

import (
	"slices"
	"strconv"
)

// ready is how a worker says that it is new.
const ready = "\x01"

// maxEnvelope is how many frames may stand in front of a body. A REQ behind some
// proxies has a few.
const maxEnvelope = 16

// splitEnvelope parts the envelope, up to its first empty frame, from the body,
// which has at least one frame. The envelope has at least one frame before the
// empty one.
func splitEnvelope(frames [][]byte) (envelope, body [][]byte, ok bool) {
	for i, f := range frames {
		if i > maxEnvelope {
			break
		}
		if len(f) == 0 {
			return frames[:i+1], frames[i+1:], i > 0 && len(frames) > i+1
		}
	}
	return nil, nil, false
}

// parseWorker reads what a worker sent: READY, or the rest of a reply behind the
// delimiter.
func parseWorker(frames [][]byte) (id string, reply [][]byte, ok bool) {
	if len(frames) < 3 || len(frames[1]) > 0 {
		return "", nil, false
	}
	if len(frames) == 3 && string(frames[2]) == ready {
		return string(frames[0]), nil, true
	}
	return string(frames[0]), frames[2:], true
}

// parseState reads a message of capacity.
func parseState(frames [][]byte) (name string, capacity int, ok bool) {
	if len(frames) != 2 || len(frames[1]) == 0 || len(frames[1]) > 9 {
		return "", 0, false
	}
	for _, digit := range frames[1] {
		if digit < '0' || digit > '9' {
			return "", 0, false
		}
	}
	capacity, err := strconv.Atoi(string(frames[1]))
	return string(frames[0]), capacity, err == nil
}

// stateMessage is what parseState reads.
func stateMessage(name string, capacity int) [][]byte {
	return [][]byte{[]byte(name), strconv.AppendInt(nil, int64(capacity), 10)}
}

// concat makes one message of its parts.
func concat(parts ...[][]byte) [][]byte { return slices.Concat(parts...) }
