package pirate

import (
	"slices"
	"testing"

	"github.com/phimq/zmq"
)

// fuzzFrames turns octets into frames: RFC 50's encoding, or one frame.
func fuzzFrames(b []byte) [][]byte {
	if m, err := zmq.DecodeMsg(b); err == nil {
		return m.Frames
	}
	return [][]byte{b}
}

func seedFrames(f *testing.F) {
	for _, frames := range [][]string{
		{"w", "\x01"}, {"w", "\x02"}, {"w", "", "\x01"}, {"w", "", "READY"}, {"w", "c", "", "body"},
		{"w", "", "c", "1234", "", "body", ""}, {"w"}, {"w", ""}, {"w", "", ""}, {"w", "", "", "", ""}, {"w", "c", "body"},
	} {
		m := zmq.MsgFromStrings(frames...)
		b, err := m.AppendEncode(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// What is read as a message of a worker is what a worker would write.
func FuzzFromWorker(f *testing.F) {
	seedFrames(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := fuzzFrames(b)
		before := texts(frames)
		m, err := parseFromWorker(frames)
		if !slices.Equal(texts(frames), before) {
			t.Fatal("the frames were changed")
		}
		if err != nil {
			return
		}
		written := []string{m.id}
		if m.simple {
			written = append(written, "")
		}
		switch m.verb {
		case sayReady:
			written = append(written, "\x01")
			if before[len(before)-1] == "READY" {
				written[len(written)-1] = "READY"
			}
		case sayHeartbeat:
			written = append(written, "\x02")
		case sayReply:
			written = append(written, texts(m.reply)...)
			if len(m.reply[0]) == 0 || len(m.reply) < 3 || !slices.Contains(texts(m.reply[:len(m.reply)-1]), "") {
				t.Errorf("%q is no reply to anybody", before)
			}
		}
		if !slices.Equal(written, before) {
			t.Errorf("%q was read as %q", before, written)
		}
	})
}

// What is read as a message of a queue is what a queue would write.
func FuzzFromQueue(f *testing.F) {
	seedFrames(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := fuzzFrames(b)
		before := texts(frames)
		for _, simple := range []bool{false, true} {
			m, err := parseFromQueue(frames, simple)
			if !slices.Equal(texts(frames), before) {
				t.Fatal("the frames were changed")
			}
			if err != nil {
				continue
			}
			var written []string
			if simple {
				written = append(written, "")
			}
			if m.content == nil {
				written = append(written, "\x02")
				if simple {
					t.Errorf("%q was read as a heartbeat to a simple worker", before)
				}
			} else if n := len(m.envelope); n == 0 || slices.Index(texts(m.envelope), "") != n-1 {
				t.Errorf("%q has the envelope %q", before, m.envelope)
			}
			written = slices.Concat(written, texts(m.envelope), texts(m.content))
			if !slices.Equal(written, before) {
				t.Errorf("%q was read as %q", before, written)
			}
		}
	})
}
