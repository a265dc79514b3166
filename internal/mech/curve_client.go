package mech

import (
	"crypto/ecdh"
	"fmt"
	"slices"

	"github.com/phimq/zmq/internal/wire"
)

// The short nonces of the commands that a client says; its messages go on from
// there.
const (
	clientHello = 1 + iota
	clientInitiate
)

// CurveClient is the side that knows the server's key beforehand.
// RFC 26 "CurveZMQ Commands".
type CurveClient struct {
	curve
	long, short *ecdh.PrivateKey // C and C'
	server      [keySize]byte    // S
	key         boxKey           // of the boxes between C' and S, then between C' and S'
}

// NewCurveClient begins a CURVE handshake as the client. The public key of keys
// can be left zero. Server is the server's long-term public key.
func NewCurveClient(c Config, keys CurveKeys, server [keySize]byte) (*CurveClient, error) {
	long, err := keys.long()
	if err != nil {
		return nil, err
	}
	cl := &CurveClient{curve: curve{side: side{c: c, next: hello}}, long: long, server: server}
	if cl.short, err = cl.transient(); err != nil {
		return nil, err
	}
	if cl.key, err = between(cl.short, server[:]); err != nil {
		return nil, fmt.Errorf("mech: the server's key is none of CURVE")
	}
	cl.out = cl.hello()
	return cl, nil
}

// Server is false.
func (*CurveClient) Server() bool { return false }

// Hear takes WELCOME, READY and ERROR.
func (c *CurveClient) Hear(name string, data []byte) error {
	return c.hearServer(name, data, c.answer)
}

func (c *CurveClient) answer(at step, data []byte) ([]byte, error) {
	if at == welcome {
		return c.hearWelcome(data)
	}
	return nil, c.hearReady(data)
}

// hello makes the HELLO. RFC 26 "The HELLO Command".
func (c *CurveClient) hello() []byte {
	nonce := shortNonce(clientHello)
	data := make([]byte, versionSize+paddingSize, helloSize)
	data[0] = 1 // version 1.0
	data = append(data, c.short.PublicKey().Bytes()...)
	data = append(data, nonce...)
	data = c.key.seal(data, make([]byte, proofSize), nonceHello, nonce)
	return wire.AppendCommand(nil, wire.NameHello, data)
}

// hearWelcome learns S' and the cookie. RFC 26 "The WELCOME Command".
func (c *CurveClient) hearWelcome(data []byte) ([]byte, error) {
	if len(data) != welcomeSize {
		return nil, fmt.Errorf("WELCOME: %w", wire.ErrCommand)
	}
	text, err := c.key.open(data[longNonceSize:], nonceWelcome, data[:longNonceSize])
	if err != nil {
		return nil, fmt.Errorf("WELCOME: %w", err)
	}
	server, cookie := text[:keySize], text[keySize:]
	if c.key, err = between(c.short, server); err != nil {
		return nil, fmt.Errorf("WELCOME: %w", err)
	}
	vouchKey, err := between(c.long, server)
	if err != nil {
		return nil, fmt.Errorf("WELCOME: %w", err)
	}
	defer clear(vouchKey[:])
	return c.initiate(cookie, &vouchKey), nil
}

// initiate makes the INITIATE. RFC 26 "The INITIATE Command".
func (c *CurveClient) initiate(cookie []byte, vouchKey *boxKey) []byte {
	var vouchNonce [longNonceSize]byte
	c.fill(vouchNonce[:])
	text := slices.Concat(c.long.PublicKey().Bytes(), vouchNonce[:])
	text = vouchKey.seal(text, slices.Concat(c.short.PublicKey().Bytes(), c.server[:]), nonceVouch, vouchNonce[:])
	text = append(text, c.c.Metadata...)

	nonce := shortNonce(clientInitiate)
	data := slices.Concat(cookie, nonce)
	data = c.key.seal(data, text, nonceInitiate, nonce)
	c.long, c.short = nil, nil
	return wire.AppendCommand(nil, wire.NameInitiate, data)
}

// hearReady learns the server's metadata. RFC 26 "The READY Command".
func (c *CurveClient) hearReady(data []byte) error {
	if len(data) < readySize {
		return fmt.Errorf("READY: %w", wire.ErrCommand)
	}
	nonce, box := data[:shortNonceSize], data[shortNonceSize:]
	if _, err := c.heard.accept(nonce); err != nil {
		return fmt.Errorf("READY: %w", err)
	}
	metadata, err := c.key.open(box, nonceReady, nonce)
	if err != nil {
		return fmt.Errorf("READY: %w", err)
	}
	if err := c.meetServer(metadata); err != nil {
		return err
	}
	c.sealer = newCurveSealer(&c.key, nonceClient, nonceServer, clientInitiate, c.heard)
	clear(c.key[:])
	return nil
}
