package zap

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/phimq/zmq/internal/wire"
)

// TestRequest writes a request and reads it again.
func TestRequest(t *testing.T) {
	for _, r := range []Request{
		{ID: "1", Domain: "d", Address: "::1", Identity: "me", Mechanism: "PLAIN", Credentials: [][]byte{[]byte("ann"), {}}},
		{Mechanism: "NULL"},
	} {
		got, err := ParseRequest(r.Frames())
		if err != nil || got.ID != r.ID || got.Domain != r.Domain || got.Address != r.Address || got.Identity != r.Identity ||
			got.Mechanism != r.Mechanism || !slices.EqualFunc(got.Credentials, r.Credentials, bytes.Equal) {
			t.Errorf("%+v became %+v, %v", r, got, err)
		}
	}
}

// TestReply writes replies and reads them again. Whoever is not let in is told
// no user id and no metadata, and what is too long is cut.
func TestReply(t *testing.T) {
	role := []wire.Property{{Name: "X-Role", Value: []byte("reader")}}
	r := Reply{ID: "1", Status: OK, Text: strings.Repeat("t", 300), UserID: "ann", Metadata: role}
	got, err := ParseReply(r.Frames(), "1")
	if err != nil || got.Status != OK || len(got.Text) != 255 || got.UserID != "ann" || len(got.Metadata) != 1 || string(got.Metadata[0].Value) != "reader" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, status := range []int{Temporary, Denied, Internal} {
		r.Status = status
		got, err := ParseReply(r.Frames(), "1")
		if err != nil || got.Status != status || got.UserID != "" || got.Metadata != nil {
			t.Errorf("%d: %+v, %v", status, got, err)
		}
	}
	if _, err := ParseReply(r.Frames(), "2"); !errors.Is(err, ErrRequestID) {
		t.Errorf("another id: %v", err)
	}
}

// split makes frames of a text, one for each line.
func split(text []byte) [][]byte { return bytes.Split(text, []byte("\n")) }

// FuzzParseRequest reads any frames. What can be read has the frames of what it
// was read from.
func FuzzParseRequest(f *testing.F) {
	for _, text := range []string{"1.0\n1\nd\n::1\nme\nPLAIN\nann\nsecret", "1.0\n1\nd\na\ni\nNULL", "1.0\n1", "2.0", ""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frames := split(text)
		r, err := ParseRequest(frames)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrVersion) {
				t.Errorf("another error: %v", err)
			}
			return
		}
		if r.Mechanism == "" || !slices.EqualFunc(r.Frames(), frames, bytes.Equal) {
			t.Errorf("%q became %q", frames, r.Frames())
		}
	})
}

// FuzzParseReply reads any frames. Only the four statuses come out.
func FuzzParseReply(f *testing.F) {
	for _, text := range []string{"1.0\n1\n200\nOK\nann\n", "1.0\n1\n400\n\n\n", "1.0\n1\n200\n\n\n\x01N\x00\x00\x00\x01v", "1.0\n2\n200\n\n\n", ""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frames := split(text)
		r, err := ParseReply(frames, "1")
		if err != nil {
			if r.Status == OK && !errors.Is(err, ErrMetadata) {
				t.Errorf("let in with %v", err)
			}
			return
		}
		if len(frames) != 6 || r.ID != "1" || string(frames[2]) != map[int]string{OK: "200", Temporary: "300", Denied: "400", Internal: "500"}[r.Status] {
			t.Errorf("%q became %+v", frames, r)
		}
	})
}
