package main

import (
	"fmt"
	"slices"
)

// Names of our lanes, by the calls that they use.
const (
	sendInto = "Send, RecvInto"
	sendRecv = "Send, Recv"
	intoSpin = "Send, RecvInto, WithSpin"
	heapRecv = "Send, Recv, 32 MiB heap"
	msgInto  = "SendMsg, RecvInto"
	oneInto  = "Send, RecvInto, GOMAXPROCS=1"
	oneRecv  = "Send, Recv, GOMAXPROCS=1"
	oneMsg   = "SendMsg, RecvInto, GOMAXPROCS=1"

	connectAll = "Connect"
)

// lines are all that bench measures, with the goals.
func lines() []line {
	return slices.Concat(pushPull(), withinProcess(), roundTrips(), publishing(), proxies(), crowds(), encrypted())
}

// stream is PUSH to PULL between two processes.
func stream(transport string, size int, count uint64, goals ...goal) line {
	bind := "pull bind=" + transport
	l := line{Name: "PUSH-PULL " + transport, Size: size, Count: count, Goals: goals}
	for _, way := range []lane{
		mine(sendInto, bind, "push"),
		mine(sendRecv, bind+" way=recv", "push"),
		mine(heapRecv, bind+" way=recv heap=32", "push"),
		mine(msgInto, bind, "push way=msg"),
		mine(oneInto, bind+" procs=1", "push procs=1"),
		mine(oneRecv, bind+" way=recv procs=1", "push procs=1"),
	} {
		if slices.ContainsFunc(goals, func(g goal) bool { return g.Lane == way.Name }) {
			l.Lanes = append(l.Lanes, way)
		}
	}
	l.Lanes = append(l.Lanes, sends(bind, "push")...)
	return l
}

func rate(lane string, ratio float64) goal { return goal{Metric: "rate", Lane: lane, Ratio: ratio} }

func pushPull() []line {
	bare := stream("tcp", 64, 4_000_000, rate(sendInto, 3), rate(oneInto, 0))
	bare.Lanes = append(bare.Lanes,
		lane{Name: "net.Conn, one buffer", By: rawGo, Ends: []string{"raw-pull bind=tcp", "raw-push"}},
		lane{Name: "read and write, one buffer", By: rawC, Ends: []string{"peer/raw-pull bind=tcp", "peer/raw-push"}},
		lane{Name: "SendBytes, RecvBytes, cgo", By: "pebbe/zmq4", Count: 500_000, Ends: []string{"others/pebbe-pull bind=tcp", "others/pebbe-push"}},
		lane{Name: "Send, Recv", By: "go-zeromq/zmq4", Count: 50_000, Ends: []string{"others/gozeromq-pull bind=tcp", "others/gozeromq-push"}},
	)
	return []line{
		stream("tcp", 16, 4_000_000, rate(sendInto, 3), rate(oneInto, 0)),
		bare,
		stream("tcp", 256, 2_000_000, rate(sendInto, 3), rate(oneInto, 0)),
		stream("tcp", 1<<10, 500_000, rate(sendInto, 3), rate(oneInto, 0), rate(heapRecv, 1.5), rate(sendRecv, 1), rate(oneRecv, 0)),
		stream("tcp", 8<<10, 160_000, rate(sendInto, 3), rate(oneInto, 0), rate(heapRecv, 1.3), rate(sendRecv, 1), rate(oneRecv, 0)),
		stream("tcp", 64<<10, 16_000, rate(sendInto, 0), rate(msgInto, 1.3)),
		stream("tcp", 1<<20, 1_000, rate(sendInto, 0), rate(msgInto, 1.4)),
		stream("ipc", 64, 2_000_000, rate(sendInto, 4), rate(oneInto, 0)),
		stream("ipc", 1<<10, 500_000, rate(sendInto, 3), rate(oneInto, 0)),
		stream("ipc", 64<<10, 16_000, rate(sendInto, 3), rate(msgInto, 0)),
	}
}

func withinProcess() []line {
	return []line{
		inproc("inproc one pair", 64, 4_000_000, "inproc", sendInto, oneInto, 5),
		inproc("inproc one pair", 1<<10, 1_000_000, "inproc way=msg", msgInto, oneMsg, 5),
		inproc("inproc 4 pairs", 64, 4_000_000, "inproc pairs=4", sendInto, oneInto, 3),
	}
}

func inproc(name string, size int, count uint64, end, call, one string, ratio float64) line {
	return line{
		Name: name, Size: size, Count: count, Goals: []goal{rate(call, ratio), rate(one, 0)},
		Lanes: append([]lane{mine(call, end), mine(one, end+" procs=1")}, sends(end)...),
	}
}

func roundTrips() []line {
	list := []line{latency("REQ-REP tcp, one CPU", "0", "0", 0.4, 0.4, 0), latency("REQ-REP tcp, two CPUs", "0", "1", 0.85, 0, 0.2)}
	for _, size := range []int{64, 1 << 10} {
		router, dealer := "router bind=tcp", "dealer window=100"
		list = append(list, line{
			Name: "DEALER-ROUTER echo, 100 in flight", Size: size, Count: 200_000, Goals: []goal{rate(sendInto, 3), rate(intoSpin, 0)},
			Lanes: append(spinning(router, dealer), threads(router, dealer)...),
		})
	}
	return list
}

// spinning are two lanes of ours: as it is, and with readers that spin.
func spinning(ends ...string) []lane {
	return []lane{mine(sendInto, ends...), mine(intoSpin, withArgument(ends, "option=spin:50")...)}
}

// latency is a request at a time, each end pinned to a processor.
func latency(name, cpuServer, cpuClient string, p50, p99, spun float64) line {
	rep, req := "rep bind=tcp cpu="+cpuServer, "req cpu="+cpuClient
	l := line{
		Name: name, Size: 64, Count: 5_000,
		Goals: []goal{{Metric: "p50", Lane: sendInto, Ratio: p50}, {Metric: "p99", Lane: sendInto, Ratio: p99}},
		Lanes: append([]lane{mine(sendInto, rep, req)}, threads(rep, req)...),
	}
	l.Lanes = append(spinning(rep, req), l.Lanes[1:]...)
	l.Goals = append(l.Goals, goal{Metric: "p50", Lane: intoSpin, Ratio: spun}, goal{Metric: "p99", Lane: intoSpin})
	l.Lanes = append(l.Lanes,
		lane{Name: "net.Conn", By: rawGo, Ends: []string{"raw-" + rep, "raw-" + req}},
		lane{Name: "read and write", By: rawC, Ends: []string{"peer/raw-" + rep, "peer/raw-" + req}})
	return l
}

func publishing() []line {
	return []line{
		published("PUB-SUB, nothing dropped", 64, 2_000_000, "", 4),
		published("PUB-SUB, nothing dropped", 1<<10, 500_000, "", 3),
		published("PUB to 10 SUBs", 64, 300_000, " peers=10", 3),
		published("PUB to 100 SUBs", 64, 60_000, " peers=100", 3),
		manyTopics("SUB with 100,000 subscriptions", 500_000, 100_000, rate(sendInto, 3)),
	}
}

// published is one publisher. The rate is of messages received.
func published(name string, size int, count uint64, arguments string, ratio float64) line {
	pub, sub := "pub bind=tcp"+arguments, "sub"+arguments
	return line{
		Name: name, Size: size, Count: count, Goals: []goal{rate(sendInto, ratio)},
		Lanes: append([]lane{mine(sendInto, pub, sub)}, sends(pub, sub)...),
	}
}

// manyTopics is one subscriber with so many subscriptions, one of which each
// message matches.
func manyTopics(name string, count uint64, topics int, goals ...goal) line {
	pub, sub := fmt.Sprintf("pub bind=tcp topics=%d", topics), fmt.Sprintf("sub topics=%d", topics)
	return line{Name: name, Count: count, Goals: goals, Lanes: append([]lane{mine(sendInto, pub, sub)}, threads(pub, sub)...)}
}

// proxies stand between ends on libzmq, the same for all, and between ends of ours.
func proxies() []line {
	return []line{
		between("proxy PULL-PUSH", 1_000_000, "proxy bind=tcp", "pull at=1", "push"),
		between("proxy ROUTER-DEALER", 200_000, "proxy bind=tcp kind=queue", "router at=1", "dealer window=100"),
	}
}

func between(name string, count uint64, proxy string, ends ...string) line {
	peers := []string{"peer/" + ends[0], "peer/" + ends[1]}
	const ofLibzmq, alone, ofOurs = "Proxy, ends on libzmq", "Proxy, GOMAXPROCS=1, ends on libzmq", "Proxy, ends of ours"
	l := line{
		Name: name, Size: 64, Count: count,
		Goals: []goal{rate(ofLibzmq, 2), {Metric: "proxy CPU", Lane: ofLibzmq, Ratio: 0.4},
			rate(alone, 0), {Metric: "proxy CPU", Lane: alone}, rate(ofOurs, 0)},
		Lanes: []lane{mine(ofLibzmq, append([]string{proxy}, peers...)...), mine(alone, append([]string{proxy + " procs=1"}, peers...)...), mine(ofOurs, append([]string{proxy}, ends...)...)},
	}
	for _, t := range threads(proxy) {
		t.Name = "zmq_proxy, " + t.Name
		t.Ends = append(t.Ends, peers...)
		l.Lanes = append(l.Lanes, t)
	}
	return l
}

func crowds() []line {
	return []line{
		storm("1,000 peers connect, default backlog", 1000, 1, 0, 100, goal{Metric: "time", Ratio: 0.25}),
		storm("1,000 peers connect, backlog 4096", 1000, 1, 4096, 4096, goal{Metric: "time", Ratio: 1.2}),
		storm("10,000 peers connect, backlog 4096", 10_000, 4, 4096, 4096,
			goal{Metric: "time", Ratio: 1}, goal{Metric: "resident", Value: 5 << 10}),
	}
}

// storm is so many DEALERs that connect to a ROUTER at once, in some processes.
func storm(name string, peers uint64, processes, backlogOurs, backlogLibzmq int, goals ...goal) line {
	ends := func(backlog int) []string {
		return []string{fmt.Sprintf("hub bind=tcp peers={count} backlog=%d", backlog), fmt.Sprintf("storm peers={count} copies=%d", processes)}
	}
	for i := range goals {
		goals[i].Lane = connectAll
	}
	return line{
		Name: name, Count: peers, Goals: goals,
		Lanes: append([]lane{mine(connectAll, ends(backlogOurs)...)}, threads(ends(backlogLibzmq)...)...),
	}
}

func encrypted() []line {
	list := []line{
		stream("tcp", 64, 500_000, rate(sendInto, 2.5)),
		stream("tcp", 1<<10, 150_000, rate(sendInto, 2)),
		stream("tcp", 64<<10, 4_000, rate(sendInto, 1.2)),
	}
	for i := range list {
		list[i].Name, list[i].Secure = "CURVE "+list[i].Name, true
	}
	return list
}
