package interop

import (
	"fmt"
	"strings"
)

// routingCases are about who a message comes from and goes to.
func routingCases() []testCase {
	return []testCase{
		{"identity/chosen", allWays, chosenIdentities},
		{"identity/generated", allWays, generatedIdentities},
		{"identity/by the ROUTER", []way{tcpRight, ipcRight}, connectRoutingID},
		{"ROUTER_MANDATORY", allWays, routerMandatory},
		{"ROUTER_HANDOVER/on", leftWays, routerHandover},
		{"ROUTER_HANDOVER/off", leftWays, routerNoHandover},
		{"PROBE_ROUTER/DEALER", allWays, func(r *rig) { probeRouter(r, "DEALER") }},
		{"PROBE_ROUTER/REQ", allWays, func(r *rig) { probeRouter(r, "REQ") }},
		{"PROBE_ROUTER/ROUTER", allWays, func(r *rig) { probeRouter(r, "ROUTER") }},
		{"REQ_CORRELATE/ROUTER", allWays, correlateRouter},
		{"REQ_CORRELATE/REP", allWays, correlateRep},
		{"REQ_RELAXED/ROUTER", allWays, relaxedRouter},
		{"REQ_RELAXED/REP", allWays, relaxedRep},
		{"turns", allWays, turns},
		{"round robin", allWays, roundRobin},
		{"proxy/REQ-ROUTER-DEALER-REP", allWays, queueProxy},
	}
}

func chosenIdentities(r *rig) {
	router := r.socket(r.left, "ROUTER")
	var dealers []*sock
	for _, id := range []string{"a", "\xff", "\x01\x00\x00", strings.Repeat("long", 63) + "est", "tab\tnewline\n"} {
		d := r.named(r.right, "DEALER", id)
		r.link(router, d)
		d.send("I am", id)
		router.want(id, "I am", id)
		dealers = append(dealers, d)
	}
	for _, d := range dealers {
		router.send(d.id, "you are", d.id)
	}
	for _, d := range dealers {
		d.want("you are", d.id)
	}
}

func generatedIdentities(r *rig) {
	router := r.socket(r.left, "ROUTER")
	seen := map[string]bool{}
	for i := range 5 {
		d := r.socket(r.right, "DEALER")
		r.link(router, d)
		d.send(fmt.Sprint(i))
		m := router.recv()
		if len(m) != 2 || m[1] != fmt.Sprint(i) {
			r.Fatalf("received %q", m)
		}
		if id := m[0]; len(id) != 5 || id[0] != 0 || seen[id] {
			r.Fatalf("the ROUTER generated %q after %v, wants 5 octets that begin with 0", id, seen)
		}
		seen[m[0]] = true
		router.send(m[0], "echo", m[1])
		d.want("echo", m[1])
	}
}

func connectRoutingID(r *rig) {
	router, a, b := r.socket(r.left, "ROUTER"), r.socket(r.right, "DEALER"), r.named(r.right, "DEALER", "b's own")
	for i, d := range []*sock{a, b} {
		router.set("connect_routing_id", fmt.Sprint("peer", i))
		r.link(router, d)
		router.send(fmt.Sprint("peer", i), "hello")
		d.want("hello")
		d.send("here")
		router.want(fmt.Sprint("peer", i), "here")
	}
}

func routerMandatory(r *rig) {
	router, dealer := r.socket(r.left, "ROUTER"), r.named(r.right, "DEALER", "known")
	r.link(router, dealer)
	router.send("unknown", "dropped")
	router.set("router_mandatory", "1")
	if err := router.trySend("unknown", "refused"); err != errUnreachable {
		r.Errorf("a message to nobody: %v, wants %v", err, errUnreachable)
	}
	router.send("known", "routed")
	dealer.want("routed")
	if r.flip {
		return // who connects keeps the peer's queue while it is away
	}
	dealer.Close(0)
	router.wait(ended, 1)
	err := router.trySend("known", "refused")
	for i := 0; i < 1000 && err == nil && r.left.name == libzmq; i++ { // it tells its monitor before its socket
		router.Recv(patience / 1000)
		err = router.trySend("known", "refused")
	}
	if err != errUnreachable {
		r.Errorf("a message to one who is gone: %v, wants %v", err, errUnreachable)
	}
}

func routerHandover(r *rig) {
	router := r.socket(r.left, "ROUTER", "router_handover=1")
	endpoint := router.bind(r.free())
	old, young := r.named(r.right, "DEALER", "name", "reconnect_ivl=-1"), r.named(r.right, "DEALER", "name", "reconnect_ivl=-1")
	old.connect(endpoint)
	old.send("old")
	router.want("name", "old")
	young.connect(endpoint)
	young.send("young")
	router.want("name", "young")
	if r.left.name == us {
		old.wait(ended, 1) // libzmq's ROUTER stays connected to it, and deaf
	}
	router.send("name", "hello")
	young.want("hello")
	old.wantNone()
}

func routerNoHandover(r *rig) {
	router := r.socket(r.left, "ROUTER")
	endpoint := router.bind(r.free())
	old, young := r.named(r.right, "DEALER", "name"), r.named(r.right, "DEALER", "name", "reconnect_ivl=-1")
	old.connect(endpoint)
	old.send("old")
	router.want("name", "old")
	young.connect(endpoint)
	young.trySend("young") // or it is refused already
	young.wait(shaken, 1)
	router.send("name", "hello")
	old.want("hello")
	old.send("still here")
	router.want("name", "still here")
	young.wantNone()
}

// probeRouter: the right side probes, the left one learns of it.
func probeRouter(r *rig, kind string) {
	router, prober := r.named(r.left, "ROUTER", "router"), r.named(r.right, kind, "prober", "probe_router=1")
	r.link(router, prober)
	router.want("prober", "")
	switch kind {
	case "REQ":
		prober.send("question")
		router.want("prober", "", "question")
		router.send("prober", "", "answer")
		prober.want("answer")
	case "ROUTER":
		router.send("prober", "hello")
		prober.want("router", "hello")
		prober.send("router", "hello too")
		router.want("prober", "hello too")
	default:
		router.send("prober", "hello")
		prober.want("hello")
	}
}

// request takes a numbered request at a ROUTER, whose envelope it returns.
func (s *sock) request(from *sock, body string) (envelope []string) {
	s.r.Helper()
	m := s.recv()
	if len(m) != 4 || m[0] != from.id || len(m[1]) != 4 || m[2] != "" || m[3] != body {
		s.r.Fatalf("%s: received %q, wants identity, request id, delimiter and %q", s.what, m, body)
	}
	return m[:3]
}

func (s *sock) reply(envelope []string, body string) {
	s.r.Helper()
	s.send(envelope[0], envelope[1], envelope[2], body)
}

func correlateRouter(r *rig) {
	req, router := r.named(r.left, "REQ", "req", "req_correlate=1"), r.socket(r.right, "ROUTER")
	r.link(req, router)
	before := []string{"req", "none", ""}
	for i := range 5 {
		question := fmt.Sprint("question ", i)
		req.send(question)
		envelope := router.request(req, question)
		router.reply(before, "answer to another question")
		router.reply(envelope, "answer")
		req.want("answer")
		before = envelope
	}
}

func correlateRep(r *rig) {
	req, rep := r.socket(r.left, "REQ", "req_correlate=1"), r.socket(r.right, "REP")
	r.link(req, rep)
	for i := range 5 {
		req.send("question", fmt.Sprint(i))
		rep.want("question", fmt.Sprint(i))
		rep.send("answer", fmt.Sprint(i))
		req.want("answer", fmt.Sprint(i))
	}
}

func relaxedRouter(r *rig) {
	req, router := r.named(r.left, "REQ", "req", "req_correlate=1", "req_relaxed=1"), r.socket(r.right, "ROUTER")
	r.link(req, router)
	req.send("first")
	first := router.request(req, "first")
	req.send("second")
	second := router.request(req, "second")
	router.reply(first, "too late")
	router.reply(second, "in time")
	req.want("in time")
	req.send("third")
	router.reply(router.request(req, "third"), "fine")
	req.want("fine")
}

func relaxedRep(r *rig) {
	req, rep := r.socket(r.left, "REQ", "req_correlate=1", "req_relaxed=1"), r.socket(r.right, "REP")
	r.link(req, rep)
	req.send("first")
	req.send("second")
	for _, body := range []string{"first", "second"} {
		rep.want(body)
		rep.send("answer to " + body)
	}
	req.want("answer to second")
}

// turns: REQ and REP speak in turn.
func turns(r *rig) {
	req, rep := r.socket(r.left, "REQ"), r.socket(r.right, "REP")
	r.link(req, rep)
	if err := rep.trySend("unasked"); err != errState {
		r.Errorf("%s answers unasked: %v, wants %v", rep.what, err, errState)
	}
	req.send("question")
	if err := req.trySend("question"); err != errState {
		r.Errorf("%s asks twice: %v, wants %v", req.what, err, errState)
	}
	rep.want("question")
	rep.send("answer")
	req.want("answer")
}

// roundRobin: each peer in turn, from all of them fairly.
func roundRobin(r *rig) {
	dealer := r.socket(r.left, "DEALER")
	var reps []*sock
	for range 3 {
		rep := r.socket(r.right, "REP")
		r.link(dealer, rep)
		reps = append(reps, rep)
	}
	for i := range 9 {
		dealer.send("", fmt.Sprint(i))
	}
	served := map[string]bool{}
	for _, rep := range reps {
		for range 3 {
			m := rep.recv()
			served[m[0]] = true
			rep.send(m...)
		}
		rep.wantNone()
	}
	for range 9 {
		m := dealer.recv()
		if len(m) != 2 || m[0] != "" || !served[m[1]] {
			r.Fatalf("received %q", m)
		}
		delete(served, m[1])
	}
}

func queueProxy(r *rig) {
	req, router := r.socket(r.left, "REQ"), r.socket(r.right, "ROUTER")
	rep, dealer := r.socket(r.left, "REP"), r.socket(r.right, "DEALER")
	r.link(req, router)
	r.link(rep, dealer)
	r.proxy(r.right, router, dealer)
	for i := range 100 {
		req.send("question", fmt.Sprint(i))
		rep.want("question", fmt.Sprint(i))
		rep.send("answer", fmt.Sprint(i))
		req.want("answer", fmt.Sprint(i))
	}
}

// proxy joins two sockets of a side until the case ends.
func (r *rig) proxy(s side, front, back *sock) {
	r.Helper()
	stop, err := s.shared.Proxy(front.peer, back.peer, nil)
	r.ok(err)
	r.Cleanup(func() {
		if err := stop(); err != nil {
			r.Error("the proxy: ", err)
		}
	})
}
