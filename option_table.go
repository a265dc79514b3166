package zmq

import (
	"errors"
	"slices"
	"time"
)

// The table of options: one row for each, from which the With functions,
// ParseOption, Set and Option take names, bounds and where a value is kept.
// Names, numbers and units are libzmq's.

// optionTable has every option. It never changes.
var optionTable = slices.Concat(keptOptions(), securityOptions(), actedOptions())

// optionByName finds a row of the table.
func optionByName(name string) *optionInfo {
	for i := range optionTable {
		if optionTable[i].name == name {
			return &optionTable[i]
		}
	}
	return nil
}

// keptOptions are the options that have a value.
func keptOptions() []optionInfo {
	return []optionInfo{
		textField(optionInfo{name: "routing_id", number: 5, unit: "octets", max: 255, applies: []Type{REQ, REP, DEALER, ROUTER}, valid: validIdentity,
			doc: "Identity announced to ROUTER peers; its first octet must not be 0."},
			func(c *settings) *string { return &c.routingID }),
		intField(optionInfo{name: "sndbuf", number: 11, unit: "bytes", min: -1,
			doc: "Kernel buffer for what is sent; -1 leaves it."},
			func(c *settings) *int64 { return &c.sendBuffer }),
		intField(optionInfo{name: "rcvbuf", number: 12, unit: "bytes", min: -1,
			doc: "Kernel buffer for what is received; -1 leaves it."},
			func(c *settings) *int64 { return &c.recvBuffer }),
		durationField(optionInfo{name: "linger", number: 17, unit: "ms", min: -1, live: true,
			doc: "How long Close waits for unsent messages; -1 for ever."},
			func(c *settings) *time.Duration { return &c.linger }),
		durationField(optionInfo{name: "reconnect_ivl", number: 18, unit: "ms", min: -1,
			doc: "Wait before a lost connection is made again; 0 at once, then 1 ms; -1 never."},
			func(c *settings) *time.Duration { return &c.reconnect }),
		intField(optionInfo{name: "backlog", number: 19, unit: "connections",
			doc: "Connections that may wait to be accepted; 0 leaves it to the system."},
			func(c *settings) *int64 { return &c.backlog }),
		durationField(optionInfo{name: "reconnect_ivl_max", number: 21, unit: "ms",
			doc: "Longest wait between tries; 0 does not let it grow."},
			func(c *settings) *time.Duration { return &c.reconnectMax }),
		intField(optionInfo{name: "maxmsgsize", number: 22, unit: "bytes", min: -1,
			doc: "Largest frame to receive; -1 any."},
			func(c *settings) *int64 { return &c.maxMessage }),
		intField(optionInfo{name: "sndhwm", number: 23, unit: "messages", max: 2147483647, live: true,
			doc: "High-water mark of the queue to each peer; 0 none."},
			func(c *settings) *int64 { return &c.sendHWM }),
		intField(optionInfo{name: "rcvhwm", number: 24, unit: "messages", max: 2147483647, live: true,
			doc: "High-water mark of the queue from each peer; 0 none."},
			func(c *settings) *int64 { return &c.recvHWM }),
		durationField(optionInfo{name: "rcvtimeo", number: 27, unit: "ms", min: -1, live: true,
			doc: "Bound of a Recv that has to wait; -1 none."},
			func(c *settings) *time.Duration { return &c.recvTimeout }),
		durationField(optionInfo{name: "sndtimeo", number: 28, unit: "ms", min: -1, live: true,
			doc: "Bound of a Send that has to wait; -1 none."},
			func(c *settings) *time.Duration { return &c.sendTimeout }),
		boolField(optionInfo{name: "router_mandatory", number: 33, applies: []Type{ROUTER}, live: true,
			doc: "Report messages that can't be routed instead of dropping them."},
			func(c *settings) *bool { return &c.mandatory }),
		intField(optionInfo{name: "tcp_keepalive", number: 34, unit: "-1, 0 or 1", min: -1, max: 1,
			doc: "TCP keep-alive off or on; -1 leaves it to the system."},
			func(c *settings) *int64 { return &c.keepAlive }),
		intField(optionInfo{name: "tcp_keepalive_cnt", number: 35, unit: "probes", min: -1,
			doc: "Lost probes before a connection is lost; -1 leaves it."},
			func(c *settings) *int64 { return &c.keepCount }),
		intField(optionInfo{name: "tcp_keepalive_idle", number: 36, unit: "s", min: -1,
			doc: "Silence before the first probe; -1 leaves it."},
			func(c *settings) *int64 { return &c.keepIdle }),
		intField(optionInfo{name: "tcp_keepalive_intvl", number: 37, unit: "s", min: -1,
			doc: "Time between probes; -1 leaves it."},
			func(c *settings) *int64 { return &c.keepIntvl }),
		boolField(optionInfo{name: "immediate", number: 39,
			doc: "Queue for connected peers only."},
			func(c *settings) *bool { return &c.immediate }),
		boolField(optionInfo{name: "xpub_verbose", number: 40, applies: []Type{XPUB}, live: true,
			doc: "Pass on every subscription, not only the first of a topic."},
			func(c *settings) *bool { return &c.verbose }),
		boolField(optionInfo{name: "ipv6", number: 42,
			doc: "Allow IPv6 beside IPv4."},
			func(c *settings) *bool { return &c.ipv6 }),
		boolField(optionInfo{name: "probe_router", number: 51, applies: []Type{REQ, DEALER, ROUTER}, live: true,
			doc: "Send an empty message on each new connection."},
			func(c *settings) *bool { return &c.probeRouter }),
		boolField(optionInfo{name: "req_correlate", number: 52, applies: []Type{REQ}, live: true,
			doc: "Number requests and take only the reply to the last."},
			func(c *settings) *bool { return &c.correlate }),
		boolField(optionInfo{name: "req_relaxed", number: 53, applies: []Type{REQ}, live: true,
			doc: "Allow a request before the reply to the last one came."},
			func(c *settings) *bool { return &c.relaxed }),
		boolField(optionInfo{name: "conflate", number: 54, applies: []Type{PULL, PUSH, SUB, PUB, DEALER},
			doc: "Keep only the last message of each queue."},
			func(c *settings) *bool { return &c.conflate }),
		boolField(optionInfo{name: "router_handover", number: 56, applies: []Type{ROUTER}, live: true,
			doc: "Let a new peer take over the identity of an older one."},
			func(c *settings) *bool { return &c.handover }),
		intField(optionInfo{name: "tos", number: 57, max: 255,
			doc: "Type of service of IP packets."},
			func(c *settings) *int64 { return &c.tos }),
		textField(optionInfo{name: "connect_routing_id", number: 61, unit: "octets", max: 255, applies: []Type{ROUTER, STREAM}, valid: validIdentity,
			doc: "Identity given to the peer of the next Connect."},
			func(c *settings) *string { return &c.connectRoutingID }),
		durationField(optionInfo{name: "handshake_ivl", number: 66, unit: "ms",
			doc: "Bound of a handshake; 0 none."},
			func(c *settings) *time.Duration { return &c.handshake }),
		textField(optionInfo{name: "socks_proxy", number: 68, unit: "host:port", valid: validProxy,
			doc: "SOCKS 5 proxy for tcp connections; empty none."},
			func(c *settings) *string { return &c.socksProxy }),
		boolField(optionInfo{name: "xpub_nodrop", number: 69, applies: []Type{XPUB, PUB}, live: true,
			doc: "Wait for subscribers whose queue is full instead of dropping."},
			func(c *settings) *bool { return &c.noDrop }),
		boolField(optionInfo{name: "xpub_manual", number: 71, applies: []Type{XPUB}, live: true,
			doc: "The application subscribes for its peers."},
			func(c *settings) *bool { return &c.manual }),
		textField(optionInfo{name: "xpub_welcome_msg", number: 72, unit: "octets", applies: []Type{XPUB}, live: true,
			doc: "Message to each new subscriber; empty none."},
			func(c *settings) *string { return &c.welcome }),
		boolField(optionInfo{name: "stream_notify", number: 73, applies: []Type{STREAM}, live: true,
			doc: "Tell of connections and their ends by empty messages."},
			func(c *settings) *bool { return &c.streamNotify }),
		boolField(optionInfo{name: "invert_matching", number: 74, applies: []Type{PUB, XPUB, SUB}, live: true,
			doc: "Pass on what matches no subscription."},
			func(c *settings) *bool { return &c.invert }),
		durationField(optionInfo{name: "heartbeat_ivl", number: 75, unit: "ms",
			doc: "Interval of PINGs; 0 none."},
			func(c *settings) *time.Duration { return &c.heartbeat }),
		durationField(optionInfo{name: "heartbeat_ttl", number: 76, unit: "ms", max: 6553599,
			doc: "How long peers may hear nothing before they give up; sent in steps of 100 ms."},
			func(c *settings) *time.Duration { return &c.heartbeatTTL }),
		durationField(optionInfo{name: "heartbeat_timeout", number: 77, unit: "ms", min: -1,
			doc: "Silence after a PING that ends the connection; -1 the interval."},
			func(c *settings) *time.Duration { return &c.heartbeatTimeout }),
		boolField(optionInfo{name: "xpub_verboser", number: 78, applies: []Type{XPUB}, live: true,
			doc: "Pass on every subscription and every cancellation."},
			func(c *settings) *bool { return &c.verboser }),
		durationField(optionInfo{name: "connect_timeout", number: 79, unit: "ms",
			doc: "Bound of one try to connect; 0 the system's."},
			func(c *settings) *time.Duration { return &c.connectTimeout }),
		durationField(optionInfo{name: "tcp_maxrt", number: 80, unit: "ms",
			doc: "How long sent data may go unacknowledged; 0 the system's."},
			func(c *settings) *time.Duration { return &c.maxRetransmit }),
		textField(optionInfo{name: "bindtodevice", number: 92, unit: "interface", max: 15,
			doc: "Network interface or VRF to use."},
			func(c *settings) *string { return &c.device }),
		textField(optionInfo{name: "socks_username", number: 99, unit: "octets", max: 255,
			doc: "User for the SOCKS proxy; empty offers none."},
			func(c *settings) *string { return &c.socksUser }),
		{name: "socks_password", number: 100, kind: kindText, unit: "octets", max: 255,
			doc: "Password for the SOCKS proxy, sent in clear.",
			set: func(c *settings, v optionValue) { c.socksPassword = newHidden(v.s) }},
		intField(optionInfo{name: "priority", number: 112,
			doc: "Priority of packets in the system's queues."},
			func(c *settings) *int64 { return &c.priority }),
		intField(optionInfo{name: "spin", number: 0, unit: "µs", min: -1, max: 1_000_000,
			doc: "How long readers look for more before they sleep (Linux); -1 up to 50 µs, while that pays."},
			func(c *settings) *int64 { return &c.spin }),
		textField(optionInfo{name: "zmtp_least", number: 0, unit: "version", valid: validVersion,
			doc: "Oldest ZMTP version to accept: 3.0 or 3.1."},
			func(c *settings) *string { return &c.leastVersion }),
	}
}

// actedOptions are the options that do something, or only tell something.
func actedOptions() []optionInfo {
	return []optionInfo{
		{name: "subscribe", number: 6, kind: kindText, unit: "octets", applies: []Type{SUB, XPUB}, live: true,
			doc:    "Add a subscription.",
			action: func(s *Socket, v optionValue) error { return s.Subscribe(v.s) }},
		{name: "unsubscribe", number: 7, kind: kindText, unit: "octets", applies: []Type{SUB, XPUB}, live: true,
			doc:    "Take a subscription back.",
			action: func(s *Socket, v optionValue) error { return s.Unsubscribe(v.s) }},
		{name: "type", number: 16, readOnly: true,
			doc: "The socket's type, as libzmq numbers it."},
		{name: "last_endpoint", number: 32, kind: kindText, readOnly: true,
			doc: "What the last bind or connect was, resolved."},
		{name: "mechanism", number: 43, readOnly: true,
			doc: "Security mechanism, as libzmq numbers it; 0 is NULL."},
	}
}

func intField(i optionInfo, field func(*settings) *int64) optionInfo {
	i.kind = kindInt
	i.get = func(c *settings) optionValue { return optionValue{n: *field(c)} }
	i.set = func(c *settings, v optionValue) { *field(c) = v.n }
	return i
}

func boolField(i optionInfo, field func(*settings) *bool) optionInfo {
	i.kind = kindBool
	i.get = func(c *settings) optionValue { return boolValue(*field(c)) }
	i.set = func(c *settings, v optionValue) { *field(c) = v.n != 0 }
	return i
}

func durationField(i optionInfo, field func(*settings) *time.Duration) optionInfo {
	i.kind = kindDuration
	i.get = func(c *settings) optionValue { return optionValue{n: int64(*field(c))} }
	i.set = func(c *settings, v optionValue) { *field(c) = time.Duration(v.n) }
	return i
}

func textField(i optionInfo, field func(*settings) *string) optionInfo {
	i.kind = kindText
	i.get = func(c *settings) optionValue { return optionValue{s: *field(c)} }
	i.set = func(c *settings, v optionValue) { *field(c) = v.s }
	return i
}

func validIdentity(text string) error {
	if text != "" && text[0] == 0 {
		return errors.New("the first octet must not be 0")
	}
	return nil
}

func validVersion(text string) error {
	if text != "3.0" && text != "3.1" {
		return errors.New("want 3.0 or 3.1")
	}
	return nil
}
