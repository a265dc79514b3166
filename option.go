package zmq

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"
)

// Option is a setting of a socket: made by a With function or by
// [ParseOption], given to a constructor or to [Socket.Set].
type Option struct {
	info  *optionInfo
	value optionValue
	apply func(*settings) // for settings that are no option of libzmq's
	birth string          // its name, if only a constructor can take it
	err   error
}

// optionValue is a value of any kind: numbers in the option's unit (bool: 0
// and 1; duration: nanoseconds, negative for none), or text.
type optionValue struct {
	n int64
	s string
}

// optionKind says how a value is written and checked.
type optionKind uint8

const (
	kindInt optionKind = iota
	kindBool
	kindDuration // milliseconds in libzmq; -1: none
	kindText     // text or octets
)

// optionInfo is a row of the table of options.
type optionInfo struct {
	name     string
	doc      string
	number   int // libzmq's; 0: ours alone
	kind     optionKind
	unit     string
	min, max int64  // kindInt and kindDuration (in milliseconds), kindText: length
	applies  []Type // empty: all
	readOnly bool
	live     bool                    // takes effect on connections that are there already
	valid    func(text string) error // what a text must be besides its length
	get      func(*settings) optionValue
	set      func(*settings, optionValue)
	action   func(*Socket, optionValue) error // does something instead of being kept
}

// settings are the values of a socket's options.
type settings struct {
	domain *Domain
	logger *slog.Logger
	events func(Event)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	accept func(net.Conn) bool

	sendHWM, recvHWM                          int64
	linger, sendTimeout, recvTimeout          time.Duration
	immediate, conflate, ipv6                 bool
	spin                                      int64
	routingID, connectRoutingID               string
	reconnect, reconnectMax, connectTimeout   time.Duration
	handshake                                 time.Duration
	heartbeat, heartbeatTTL, heartbeatTimeout time.Duration
	maxMessage                                int64
	backlog, sendBuffer, recvBuffer, tos      int64
	keepAlive, keepCount, keepIdle, keepIntvl int64
	maxRetransmit                             time.Duration
	device                                    string
	socksProxy, socksUser                     string
	socksPassword                             *hidden
	priority                                  int64
	probeRouter, mandatory, handover          bool
	relaxed, correlate                        bool
	verbose, verboser, manual, noDrop         bool
	welcome                                   string
	invert, streamNotify                      bool
	leastVersion                              string
	metadata                                  []string
	security                                  security
}

func defaults() settings {
	return settings{
		domain: defaultDomain, logger: slog.New(slog.DiscardHandler),
		sendHWM: 1000, recvHWM: 1000,
		linger: time.Second, sendTimeout: -1, recvTimeout: -1,
		reconnect: 100 * time.Millisecond, reconnectMax: 10 * time.Second,
		handshake:        30 * time.Second,
		heartbeatTimeout: -1,
		maxMessage:       1 << 30,
		backlog:          0, sendBuffer: -1, recvBuffer: -1,
		keepAlive: -1, keepCount: -1, keepIdle: -1, keepIntvl: -1,
		spin:         -1,
		streamNotify: true,
		leastVersion: "3.0",
		security:     security{enforceDomain: true},
	}
}

// ParseOption makes an option of its name and value as text: the names of
// libzmq in lower case without their prefix ("sndhwm", "tcp_keepalive_idle"),
// durations in milliseconds as libzmq has them or with a unit ("2s"), booleans
// as 0 and 1 or false and true. It fails with ErrNotFound for a name that is
// not known, ErrTooLarge for text that is too long and ErrInvalid for any other
// value that does not fit.
func ParseOption(name, value string) (Option, error) {
	info := optionByName(name)
	if info == nil {
		return Option{}, fmt.Errorf("%w: option %q", ErrNotFound, name)
	}
	v, err := info.parse(value)
	if err == nil {
		err = info.check(v)
	}
	if err != nil {
		return Option{}, err
	}
	return Option{info: info, value: v}, nil
}

func (i *optionInfo) parse(text string) (v optionValue, err error) {
	switch i.kind {
	case kindText:
		return optionValue{s: text}, nil
	case kindBool:
		on, err := strconv.ParseBool(text)
		if err != nil {
			return v, i.invalid(text, "0 or 1")
		}
		return boolValue(on), nil
	case kindDuration:
		if d, err := time.ParseDuration(text); err == nil && strings.ContainsAny(text, "hmsuµn") {
			return optionValue{n: int64(d)}, nil
		}
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil || ms > int64(time.Duration(1<<63-1)/time.Millisecond) {
			return v, i.invalid(text, "milliseconds, or a duration such as 2s")
		}
		return optionValue{n: max(ms, -1) * int64(time.Millisecond)}, nil // all that is negative means none
	default:
		if v.n, err = strconv.ParseInt(text, 10, 64); err != nil {
			return v, i.invalid(text, "a number")
		}
		return v, nil
	}
}

func (i *optionInfo) invalid(value, want string) error {
	return fmt.Errorf("%w: option %s: %q is not %s", ErrInvalid, i.name, value, want)
}

// check holds a value against the bounds of the option.
func (i *optionInfo) check(v optionValue) error {
	if i.readOnly {
		return fmt.Errorf("%w: option %s can't be set", ErrNotSupported, i.name)
	}
	n, unit := v.n, i.unit
	switch i.kind {
	case kindBool:
		return nil
	case kindText:
		n, unit = int64(len(v.s)), "octets"
	case kindDuration:
		if n = v.n; n > 0 {
			n = max(1, v.n/int64(time.Millisecond))
		} else if n < 0 {
			n = -1
		}
	}
	if i.kind == kindText && i.max > 0 && n > i.max {
		return fmt.Errorf("%w: option %s: %d octets, at most %d", ErrTooLarge, i.name, n, i.max)
	}
	if n < i.min || (i.max > 0 && n > i.max) {
		return fmt.Errorf("%w: option %s: %d is out of range, %d to %d %s", ErrInvalid, i.name, n, i.min, i.max, unit)
	}
	if i.valid != nil {
		if err := i.valid(v.s); err != nil {
			return fmt.Errorf("%w: option %s: %w", ErrInvalid, i.name, err)
		}
	}
	return nil
}

// format writes a value as ParseOption reads it, in libzmq's unit.
func (i *optionInfo) format(v optionValue) string {
	switch i.kind {
	case kindText:
		return v.s
	case kindDuration:
		if v.n < 0 {
			return "-1"
		}
		return strconv.FormatInt((v.n+int64(time.Millisecond)-1)/int64(time.Millisecond), 10)
	default:
		return strconv.FormatInt(v.n, 10)
	}
}

// fits reports whether a socket type has the option.
func (i *optionInfo) fits(t Type) bool {
	if len(i.applies) == 0 {
		return true
	}
	for _, a := range i.applies {
		if a == t {
			return true
		}
	}
	return false
}

// put checks an option for a socket type and keeps it.
func (o Option) put(t Type, c *settings) error {
	switch {
	case o.err != nil:
		return o.err
	case o.apply != nil:
		o.apply(c)
		return nil
	case o.info == nil:
		return fmt.Errorf("%w: empty option", ErrInvalid)
	case !o.info.fits(t):
		return fmt.Errorf("%w: option %s on %s", ErrNotSupported, o.info.name, t)
	}
	if err := o.info.check(o.value); err != nil {
		return err
	}
	if o.info.set != nil {
		o.info.set(c, o.value)
	}
	return nil
}

func boolValue(on bool) optionValue {
	if on {
		return optionValue{n: 1}
	}
	return optionValue{}
}

func option(name string, v optionValue) Option {
	return Option{info: optionByName(name), value: v}
}

func intOption(name string, n int64) Option  { return option(name, optionValue{n: n}) }
func boolOption(name string, on bool) Option { return option(name, boolValue(on)) }
func durationOption(name string, d time.Duration) Option {
	return option(name, optionValue{n: int64(d)})
}
func textOption(name, text string) Option { return option(name, optionValue{s: text}) }
