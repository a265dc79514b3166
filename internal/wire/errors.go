package wire

// Malformed is the error of every Parse function: the octets break the protocol, and the connection that
// brought them is to be closed. More octets never mend it.
type Malformed string

func (m Malformed) Error() string { return "zmtp: " + string(m) }

// What can be wrong with octets. They are constants, so errors.Is and == both work.
const (
	// ErrReserved: RFC 37 "Framing": bits 7-3 are reserved and MUST be zero.
	ErrReserved = Malformed("reserved bits are set in the flags of a frame")
	// ErrMoreCommand: RFC 37 "Framing": MORE SHALL be zero on command frames.
	ErrMoreCommand = Malformed("a command frame has the MORE flag")
	// ErrSize: RFC 37 "Framing": a long frame has a body of 0 to 2^63-1 octets.
	ErrSize = Malformed("the size of a frame is out of range")
	// ErrGreeting: the octets are not a greeting of ZMTP 3.0 or later.
	ErrGreeting = Malformed("not a greeting of ZMTP 3.0 or later")
	// ErrMechanism: RFC 37 "Formal Grammar": the mechanism is a null padded string.
	ErrMechanism = Malformed("malformed mechanism name in a greeting")
	// ErrCommand: a command or its data does not follow its grammar.
	ErrCommand = Malformed("malformed command")
	// ErrMetadata: a property does not follow its grammar.
	ErrMetadata = Malformed("malformed metadata")
	// ErrLimit: well formed metadata that is more than the Limits allow.
	ErrLimit = Malformed("too much metadata")
)
