package mech

import (
	"bytes"
	"crypto/ecdh"
	"fmt"
	"slices"

	"github.com/phimq/zmq/internal/wire"
)

// serverReady is the short nonce of the only command of the handshake that a
// server says with one; its messages go on from there.
const serverReady = 1

// CurveServer is the side whose key the clients know beforehand.
// RFC 26 "CurveZMQ Commands".
//
// Between HELLO and INITIATE it has neither the client's transient key nor its
// own: they are in the cookie, which opens for this connection only, and once.
type CurveServer struct {
	curve
	long   *ecdh.PrivateKey // S, until HELLO
	public [keySize]byte    // S
	cookie boxKey           // of the cookie, until INITIATE
}

// NewCurveServer begins a CURVE handshake as the server. The public key of keys
// can be left zero.
func NewCurveServer(c Config, keys CurveKeys) (*CurveServer, error) {
	long, err := keys.long()
	if err != nil {
		return nil, err
	}
	s := &CurveServer{curve: curve{side: side{c: c, next: hello}}, long: long}
	copy(s.public[:], long.PublicKey().Bytes())
	return s, nil
}

// Server is true.
func (*CurveServer) Server() bool { return true }

// Hear takes HELLO and INITIATE.
func (s *CurveServer) Hear(name string, data []byte) error {
	return s.hear(name, data, s.answer)
}

func (s *CurveServer) answer(at step, data []byte) ([]byte, error) {
	if at == hello {
		return s.hearHello(data)
	}
	return s.hearInitiate(data)
}

// hearHello learns C'. RFC 26 "The HELLO Command".
func (s *CurveServer) hearHello(data []byte) ([]byte, error) {
	var zeros [paddingSize]byte
	if len(data) != helloSize || data[0] != 1 || data[1] != 0 ||
		!bytes.Equal(data[versionSize:versionSize+paddingSize], zeros[:]) {
		return nil, fmt.Errorf("HELLO: %w", wire.ErrCommand)
	}
	client, data := cut(data[versionSize+paddingSize:], keySize)
	nonce, box := cut(data, shortNonceSize)
	if _, err := s.heard.accept(nonce); err != nil {
		return nil, fmt.Errorf("HELLO: %w", err)
	}
	key, err := between(s.long, client)
	if err != nil {
		return nil, fmt.Errorf("HELLO: %w", err)
	}
	defer clear(key[:])
	text, err := key.open(box, nonceHello, nonce)
	if err != nil || !same(text, zeros[:proofSize]) {
		return nil, fmt.Errorf("HELLO: %w", ErrBox)
	}
	return s.welcome(&key, client)
}

// welcome makes the WELCOME. RFC 26 "The WELCOME Command".
func (s *CurveServer) welcome(key *boxKey, client []byte) ([]byte, error) {
	short, err := s.transient()
	if err != nil {
		return nil, err
	}
	secret := short.Bytes()
	defer clear(secret)
	var nonces [2 * longNonceSize]byte
	s.fill(nonces[:])
	s.fill(s.cookie[:])
	welcomeNonce, cookieNonce := cut(nonces[:], longNonceSize)

	text := slices.Concat(short.PublicKey().Bytes(), cookieNonce)
	kept := slices.Concat(client, secret)
	defer clear(kept)
	text = s.cookie.seal(text, kept, nonceCookie, cookieNonce)
	data := key.seal(slices.Clone(welcomeNonce), text, nonceWelcome, welcomeNonce)
	s.long = nil
	return wire.AppendCommand(nil, wire.NameWelcome, data), nil
}

// hearInitiate learns who the client is. RFC 26 "The INITIATE Command".
func (s *CurveServer) hearInitiate(data []byte) ([]byte, error) {
	defer clear(s.cookie[:])
	if len(data) < initiateSize {
		return nil, fmt.Errorf("INITIATE: %w", wire.ErrCommand)
	}
	cookie, data := cut(data, cookieSize)
	nonce, box := cut(data, shortNonceSize)
	if _, err := s.heard.accept(nonce); err != nil {
		return nil, fmt.Errorf("INITIATE: %w", err)
	}
	kept, err := s.cookie.open(cookie[longNonceSize:], nonceCookie, cookie[:longNonceSize])
	if err != nil {
		return nil, fmt.Errorf("INITIATE: cookie: %w", err)
	}
	defer clear(kept)
	short, err := ecdh.X25519().NewPrivateKey(kept[keySize:])
	if err != nil {
		return nil, err
	}
	key, err := between(short, kept[:keySize])
	if err != nil {
		return nil, fmt.Errorf("INITIATE: %w", err)
	}
	defer clear(key[:])
	text, err := key.open(box, nonceInitiate, nonce)
	if err != nil {
		return nil, fmt.Errorf("INITIATE: %w", err)
	}
	client, text := cut(text, keySize)
	vouch, metadata := cut(text, vouchSize)
	if err := s.vouched(short, client, vouch, kept[:keySize]); err != nil {
		return nil, fmt.Errorf("INITIATE: vouch: %w", err)
	}
	return s.admit(&key, client, metadata)
}

// vouched checks that the client has the secret of its long-term key, and means
// this connection to this server.
func (s *CurveServer) vouched(short *ecdh.PrivateKey, client, vouch, clientShort []byte) error {
	key, err := between(short, client)
	if err != nil {
		return err
	}
	defer clear(key[:])
	text, err := key.open(vouch[longNonceSize:], nonceVouch, vouch[:longNonceSize])
	if err != nil {
		return err
	}
	if !same(text, slices.Concat(clientShort, s.public[:])) {
		return ErrBox
	}
	return nil
}

// admit lets the client in, if it may enter. RFC 26 "The READY Command".
func (s *CurveServer) admit(key *boxKey, client, metadata []byte) ([]byte, error) {
	if err := s.meet(metadata); err != nil {
		return nil, err
	}
	who := Credentials{Mechanism: s.Name(), PublicKey: slices.Clone(client), Properties: s.props}
	if err := s.ask(who); err != nil {
		return nil, err
	}
	s.sealer = newCurveSealer(key, nonceServer, nonceClient, serverReady, s.heard)
	nonce := shortNonce(serverReady)
	data := key.seal(slices.Clone(nonce), s.c.Metadata, nonceReady, nonce)
	return wire.AppendCommand(nil, wire.NameReady, data), nil
}

// cut takes n octets from the start of b, which has them.
func cut(b []byte, n int) (first, rest []byte) { return b[:n:n], b[n:] }
