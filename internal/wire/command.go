package wire

import "encoding/binary"

// The names of the commands of ZMTP and of its mechanisms: RFC 37 "Commands" and "The Radio-Dish Pattern",
// RFC 24 "Implementation", RFC 26 "High-level Grammar".
const (
	NameReady     = "READY"
	NameError     = "ERROR"
	NameSubscribe = "SUBSCRIBE"
	NameCancel    = "CANCEL"
	NamePing      = "PING"
	NamePong      = "PONG"
	NameJoin      = "JOIN"
	NameLeave     = "LEAVE"
	NameHello     = "HELLO"
	NameWelcome   = "WELCOME"
	NameInitiate  = "INITIATE"
	NameMessage   = "MESSAGE"
)

const (
	// MaxPingContext is the length of the longest context of a PING in octets: RFC 37 "Connection
	// Heartbeating".
	MaxPingContext = 16

	maxName   = 255
	maxReason = 255
	pingTTL   = 2
)

// AppendCommand appends a whole command frame. The name has 1 to 255 letters.
func AppendCommand(b []byte, name string, data []byte) []byte {
	b = appendCommandHead(b, name, len(data))
	return append(b, data...)
}

// appendCommandHead appends a command frame up to its data, of which size octets are to follow.
func appendCommandHead(b []byte, name string, size int) []byte {
	b = AppendHeader(b, FlagCommand, 1+len(name)+size)
	b = append(b, byte(len(name)))
	return append(b, name...)
}

// ParseCommand divides the body of a command frame. It does not allocate for the names above; data is a part of
// body. A name that is not 1 to 255 letters is ErrCommand: RFC 37 "Formal Grammar".
func ParseCommand(body []byte) (name string, data []byte, err error) {
	if len(body) == 0 {
		return "", nil, ErrCommand
	}
	n := int(body[0])
	if n == 0 || n > len(body)-1 {
		return "", nil, ErrCommand
	}
	name, err = commandName(body[1 : 1+n])
	if err != nil {
		return "", nil, err
	}
	return name, body[1+n:], nil
}

// commandName is b as a string, without a copy if it is a name that is known.
func commandName(b []byte) (string, error) {
	switch string(b) {
	case NameReady:
		return NameReady, nil
	case NameError:
		return NameError, nil
	case NameSubscribe:
		return NameSubscribe, nil
	case NameCancel:
		return NameCancel, nil
	case NamePing:
		return NamePing, nil
	case NamePong:
		return NamePong, nil
	case NameJoin:
		return NameJoin, nil
	case NameLeave:
		return NameLeave, nil
	case NameHello:
		return NameHello, nil
	case NameWelcome:
		return NameWelcome, nil
	case NameInitiate:
		return NameInitiate, nil
	case NameMessage:
		return NameMessage, nil
	}
	for _, c := range b {
		if !isAlpha(c) {
			return "", ErrCommand
		}
	}
	return string(b), nil
}

func isAlpha(c byte) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }

// AppendReady appends a whole READY command with the properties that AppendProperty has put into props:
// RFC 37 "The NULL Security Mechanism".
func AppendReady(b []byte, props []byte) []byte { return AppendCommand(b, NameReady, props) }

// AppendError appends a whole ERROR command. The reason is meant to be visible characters; of a longer one
// only 255 octets are sent.
func AppendError(b []byte, reason string) []byte {
	reason = reason[:min(len(reason), maxReason)]
	b = appendCommandHead(b, NameError, 1+len(reason))
	b = append(b, byte(len(reason)))
	return append(b, reason...)
}

// ParseError reads the data of an ERROR command. The characters of the reason are not judged, for an ERROR is
// fatal in any case and its reason too useful to be lost: quote it when it is shown.
func ParseError(data []byte) (reason string, err error) {
	if len(data) == 0 || int(data[0]) != len(data)-1 {
		return "", ErrCommand
	}
	return string(data[1:]), nil
}

// AppendPing appends a whole PING command: RFC 37 "Connection Heartbeating". ttl is in tenths of a second,
// 0 for none. Of a longer context only MaxPingContext octets are sent.
func AppendPing(b []byte, ttl uint16, context []byte) []byte {
	context = context[:min(len(context), MaxPingContext)]
	b = appendCommandHead(b, NamePing, pingTTL+len(context))
	b = binary.BigEndian.AppendUint16(b, ttl)
	return append(b, context...)
}

// ParsePing reads the data of a PING command. ttl is in tenths of a second; context is a part of data. Of a longer
// one it takes MaxPingContext octets, as libzmq does: there is no harm in the rest.
func ParsePing(data []byte) (ttl uint16, context []byte, err error) {
	if len(data) < pingTTL {
		return 0, nil, ErrCommand
	}
	return binary.BigEndian.Uint16(data), data[pingTTL:min(len(data), pingTTL+MaxPingContext)], nil
}

// AppendPong appends a whole PONG command, which echoes the context of a PING.
func AppendPong(b []byte, context []byte) []byte {
	return AppendCommand(b, NamePong, context[:min(len(context), MaxPingContext)])
}

// ParsePong reads the data of a PONG command; context is a part of data.
func ParsePong(data []byte) (context []byte, err error) {
	if len(data) > MaxPingContext {
		return nil, ErrCommand
	}
	return data, nil
}

// AppendSubscribe appends a whole SUBSCRIBE command: RFC 37 "The Publish-Subscribe Pattern". Peers older than
// ZMTP 3.1 want a message of the octet 1 and the topic instead.
func AppendSubscribe(b, topic []byte) []byte { return AppendCommand(b, NameSubscribe, topic) }

// AppendCancel appends a whole CANCEL command. Peers older than ZMTP 3.1 want a message of the octet 0 and the
// topic instead.
func AppendCancel(b, topic []byte) []byte { return AppendCommand(b, NameCancel, topic) }
