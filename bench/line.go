package main

import (
	"fmt"
	"slices"
)

// A line is one kind of work, and who does it.
type line struct {
	Name   string
	Size   int    // octets of a message; 0 is usualSize, and goes without saying
	Count  uint64 // messages, or peers that connect
	Goals  []goal
	Lanes  []lane
	Secure bool // CURVE on both sides

	Curve string  // the curve that the line is a point of, if any
	X     float64 // and where
}

// A goal is what one of our lanes has to reach, as a ratio to the better libzmq;
// at least for rates, at most for all else. 0: no ratio is asked for.
type goal struct {
	Metric string  `json:"metric"`
	Lane   string  `json:"lane"`
	Ratio  float64 `json:"ratio,omitempty"`
	Value  float64 `json:"value,omitempty"` // or an absolute limit
}

// A lane is one set of processes that does the work. Each end is a role and its
// arguments; the first words may be a program and a slash. These arguments are
// bench's own:
//
//	bind=tcp, bind=ipc  a new endpoint
//	at=0, at=1          which of the endpoints so far to connect to; 0 unless said
//	cpu=0, cpu=1        the processor to run on
//	copies=N            N processes, which share count and peers
//
// {count} stands for the messages.
type lane struct {
	Name  string
	By    string // who is measured: one of the names below
	Group string // only the best lane of a group is measured in full
	Ends  []string
	Count uint64 // messages, if not those of the line
}

// Who is measured.
const (
	ours   = "PhiMQ"
	libzmq = "libzmq" // and its version, once it is known
	rawGo  = "raw Go"
	rawC   = "raw C"
)

// The programs of ends.
const (
	programOurs   = "ours"
	programPeer   = "peer"
	programOthers = "others"
)

// usualSize is that of messages whose size does not matter.
const usualSize = 64

func (l line) title() string {
	if l.Size == 0 {
		return l.Name
	}
	return l.Name + " " + octets(l.Size)
}

// octets writes a size as people do.
func octets(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// mine is a lane of ours.
func mine(name string, ends ...string) lane { return lane{Name: name, By: ours, Ends: ends} }

// threads are two lanes of libzmq: with one I/O thread and with two.
func threads(ends ...string) []lane {
	var lanes []lane
	for io := 1; io <= 2; io++ {
		lanes = append(lanes, lane{
			Name: fmt.Sprintf("%d I/O", io), By: libzmq,
			Ends: withArgument(ends, fmt.Sprintf("io=%d", io)),
		})
	}
	return lanes
}

// sends are the lanes of libzmq where it matters how messages are sent.
func sends(ends ...string) []lane {
	var lanes []lane
	for _, way := range []struct{ argument, name, group string }{
		{"copy", "zmq_send", "copied"},
		{"size", "zmq_msg_init_size", "copied"},
		{"data", "zmq_msg_init_data", "by reference"},
	} {
		for _, l := range threads(withArgument(ends, "way="+way.argument)...) {
			l.Name, l.Group = way.name+", "+l.Name, way.group
			lanes = append(lanes, l)
		}
	}
	return lanes
}

func withArgument(ends []string, argument string) []string {
	ends = slices.Clone(ends)
	for i := range ends {
		ends[i] += " " + argument
	}
	return ends
}
