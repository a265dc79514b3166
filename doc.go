// Package zmq is ZeroMQ in pure Go: sockets that carry whole messages between
// goroutines, processes and machines, in patterns, over tcp, ipc and inproc.
//
// A [Socket] is made by the constructor of its type: [NewReq] and [NewRep] ask
// and answer in turn, [NewDealer] and [NewRouter] do it asynchronously,
// [NewPub] and [NewSub] distribute by topic ([NewXPub] and [NewXSub] show the
// subscriptions), [NewPush] and [NewPull] share out work, [NewPair] joins two,
// and [NewStream] talks to peers that know no ZeroMQ. It speaks ZMTP 3.1 and
// 3.0 and understands libzmq and everything built on it.
//
//	pull := zmq.NewPull()
//	defer pull.Close()
//	if _, err := pull.Bind("tcp://127.0.0.1:5555"); err != nil {
//		return err
//	}
//	for msg, err := range pull.Msgs(ctx) {
//		if err != nil {
//			return err
//		}
//		handle(msg.Frames)
//	}
//
// What holds for all of them:
//
//   - Every method may be called from any goroutine at any time, Close included.
//   - A message has one or more frames and arrives whole or not at all, in order
//     for each peer, once on a connection.
//   - [Socket.Connect] never waits for a peer. Peers may start in any order; a
//     lost connection is made again for ever, and what was queued for it is
//     sent when it is back. A peer that goes away is no error to Recv.
//   - A queue to each peer holds as many messages as the high-water mark says.
//     When it is full, or there is no peer, a socket either waits (REQ, DEALER,
//     PUSH, PAIR) or drops (PUB, XPUB, XSUB, ROUTER, REP), as RFC 28 to 31 say.
//   - Waits end with their context, with the socket's timeout, or with Close.
//
// Errors are [*OpError] or [*HandshakeError]; use errors.Is with the Err values
// of this package, with context and syscall errors.
package zmq
