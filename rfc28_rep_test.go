package zmq_test

import (
	"testing"

	"github.com/phimq/zmq"
)

func TestRFC28_REP_Unmodified(t *testing.T) { testUnmodified(t, repKind) }

func TestRFC28_REP_LockStep(t *testing.T) {
	onLinks(t, repKind, func(st *stage) {
		s := st.socket()
		f := st.comes(s, "")
		says(f, oneTwoThree...)
		for _, m := range oneTwoThree {
			st.outOfTurn(s, "send")
			st.recvs(s, m)
			st.outOfTurn(s, "recv")
			st.send(s, "", "reply to", m[0])
			st.hears(f, []string{"reply to", m[0]})
		}
	})
}

// requests are messages to a REP, as frames and as octets: envelope, then
// delimiter and message.
var requests = []struct {
	envelope, message []string
	before, after     string
}{
	{nil, []string{"hi"}, "", "01 00  00 02 6869"},
	{[]string{"a"}, []string{"hi"}, "01 01 61", "01 00  00 02 6869"},
	{[]string{"a", "\x00bc", "d"}, []string{"", "x", ""}, "01 01 61  01 03 006263  01 01 64", "01 00  01 00  01 01 78  00 00"},
}

// wireRep is a REP with a raw peer.
func wireRep(t *testing.T) (*zmq.Socket, *rawFar) {
	st := newStage(t, repKind, "tcp")
	s := st.socket()
	f := st.raw(s, "")
	st.ready(s, 1)
	return s, f
}

func TestRFC28_REP_WireFormat(t *testing.T) {
	s, f := wireRep(t)
	for _, r := range requests {
		// What has no delimiter, or nothing behind it, is no request.
		f.sendMsg("no delimiter")
		f.sendMsg("no", "delimiter")
		f.sendMsg(append(r.envelope[:len(r.envelope):len(r.envelope)], "")...)
		f.sendMsg(append(append(r.envelope[:len(r.envelope):len(r.envelope)], ""), r.message...)...)
		f.st.recvs(s, r.message)
		f.st.send(s, "", r.message...)
		f.expect(r.before + r.after)
	}
}

func TestRFC28_REP_FairQueue(t *testing.T) { testFairQueue(t, repKind) }

func TestRFC28_REP_EnvelopeKept(t *testing.T) {
	s, f := wireRep(t)
	f.sendMsg("one", "two", "", "message", "", "with an empty frame")
	f.st.recvs(s, []string{"message", "", "with an empty frame"})
}

func TestRFC28_REP_EnvelopeReturned(t *testing.T) {
	s, f := wireRep(t)
	for _, envelope := range [][]string{{"one", "two"}, {}, {"three"}} {
		f.sendMsg(append(envelope[:len(envelope):len(envelope)], "", "request")...)
		f.st.recvs(s, []string{"request"})
		f.st.send(s, "", "", "reply")
		f.expectMsg(append(envelope[:len(envelope):len(envelope)], "", "", "reply")...)
	}
}

func TestRFC28_REP_ReplyToAsker(t *testing.T) {
	onLinks(t, repKind, func(st *stage) {
		s := st.socket()
		fars := map[string]far{"a": st.comes(s, ""), "b": st.comes(s, ""), "c": st.comes(s, "")}
		says(fars["b"], []string{"b"})
		for range 12 {
			_, request := st.recv(s)
			for name, f := range fars { // all ask, whoever is asked for
				if name != request[0] {
					says(f, []string{name})
				}
			}
			st.send(s, "", "reply to", request[0])
			st.hears(fars[request[0]], []string{"reply to", request[0]})
		}
	})
}

func TestRFC28_REP_PeerGone(t *testing.T) {
	onLinks(t, repKind, func(st *stage) {
		s := st.socket()
		a := st.comes(s, "a")
		says(a, []string{"request"})
		st.recvs(s, []string{"request"})
		a.leave()
		st.until(s, "the peer is gone", func() bool { return s.Peers() == 0 })
		b := st.comes(s, "a")
		st.send(s, "", "dropped")
		st.outOfTurn(s, "send")
		says(b, []string{"again"})
		st.recvs(s, []string{"again"})
		st.send(s, "", "reply")
		st.hears(b, []string{"reply"})
	})
}

// TestRFC28_REP_SendNeverBlocks: a reply that finds no room is dropped.
func TestRFC28_REP_SendNeverBlocks(t *testing.T) {
	inBubbles(t, repKind, func(st *stage) {
		s := st.socket(small...)
		f := st.comes(s, "")
		const n = 50
		for _, m := range numbers(0, n) {
			f.say(m...)
			st.recvs(s, m)
			c := st.beside(s, "", m...)
			c.returns(nil)
		}
		came := f.rest()
		if len(came) < 4 || len(came) > n/2 {
			st.Fatalf("%d of %d replies came", len(came), n)
		}
		for i, m := range came {
			st.same(m, numbers(i, i+1)[0])
		}
	})
}
