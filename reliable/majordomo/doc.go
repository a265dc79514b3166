// Package majordomo carries requests to named services through a broker that
// survives the crashes of its workers, and is survived by its clients: the
// Majordomo protocol of RFC 7 and RFC 18 with the management of RFC 8.
//
// A [Broker] queues requests by service and gives each to the worker that has
// waited longest. A [Worker] offers a service and runs a [Handler]. A [Client]
// asks, from many goroutines at once, and asks again when no answer comes.
//
//	broker, err := majordomo.NewBroker(majordomo.BrokerConfig{})
//	...
//	_, err = broker.Bind("tcp://*:5555")
//	...
//	return broker.Serve(ctx)
//
// The broker speaks MDP 0.1 and 0.2 at once and takes the version from the frames of
// each peer, so programs of the ZeroMQ guide and of other libraries take part.
// Between our own three, which find each other by a metadata property that others
// ignore, requests carry a number, the time that is left, and a key on top
// (docs/majordomo.md has the frames): then many calls share one connection, a
// worker runs many requests at once, a deadline reaches the handler's context, and a
// refusal has a reason.
//
// What is promised: a request is answered at least once while its client goes
// on asking, never with the reply to another one. A request whose worker dies
// goes to another worker, so handlers have to be idempotent; RFC 7 "Overall
// Topology" says so. With [Call.Key] and a reply cache in the broker, the second
// asking of one question is answered by the first answer.
package majordomo
