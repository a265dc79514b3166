package zmq

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"

	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/session"
	"github.com/phimq/zmq/internal/wire"
	"github.com/phimq/zmq/z85"
)

// The security mechanisms, as greetings announce them.
const (
	mechanismPlain = "PLAIN"
	mechanismCurve = "CURVE"

	mechanismForeign = "of the user's own"
)

// security is how a socket meets its peers. The zero value is NULL.
type security struct {
	mechanism string // "" is NULL
	server    bool
	username  string
	password  *hidden // nil: empty
	keys      CurveKeys
	publicKey CurveKey // as curve_publickey has it; the pair counts
	serverKey CurveKey

	auth          func(context.Context, Peer) (Identity, error)
	zapDomain     string
	enforceDomain bool
	tls           *tls.Config
	foreign       func(MechanismConfig) (Mechanism, error)
}

// A hidden is text that package fmt shows by none of its verbs, whatever it is
// part of: it follows one pointer, and not a second one.
type hidden struct{ text *string }

func newHidden(text string) *hidden { return &hidden{text: &text} }

// reveal returns the text.
func (s *hidden) reveal() string {
	if s == nil {
		return ""
	}
	return *s.text
}

// keySize is the octets of a CURVE key, keyText its characters in Z85.
const (
	keySize = 32
	keyText = 40
)

// CurveKey is a public key of CURVE. RFC 26 "Overall Operation of CurveZMQ".
type CurveKey [keySize]byte

// String returns the key in Z85: 40 characters. RFC 32 "Formal Specification".
func (k CurveKey) String() string {
	text, _ := z85.Encode(k[:]) // 32 octets can always be encoded
	return text
}

// ParseCurveKey reads a public key of 40 characters in Z85.
func ParseCurveKey(text string) (CurveKey, error) {
	key, err := parseKey(text)
	if err != nil {
		return CurveKey{}, fmt.Errorf("%w: public key: %w", ErrInvalid, err)
	}
	return key, nil
}

var errKeySize = errors.New("a key has 40 characters of Z85")

func parseKey(text string) (key [keySize]byte, err error) {
	if len(text) != keyText {
		return key, errKeySize
	}
	b, err := z85.Decode(text)
	if err != nil {
		return key, errKeySize // what is wrong with it could tell the secret
	}
	return [keySize]byte(b), nil
}

// CurveKeys is a key pair of CURVE: what a peer is known by, and what proves
// it. Printing it shows the public key only. The zero value is no key pair.
type CurveKeys struct {
	public CurveKey
	secret *hidden // 32 octets
}

// NewCurveKeys makes a new key pair.
func NewCurveKeys() CurveKeys {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		panic("zmq: no random numbers: " + err.Error()) //nolint:forbidigo // crypto/rand ends the process before
	}
	return newKeys(key)
}

// ParseCurveKeys makes the key pair of a secret key of 40 characters in Z85.
// The public key follows from it.
func ParseCurveKeys(secret string) (CurveKeys, error) {
	b, err := parseKey(secret)
	if err != nil {
		return CurveKeys{}, fmt.Errorf("%w: secret key: %w", ErrInvalid, err)
	}
	key, err := ecdh.X25519().NewPrivateKey(b[:])
	if err != nil {
		return CurveKeys{}, fmt.Errorf("%w: secret key", ErrInvalid)
	}
	return newKeys(key), nil
}

func newKeys(key *ecdh.PrivateKey) CurveKeys {
	return CurveKeys{public: CurveKey(key.PublicKey().Bytes()), secret: newHidden(string(key.Bytes()))}
}

// Public returns the public key, which peers may know.
func (k CurveKeys) Public() CurveKey { return k.public }

// Secret returns the secret key in Z85, to be written where nobody else reads.
// It is empty for the zero value.
func (k CurveKeys) Secret() string {
	if k.secret == nil {
		return ""
	}
	return CurveKey([]byte(k.secret.reveal())).String()
}

// IsZero reports whether there is no key pair.
func (k CurveKeys) IsZero() bool { return k.secret == nil }

// String returns the public key.
func (k CurveKeys) String() string {
	if k.IsZero() {
		return "no keys"
	}
	return "public key " + k.public.String()
}

// GoString returns what String does: also %#v shows no secret.
func (k CurveKeys) GoString() string { return "zmq.CurveKeys{" + k.String() + "}" }

// LogValue logs the public key only.
func (k CurveKeys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText refuses: a secret key is written on purpose only, by Secret.
func (k CurveKeys) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("%w: a key pair is not written as text; use Secret", ErrNotSupported)
}

func (k CurveKeys) mech() mech.CurveKeys {
	return mech.CurveKeys{Public: k.public, Secret: [keySize]byte([]byte(k.secret.reveal()))}
}

// CurveClient is what a client of CURVE needs.
type CurveClient struct {
	// ServerKey is the public key of the server: nobody else can answer.
	ServerKey CurveKey
	// Keys are the client's own, by which the server may know it. The zero
	// value makes new ones, for servers that let everybody in.
	Keys CurveKeys
}

// WithCurve makes the socket a client of CURVE: it talks to the one who has the
// secret key to c.ServerKey, and everything is encrypted. RFC 26 "Overall Operation of CurveZMQ".
func WithCurve(c CurveClient) Option {
	if c.ServerKey == (CurveKey{}) {
		return Option{err: fmt.Errorf("%w: CURVE: no server key", ErrInvalid)}
	}
	if c.Keys.IsZero() {
		c.Keys = NewCurveKeys()
	}
	return Option{apply: func(s *settings) {
		s.security.mechanism, s.security.server = mechanismCurve, false
		s.security.keys, s.security.publicKey, s.security.serverKey = c.Keys, c.Keys.public, c.ServerKey
	}}
}

// WithCurveServer makes the socket a server of CURVE: it lets in who knows its
// public key, and whom WithAuth, or a ZAP handler, lets in. RFC 26 "Overall Operation of CurveZMQ".
func WithCurveServer(keys CurveKeys) Option {
	if keys.IsZero() {
		return Option{err: fmt.Errorf("%w: CURVE: no key pair", ErrInvalid)}
	}
	return Option{apply: func(s *settings) {
		s.security.mechanism, s.security.server = mechanismCurve, true
		s.security.keys, s.security.publicKey = keys, keys.public
	}}
}

// WithPlain makes the socket a client of PLAIN, which sends a user name and a
// password in clear: for networks that nobody else reads, or inside TLS. Each
// has at most 255 octets. RFC 24 "Goals".
func WithPlain(username, password string) Option {
	if len(username) > 255 || len(password) > 255 {
		return Option{err: fmt.Errorf("%w: PLAIN: a name or password has at most 255 octets", ErrTooLarge)}
	}
	return Option{apply: func(s *settings) {
		s.security.mechanism, s.security.server = mechanismPlain, false
		s.security.username, s.security.password = username, newHidden(password)
	}}
}

// WithPlainServer makes the socket a server of PLAIN. Who may enter is asked of
// WithAuth or of a ZAP handler; without either nobody may.
func WithPlainServer() Option {
	return Option{apply: func(s *settings) {
		s.security.mechanism, s.security.server = mechanismPlain, true
	}}
}

// Identity is what an authenticator says of a peer that it lets in.
type Identity struct {
	// UserID becomes the property "User-Id" of each of the peer's messages.
	UserID string
	// Properties join the peer's metadata, over what it says of itself.
	Properties map[string]string
}

// WithAuth names who decides which peers may enter. It is asked in each
// handshake: by the server's side with PLAIN, CURVE and TLS, by either side with
// NULL. It is called from many goroutines, and has until ctx ends: when the
// handshake times out or the socket is closed. An error keeps the peer out; it
// is logged, and the peer is not told what it says. If it is ErrAgain, the peer
// may try again soon.
//
// A socket with WithAuth asks no ZAP handler. A panic in auth ends the process.
func WithAuth(auth func(ctx context.Context, p Peer) (Identity, error)) Option {
	return Option{apply: func(s *settings) { s.security.auth = auth }}
}

// WithZAPDomain names the domain in which a ZAP handler is asked about peers
// (ZAP_DOMAIN). With it, NULL asks too, and nobody enters without a handler.
// RFC 27 "Message Format".
func WithZAPDomain(domain string) Option { return textOption("zap_domain", domain) }

// WithZAPEnforceDomain lets nobody in while there is a ZAP domain and no handler
// (ZAP_ENFORCE_DOMAIN). It is on by default; off, NULL and CURVE let everybody in
// then, as libzmq does by default.
func WithZAPEnforceDomain(on bool) Option { return boolOption("zap_enforce_domain", on) }

// WithTLS gives the configuration for tls+tcp endpoints: a server needs a
// certificate, a client trusts those of config.RootCAs. Where the server asks
// for certificates of its clients (tls.RequireAndVerifyClientCert), the user id of a
// peer is whom its certificate was made out to. Inside TLS the socket speaks its
// mechanism, NULL or PLAIN as a rule. Do not change config afterwards.
func WithTLS(config *tls.Config) Option {
	if config == nil {
		return Option{err: fmt.Errorf("%w: TLS: no configuration", ErrInvalid)}
	}
	return Option{apply: func(s *settings) { s.security.tls = config }}
}

// check says what is missing for the mechanism.
func (s *security) check() error {
	switch {
	case s.auth != nil && s.zapDomain != "":
		return fmt.Errorf("%w: WithAuth together with a ZAP domain", ErrInvalid)
	case s.mechanism != mechanismCurve:
		return nil
	case s.keys.IsZero():
		return fmt.Errorf("%w: CURVE: no secret key", ErrInvalid)
	case s.publicKey != (CurveKey{}) && s.publicKey != s.keys.public:
		return fmt.Errorf("%w: CURVE: the public key is not that of the secret key", ErrInvalid)
	case !s.server && s.serverKey == CurveKey{}:
		return fmt.Errorf("%w: CURVE: no server key", ErrInvalid)
	}
	return nil
}

// start returns what begins handshakes; nil for NULL.
func (s *security) start() func(mech.Config) (mech.Mechanism, error) {
	sec := *s
	switch {
	case sec.mechanism == mechanismForeign:
		return func(c mech.Config) (mech.Mechanism, error) { return newForeign(c, sec.foreign) }
	case sec.mechanism == mechanismPlain && sec.server:
		return func(c mech.Config) (mech.Mechanism, error) { return mech.NewPlainServer(c), nil }
	case sec.mechanism == mechanismPlain:
		return func(c mech.Config) (mech.Mechanism, error) {
			return mech.NewPlainClient(c, sec.username, sec.password.reveal())
		}
	case sec.mechanism == mechanismCurve && sec.server:
		return func(c mech.Config) (mech.Mechanism, error) { return mech.NewCurveServer(c, sec.keys.mech()) }
	case sec.mechanism == mechanismCurve:
		return func(c mech.Config) (mech.Mechanism, error) {
			return mech.NewCurveClient(c, sec.keys.mech(), sec.serverKey)
		}
	}
	return nil
}

// authenticator returns who is asked about peers; nil: nobody.
func (s *Socket) authenticator(sec *security) func(context.Context, session.Question) mech.Verdict {
	switch {
	case sec.auth != nil:
		auth := sec.auth
		return func(ctx context.Context, q session.Question) mech.Verdict { return askFunc(ctx, auth, q) }
	case sec.mechanism == "" && sec.zapDomain == "", sec.mechanism != "" && !sec.server:
		return nil
	}
	domain, must := sec.zapDomain, sec.mechanism == mechanismPlain || sec.zapDomain != "" && sec.enforceDomain
	return func(ctx context.Context, q session.Question) mech.Verdict { return s.askZAP(ctx, domain, must, q) }
}

// askFunc asks the function of WithAuth.
func askFunc(ctx context.Context, auth func(context.Context, Peer) (Identity, error), q session.Question) mech.Verdict {
	identity, err := auth(ctx, questionPeer(q))
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return mech.Verdict{Err: ctx.Err()}
	case errors.Is(err, ErrAgain):
		return mech.Verdict{Status: 300, Reason: err.Error()}
	default:
		return mech.Verdict{Status: 400, Reason: err.Error()}
	}
	v := mech.Verdict{Status: 200, UserID: identity.UserID}
	for name, value := range identity.Properties {
		v.Metadata = append(v.Metadata, wire.Property{Name: name, Value: []byte(value)})
	}
	return v
}
