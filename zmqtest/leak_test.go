package zmqtest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/zmqtest"
)

// leakyLoop is a goroutine that ends when it is told to.
func leakyLoop(end <-chan struct{}) { <-end }

func TestLeakIsReported(t *testing.T) {
	starts := map[string]func(t testing.TB){
		"Pair":    func(t testing.TB) { zmqtest.Pair(t, zmq.PUSH, zmq.PULL) },
		"NewLink": func(t testing.TB) { zmqtest.NewLink(t) },
	}
	for name, start := range starts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := make(chan struct{})
				defer close(end)
				got := run(t, func(t testing.TB) {
					start(t)
					go leakyLoop(end)
				})
				if !strings.Contains(got, "leakyLoop") || strings.Contains(got, "PUSH") {
					t.Errorf("it said %q", got)
				}
			})
		})
	}
}

// TestLeakOfASocket: a socket that is left open has goroutines.
func TestLeakOfASocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *zmq.Socket
		got := run(t, func(t testing.TB) {
			s = zmq.NewPull(zmq.WithDialer(zmqtest.NewLink(t).Dialer()))
			if err := s.Connect("tcp://nowhere:1"); err != nil {
				t.Fatal(err)
			}
		})
		if !strings.Contains(got, "dialLoop") {
			t.Errorf("it said %q", got)
		}
		s.Close()
	})
}

func TestLeakOfAGrandchild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		got := run(t, func(t testing.TB) {
			zmqtest.NewLink(t)
			started := make(chan struct{})
			go func() {
				go leakyLoop(end)
				close(started)
			}()
			<-started
		})
		if !strings.Contains(got, "leakyLoop") {
			t.Errorf("it said %q", got)
		}
	})
}

// TestNoLeak: what ends in time, what was there before, what belongs to others
// and what a failed test leaves is not reported.
func TestNoLeak(t *testing.T) {
	tests := map[string]func(t testing.TB, end chan struct{}){
		"ends soon": func(t testing.TB, end chan struct{}) {
			zmqtest.Pair(t, zmq.PUSH, zmq.PULL)
			ended := make(chan struct{})
			go leakyLoop(ended)
			t.Cleanup(func() { time.AfterFunc(time.Second, func() { close(ended) }) })
		},
		"before": func(t testing.TB, end chan struct{}) {
			go leakyLoop(end)
			zmqtest.NewLink(t)
		},
		"stopped by a cleanup between": func(t testing.TB, end chan struct{}) {
			zmqtest.NewLink(t)
			ended := make(chan struct{})
			t.Cleanup(func() { close(ended) })
			zmqtest.Pair(t, zmq.PUSH, zmq.PULL)
			go leakyLoop(ended)
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := make(chan struct{})
				defer close(end)
				if got := run(t, func(t testing.TB) { test(t, end) }); got != "" {
					t.Errorf("it said %q", got)
				}
			})
		})
	}
}

func TestNoLeakOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, other := make(chan struct{}), make(chan struct{})
		defer close(end)
		go func() { // a test that runs in parallel
			defer close(other)
			go leakyLoop(end)
			<-end
		}()
		if got := run(t, func(t testing.TB) { zmqtest.NewLink(t) }); got != "" {
			t.Errorf("it said %q", got)
		}
	})
}

func TestLeakOfAFailedTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		got := run(t, func(t testing.TB) {
			zmqtest.NewLink(t)
			go leakyLoop(end)
			t.Fatal("for another reason")
		})
		if got != "for another reason\n" {
			t.Errorf("it said %q", got)
		}
	})
}

// TestCheckIsMadeOnce: several calls in one test make one check, the first.
func TestCheckIsMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		got := run(t, func(t testing.TB) {
			zmqtest.NewLink(t)
			zmqtest.NewLink(t)
			zmqtest.Pair(t, zmq.PUSH, zmq.PULL)
			go leakyLoop(end)
		})
		if n := strings.Count(got, "leaves behind"); n != 1 {
			t.Errorf("it said %d times: %q", n, got)
		}
	})
}
