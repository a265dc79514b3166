package zmq_test

import (
	"testing"

	"github.com/phimq/zmq"
)

// TestProtocolCodes: the 21 numbers are libzmq's, and each has a name of its own.
func TestProtocolCodes(t *testing.T) {
	numbers := map[zmq.ProtocolCode]uint32{
		zmq.ProtocolUnspecified:        0x10000000,
		zmq.ProtocolUnexpectedCommand:  0x10000001,
		zmq.ProtocolInvalidSequence:    0x10000002,
		zmq.ProtocolKeyExchange:        0x10000003,
		zmq.ProtocolMalformedCommand:   0x10000011,
		zmq.ProtocolMalformedMessage:   0x10000012,
		zmq.ProtocolMalformedHello:     0x10000013,
		zmq.ProtocolMalformedInitiate:  0x10000014,
		zmq.ProtocolMalformedError:     0x10000015,
		zmq.ProtocolMalformedReady:     0x10000016,
		zmq.ProtocolMalformedWelcome:   0x10000017,
		zmq.ProtocolInvalidMetadata:    0x10000018,
		zmq.ProtocolCryptographic:      0x11000001,
		zmq.ProtocolMechanismMismatch:  0x11000002,
		zmq.ProtocolZAPUnspecified:     0x20000000,
		zmq.ProtocolZAPMalformedReply:  0x20000001,
		zmq.ProtocolZAPBadRequestID:    0x20000002,
		zmq.ProtocolZAPBadVersion:      0x20000003,
		zmq.ProtocolZAPInvalidStatus:   0x20000004,
		zmq.ProtocolZAPInvalidMetadata: 0x20000005,
		zmq.ProtocolWSUnspecified:      0x30000000,
	}
	if len(numbers) != 21 {
		t.Errorf("there are %d numbers, want 21", len(numbers))
	}
	names := map[string]zmq.ProtocolCode{}
	for code, number := range numbers {
		if uint32(code) != number {
			t.Errorf("%s is %#x, want %#x", code, uint32(code), number)
		}
		if other, taken := names[code.String()]; taken {
			t.Errorf("%#x and %#x are both called %q", uint32(code), uint32(other), code)
		}
		names[code.String()] = code
	}
	if got := zmq.ProtocolCode(0x10000004).String(); got != "ProtocolCode(0x10000004)" {
		t.Errorf("an unknown code is %q", got)
	}
}
