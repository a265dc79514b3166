package interop

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/phimq/zmq"
)

// header is where Debian's libzmq3-dev has what libzmq defines.
const header = "/usr/include/zmq.h"

var defined = regexp.MustCompile(`(?m)^#define ZMQ_(\w+) (\d+)$`)

// libzmqOptions reads the numbers of libzmq's socket options: the stable ones,
// those that it takes but no longer wants, and the drafts.
func libzmqOptions(t *testing.T) (stable, old, draft map[string]int) {
	t.Helper()
	text, err := os.ReadFile(header)
	if err != nil {
		t.Fatalf("%v\napt-get install --no-install-recommends libzmq3-dev", err)
	}
	section := func(from, to string) map[string]int {
		_, rest, found := strings.Cut(string(text), from)
		body, _, ends := strings.Cut(rest, to)
		if !found || !ends {
			t.Fatalf("%s has no %q up to %q", header, from, to)
		}
		numbers := map[string]int{}
		for _, m := range defined.FindAllStringSubmatch(body, -1) {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				t.Fatal(err)
			}
			numbers[strings.ToLower(m[1])] = n
		}
		return numbers
	}
	stable = section("/*  Socket options. ", "/*  Message options ")
	delete(stable, "blocky") // of a context, among those of sockets
	return stable, section("/*  Deprecated options ", "/*  Deprecated Message"), section("/*  DRAFT Socket options. ", "/*  DRAFT ZMQ_RECONNECT_STOP")
}

// TestOptionNumbers: names and numbers are libzmq's, and every stable option of
// libzmq is in the table or, with a reason, in the list of those that are not.
func TestOptionNumbers(t *testing.T) {
	stable, old, draft := libzmqOptions(t)
	if len(stable) < 70 || len(draft) < 15 {
		t.Fatalf("%s has only %d stable and %d draft options", header, len(stable), len(draft))
	}
	known := map[string]bool{}
	number := func(name string, n int) {
		t.Helper()
		known[name] = true
		want, ok := stable[name]
		for _, more := range []map[string]int{old, draft} {
			if !ok {
				want, ok = more[name]
			}
		}
		if !ok || n != want {
			t.Errorf("%s has the number %d, libzmq says %d (%t)", name, n, want, ok)
		}
	}
	for _, o := range zmq.Options() {
		if o.Number != 0 {
			number(o.Name, o.Number)
		}
	}
	text, err := os.ReadFile("../docs/options_absent.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		n, err := strconv.Atoi(words[1])
		if err != nil {
			t.Fatal(err)
		}
		if known[words[0]] {
			t.Errorf("%s is there and said to be absent", words[0])
		}
		number(words[0], n)
	}
	maps.Copy(stable, old)
	for name := range stable {
		if !known[name] {
			t.Errorf("libzmq's %s is neither in the table nor in docs/options_absent.txt", name)
		}
	}
}

// otherDefaults are those that docs/differences.md gives the reasons for.
var otherDefaults = []string{"linger", "reconnect_ivl_max", "maxmsgsize", "backlog", "zap_enforce_domain"}

// TestOptionDefaults: what libzmq lets one read has the same value in a fresh
// socket of ours, in the same unit, but for those that are told.
func TestOptionDefaults(t *testing.T) {
	driver, err := startLibzmq()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(driver.Kill)
	differences, err := os.ReadFile("../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, o := range zmq.Options() {
		if o.Number == 0 || o.ReadOnly || o.WriteOnly {
			continue
		}
		typ := zmq.PAIR
		if len(o.Applies) > 0 {
			typ = o.Applies[0]
		}
		s, err := driver.New(typ.String())
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := s.(*remotePeer).call("get", []byte(o.Name))
		if err != nil {
			t.Logf("libzmq does not tell %s: %v", o.Name, err)
			continue
		}
		compared++
		told := slices.Contains(otherDefaults, o.Name)
		if same := string(theirs[0]) == o.Default; same == told {
			t.Errorf("%s: %s here, %s in libzmq; told to be different: %t", o.Name, o.Default, theirs[0], told)
		}
		if told && !strings.Contains(string(differences), "| "+strings.ToUpper(o.Name)+" |") {
			t.Errorf("docs/differences.md has no row for %s", o.Name)
		}
	}
	if compared < 25 {
		t.Errorf("only %d defaults are compared", compared)
	}
}
