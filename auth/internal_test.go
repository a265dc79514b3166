package auth

import (
	"bytes"
	"context"
	"encoding/binary"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq/internal/zap"
)

// TestLimiterIsBounded lets more addresses fail than are remembered.
func TestLimiterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l limiter
		address := func(i int) netip.Addr {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], uint32(i))
			return netip.AddrFrom4(b)
		}
		for i := range maxOffenders + 100 {
			for range freeFailures {
				l.failed(address(i))
			}
		}
		if n := len(l.offenders); n != maxOffenders || l.order.Len() != n {
			t.Errorf("%d addresses are remembered", n)
		}
		if l.wait(address(0)) != 0 || l.wait(address(maxOffenders)) == 0 {
			t.Error("it is not the oldest that is forgotten")
		}
		<-time.After(maxFailures*forgiven + time.Second)
		if l.wait(address(maxOffenders)) != 0 || len(l.offenders) != 0 {
			t.Errorf("%d addresses are not forgotten", len(l.offenders))
		}
		if l.failed(netip.Addr{}); l.wait(netip.Addr{}) != 0 || len(l.offenders) != 0 {
			t.Error("no address counts as one")
		}
	})
}

// FuzzParsePasswords reads files.
func FuzzParsePasswords(f *testing.F) {
	for _, text := range []string{"a=b\n", "#\n\n", "=\n", "a:$2y$05$abcdefghijklmnopqrstuuMdnu4bhzo2vBCT3hTKeVKzQcMQDwV0m\n", "a=b\r\nc=d=e"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		users, err := parsePasswords(text)
		if err != nil && users != nil {
			t.Error("users besides an error")
		}
		for user, password := range users {
			if user == "" || len(user) > maxCredential || len(password) > maxCredential || user[0] == '#' {
				t.Errorf("user %q", user)
			}
			if s := newSecret(password); !s.slow() && (!s.is(password) || s.is(password+"x")) {
				t.Errorf("the password %q does not match itself alone", password)
			}
		}
	})
}

// FuzzAnswer makes ZAP requests of any octets. Whoever gives an id gets an
// answer, and only the two who may are let in.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{"r||1.0|1|d|127.0.0.1||NULL", "r||1.0|1|d|10.0.0.1||PLAIN|ann|secret", "||", "r|s||1.0|1|d|x||CURVE|k", "1.0", ""} {
		f.Add([]byte(text))
	}
	a := &Authenticator{logger: slog.New(slog.DiscardHandler), hashing: make(chan struct{}, 1)}
	t := newTable()
	t.users["ann"] = newSecret("secret")
	a.table = &t
	a.rules.deny, _ = parseNetworks([]string{"10.0.0.0/8"})
	f.Fuzz(func(t *testing.T, text []byte) {
		envelope, request, ok := cutEnvelope(bytes.Split(text, []byte("|")))
		if !ok {
			return
		}
		if len(envelope[len(envelope)-1]) != 0 {
			t.Error("the envelope does not end with an empty frame")
		}
		reply, ok := a.answer(context.Background(), request)
		if ok != (len(request) >= 2) {
			t.Fatalf("answered: %t, %d frames", ok, len(request))
		}
		if !ok {
			return
		}
		if reply.ID != string(request[1]) {
			t.Errorf("the id is %q", reply.ID)
		}
		if _, err := zap.ParseReply(reply.Frames(), reply.ID); err != nil {
			t.Errorf("nobody understands the reply: %v", err)
		}
		if reply.Status != zap.OK {
			return
		}
		in := string(request[5]) == null && len(request) == 6 ||
			string(request[5]) == plain && len(request) == 8 && string(request[6]) == "ann" && string(request[7]) == "secret"
		if !in || a.rules.judge(parseAddress(string(request[3]))) != nil {
			t.Errorf("let in: %q", request)
		}
	})
}

// TestStamps: a file is read again if it is another one, or has another time or
// size, or was written so shortly before it was read that its time says nothing.
func TestStamps(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, written time.Time) fs.FileInfo {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	now := time.Now()
	old := now.Add(-time.Hour)
	first := file("a", "text", old)
	s := stampOf(first, now)
	if !s.same(first) || (stamp{}).same(first) {
		t.Error("a file is not itself")
	}
	if s.same(file("b", "text", old)) || s.same(file("a", "texts", old)) || s.same(file("a", "text", old.Add(time.Second))) {
		t.Error("another file is the same")
	}
	if fresh := file("c", "text", now.Add(-time.Second)); stampOf(fresh, now).same(fresh) {
		t.Error("a file that has just been written is not read again")
	}
}
