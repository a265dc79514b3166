package mech

import (
	"bytes"
	"slices"
	"testing"

	"github.com/phimq/zmq/internal/wire"
)

// fuzzSides are one side of each kind, with known keys and known random octets,
// so that a recorded command is good for them.
func fuzzSides() []Mechanism {
	clientConfig, serverConfig := curveConfigs()
	serverConfig.Auth = admits
	bound := serverConfig
	bound.Bound = true
	return []Mechanism{
		NewNull(clientConfig), NewNull(bound),
		must(NewPlainClient(clientConfig, "admin", "secret")), NewPlainServer(serverConfig),
		freshClient(), freshServer(),
	}
}

// FuzzHear: whatever a peer says, no side panics, a side that is broken stays
// so, and a side that is done has heard all that its mechanism has.
func FuzzHear(f *testing.F) {
	r := record(f)
	add := func(side byte, frames ...[]byte) { f.Add(side, slices.Concat(frames...)) }
	ready := wire.AppendReady(nil, properties("Socket-Type", "PUSH"))
	add(0, ready)
	add(1, ready)
	add(2, wire.AppendCommand(nil, wire.NameWelcome, nil), ready)
	add(3, wire.AppendCommand(nil, wire.NameHello, []byte("\x05admin\x06secret")), wire.AppendCommand(nil, wire.NameInitiate, nil))
	add(4, wire.AppendCommand(nil, wire.NameWelcome, r.welcome), wire.AppendCommand(nil, wire.NameReady, r.ready))
	add(5, wire.AppendCommand(nil, wire.NameHello, r.hello), wire.AppendCommand(nil, wire.NameInitiate, r.initiate))
	add(4, wire.AppendError(nil, "400"))
	for _, name := range []string{"curve_server", "curve_client_dealer", "plain_client_dealer", "plain_error"} {
		for side := range byte(6) {
			add(side, captured(f, name)...)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		sides := fuzzSides()
		side := sides[int(which)%len(sides)]
		due := map[string]int{"NULL": 1, "PLAIN": 2, "CURVE": 2}[side.Name()]
		for heard := 0; ; heard++ {
			for {
				out, err := side.Say()
				if err != nil {
					t.Fatal(err)
				}
				if out == nil {
					break
				}
				split(t, out)
			}
			if side.Done() {
				if heard != due || (side.Seal() != nil) != (side.Name() == "CURVE") {
					t.Fatalf("done after %d commands", heard)
				}
				return
			}
			h, ok, err := wire.ParseHeader(b)
			if !ok || err != nil || h.Size > uint64(len(b)-h.Len) {
				return
			}
			name, data, err := ParseCommand(b[h.Len : h.Len+int(h.Size)])
			if err != nil {
				return
			}
			b = b[h.Len+int(h.Size):]
			if err := side.Hear(name, data); err != nil {
				stuck(t, side)
				return
			}
		}
	})
}

// stuck wants a side to go no further.
func stuck(t *testing.T, side Mechanism) {
	t.Helper()
	if out, err := side.Say(); out != nil || err != nil || side.Done() {
		t.Fatalf("after an error: said %q, %v, done %v", out, err, side.Done())
	}
	if err := side.Hear(wire.NameReady, nil); err == nil {
		t.Fatal("after an error READY is taken")
	}
}

// FuzzOpen: whatever comes, Open takes only what the other end has sealed, once.
func FuzzOpen(f *testing.F) {
	client, _ := sealers(f)
	var good [][]byte
	for _, flags := range frameFlags {
		good = append(good, body(f, seal(client, nil, flags, []byte("text"))))
	}
	for _, b := range good {
		f.Add(b, []byte("dst"))
		f.Add(b[:20], []byte{})
		f.Add(append(bytes.Clone(b), 0), []byte(nil))
	}
	f.Add([]byte("\x04PING\x00\x00"), []byte("dst"))
	_, server := sealers(f)
	f.Fuzz(func(t *testing.T, frame, dst []byte) {
		end := *server
		before, dst := dst, bytes.Clone(dst) // the fuzzer lays frame and dst side by side
		flags, out, err := unseal(&end, dst, frame)
		at := slices.IndexFunc(good, func(b []byte) bool { return bytes.Equal(b, frame) })
		if (err == nil) != (at >= 0) || !bytes.Equal(dst, before) {
			t.Fatalf("%x: %v, dst %q was %q", frame, err, dst, before)
		}
		if err == nil && (flags != frameFlags[at] || string(out) != string(before)+"text") {
			t.Fatalf("flags %d, %q", flags, out)
		}
		if _, _, again := unseal(&end, nil, frame); again == nil {
			t.Fatal("taken twice")
		}
	})
}
