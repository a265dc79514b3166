package ch4

import (
	"os"
	"testing"
)

func TestLazyPirate(t *testing.T) {
	endpoint := free(t)
	server := start(t, "lpserver", "-endpoint", endpoint, "-work", "1ms", "-crash", "3", "-slow", "-1")
	client := start(t, "lpclient", "-endpoint", endpoint, "-timeout", "500ms", "-tries", "100", "-count", "5")
	client.expect(t, "server replied OK (2)")
	server.expect(t, "simulating a crash")
	server.wait(t)
	client.expect(t, "no reply")
	server = start(t, "lpserver", "-endpoint", endpoint, "-work", "1ms", "-crash", "-1", "-slow", "-1")
	client.expect(t, "server replied OK (5)")
	client.wait(t)
	server.signal(t, os.Interrupt)
	server.wait(t)
}

func TestLazyPirateGivesUp(t *testing.T) {
	client := start(t, "lpclient", "-endpoint", free(t), "-timeout", "50ms")
	client.expect(t, "try=3")
	client.expect(t, "abandoned")
	client.wait(t)
}

func TestSimplePirate(t *testing.T) {
	testPirates(t, "sp", nil)
}

func TestParanoidPirate(t *testing.T) {
	testPirates(t, "pp", []string{"-interval", "100ms"})
}

// testPirates lets one of two workers crash, and the queue begin anew.
func testPirates(t *testing.T, kind string, heart []string) {
	clients, workers := free(t), free(t)
	queue := func() *program {
		q := start(t, kind+"queue", append([]string{"-frontend", clients, "-backend", workers}, heart...)...)
		q.expect(t, "ready")
		return q
	}
	worker := func(crash string) *program {
		return start(t, kind+"worker", append([]string{"-endpoint", workers, "-work", "1ms", "-slow", "-1", "-crash", crash}, heart...)...)
	}
	client := func(count string) *program {
		return start(t, "lpclient", "-endpoint", clients, "-timeout", "500ms", "-tries", "100", "-count", count)
	}
	q, dies, lives := queue(), worker("2"), worker("-1")
	q.expect(t, "new worker")
	q.expect(t, "new worker")
	c := client("10")
	dies.expect(t, "simulating a crash")
	dies.wait(t)
	c.expect(t, "server replied OK (10)")
	c.wait(t)
	q.kill()
	c = client("5")
	q = queue()
	q.expect(t, "new worker")
	c.expect(t, "server replied OK (5)")
	c.wait(t)
	for _, p := range []*program{lives, q} {
		p.signal(t, os.Interrupt)
		p.wait(t)
	}
}
