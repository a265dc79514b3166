// Package auth decides which peers may enter: by their addresses, by passwords
// (PLAIN) and by certificates (CURVE), read from files that may change while
// the program runs.
//
// An [Authenticator] works for sockets of this program, as the function of
// zmq.WithAuth,
//
//	a, err := auth.New(auth.WithCertificates(os.DirFS("clients")), auth.WithAllow("10.0.0.0/8"))
//	server := zmq.NewRouter(zmq.WithCurveServer(keys), zmq.WithAuth(a.Authenticate))
//	a.Guard(server)
//
// and for whoever speaks ZAP in a domain, by [Authenticator.ServeZAP]. The
// order in which it judges is CZMQ's: addresses that are denied, then addresses
// that are allowed, then what the mechanism asks for. NULL shows nothing, so
// only the address counts; PLAIN lets in who is in the password files, CURVE
// whose public key is known. What was not configured lets nobody in.
//
// A [Certificate] is a CURVE key pair or public key with a description, in
// CZMQ's files. [LoadKeys] and its kin read keys from there, from PEM and from
// plain Z85.
package auth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// An Option says what New is to judge by.
type Option func(*config) error

// config is what New was told.
type config struct {
	rules     rules
	passwords map[string]string
	files     []string
	stores    []fs.FS
	keys      []zmq.CurveKey
	anyKey    bool
	interval  time.Duration
	logger    *slog.Logger
}

// WithAllow lets in peers of these addresses and networks only, such as
// "10.1.2.3", "10.0.0.0/8" or "fd00::/8". It adds to what was allowed before.
// Peers of ipc, which have no address, are then kept out.
func WithAllow(networks ...string) Option {
	return func(c *config) error {
		list, err := parseNetworks(networks)
		c.rules.allow = append(c.rules.allow, list...)
		return err
	}
}

// WithDeny keeps out peers of these addresses and networks, whatever else says
// that they may enter.
func WithDeny(networks ...string) Option {
	return func(c *config) error {
		list, err := parseNetworks(networks)
		c.rules.deny = append(c.rules.deny, list...)
		return err
	}
}

// WithPasswords names users of PLAIN and their passwords, or hashes of these as
// [HashPassword] makes them.
func WithPasswords(passwords map[string]string) Option {
	return func(c *config) error {
		for user, password := range passwords {
			if user == "" {
				return fmt.Errorf("%w: a user without a name", zmq.ErrInvalid)
			}
			c.passwords[user] = password
		}
		return nil
	}
}

// WithPasswordFile reads users of PLAIN from a file of lines "user=password", as
// CZMQ does. Instead of the password there may be its bcrypt hash, as
// [HashPassword] makes it, and a line may be one of "htpasswd -B". Lines that
// are empty or begin with # are skipped.
//
// New fails if the file can't be read. Later, a file that is gone has nobody in
// it; of one that can't be read or is malformed the last good state counts, and
// the log says so.
func WithPasswordFile(path string) Option {
	return func(c *config) error {
		c.files = append(c.files, path)
		return nil
	}
}

// WithCertificates lets in CURVE clients whose certificates are in a directory or
// below it, as [Certificate.SavePublic] or CZMQ wrote them: WithCertificates(os.DirFS("clients")).
// Names that begin with a dot, or end in _secret, are skipped; so are files that
// are no certificates, and the log says so. The metadata of a certificate become
// properties of its owner's messages.
//
// New fails if the directory, or a file in it, can't be read. Later, what can't be
// read counts as it did last, and an error is logged; the rest of the directory
// is reloaded all the same. A certificate that is taken away, or is malformed
// later, lets nobody in any more.
func WithCertificates(store fs.FS) Option {
	return func(c *config) error {
		c.stores = append(c.stores, store)
		return nil
	}
}

// WithKeys lets in CURVE clients of these public keys.
func WithKeys(keys ...zmq.CurveKey) Option {
	return func(c *config) error {
		c.keys = append(c.keys, keys...)
		return nil
	}
}

// WithAnyKey lets in every CURVE client who knows the server's public key:
// CZMQ's "*".
func WithAnyKey() Option {
	return func(c *config) error {
		c.anyKey = true
		return nil
	}
}

// WithInterval says how often files are looked at and revocations act: by
// default every second. It is stretched where looking takes long.
func WithInterval(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("%w: an interval of %v", zmq.ErrInvalid, d)
		}
		c.interval = d
		return nil
	}
}

// WithLogger has an audit log written: a record for each peer that was let in
// (info), kept out (warning) or disconnected (warning), and for each change of
// the files. There are no secrets in it. By default nothing is written.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		c.logger = l
		return nil
	}
}

// Authenticator decides which peers may enter. All methods may be called from
// any goroutine at any time.
type Authenticator struct {
	logger   *slog.Logger
	interval time.Duration
	fixed    table // what files do not say
	hashing  chan struct{}
	ctx      context.Context // ends when the authenticator closes
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	limits limiter

	mu      sync.Mutex
	rules   rules
	table   *table // never changed, but replaced
	sources []source
	guarded []*zmq.Socket
}

// hashes is how many bcrypt hashes are calculated at once: strangers can ask
// for as many as they like.
const hashes = 2

// New reads what opts name and returns an authenticator. Close ends it.
func New(opts ...Option) (*Authenticator, error) {
	c := config{passwords: map[string]string{}, interval: time.Second, logger: slog.New(slog.DiscardHandler)}
	for _, o := range opts {
		if err := o(&c); err != nil {
			return nil, fmt.Errorf("auth: %w", err)
		}
	}
	a := &Authenticator{
		logger: c.logger, interval: c.interval, rules: c.rules,
		fixed: newTable(), hashing: make(chan struct{}, hashes),
	}
	a.fixed.anyKey = c.anyKey
	for user, password := range c.passwords {
		a.fixed.users[user] = newSecret(password)
	}
	for _, key := range c.keys {
		a.fixed.keys[key] = nil
	}
	for _, path := range c.files {
		a.sources = append(a.sources, &passwordFile{path: path})
	}
	for _, store := range c.stores {
		a.sources = append(a.sources, &certificateStore{fsys: store, logger: c.logger})
	}
	for _, s := range a.sources {
		if _, err := s.refresh(time.Now(), true); err != nil {
			return nil, fmt.Errorf("auth: %w", err)
		}
	}
	a.table = a.buildLocked()
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.wg.Go(a.watchLoop)
	return a, nil
}

// Close ends the watching of files and sockets. The authenticator goes on to
// judge by what it read last.
func (a *Authenticator) Close() error {
	a.cancel()
	a.wg.Wait()
	return nil
}

// Allow is [WithAllow] for an authenticator that is at work. Connections that
// it does not allow are ended where sockets are guarded.
func (a *Authenticator) Allow(networks ...string) error {
	return a.change(networks, func(list []netip.Prefix) { a.rules.allow = append(a.rules.allow, list...) })
}

// Deny is [WithDeny] for an authenticator that is at work. Connections of the
// denied are ended where sockets are guarded.
func (a *Authenticator) Deny(networks ...string) error {
	return a.change(networks, func(list []netip.Prefix) { a.rules.deny = append(a.rules.deny, list...) })
}

// change changes the rules, and applies them to who is in already.
func (a *Authenticator) change(networks []string, add func([]netip.Prefix)) error {
	list, err := parseNetworks(networks)
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	a.mu.Lock()
	a.rules.allow, a.rules.deny = slices.Clone(a.rules.allow), slices.Clone(a.rules.deny)
	add(list)
	a.mu.Unlock()
	a.sweep()
	return nil
}

// Guard has the connections of sockets ended when their peers may no longer be
// there: when a certificate is taken out of its directory, a line of a password
// file is taken out or changed, or an address is denied. It takes at most the
// time of [WithInterval] until a change acts, and a peer that is in the
// handshake meanwhile does not slip through. Sockets that are closed are
// forgotten.
//
// Only peers whom this authenticator judged count, by WithAuth or by ZAP: the
// sockets have to ask it.
func (a *Authenticator) Guard(sockets ...*zmq.Socket) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.guarded = append(a.guarded, sockets...)
}

// state is what is judged by now.
func (a *Authenticator) state() (rules, *table) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rules, a.table
}

// watchLoop looks at files and sockets until the authenticator is closed.
func (a *Authenticator) watchLoop() {
	timer := time.NewTimer(a.interval)
	defer timer.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-timer.C:
		}
		start := time.Now()
		a.reload()
		a.sweep()
		timer.Reset(max(a.interval, share*time.Since(start)))
	}
}

// share is the part of the time, one in so many, that looking may take.
const share = 20

// reload reads the files that have changed.
func (a *Authenticator) reload() {
	changed := false
	for _, s := range a.sources { // they are this goroutine's since New
		news, err := s.refresh(time.Now(), false)
		if err != nil {
			a.logger.Error("auth: the last good state counts", "source", s.name(), "err", err)
		}
		if news {
			a.logger.Info("auth: reloaded", "source", s.name())
		}
		changed = changed || news
	}
	if changed {
		a.mu.Lock()
		a.table = a.buildLocked()
		a.mu.Unlock()
	}
}

// buildLocked joins what is fixed with what the sources say.
func (a *Authenticator) buildLocked() *table {
	t := newTable()
	t.add(&a.fixed)
	for _, s := range a.sources {
		t.add(s.table())
	}
	return &t
}

// sweep ends connections of peers that may no longer be there.
func (a *Authenticator) sweep() {
	a.mu.Lock()
	sockets := slices.Clone(a.guarded)
	a.mu.Unlock()
	rules, table := a.state()
	var closed []*zmq.Socket
	for _, s := range sockets {
		_, err := s.DisconnectPeers(func(p zmq.Peer) bool {
			reason := table.revoked(&rules, p)
			if reason == nil {
				return false
			}
			a.logger.Warn("auth: disconnected", append(peerAttrs(p), "reason", reason)...)
			return true
		})
		if errors.Is(err, zmq.ErrClosed) {
			closed = append(closed, s)
		}
	}
	if closed == nil {
		return
	}
	a.mu.Lock()
	a.guarded = slices.DeleteFunc(a.guarded, func(s *zmq.Socket) bool { return slices.Contains(closed, s) })
	a.mu.Unlock()
}
