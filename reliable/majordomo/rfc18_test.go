package majordomo

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

const mdp2 = dialect(Version02)

func TestRFC18_Topology_OneSocketForBoth(t *testing.T)  { mdp2.carriesOurs(t) }
func TestRFC18_Topology_OneRequestAtATime(t *testing.T) { mdp2.oneAtATime(t) }
func TestRFC18_Topology_FairToClients(t *testing.T)     { mdp2.fair(t) }
func TestRFC18_Goals_ResendsToOthers(t *testing.T)      { mdp2.silentWorker(t) }
func TestRFC18_Goals_LeastRecentlyUsed(t *testing.T)    { mdp2.leastRecentlyUsed(t) }
func TestRFC18_Client_Frames(t *testing.T)              { mdp2.carries(t) }
func TestRFC18_Client_Retries(t *testing.T)             { mdp2.clientRetries(t) }
func TestRFC18_Client_IgnoresLateReplies(t *testing.T)  { mdp2.clientIgnoresLateReplies(t) }
func TestRFC18_Client_QueuedForAbsentService(t *testing.T) {
	mdp2.queuesForAbsent(t)
}
func TestRFC18_Client_ExpiresForAbsentService(t *testing.T) { mdp2.expiresForAbsent(t) }
func TestRFC18_Worker_Frames(t *testing.T)                  { mdp2.workerSpeaks(t) }
func TestRFC18_Connection_ReadyHasNoAnswer(t *testing.T)    { mdp2.readyHasNoAnswer(t) }
func TestRFC18_Connection_DisconnectBeforeReady(t *testing.T) {
	mdp2.disconnectBeforeReady(t)
}
func TestRFC18_Connection_WorkerDisconnects(t *testing.T) { mdp2.disconnectByWorker(t) }
func TestRFC18_Connection_InvalidIsDropped(t *testing.T)  { mdp2.invalidFromStranger(t) }
func TestRFC18_Connection_InvalidWorker(t *testing.T)     { mdp2.invalidFromWorker(t) }
func TestRFC18_Connection_BrokerDisconnects(t *testing.T) { mdp2.workerIsDisconnected(t) }
func TestRFC18_Heartbeating_Broker(t *testing.T)          { mdp2.brokerBeats(t) }
func TestRFC18_Heartbeating_Worker(t *testing.T)          { mdp2.workerBeats(t) }
func TestRFC18_Heartbeating_AnyCommand(t *testing.T)      { mdp2.anythingIsLife(t) }
func TestRFC18_Heartbeating_SilentWorker(t *testing.T)    { mdp2.silentWorker(t) }
func TestRFC18_Heartbeating_SilentBroker(t *testing.T)    { mdp2.workerNoticesSilence(t) }

func TestRFC18_Connection_SecondReady(t *testing.T) {
	mdp2.unexpected(t, [][]string{mdp2.ready("coffee")}, mdp2.ready("coffee"))
}

func TestRFC18_Connection_Unexpected(t *testing.T) {
	t.Run("HEARTBEAT before READY", func(t *testing.T) { mdp2.unexpected(t, nil, mdp2.worker(heartbeat)) })
	t.Run("PARTIAL before READY", func(t *testing.T) { mdp2.unexpected(t, nil, mdp2.worker(partial, "client", "", "x")) })
	t.Run("FINAL to no request", func(t *testing.T) {
		mdp2.unexpected(t, [][]string{mdp2.ready("coffee")}, mdp2.worker(final, "client", "", "x"))
	})
	t.Run("REQUEST", func(t *testing.T) {
		mdp2.unexpected(t, [][]string{mdp2.ready("coffee")}, mdp2.worker(request, "client", "", "x"))
	})
}

// The versions do not interoperate: a worker keeps to the one of its READY.
func TestRFC18_Connection_ChangedVersion(t *testing.T) {
	mdp1.test(t, BrokerConfig{}, func(_ *testing.T, h *house) {
		w := h.raw()
		w.send(mdp1.ready("tea")...)
		w.send(mdp2.worker(heartbeat)...)
		w.want(mdp1.worker(disconnect)...)
		w.silent(5 * time.Second)
	})
}

// Zero or more PARTIAL and then one FINAL go from the worker to the client, in
// order; after FINAL nothing.
func TestRFC18_Requests_PartialAndFinal(t *testing.T) {
	mdp2.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		c, w := h.raw(zmq.WithRoutingID("client")), h.raw()
		w.send(mdp2.ready("tea")...)
		for _, parts := range []int{0, 1, 3} {
			c.send(mdp2.client(request, "tea", "please")...)
			w.want(mdp2.worker(request, "client", "", "please")...)
			for range parts {
				w.send(mdp2.worker(partial, "client", "", "a part", "of two frames")...)
				c.want(mdp2.client(partial, "tea", "a part", "of two frames")...)
			}
			w.send(mdp2.worker(final, "client", "", "the end")...)
			c.want(mdp2.client(final, "tea", "the end")...)
			c.silent(time.Second)
		}
	})
}

// What comes after FINAL belongs to no request.
func TestRFC18_Requests_ExactlyOneFinal(t *testing.T) {
	for _, c := range []command{partial, final} {
		mdp2.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
			client, w := h.raw(zmq.WithRoutingID("client")), h.raw()
			w.send(mdp2.ready("tea")...)
			client.send(mdp2.client(request, "tea", "please")...)
			w.want(mdp2.worker(request, "client", "", "please")...)
			w.send(mdp2.worker(final, "client", "", "the end")...)
			w.send(mdp2.worker(c, "client", "", "and more")...)
			w.want(mdp2.worker(disconnect)...)
			client.want(mdp2.client(final, "tea", "the end")...)
			client.silent(time.Second)
		})
	}
}

// Our worker sends one FINAL for each request, whatever its handler does.
func TestRFC18_Requests_WorkerSendsOneFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := newDesk(t)
		h := &house{t: t, domain: desk.domain, log: &notes{}}
		h.worker("tea", WorkerConfig{}, func(_ context.Context, r *Request) error {
			switch string(r.Frames[0]) {
			case "error":
				return errors.New("no luck")
			case "panic":
				panic("ouch")
			case "parts":
				_ = r.Partial([]byte("p"))
			case "twice":
				_ = r.Reply([]byte("one"))
				if err := r.Reply([]byte("two")); !errors.Is(err, zmq.ErrState) {
					t.Error(err)
				}
				if err := r.Partial([]byte("late")); !errors.Is(err, zmq.ErrState) {
					t.Error(err)
				}
			}
			return nil
		})
		id := desk.want(mdp2.ready("tea")...)
		for _, how := range []string{"nothing", "error", "panic", "parts", "twice"} {
			desk.send(id, mdp2.worker(request, "client", "", how)...)
			if how == "parts" {
				desk.want(mdp2.worker(partial, "client", "", "p")...)
			}
			reply := ""
			if how == "twice" {
				reply = "one"
			}
			desk.want(mdp2.worker(final, "client", "", reply)...)
		}
	})
}

// Our client takes any number of PARTIALs, of a broker that knows no more than
// the text.
func TestRFC18_Client_TakesPartials(t *testing.T) {
	mdp2.clientAtDesk(t, func(t *testing.T, desk *desk, c *Client) {
		go func() {
			for range 2 {
				id := desk.want(mdp2.client(request, "tea", "please")...)
				desk.send(id, mdp2.client(partial, "tea", "1")...)
				pass(2 * time.Second)
				desk.send(id, mdp2.client(partial, "tea", "2")...)
				pass(2 * time.Second)
				desk.send(id, mdp2.client(final, "tea", "3")...)
			}
		}()
		call := Call{Service: "tea", Frames: [][]byte{[]byte("please")}}
		var got []string
		for part, err := range c.Stream(t.Context(), call) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strs(part)...)
		}
		all, err := c.Do(t.Context(), call)
		if want := []string{"1", "2", "3"}; err != nil || !equal(got, want) || !equal(strs(all), want) {
			t.Error(got, strs(all), err)
		}
	})
}

// Both versions are served at once, also one by the other's workers.
func TestRFC18_VersionsSideBySide(t *testing.T) {
	for _, ways := range []struct{ client, worker dialect }{{mdp1, mdp2}, {mdp2, mdp1}} {
		mdp2.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
			c, w := h.raw(zmq.WithRoutingID("client")), h.raw()
			w.send(ways.worker.ready("tea")...)
			c.send(ways.client.client(request, "tea", "please")...)
			w.want(ways.worker.worker(request, "client", "", "please")...)
			if ways.worker == mdp2 {
				w.send(mdp2.worker(partial, "client", "", "which 0.1 does not know")...)
			}
			w.send(ways.worker.worker(final, "client", "", "done")...)
			c.want(ways.client.client(final, "tea", "done")...)
		})
	}
}
