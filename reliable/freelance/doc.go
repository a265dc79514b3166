// Package freelance asks any one of several equal servers, without a broker.
//
// The servers can stand in for each other: whoever answers first is right. A
// request may be carried out by more than one of them, and more than once, so
// it has to be idempotent. There are the book's three models; take the third
// unless you know why not.
//
//	Simple    model one    a REQ for each try; one server after the other       [Server.ServeSimple]
//	Shotgun   model two    every server gets every request, first reply wins    [Server.ServeShotgun]
//	Client    model three  a table of servers by last answer, RFC 10 (FLP)      [Server.Serve]
//
// [Simple] is for a request now and then. It is slow to notice that a server is
// dead: each request finds out anew. [Shotgun] is as fast as the fastest server
// and costs the work of all of them. [Client] keeps a connection to every server,
// knows which of them answer, and asks another one when the first is lost or
// silent. All three may be used by many goroutines at once.
//
// A server is a ROUTER and a [Handler]:
//
//	s := freelance.NewRouter("tcp://192.168.55.162:5055")
//	defer s.Close()
//	if _, err := s.Bind("tcp://*:5055"); err != nil {
//		return err
//	}
//	server := &freelance.Server{Handler: handler}
//	return server.Serve(ctx, s)
//
// # On the wire
//
// RFC 10 "Overall Operation". Client and server are both ROUTER; the identity
// frame that a ROUTER adds or takes is left out:
//
//	ping     "PING"                 pong    "PONG"
//	request  control, body...       reply   control, body...
//
// Model two is REQ or DEALER to REP or ROUTER: an empty frame, the sequence
// number, one or more frames of body; and the same back. Model one is plain
// request-reply. All of it talks to the programs of the book in other languages.
package freelance
