package majordomo

import (
	"testing"
	"testing/synctest"

	"github.com/phimq/zmq"
)

const mdp1 = dialect(Version01)

func TestRFC07_Topology_OneSocketForBoth(t *testing.T)     { mdp1.carriesOurs(t) }
func TestRFC07_Topology_OneRequestAtATime(t *testing.T)    { mdp1.oneAtATime(t) }
func TestRFC07_Topology_FairToClients(t *testing.T)        { mdp1.fair(t) }
func TestRFC07_Goals_LeastRecentlyUsed(t *testing.T)       { mdp1.leastRecentlyUsed(t) }
func TestRFC07_Goals_ResendsToOthers(t *testing.T)         { mdp1.silentWorker(t) }
func TestRFC07_Client_Frames(t *testing.T)                 { mdp1.carries(t) }
func TestRFC07_Client_Retries(t *testing.T)                { mdp1.clientRetries(t) }
func TestRFC07_Client_IgnoresLateReplies(t *testing.T)     { mdp1.clientIgnoresLateReplies(t) }
func TestRFC07_Client_QueuedForAbsentService(t *testing.T) { mdp1.queuesForAbsent(t) }
func TestRFC07_Client_ExpiresForAbsentService(t *testing.T) {
	mdp1.expiresForAbsent(t)
}
func TestRFC07_Worker_Frames(t *testing.T)               { mdp1.workerSpeaks(t) }
func TestRFC07_Connection_ReadyHasNoAnswer(t *testing.T) { mdp1.readyHasNoAnswer(t) }
func TestRFC07_Connection_DisconnectBeforeReady(t *testing.T) {
	mdp1.disconnectBeforeReady(t)
}
func TestRFC07_Connection_WorkerDisconnects(t *testing.T) { mdp1.disconnectByWorker(t) }
func TestRFC07_Connection_InvalidIsDropped(t *testing.T)  { mdp1.invalidFromStranger(t) }
func TestRFC07_Connection_InvalidWorker(t *testing.T)     { mdp1.invalidFromWorker(t) }
func TestRFC07_Connection_BrokerDisconnects(t *testing.T) { mdp1.workerIsDisconnected(t) }
func TestRFC07_Heartbeating_Broker(t *testing.T)          { mdp1.brokerBeats(t) }
func TestRFC07_Heartbeating_Worker(t *testing.T)          { mdp1.workerBeats(t) }
func TestRFC07_Heartbeating_AnyCommand(t *testing.T)      { mdp1.anythingIsLife(t) }
func TestRFC07_Heartbeating_SilentWorker(t *testing.T)    { mdp1.silentWorker(t) }
func TestRFC07_Heartbeating_SilentBroker(t *testing.T)    { mdp1.workerNoticesSilence(t) }

func TestRFC07_Connection_SecondReady(t *testing.T) {
	mdp1.unexpected(t, [][]string{mdp1.ready("coffee")}, mdp1.ready("coffee"))
}

func TestRFC07_Connection_Unexpected(t *testing.T) {
	t.Run("HEARTBEAT before READY", func(t *testing.T) { mdp1.unexpected(t, nil, mdp1.worker(heartbeat)) })
	t.Run("REPLY before READY", func(t *testing.T) { mdp1.unexpected(t, nil, mdp1.worker(final, "client", "", "x")) })
	t.Run("REPLY to no request", func(t *testing.T) {
		mdp1.unexpected(t, [][]string{mdp1.ready("coffee")}, mdp1.worker(final, "client", "", "x"))
	})
	t.Run("REQUEST", func(t *testing.T) {
		mdp1.unexpected(t, [][]string{mdp1.ready("coffee")}, mdp1.worker(request, "client", "", "x"))
	})
}

// A REQ socket makes and takes the empty frame itself.
func TestRFC07_Client_REQ(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		h.worker("tea", mdp1.config(), echo)
		req := zmq.NewReq(zmq.WithDomain(h.domain))
		defer req.Close()
		if err := req.Connect(door); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := req.Send(within(t), []byte(headerClient1), []byte("tea"), []byte("please")); err != nil {
				t.Fatal(err)
			}
			m, err := req.Recv(within(t))
			if err != nil || !equal(strs(m.Frames), []string{headerClient1, "tea", "please"}) {
				t.Fatal(m, err)
			}
		}
	})
}

func TestRFC07_Addressing_ROUTER(t *testing.T) {
	b, err := NewBroker(BrokerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if typ := b.Socket().Type(); typ != zmq.ROUTER {
		t.Error(typ)
	}
}

// A reply to the second of two clients is not given to the first.
func TestRFC07_Requests_ReplyGoesToTheClient(t *testing.T) {
	mdp1.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		a, b, w := h.raw(zmq.WithRoutingID("A")), h.raw(zmq.WithRoutingID("B")), h.raw()
		w.send(mdp1.ready("tea")...)
		a.send(mdp1.client(request, "tea", "one")...)
		w.want(mdp1.worker(request, "A", "", "one")...)
		b.send(mdp1.client(request, "tea", "two")...)
		w.send(mdp1.worker(final, "A", "", "for A")...)
		a.want(mdp1.client(final, "tea", "for A")...)
		w.want(mdp1.worker(request, "B", "", "two")...)
		w.send(mdp1.worker(final, "B", "", "for B")...)
		b.want(mdp1.client(final, "tea", "for B")...)
	})
}

// A reply with the address of another client is not what was asked for.
func TestRFC07_Requests_AddressOfAnother(t *testing.T) {
	mdp1.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		a, b, w := h.raw(zmq.WithRoutingID("A")), h.raw(zmq.WithRoutingID("B")), h.raw()
		w.send(mdp1.ready("tea")...)
		a.send(mdp1.client(request, "tea", "one")...)
		w.want(mdp1.worker(request, "A", "", "one")...)
		w.send(mdp1.worker(final, "B", "", "forged")...)
		w.want(mdp1.worker(disconnect)...)
		b.silent(1e9)
		h.worker("tea", mdp1.config(), echo)
		a.want(mdp1.client(final, "tea", "one")...)
	})
}
