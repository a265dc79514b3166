package wire

import (
	"bytes"
	"strings"
	"testing"
)

// exampleReady is the first READY of RFC 37 "Worked Example".
const exampleReady = "\x04\x29" + "\x05READY" + "\x0bSocket-Type\x00\x00\x00\x06DEALER" + "\x08Identity\x00\x00\x00\x00"

func TestAppendCommands(t *testing.T) {
	dealer := AppendProperty(AppendProperty(nil, "Socket-Type", "DEALER"), "Identity", "")
	router := AppendProperty(nil, "Socket-Type", "ROUTER")
	long := bytes.Repeat([]byte("t"), 300)
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"RFC 37 Worked Example, client", AppendReady(nil, dealer), exampleReady},
		{"RFC 37 Worked Example, server", AppendReady(nil, router), "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER"},
		{"READY without metadata", AppendReady(nil, nil), "\x04\x06\x05READY"},
		{"ERROR", AppendError(nil, "400"), "\x04\x0a\x05ERROR\x03400"},
		{"ERROR without reason", AppendError(nil, ""), "\x04\x07\x05ERROR\x00"},
		{"ERROR too long", AppendError(nil, strings.Repeat("r", 300)), "\x06\x00\x00\x00\x00\x00\x00\x01\x06\x05ERROR\xff" + strings.Repeat("r", 255)},
		{"PING", AppendPing(nil, 0x0102, []byte("ctx")), "\x04\x0a\x04PING\x01\x02ctx"},
		{"PING too long", AppendPing(nil, 0, long), "\x04\x17\x04PING\x00\x00" + strings.Repeat("t", 16)},
		{"PONG", AppendPong(nil, []byte("ctx")), "\x04\x08\x04PONGctx"},
		{"PONG too long", AppendPong(nil, long), "\x04\x15\x04PONG" + strings.Repeat("t", 16)},
		{"SUBSCRIBE", AppendSubscribe(nil, []byte("kv@")), "\x04\x0d\x09SUBSCRIBEkv@"},
		{"SUBSCRIBE to all", AppendSubscribe(nil, nil), "\x04\x0a\x09SUBSCRIBE"},
		{"CANCEL", AppendCancel(nil, []byte("kv@")), "\x04\x0a\x06CANCELkv@"},
		{"LONG is chosen with the name in: 255", AppendSubscribe(nil, long[:245]), "\x04\xff\x09SUBSCRIBE" + string(long[:245])},
		{"LONG is chosen with the name in: 256", AppendSubscribe(nil, long[:246]), "\x06\x00\x00\x00\x00\x00\x00\x01\x00\x09SUBSCRIBE" + string(long[:246])},
		{"another name", AppendCommand([]byte("x"), "X", []byte("d")), "x\x04\x03\x01Xd"},
	}
	for _, tt := range tests {
		if string(tt.got) != tt.want {
			t.Errorf("%s:\ngot  %x\nwant %x", tt.name, tt.got, tt.want)
		}
	}
}

func TestParseCommand(t *testing.T) {
	long := strings.Repeat("N", 255)
	tests := []struct {
		in, name, data string
		err            error
	}{
		{"\x05READYmeta", NameReady, "meta", nil},
		{"\x05READY", NameReady, "", nil},
		{"\x04PING\x00\x00", NamePing, "\x00\x00", nil},
		{"\x07uNknown\xff", "uNknown", "\xff", nil},
		{"\xff" + long + "d", long, "d", nil},
		{"", "", "", ErrCommand},
		{"\x00", "", "", ErrCommand},
		{"\x00READY", "", "", ErrCommand},
		{"\x06READY", "", "", ErrCommand},
		{"\xff", "", "", ErrCommand},
		{"\x05READ\x00", "", "", ErrCommand},
		{"\x05READ1", "", "", ErrCommand},
	}
	for _, tt := range tests {
		name, data, err := ParseCommand([]byte(tt.in))
		if name != tt.name || string(data) != tt.data || err != tt.err {
			t.Errorf("%q: %q, %q, %v; want %q, %q, %v", tt.in, name, data, err, tt.name, tt.data, tt.err)
		}
	}
	for n := range 6 { // up to the end of the name
		if _, _, err := ParseCommand([]byte(exampleReady[2 : 2+n])); err != ErrCommand {
			t.Errorf("%d octets: %v, want ErrCommand", n, err)
		}
	}
}

func TestParseKnownCommandsWithoutCopy(t *testing.T) {
	for _, name := range []string{NameReady, NameError, NameSubscribe, NameCancel, NamePing, NamePong, NameJoin,
		NameLeave, NameHello, NameWelcome, NameInitiate, NameMessage} {
		frame := AppendCommand(nil, name, []byte("data"))
		allocs := testing.AllocsPerRun(10, func() {
			if got, data, err := ParseCommand(frame[2:]); got != name || string(data) != "data" || err != nil {
				t.Errorf("%s: %s, %q, %v", name, got, data, err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

func TestParseError(t *testing.T) {
	tests := []struct {
		in, reason string
		err        error
	}{
		{"\x03400", "400", nil},
		{"\x00", "", nil},
		{"\x0eAccess denied\n", "Access denied\n", nil},
		{"", "", ErrCommand},
		{"\x04400", "", ErrCommand},
		{"\x02400", "", ErrCommand},
	}
	for _, tt := range tests {
		if reason, err := ParseError([]byte(tt.in)); reason != tt.reason || err != tt.err {
			t.Errorf("%q: %q, %v; want %q, %v", tt.in, reason, err, tt.reason, tt.err)
		}
	}
}

func TestParsePing(t *testing.T) {
	for n := range 32 {
		data := bytes.Repeat([]byte{7}, n)
		ttl, context, err := ParsePing(data)
		switch good := 2 <= n; {
		case good && (err != nil || ttl != 0x0707 || len(context) != min(n-2, 16)):
			t.Errorf("PING of %d octets: %d, %x, %v", n, ttl, context, err)
		case !good && err != ErrCommand:
			t.Errorf("PING of %d octets: %v, want ErrCommand", n, err)
		}
		context, err = ParsePong(data)
		switch good := n <= 16; {
		case good && (err != nil || !bytes.Equal(context, data)):
			t.Errorf("PONG of %d octets: %x, %v", n, context, err)
		case !good && err != ErrCommand:
			t.Errorf("PONG of %d octets: %v, want ErrCommand", n, err)
		}
	}
}

func FuzzParseCommand(f *testing.F) {
	f.Add([]byte(exampleReady[2:]))
	f.Add(AppendError(nil, "400")[2:])
	f.Add(AppendPing(nil, 5, []byte("context"))[2:])
	f.Add(AppendSubscribe(nil, []byte("topic"))[2:])
	f.Add([]byte("\xffshort"))
	f.Fuzz(func(t *testing.T, body []byte) {
		name, data, err := ParseCommand(body)
		if err != nil {
			return
		}
		frame := AppendCommand(nil, name, data)
		h, ok, err := ParseHeader(frame)
		if !ok || err != nil || !bytes.Equal(frame[h.Len:], body) {
			t.Fatalf("%q became %q: %v, %v", body, frame, ok, err)
		}
		rebuilt := frame
		switch name {
		case NameError:
			if reason, err := ParseError(data); err == nil {
				rebuilt = AppendError(nil, reason)
			}
		case NamePing:
			if ttl, context, err := ParsePing(data); err == nil && len(data) <= pingTTL+MaxPingContext {
				rebuilt = AppendPing(nil, ttl, context)
			}
		case NamePong:
			if context, err := ParsePong(data); err == nil {
				rebuilt = AppendPong(nil, context)
			}
		}
		if !bytes.Equal(rebuilt, frame) {
			t.Fatalf("%q became %q", frame, rebuilt)
		}
	})
}
