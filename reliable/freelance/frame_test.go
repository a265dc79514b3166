package freelance

import (
	"bytes"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/phimq/zmq"
)

func TestSequence(t *testing.T) {
	for text, want := range map[string]uint64{
		"1": 1, "42": 42, "18446744073709551615": 1<<64 - 1,
		"": 0, "0": 0, "01": 0, "-1": 0, "+1": 0, "1 ": 0, "1_0": 0, "0x1": 0, "18446744073709551616": 0, "100000000000000000000": 0,
	} {
		got, ok := parseSequence([]byte(text))
		if ok != (want > 0) || ok && got != want {
			t.Errorf("%q is %d, %v", text, got, ok)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	for _, c := range []struct {
		frames               []string
		simple, shotgun, flp int
	}{
		{[]string{"id"}, 0, 0, 0},
		{[]string{"id", ""}, 0, 0, 0},
		{[]string{"id", "x"}, 0, 0, 0},
		{[]string{"id", "", "x"}, 2, 0, 2},
		{[]string{"id", "", ""}, 2, 0, 2},
		{[]string{"id", "", "1", "x"}, 2, 3, 2},
		{[]string{"id", "a", "", "1", "x"}, 3, 4, 2},
		{[]string{"id", "a", "b"}, 0, 0, 2},
		{[]string{"", "1", "x"}, 0, 0, 2},
	} {
		frames := zmq.MsgFromStrings(c.frames...).Frames
		if a, b, f := simpleEnvelope(frames), shotgunEnvelope(frames), flpEnvelope(frames); a != c.simple || b != c.shotgun || f != c.flp {
			t.Errorf("%q: simple %d, shotgun %d, flp %d", c.frames, a, b, f)
		}
	}
}

// TestLostIsTheOwn: the end of a connection that was replaced takes nobody down.
func TestLostIsTheOwn(t *testing.T) {
	table := newTable(time.Second)
	p := &peer{endpoint: "tcp://a:1", resolved: "tcp://a:1"}
	table.add(p)
	table.connected(zmq.Event{Endpoint: "tcp://a:1", Local: "tcp://me:2"})
	if table.lost(zmq.Event{Endpoint: "tcp://a:1", Local: "tcp://me:1"}) != nil {
		t.Error("an older connection counts")
	}
	if table.lost(zmq.Event{Endpoint: "tcp://a:1", Local: "tcp://me:2"}) != p {
		t.Error("its own does not")
	}
}

// TestReplyBeforeRequest: a server can't answer what it was not sent yet.
func TestReplyBeforeRequest(t *testing.T) {
	s, err := NewShotgun(ShotgunConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.last = 0
	b := &barrel{s: s}
	c := &shot{reply: make(chan zmq.Msg, 1)}
	if _, err := s.fire(c, [][]byte{{}}); err != nil {
		t.Fatal(err)
	}
	b.reply(zmq.MsgFromStrings("", "1", "x"))
	if len(c.reply) > 0 || s.Stats().Late != 1 {
		t.Errorf("a guess is a reply: %+v", s.Stats())
	}
	b.next()
	b.reply(zmq.MsgFromStrings("", "1", "x"))
	if len(c.reply) != 1 {
		t.Errorf("no reply: %+v", s.Stats())
	}
}

// A client that is started again does not use the numbers of the one before.
func TestNumbersOfARestartedClient(t *testing.T) {
	var numbers []uint64
	for range 2 {
		s, err := NewShotgun(ShotgunConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		socket := zmq.NewRouter()
		defer socket.Close()
		numbers = append(numbers, s.last, newAgent(ClientConfig{}, newMailbox(), socket).last)
	}
	if slices.Sort(numbers); len(slices.Compact(numbers)) != 4 {
		t.Errorf("they begin at %d", numbers)
	}
}

// split cuts fuzzed octets into frames at each octet 0xFF.
func split(b []byte) [][]byte { return bytes.Split(b, []byte{0xFF}) }

func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{"id\xffPING", "id\xff1\xffbody", "id\xff\xffbody", "id\xff\xff1\xffbody", "", "\xff\xff\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := split(b)
		for _, e := range []envelope{simpleEnvelope, shotgunEnvelope, flpEnvelope} {
			if n := e(frames); n < 0 || n >= len(frames) {
				t.Fatalf("%q: %d of %d frames come back", frames, n, len(frames))
			}
		}
		if n := simpleEnvelope(frames); n > 0 && len(frames[n-1]) != 0 {
			t.Fatalf("%q: the envelope does not end with an empty frame", frames)
		}
	})
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{"1\xffbody", "PONG", "18446744073709551615\xff\xff", "007\xffx", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := split(b)
		number, body, ok := parseReply(frames)
		if !ok {
			return
		}
		back := append([][]byte{appendSequence(nil, number)}, body...)
		if len(body) == 0 || !slices.EqualFunc(back, frames, bytes.Equal) {
			t.Fatalf("%q was read as %d, %q", frames, number, body)
		}
	})
}

// FuzzAgent gives the agent what two servers may send while one of them was
// asked: only that one can answer, and only what it was asked.
func FuzzAgent(f *testing.F) {
	for _, seed := range []string{"PONG", "1\xffx", "2\xffx", "1", "PONG\xff1"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, other bool) {
		conf := ClientConfig{}
		if err := conf.complete(); err != nil {
			t.Fatal(err)
		}
		socket := zmq.NewRouter()
		defer socket.Close()
		a := newAgent(conf, newMailbox(), socket)
		a.last = 0 // so that the request is the 1 of the seeds
		asked, stranger := &peer{endpoint: "asked", up: true}, &peer{endpoint: "stranger", up: true}
		q := &request{reply: make(chan zmq.Msg, 1)}
		a.begin(q)
		q.asked, q.due = []*peer{asked}, time.Now()
		asked.waiting = 1
		a.stand(q, a.asked)
		from := asked
		if other {
			from = stranger
		}
		frames := split(b)
		for range 3 {
			a.answer(from, zmq.NewMsg(append([][]byte{[]byte(from.endpoint)}, frames...)...))
		}
		right := !other && len(frames) > 1 && string(frames[0]) == strconv.Itoa(1)
		if (len(q.reply) == 1) != right {
			t.Fatalf("%q from %s: %d replies", frames, from.endpoint, len(q.reply))
		}
		if alive := len(frames) == 1 && string(frames[0]) == pong; alive && !a.table.isLive(from) {
			t.Fatalf("%s answered and does not live", from.endpoint)
		}
		if asked.waiting < 0 || len(a.table.live) > 1 {
			t.Fatalf("waiting %d, %d live", asked.waiting, len(a.table.live))
		}
	})
}
