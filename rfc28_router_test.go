package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/phimq/zmq"
)

func TestRFC28_ROUTER_QueuePerPeer(t *testing.T)          { testQueuePerPeer(t, routerKind) }
func TestRFC28_ROUTER_QueueBeforeConnection(t *testing.T) { testQueueBeforeConnection(t, routerKind) }
func TestRFC28_ROUTER_QueueOutlivesConnection(t *testing.T) {
	testQueueOutlivesConnection(t, routerKind)
}
func TestRFC28_ROUTER_QueueOnAccept(t *testing.T) { testQueueOnAccept(t, routerKind) }
func TestRFC28_ROUTER_PeerGone(t *testing.T)      { testPeerGone(t, routerKind) }

func TestRFC28_ROUTER_UniqueIdentity(t *testing.T) {
	t.Run("generated", func(t *testing.T) {
		onLinks(t, routerKind, func(st *stage) {
			s := st.socket()
			st.callsApart(s, func() far { return st.comes(s, "") })
		})
	})
	t.Run("generated for who is connected to", func(t *testing.T) {
		inBubbles(t, routerKind, func(st *stage) {
			s := st.socket()
			st.callsApart(s, func() far { return st.reaches(s, "")() })
		})
	})
	t.Run("given", func(t *testing.T) {
		onLinks(t, routerKind, func(st *stage) {
			s := st.socket()
			first := st.comes(s, "a")
			st.calls(s, "a").ended() // the name is taken
			st.isCalled(s, first, "a")
		})
	})
	t.Run("taken over", func(t *testing.T) {
		onLinks(t, routerKind, func(st *stage) {
			s := st.socket(zmq.WithRouterHandover(true))
			first := st.comes(s, "a")
			second := st.calls(s, "a")
			first.ended()
			st.isCalled(s, second, "a")
		})
	})
}

// callsApart wants peers without a name to get one each.
func (st *stage) callsApart(s *zmq.Socket, next func() far) {
	st.Helper()
	seen := map[string]bool{}
	for range 3 {
		f := next()
		says(f, []string{"hello"})
		id, _ := st.recv(s)
		if len(id) != 5 || id[0] != 0 || seen[id] {
			st.Fatalf("the peer is called %q, after %v", id, seen)
		}
		seen[id] = true
		st.isCalled(s, f, id)
	}
}

// isCalled wants messages from and to a peer to carry this identity.
func (st *stage) isCalled(s *zmq.Socket, f far, id string) {
	st.Helper()
	says(f, []string{"from"})
	got, m := st.recv(s)
	st.same(append(m, got), []string{"from", id})
	st.send(s, id, "to")
	st.hears(f, []string{"to"})
}

func TestRFC28_ROUTER_FairQueue(t *testing.T) { testFairQueue(t, routerKind) }

func TestRFC28_ROUTER_PrefixesIdentity(t *testing.T) {
	onLinks(t, routerKind, func(st *stage) {
		s := st.socket()
		names := []string{"a", "b", "\x01\x00\xff", "a longer name, with spaces", strings.Repeat("n", 255)}
		for _, name := range names {
			f := st.comes(s, name)
			for _, message := range [][]string{{"one"}, {""}, {"", "b", ""}} {
				f.say(message...)
				m, err := s.Recv(soon(st))
				if err != nil {
					st.Fatal(err)
				}
				st.same(texts(m.Frames), append([]string{name}, message...))
			}
		}
	})
}

func TestRFC28_ROUTER_Delivers(t *testing.T) { testDelivers(t, routerKind) }

func TestRFC28_ROUTER_RoutesByFirstFrame(t *testing.T) {
	onLinks(t, routerKind, func(st *stage) {
		s := st.socket()
		fars := map[string]far{}
		for _, name := range []string{"a", "b", "c"} {
			fars[name] = st.comes(s, name)
		}
		for i, name := range []string{"b", "b", "a", "c", "a", "b"} {
			st.send(s, name, name, "", fmt.Sprint(i))
			st.hears(fars[name], []string{name, "", fmt.Sprint(i)})
		}
	})
}

func TestRFC28_ROUTER_Unroutable(t *testing.T) {
	for _, mandatory := range []bool{false, true} {
		t.Run(fmt.Sprintf("mandatory %t", mandatory), func(t *testing.T) {
			inBubbles(t, routerKind, func(st *stage) {
				s := st.socket(small...)
				a, b := st.comes(s, "a"), st.comes(s, "b")
				n := st.fill(s, "a")
				var noPeer, full error
				if mandatory {
					noPeer, full = zmq.ErrNoPeer, zmq.ErrAgain
				} else if err := s.Set(zmq.WithRouterMandatory(false)); err != nil {
					st.Fatal(err)
				}
				for range 2 * n {
					st.refused(s, "nobody", noPeer)
					st.refused(s, "a", full)
				}
				if err := s.Send(soon(st), []byte("nobody"), []byte("no")); !errors.Is(err, noPeer) {
					st.Fatalf("Send returned %v, wants %v", err, noPeer)
				}
				if got := a.rest(); !slices.EqualFunc(got, numbers(0, n), slices.Equal) {
					st.Fatalf("%d messages were queued, and these came: %q", n, got)
				}
				st.send(s, "a", "room again")
				st.hears(a, []string{"room again"})
				if got := b.rest(); len(got) > 0 {
					st.Fatalf("another peer got %q", got)
				}
			})
		})
	}
}

func TestRFC28_ROUTER_SendNeverBlocks(t *testing.T) {
	inBubbles(t, routerKind, func(st *stage) {
		s := st.socket(small...)
		a := st.comes(s, "a")
		n := st.fill(s, "a")
		waiting := st.beside(s, "a", "mandatory") // with the option it waits
		waiting.waits()
		waiting.cancel()
		waiting.returns(context.Canceled)
		if err := s.Set(zmq.WithRouterMandatory(false)); err != nil {
			st.Fatal(err)
		}
		if !st.canSend(s) {
			st.Error("Ready says that it can't send")
		}
		for range 10 {
			st.send(s, "a", "dropped")
			st.send(s, "nobody", "dropped")
		}
		if got := a.rest(); !slices.EqualFunc(got, numbers(0, n), slices.Equal) {
			st.Fatalf("%d messages were queued, and these came: %q", n, got)
		}
	})
}
