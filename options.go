package zmq

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"
)

// WithDomain puts the socket into a domain; nil means the default one.
func WithDomain(d *Domain) Option {
	if d == nil {
		d = defaultDomain
	}
	return Option{birth: "WithDomain", apply: func(c *settings) { c.domain = d }}
}

// WithLogger makes the socket log what happens to its connections: at level
// Debug what is normal, at Info what is lost, at Warn what breaks the protocol.
// Without it, or with nil, nothing is logged.
func WithLogger(l *slog.Logger) Option {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return Option{birth: "WithLogger", apply: func(c *settings) { c.logger = l }}
}

// WithDialer replaces how connections are made: tests, tunnels and proxies.
// Network is "tcp4", "tcp" (with WithIPv6) or "unix".
func WithDialer(dial func(ctx context.Context, network, address string) (net.Conn, error)) Option {
	return Option{apply: func(c *settings) { c.dial = dial }}
}

// WithAccept names a function that sees each connection that a peer makes to a
// bound endpoint, before anything is read from it, and closes it by returning
// false: by address, or by the credentials of a process at the other end of ipc.
// It is called by one goroutine an endpoint, which accepts nothing meanwhile.
// Who may enter by name and key is a question for ZAP, after the handshake.
func WithAccept(f func(net.Conn) bool) Option {
	return Option{apply: func(c *settings) { c.accept = f }}
}

// WithMetadata announces a property of the application's own to every peer;
// they read it by [Msg.Property]. RFC 37 "Connection Metadata" wants its name
// to begin with "X-".
func WithMetadata(name, value string) Option {
	if len(name) < 3 || len(name) > 255 || !strings.EqualFold(name[:2], "X-") || strings.IndexFunc(name, notNameChar) >= 0 {
		return Option{err: fmt.Errorf("%w: metadata name %q: it must begin with X- and have letters, digits and -_.+ only",
			ErrInvalid, name)}
	}
	if len(value) > 32<<10 {
		return Option{err: fmt.Errorf("%w: metadata %s has more than 32 KiB", ErrTooLarge, name)}
	}
	return Option{apply: func(c *settings) { c.metadata = append(c.metadata, name, value) }}
}

func notNameChar(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	digit := r >= '0' && r <= '9'
	return !letter && !digit && !strings.ContainsRune("-_.+", r)
}

// WithSendHWM sets the high-water mark of the queue to each peer, in messages
// (SNDHWM). The default is 1000; 0 means none.
func WithSendHWM(messages int) Option { return intOption("sndhwm", int64(messages)) }

// WithRecvHWM sets the high-water mark of the queue from each peer, in
// messages (RCVHWM). The default is 1000; 0 means none.
func WithRecvHWM(messages int) Option { return intOption("rcvhwm", int64(messages)) }

// WithLinger sets how long Close waits for unsent messages (LINGER): 0 not at
// all, negative for ever. The default is one second.
func WithLinger(d time.Duration) Option { return durationOption("linger", d) }

// WithSendTimeout bounds each Send that has to wait (SNDTIMEO); it then fails
// with ErrTimeout. 0 does not wait, negative, the default, waits for ever.
func WithSendTimeout(d time.Duration) Option { return durationOption("sndtimeo", d) }

// WithRecvTimeout bounds each Recv that has to wait (RCVTIMEO); it then fails
// with ErrTimeout. 0 does not wait, negative, the default, waits for ever.
func WithRecvTimeout(d time.Duration) Option { return durationOption("rcvtimeo", d) }

// WithImmediate queues messages for peers that are connected only, not for
// those that Connect still tries to reach (IMMEDIATE).
func WithImmediate(on bool) Option { return boolOption("immediate", on) }

// WithConflate keeps only the last message in each queue (CONFLATE). It is for
// PUSH, PULL, PUB, SUB and DEALER.
func WithConflate(on bool) Option { return boolOption("conflate", on) }

// WithRoutingID sets the identity that is announced to ROUTER peers, 1 to 255
// octets, the first of them not 0 (ROUTING_ID).
func WithRoutingID(id string) Option { return textOption("routing_id", id) }

// WithConnectRoutingID sets the identity that a ROUTER or STREAM gives to the
// peer of its next Connect (CONNECT_ROUTING_ID).
func WithConnectRoutingID(id string) Option { return textOption("connect_routing_id", id) }

// WithProbeRouter sends an empty message on each new connection, so that a
// ROUTER peer knows of it (PROBE_ROUTER).
func WithProbeRouter(on bool) Option { return boolOption("probe_router", on) }

// WithRouterMandatory makes a ROUTER report what it can't route: ErrNoPeer for
// an unknown identity, and waiting or ErrAgain for a full queue
// (ROUTER_MANDATORY). Otherwise it drops such messages.
func WithRouterMandatory(on bool) Option { return boolOption("router_mandatory", on) }

// WithRouterHandover lets a new peer take over the identity of an older one,
// whose connection ends (ROUTER_HANDOVER). Otherwise the new one is refused.
func WithRouterHandover(on bool) Option { return boolOption("router_handover", on) }

// WithReqRelaxed lets a REQ send again before the reply came (REQ_RELAXED).
// Use it together with WithReqCorrelate.
func WithReqRelaxed(on bool) Option { return boolOption("req_relaxed", on) }

// WithReqCorrelate makes a REQ number its requests and take only the reply to
// the last one (REQ_CORRELATE).
func WithReqCorrelate(on bool) Option { return boolOption("req_correlate", on) }

// WithXPubVerbose passes on every subscription, not only the first of each
// topic (XPUB_VERBOSE); WithXPubVerboser every cancellation too.
func WithXPubVerbose(on bool) Option { return boolOption("xpub_verbose", on) }

// WithXPubVerboser passes on every subscription and every cancellation
// (XPUB_VERBOSER).
func WithXPubVerboser(on bool) Option { return boolOption("xpub_verboser", on) }

// WithXPubManual leaves it to the application to subscribe: Subscribe and
// Unsubscribe then act for the peer whose request was received last
// (XPUB_MANUAL).
func WithXPubManual(on bool) Option { return boolOption("xpub_manual", on) }

// WithXPubNoDrop makes a PUB or XPUB wait for subscribers whose queue is full
// instead of dropping (XPUB_NODROP).
func WithXPubNoDrop(on bool) Option { return boolOption("xpub_nodrop", on) }

// WithXPubWelcome sends a message to each new subscriber, which receives it if
// it subscribed to its start (XPUB_WELCOME_MSG). Empty means none.
func WithXPubWelcome(message string) Option { return textOption("xpub_welcome_msg", message) }

// WithInvertMatching turns the filter round: what matches no subscription is
// passed on. Publishers and subscribers must agree on it (INVERT_MATCHING).
func WithInvertMatching(on bool) Option { return boolOption("invert_matching", on) }

// WithStreamNotify makes a STREAM tell of connections and their ends by empty
// messages; it does by default (STREAM_NOTIFY).
func WithStreamNotify(on bool) Option { return boolOption("stream_notify", on) }

// WithReconnect sets how long to wait before a lost connection is made again,
// 100 ms by default; 0 at once, and 1 ms after a try in vain; negative never
// (RECONNECT_IVL). The wait doubles from try to try up to that of
// WithReconnectMax, and up to half of it is added at random.
func WithReconnect(d time.Duration) Option { return durationOption("reconnect_ivl", d) }

// WithReconnectMax sets the longest wait between tries, 10 s by default; 0
// keeps it at that of WithReconnect (RECONNECT_IVL_MAX).
func WithReconnectMax(d time.Duration) Option { return durationOption("reconnect_ivl_max", d) }

// WithConnectTimeout bounds one try to connect; 0, the default, leaves it to
// the operating system (CONNECT_TIMEOUT).
func WithConnectTimeout(d time.Duration) Option { return durationOption("connect_timeout", d) }

// WithHandshakeTimeout bounds the handshake of a connection, counted from its
// beginning: 30 s by default, 0 for ever (HANDSHAKE_IVL).
func WithHandshakeTimeout(d time.Duration) Option { return durationOption("handshake_ivl", d) }

// WithHeartbeat sends a PING to each peer at this interval, and ends the
// connection of one that is silent for as long after it, or for the time of
// WithHeartbeatTimeout (HEARTBEAT_IVL). 0, the default, sends none.
func WithHeartbeat(d time.Duration) Option { return durationOption("heartbeat_ivl", d) }

// WithHeartbeatTimeout sets how long a peer may be silent after a PING
// (HEARTBEAT_TIMEOUT). Negative, the default, means the heartbeat interval.
func WithHeartbeatTimeout(d time.Duration) Option { return durationOption("heartbeat_timeout", d) }

// WithHeartbeatTTL tells peers to give the connection up when they hear nothing
// for so long, in steps of 100 ms (HEARTBEAT_TTL).
func WithHeartbeatTTL(d time.Duration) Option { return durationOption("heartbeat_ttl", d) }

// WithMaxMessageSize bounds each frame that is received, in octets: 1 GiB by
// default, -1 for any size (MAXMSGSIZE). A peer that sends a larger one is
// disconnected before it is read. All frames of a message together are bounded
// by the same value, or 1 GiB if that is more.
func WithMaxMessageSize(octets int64) Option { return intOption("maxmsgsize", octets) }

// WithSpin sets how long a connection that has received something looks for more
// before it sleeps, up to 1 s, in steps of 1 µs; and then a Recv that found nothing
// does so too. An answer that comes meanwhile comes up to ten times as soon, as nobody
// has to be woken; it costs the time of a processor, and where all of
// them are at work, what comes on other connections of the process may then be noticed
// 10 ms late. 0 lets them sleep at once. By default, negative, connections look for up
// to 50 µs, as long as that pays, and leave processors to others now and then. Other
// systems than Linux have no connections that look.
func WithSpin(d time.Duration) Option {
	n := d.Microseconds()
	switch {
	case d < 0:
		n = -1
	case d > 0:
		n = max(n, 1)
	}
	return intOption("spin", n)
}

// WithLeastVersion refuses peers that speak an older ZMTP: "3.0", the default,
// or "3.1".
func WithLeastVersion(version string) Option { return textOption("zmtp_least", version) }

// WithIPv6 allows IPv6 addresses beside IPv4 (IPV6).
func WithIPv6(on bool) Option { return boolOption("ipv6", on) }

// WithBacklog sets how many connections may wait to be accepted (BACKLOG). 0,
// the default, leaves it to the operating system.
func WithBacklog(connections int) Option { return intOption("backlog", int64(connections)) }

// WithSendBuffer sets the kernel's buffer for what is sent, in bytes (SNDBUF).
func WithSendBuffer(bytes int) Option { return intOption("sndbuf", int64(bytes)) }

// WithRecvBuffer sets the kernel's buffer for what is received, in bytes
// (RCVBUF).
func WithRecvBuffer(bytes int) Option { return intOption("rcvbuf", int64(bytes)) }

// WithTOS sets the type of service of IP packets (TOS).
func WithTOS(tos int) Option { return intOption("tos", int64(tos)) }

// WithKeepAlive turns TCP keep-alives on or off (TCP_KEEPALIVE); by default the
// operating system decides.
func WithKeepAlive(on bool) Option { return intOption("tcp_keepalive", boolValue(on).n) }

// WithKeepAliveProbes sets the TCP keep-alives: seconds of silence before the
// first probe, seconds between probes, and how many are lost before the
// connection is (TCP_KEEPALIVE_IDLE, _INTVL, _CNT). Each may be -1 to leave it.
func WithKeepAliveProbes(idle, interval, count int) Option {
	return together(
		intOption("tcp_keepalive_idle", int64(idle)),
		intOption("tcp_keepalive_intvl", int64(interval)),
		intOption("tcp_keepalive_cnt", int64(count)))
}

// WithSOCKSProxy makes tcp connections through the SOCKS 5 proxy at address,
// host:port; "", the default, makes them straight (SOCKS_PROXY). The proxy
// resolves the names of hosts. A try ends after the time of WithConnectTimeout,
// or when the proxy has not answered for two minutes. Together with WithDialer
// it is the dialer that connects to the proxy.
func WithSOCKSProxy(address string) Option { return textOption("socks_proxy", address) }

// WithSOCKSCredentials offers a user and a password to the proxy of
// WithSOCKSProxy, at most 255 octets each (SOCKS_USERNAME, SOCKS_PASSWORD).
// They cross the network to it in clear.
func WithSOCKSCredentials(user, password string) Option {
	return together(textOption("socks_username", user), textOption("socks_password", password))
}

// together makes one option of several rows of the table.
func together(parts ...Option) Option {
	for _, o := range parts {
		if err := o.info.check(o.value); err != nil {
			return Option{err: err}
		}
	}
	return Option{apply: func(c *settings) {
		for _, o := range parts {
			o.info.set(c, o.value)
		}
	}}
}
