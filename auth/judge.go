package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/phimq/zmq"
)

// The names of mechanisms.
const (
	null  = "NULL"
	plain = "PLAIN"
	curve = "CURVE"
)

// markProperty tells which line of the password files let a user of PLAIN in,
// so that a later change of the line is noticed.
const markProperty = "X-Auth-Entry"

// Why a peer is kept out. They are logged, and not told to the peer.
var (
	errDenied    = errors.New("the address is denied")
	errForeign   = errors.New("the address is not among those allowed")
	errPassword  = errors.New("wrong user name or password")
	errKey       = errors.New("nobody knows the public key")
	errMechanism = errors.New("no rule for this mechanism")
	errEarlier   = errors.New("too many failures")
	errChanged   = errors.New("the password was changed or taken away")
)

// asker is a peer that wants to enter, however it was asked about.
type asker struct {
	mechanism          string
	address            netip.Addr // not valid: none
	username, password string
	key                zmq.CurveKey
	domain             string
	from               string // for the log
}

// Authenticate judges a peer. It is the function for zmq.WithAuth. After too
// many wrong passwords from an address it answers zmq.ErrAgain for a while
// without looking at the password: after 5 for a second, and twice as long with
// each further one, up to a minute. A minute later one counts no more. An IPv6
// address stands for its /64 network; peers of ipc are not counted.
func (a *Authenticator) Authenticate(ctx context.Context, p zmq.Peer) (zmq.Identity, error) {
	who := asker{mechanism: p.Mechanism(), address: peerAddress(p), from: p.Address()}
	who.username, who.password = p.Credentials()
	who.key, _ = p.CurveKey()
	return a.judge(ctx, &who)
}

// judge decides, and writes what it decided into the audit log.
func (a *Authenticator) judge(ctx context.Context, who *asker) (zmq.Identity, error) {
	identity, err := a.decide(ctx, who)
	switch {
	case err == nil:
		a.logger.LogAttrs(ctx, slog.LevelInfo, "auth: let in", who.attrs()...)
		return identity, nil
	case errors.Is(err, errEarlier):
		a.logger.LogAttrs(ctx, slog.LevelDebug, "auth: put off", who.attrs()...) // the failures before it are logged
		return identity, err
	}
	a.logger.LogAttrs(ctx, slog.LevelWarn, "auth: kept out", append(who.attrs(), slog.String("reason", err.Error()))...)
	return identity, err
}

func (a *Authenticator) decide(ctx context.Context, who *asker) (zmq.Identity, error) {
	rules, table := a.state()
	if err := rules.judge(who.address); err != nil {
		return zmq.Identity{}, err
	}
	switch who.mechanism {
	case null:
		return zmq.Identity{}, nil
	case plain:
		return a.decidePlain(ctx, table, who)
	case curve:
		return table.decideCurve(who.key)
	}
	return zmq.Identity{}, errMechanism
}

func (a *Authenticator) decidePlain(ctx context.Context, table *table, who *asker) (zmq.Identity, error) {
	entry, known := table.users[who.username]
	if !known {
		entry = table.dummy // it takes as long
	}
	if entry.slow() {
		select {
		case a.hashing <- struct{}{}:
			defer func() { <-a.hashing }()
		case <-ctx.Done():
			return zmq.Identity{}, ctx.Err()
		}
	}
	if wait := a.limits.wait(who.address); wait > 0 {
		return zmq.Identity{}, fmt.Errorf("%w: %w: %v more", zmq.ErrAgain, errEarlier, wait.Round(time.Millisecond))
	}
	if right := entry.is(who.password); !known || !right {
		a.limits.failed(who.address)
		return zmq.Identity{}, errPassword
	}
	return zmq.Identity{UserID: who.username, Properties: map[string]string{markProperty: entry.mark()}}, nil
}

func (t *table) decideCurve(key zmq.CurveKey) (zmq.Identity, error) {
	properties, known := t.keys[key]
	if !known && !t.anyKey {
		return zmq.Identity{}, errKey
	}
	return zmq.Identity{UserID: key.String(), Properties: properties}, nil
}

// revoked says why a peer that was let in may no longer be there; nil: it may.
func (t *table) revoked(rules *rules, p zmq.Peer) error {
	if err := rules.judge(peerAddress(p)); err != nil {
		return err
	}
	switch p.Mechanism() {
	case plain:
		mark := p.Property(markProperty)
		if mark == "" {
			return nil // somebody else let it in
		}
		if entry := t.users[p.UserID()]; entry == nil || entry.mark() != mark {
			return errChanged
		}
	case curve:
		key, ok := p.CurveKey()
		if !ok {
			return nil // we are its client
		}
		_, err := t.decideCurve(key)
		return err
	}
	return nil
}

// attrs describes the asker in the log: no password.
func (w *asker) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("mechanism", w.mechanism), slog.String("from", w.from)}
	if w.domain != "" {
		attrs = append(attrs, slog.String("domain", w.domain))
	}
	switch w.mechanism {
	case plain:
		attrs = append(attrs, slog.String("user", w.username))
	case curve:
		attrs = append(attrs, slog.String("key", w.key.String()))
	}
	return attrs
}

func peerAttrs(p zmq.Peer) []any {
	return []any{"mechanism", p.Mechanism(), "from", p.Address(), "user", p.UserID()}
}

// peerAddress is where the peer is, if it is a place of the network.
func peerAddress(p zmq.Peer) netip.Addr {
	_, place, _ := strings.Cut(p.Address(), "://")
	if at, err := netip.ParseAddrPort(place); err == nil {
		return at.Addr()
	}
	return parseAddress(place)
}

// parseAddress reads an IP address; not valid if it is none, as with ipc.
func parseAddress(text string) netip.Addr {
	addr, _ := netip.ParseAddr(text)
	return addr
}
