// Package peering routes requests between clusters that are brokers' peers.
//
// Each cluster has clients, workers and one [Broker]. A request goes to a worker
// of its own cluster if one is free, else to a peer that has told of free workers,
// else it waits in the client's queue. It is the worked example of the book's
// third chapter.
//
//	b, err := peering.NewBroker(peering.Config{Name: "east"})
//	...
//	b.Bind(peering.LocalFE, "tcp://*:5001")  // clients
//	b.Bind(peering.LocalBE, "tcp://*:5002")  // workers
//	b.Bind(peering.CloudFE, "tcp://*:5003")  // peers, with requests
//	b.Bind(peering.StateBE, "tcp://*:5004")  // peers, who listen
//	b.Connect(peering.Peer{Name: "west", CloudFE: "tcp://west:5003", StateBE: "tcp://west:5004"})
//
// Clients are REQ, or DEALER that send the empty delimiter, as zmq.Socket.Request
// does. A client asks again itself when a request gets lost: with a worker, or on
// the way to a peer. Workers are REQ: they send READY, one octet 1, and then a
// reply for each request, with the frames in front of the body unchanged.
// The clients and Simple workers of package reliable/pirate do all that.
//
// # On the wire
//
//	localfe  ROUTER  client, "", body...               from and to clients
//	localbe  ROUTER  worker, "", x01                   READY
//	                 worker, "", client, "", body...   to and from workers
//	cloudbe  ROUTER  peer, number, "", body...         to and from a peer's cloudfe
//	cloudfe  ROUTER  peer, client, "", body...         from and to a peer's cloudbe
//	statebe  PUB     name, capacity                    to every peer's statefe, a SUB
//
// The first frame of a ROUTER is the identity of the other side. Both cloud sockets
// have the broker's name as theirs. The capacity is the number of free workers in
// decimal. A request from a peer goes to a worker and never on to another peer, so
// it makes one hop at most.
//
// To a peer the broker gives a number in the place of the client, another one for
// each request: the client's own envelope would not tell a late reply from that to
// its next request. What a peer puts there, the broker returns unchanged.
package peering
