package zmq_test

import (
	"fmt"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// TestDomainsApart: an inproc name is another in each domain.
func TestDomainsApart(t *testing.T) {
	leak.Check(t)
	const name = "inproc://apart"
	var pushes, pulls []*zmq.Socket
	for range 3 {
		in := zmq.WithDomain(zmq.NewDomain())
		pushes, pulls = append(pushes, open(t, zmq.PUSH, in)), append(pulls, open(t, zmq.PULL, in))
	}
	connect(t, pushes[0], name)
	for i := range pulls {
		bind(t, pulls[i], name)
	}
	connect(t, pushes[1], name)
	for i := range 2 {
		say(t, pushes[i], fmt.Sprint(i))
		expectHeard(t, pulls[i], fmt.Sprint(i))
	}
	expectNone(t, pulls[2])
	if n := pulls[2].Peers(); n != 0 {
		t.Errorf("a socket has %d peers of other domains", n)
	}
}

// TestInprocConnectFirst: for each pair of types, who connects may be first.
func TestInprocConnectFirst(t *testing.T) {
	leak.Check(t)
	for typ, partner := range partners {
		if typ == zmq.STREAM {
			continue
		}
		t.Run(typ.String(), func(t *testing.T) {
			j := joiner{t, zmq.NewDomain()}
			a := j.socket(typ)
			defer a.Close()
			connect(t, a, inprocName)
			b, _ := j.bound(partner, inprocName)
			defer b.Close()
			if err := swap(soon(t), a, b); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestInprocMarks: the marks of both ends add up, whoever was first; none at
// one of them is none.
func TestInprocMarks(t *testing.T) {
	leak.Check(t)
	const many = 5000
	for _, c := range []struct{ send, recv, want int }{{1, 1, 2}, {3, 4, 7}, {1000, 1, 1001}, {0, 4, many}, {3, 0, many}, {0, 0, many}} {
		for _, connectFirst := range []bool{false, true} {
			in := zmq.WithDomain(zmq.NewDomain())
			push, pull := open(t, zmq.PUSH, in, zmq.WithSendHWM(c.send)), open(t, zmq.PULL, in, zmq.WithRecvHWM(c.recv))
			if connectFirst {
				connect(t, push, "inproc://marks")
				bind(t, pull, "inproc://marks")
			} else {
				bind(t, pull, "inproc://marks")
				connect(t, push, "inproc://marks")
			}
			n := 0
			for n < many && push.TrySend(nil) == nil {
				n++
			}
			if n != c.want {
				t.Errorf("marks %d and %d, connect first %t: %d messages were taken, want %d", c.send, c.recv, connectFirst, n, c.want)
			}
		}
	}
}
