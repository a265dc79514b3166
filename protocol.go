package zmq

import (
	"errors"
	"fmt"

	"github.com/phimq/zmq/internal/engine"
	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/wire"
)

// ProtocolCode says how a peer broke the protocol. The numbers are libzmq's.
type ProtocolCode uint32

// The protocol errors of libzmq's monitor.
const (
	ProtocolUnspecified        ProtocolCode = 0x10000000
	ProtocolUnexpectedCommand  ProtocolCode = 0x10000001
	ProtocolInvalidSequence    ProtocolCode = 0x10000002
	ProtocolKeyExchange        ProtocolCode = 0x10000003
	ProtocolMalformedCommand   ProtocolCode = 0x10000011
	ProtocolMalformedMessage   ProtocolCode = 0x10000012
	ProtocolMalformedHello     ProtocolCode = 0x10000013
	ProtocolMalformedInitiate  ProtocolCode = 0x10000014
	ProtocolMalformedError     ProtocolCode = 0x10000015
	ProtocolMalformedReady     ProtocolCode = 0x10000016
	ProtocolMalformedWelcome   ProtocolCode = 0x10000017
	ProtocolInvalidMetadata    ProtocolCode = 0x10000018
	ProtocolCryptographic      ProtocolCode = 0x11000001
	ProtocolMechanismMismatch  ProtocolCode = 0x11000002
	ProtocolZAPUnspecified     ProtocolCode = 0x20000000
	ProtocolZAPMalformedReply  ProtocolCode = 0x20000001
	ProtocolZAPBadRequestID    ProtocolCode = 0x20000002
	ProtocolZAPBadVersion      ProtocolCode = 0x20000003
	ProtocolZAPInvalidStatus   ProtocolCode = 0x20000004
	ProtocolZAPInvalidMetadata ProtocolCode = 0x20000005
	ProtocolWSUnspecified      ProtocolCode = 0x30000000
)

var protocolNames = map[ProtocolCode]string{
	ProtocolUnspecified: "protocol error", ProtocolUnexpectedCommand: "unexpected command",
	ProtocolInvalidSequence: "invalid sequence", ProtocolKeyExchange: "key exchange failed",
	ProtocolMalformedCommand: "malformed command", ProtocolMalformedMessage: "malformed MESSAGE",
	ProtocolMalformedHello: "malformed HELLO", ProtocolMalformedInitiate: "malformed INITIATE",
	ProtocolMalformedError: "malformed ERROR", ProtocolMalformedReady: "malformed READY",
	ProtocolMalformedWelcome: "malformed WELCOME", ProtocolInvalidMetadata: "invalid metadata",
	ProtocolCryptographic: "cryptographic error", ProtocolMechanismMismatch: "mechanism mismatch",
	ProtocolZAPUnspecified: "ZAP error", ProtocolZAPMalformedReply: "malformed ZAP reply",
	ProtocolZAPBadRequestID: "wrong ZAP request id", ProtocolZAPBadVersion: "wrong ZAP version",
	ProtocolZAPInvalidStatus: "invalid ZAP status", ProtocolZAPInvalidMetadata: "invalid ZAP metadata",
	ProtocolWSUnspecified: "WebSocket error",
}

// String names the error.
func (c ProtocolCode) String() string {
	if name, ok := protocolNames[c]; ok {
		return name
	}
	return fmt.Sprintf("ProtocolCode(%#x)", uint32(c))
}

// protocolCode finds the number of an error of the handshake.
func protocolCode(err error) ProtocolCode {
	switch {
	case errors.Is(err, mech.ErrAnswer):
		return zapCode(err)
	case errors.Is(err, mech.ErrBox):
		return ProtocolCryptographic
	case errors.Is(err, mech.ErrNonce):
		return ProtocolInvalidSequence
	case errors.Is(err, engine.ErrMechanism):
		return ProtocolMechanismMismatch
	case errors.Is(err, engine.ErrSocketType), errors.Is(err, engine.ErrIdentity),
		errors.Is(err, wire.ErrMetadata), errors.Is(err, wire.ErrLimit):
		return ProtocolInvalidMetadata
	case errors.Is(err, engine.ErrUnexpected):
		return ProtocolUnexpectedCommand
	case errors.Is(err, wire.ErrCommand), errors.Is(err, engine.ErrCommand):
		return ProtocolMalformedCommand
	}
	return ProtocolUnspecified
}
