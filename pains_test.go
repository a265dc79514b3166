package zmq_test

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// What users of ZeroMQ suffer from, one test for each, by the numbers of
// docs/pains.md. Each goes through what such a user did.

// Here: what keeps people from using it at all, and what they get that is not
// ZeroMQ.

// TestPain01_NoCgo: the library builds without cgo, and uses none and nothing
// but golang.org/x.
func TestPain01_NoCgo(t *testing.T) {
	run := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	packages := 0
	for line := range strings.Lines(run("list", "-deps", "-f", "{{.ImportPath}} {{.Standard}} {{len .CgoFiles}}", ".")) {
		f := strings.Fields(line)
		name, standard, cgo := f[0], f[1] == "true", f[2] != "0"
		if cgo || name == "runtime/cgo" || name == "C" {
			t.Errorf("%s uses cgo", name)
		}
		if !standard && !strings.HasPrefix(name, modulePath) && !strings.HasPrefix(name, "golang.org/x/") {
			t.Errorf("the library imports %s", name)
		}
		packages++
	}
	if packages < 20 {
		t.Errorf("only %d packages are listed", packages)
	}
	run("build", ".", "./zmqtest", "./z85", "./zpl")
	for _, f := range readTree(t) { // files of every platform, which the list leaves out
		if f.module == "." && importedAs(f, "C") != "" {
			t.Errorf("%s imports C", f.path)
		}
	}
	TestRequirements(t)
}

// TestPain02_ConnectIsFireAndForget: Connect does not mind that nobody is there
// yet, at any of several endpoints; a peer that goes and comes back is found
// again, with the subscriptions; and Recv tells of none of it.
func TestPain02_ConnectIsFireAndForget(t *testing.T) {
	leak.Check(t)
	sub := open(t, zmq.SUB, zmq.WithReconnect(time.Millisecond), zmq.WithReconnectMax(5*time.Millisecond))
	if err := sub.Subscribe("topic"); err != nil {
		t.Fatal(err)
	}
	var endpoints []string
	for range 3 {
		gone := open(t, zmq.PUB)
		endpoints = append(endpoints, bind(t, gone, "tcp://127.0.0.1:*"))
		gone.Close()
	}
	for _, endpoint := range endpoints {
		connect(t, sub, endpoint)
	}
	for round := range 5 {
		for _, endpoint := range endpoints {
			pub := open(t, zmq.PUB, zmq.WithLinger(time.Second))
			bind(t, pub, endpoint)
			awaitSubscribers(t, pub, "topic", 1)
			say(t, pub, "topic", fmt.Sprint(round))
			expectHeard(t, sub, "topic", fmt.Sprint(round))
			pub.Close()
		}
	}
}

// TestPain03_SemanticsAreZeroMQs: who sends to many by turns sends each message
// once and as many to each, and who has no room left waits and loses nothing.
func TestPain03_SemanticsAreZeroMQs(t *testing.T) {
	leak.Check(t)
	for typ, peer := range map[zmq.Type]zmq.Type{zmq.PUSH: zmq.PULL, zmq.DEALER: zmq.DEALER} {
		s := open(t, typ)
		endpoint := bind(t, s, "tcp://127.0.0.1:*")
		peers := []*zmq.Socket{open(t, peer), open(t, peer)}
		for i, p := range peers {
			connect(t, p, endpoint)
			awaitPeers(t, s, i+1)
		}
		seen := map[string]bool{}
		for i := range 100 {
			say(t, s, fmt.Sprint(i))
		}
		for _, p := range peers {
			for range 50 {
				seen[hear(t, p)[0]] = true
			}
		}
		if len(seen) != 100 {
			t.Errorf("%s: %d of 100 messages came", typ, len(seen))
		}
		for _, p := range peers {
			expectNone(t, p)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		s := open(t, zmq.PUSH, zmq.WithSendHWM(10), dials.dialer())
		connect(t, s, wireEndpoint)
		sent := 0
		for ; s.TrySend([]byte(fmt.Sprint(sent))) == nil; sent++ {
			if sent > 10 {
				t.Fatal("there is no back pressure")
			}
		}
		p := dials.accept()
		p.handshake("PULL")
		for i := range sent {
			p.expectMsg(fmt.Sprint(i))
		}
		say(t, s, "room again")
		p.expectMsg("room again")
	})
}

// TestPain16_IsItAlive: what tells whether a project lives is there, says what
// it has to say, and is reached from the front page by links.
func TestPain16_IsItAlive(t *testing.T) {
	reached := map[string]bool{}
	follow := []string{"README.md"}
	for len(follow) > 0 {
		file := follow[0]
		follow = follow[1:]
		if reached[file] || !strings.HasSuffix(file, ".md") {
			reached[file] = true
			continue
		}
		reached[file] = true
		text := codeBlock.ReplaceAllString(string(readFile(t, file)), "")
		for _, m := range mdLink.FindAllStringSubmatch(inlineCode.ReplaceAllString(text, ""), -1) {
			to, _, _ := strings.Cut(m[1]+m[2], "#")
			if to == "" || strings.Contains(to, ":") {
				continue
			}
			to = path.Join(path.Dir(file), to)
			follow = append(follow, to)
			if inside, err := filepath.Glob(filepath.FromSlash(to) + "/*.md"); err == nil {
				for _, f := range inside {
					follow = append(follow, filepath.ToSlash(f))
				}
			}
		}
	}
	for file, says := range map[string]string{
		"docs/rfc/23.md": "TestRFC23_", "docs/rfc/28.md": "TestRFC28_", "docs/rfc/29.md": "TestRFC29_", "docs/rfc/30.md": "TestRFC30_",
		"docs/rfc/31.md": "TestRFC31_", "docs/rfc/37.md": "TestRFC37_",
		"SECURITY.md": "Report a vulnerability", "CHANGELOG.md": "Semantic Versioning", "docs/release.md": "git tag",
		"CONTRIBUTING.md": "make check", "docs/differences.md": "LINGER", "docs/options.md": "sndhwm", "docs/pains.md": "TestPain16",
		"docs/cli.md": "zmq ping", "docs/design.md": "arrows.txt", "LICENSE": "",
	} {
		if !reached[file] {
			t.Errorf("no link leads from README.md to %s", file)
		}
		if !strings.Contains(string(readFile(t, file)), says) {
			t.Errorf("%s does not say %q", file, says)
		}
	}
}
