package zmq_test

import (
	"errors"
	"testing"

	"github.com/phimq/zmq"
)

// outOfTurn wants that the socket may not receive, or not send, now.
func (st *stage) outOfTurn(s *zmq.Socket, op string) {
	st.Helper()
	var errs []error
	if op == "recv" {
		_, err := s.TryRecv()
		_, waiting := s.Recv(soon(st))
		errs = []error{err, waiting}
	} else {
		errs = []error{st.try(s, "", "out of turn"), s.Send(soon(st), []byte("out of turn"))}
	}
	for _, err := range errs {
		if !errors.Is(err, zmq.ErrState) {
			st.Fatalf("%s is %v, wants %v", op, err, zmq.ErrState)
		}
	}
}

func TestRFC28_REQ_LockStep(t *testing.T) {
	onLinks(t, reqKind, func(st *stage) {
		s := st.socket()
		f := st.comes(s, "")
		for range 3 {
			st.outOfTurn(s, "recv")
			st.send(s, "", "request", "of two")
			st.outOfTurn(s, "send")
			st.hears(f, []string{"request", "of two"})
			says(f, []string{"reply", "of two"}, []string{"too much"})
			st.outOfTurn(s, "send")
			st.recvs(s, []string{"reply", "of two"})
		}
	})
}

func TestRFC28_REQ_WireFormat(t *testing.T) {
	s, f := wireReq(t)
	for _, c := range []struct {
		message []string
		octets  string // as they go both ways
	}{
		{[]string{"hello"}, "01 00  00 05 68656c6c6f"},
		{[]string{""}, "01 00  00 00"},
		{[]string{"a", "", "b"}, "01 00  01 01 61  01 00  00 01 62"},
	} {
		f.st.send(s, "", c.message...)
		f.expect(c.octets)
		// A message without the delimiter, or with nothing else, is no reply.
		f.sendMsg("no delimiter")
		f.sendMsg("no", "delimiter")
		f.sendMsg("")
		f.say(c.message...)
		f.st.recvs(s, c.message)
	}
}

// wireReq is a REQ with a raw peer.
func wireReq(t *testing.T) (*zmq.Socket, *rawFar) {
	st := newStage(t, reqKind, "tcp")
	s := st.socket()
	f := st.raw(s, "")
	st.ready(s, 1)
	return s, f
}

func TestRFC28_REQ_Delimiter(t *testing.T) {
	s, f := wireReq(t)
	f.st.send(s, "", "", "x")
	f.expectMsg("", "", "x") // an empty frame of the application's is not taken for it
	f.say("done")
	f.st.recvs(s, []string{"done"})
}

func TestRFC28_REQ_RoundRobin(t *testing.T)        { testRoundRobin(t, reqKind) }
func TestRFC28_REQ_BlocksWithoutPeer(t *testing.T) { testBlocksWithoutPeer(t, reqKind) }
func TestRFC28_REQ_KeepsUnsent(t *testing.T)       { testKeepsUnsent(t, reqKind) }

// TestRFC28_REQ_OnlyAskedPeer: a message of another peer is no reply, well
// formed as it may be, and whenever it comes.
func TestRFC28_REQ_OnlyAskedPeer(t *testing.T) {
	inBubbles(t, reqKind, func(st *stage) {
		s := st.socket()
		fars := []far{st.comes(s, ""), st.comes(s, "")}
		for range 4 {
			st.send(s, "", "request")
			asked, _ := st.taker(fars)
			says(fars[1-asked], []string{"forged"})
			fars[asked].say("reply")
			st.recvs(s, []string{"reply"})
			says(fars[asked], []string{"late"})
		}
	})
}

// TestRFC28_REQ_OthersDiscarded: what nobody asked for is no reply to a later
// request either, and its sender stays connected.
func TestRFC28_REQ_OthersDiscarded(t *testing.T) {
	inBubbles(t, reqKind, func(st *stage) {
		s := st.socket()
		fars := []far{st.comes(s, ""), st.comes(s, "")}
		for range 4 {
			for _, f := range fars {
				says(f, oneTwoThree...)
			}
			st.send(s, "", "request")
			asked, _ := st.taker(fars)
			says(fars[1-asked], oneTwoThree...)
			fars[asked].say("reply")
			st.recvs(s, []string{"reply"})
			if s.Peers() != 2 {
				st.Fatalf("%d peers are connected, wants 2", s.Peers())
			}
		}
	})
}
