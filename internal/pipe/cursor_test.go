package pipe

import (
	"strings"
	"testing"
)

func TestHeadFirst(t *testing.T) {
	for _, large := range []string{"", strings.Repeat("x", LargeMessage)} {
		r := newRig(t, 0, false)
		r.put("one" + large)
		r.put("first"+large, "second")
		for i, want := range []string{"one" + large, "first" + large} {
			if !r.p.Head() {
				t.Fatal("no message")
			}
			first, more := r.p.HeadFirst()
			if string(first) != want || more != (i == 1) {
				t.Errorf("the first frame is %.20q, more: %v", first, more)
			}
			if kind := r.p.HeadKind(); (kind == Parts) != (large != "") {
				t.Errorf("kind %d", kind)
			}
			r.p.Advance()
		}
	}
}

func TestAppendHead(t *testing.T) {
	r := newRig(t, 0, false)
	r.run([]string{"a", "", "b"}, []string{"c"})
	r.p.Head()
	if got := shown(r.p.AppendHead(nil)); got != "[1:a][0:][1:b]" {
		t.Errorf("the head is %s", got)
	}
	r.p.Advance() // without a look at its end before
	r.expect("[1:c]", "")
}

func TestHeadTopic(t *testing.T) {
	r := newRig(t, 0, false)
	r.q.PutTopic(Subscribe, []byte("s"))
	r.put("message")
	r.q.PutTopic(Cancel, []byte("c"))
	var got []string
	for r.p.Head() {
		if r.p.HeadKind() == Run {
			got = append(got, shown(r.p.Load(nil, 0)))
		} else {
			got = append(got, string(r.p.HeadTopic()))
		}
		r.p.Advance()
	}
	if strings.Join(got, " ") != "s [7:message] c" {
		t.Errorf("came %q", got)
	}
	if r.q.Len() != 0 {
		t.Errorf("%d messages count", r.q.Len())
	}
	r.balanced()
}

func TestDropLeavesNothing(t *testing.T) {
	r := newRig(t, 0, false)
	r.put("a")
	r.parts(false, strings.Repeat("x", ChunkSize))
	r.put("b")
	r.expect("[1:a]")
	r.p.Drop()
	r.q.Close()
	r.balanced()
	if r.p.Head() {
		t.Error("a message is left")
	}
}
