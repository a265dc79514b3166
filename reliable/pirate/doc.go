// Package pirate lets requests survive crashes of servers, workers and queues:
// the Lazy, Simple and Paranoid Pirates, and the load-balancing broker below them.
//
//	[Client]   asks again when no reply comes        the Lazy Pirate
//	[Queue]    gives each request to the worker that
//	           has been idle for longest             load balancing, Simple and Paranoid Pirate
//	[Worker]   answers requests that a queue gives   Simple and Paranoid Pirate
//
// A client needs no queue: any REP or ROUTER that returns the envelope can answer
// it. A queue has workers of both kinds at once: simple ones say READY and no
// more, paranoid ones send and want heartbeats, by RFC 6 "Command Specifications".
// [Heartbeat] and [Backoff] are the two ideas of it, for protocols of your own.
//
// # What is promised
//
// A request is carried out once, more than once, or, if Client.Request fails,
// perhaps not at all: a worker may die after the work and before the reply. Work
// that must not be done twice needs a number in the request by which the worker
// knows it again. A reply is always the reply to this very request. Nothing is
// written to disk.
package pirate
