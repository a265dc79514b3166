package auth

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/phimq/zmq"
)

// source is files that say who may enter.
type source interface {
	name() string
	// refresh looks whether something has changed and reads it. An error
	// leaves what was there; the first time, everything has to be there.
	refresh(now time.Time, first bool) (changed bool, err error)
	table() *table
}

// stamp tells whether a file has changed.
type stamp struct {
	info fs.FileInfo
	// fresh: the file was written so shortly before it was read that a later
	// write could have the same time.
	fresh bool
}

// freshTime is how coarse the times of files may be.
const freshTime = 2 * time.Second

func stampOf(info fs.FileInfo, now time.Time) stamp {
	return stamp{info: info, fresh: now.Sub(info.ModTime()) < freshTime}
}

// same reports whether the file of s need not be read again.
func (s stamp) same(info fs.FileInfo) bool {
	return s.info != nil && !s.fresh && os.SameFile(s.info, info) && s.looksLike(info)
}

func (s stamp) looksLike(info fs.FileInfo) bool {
	return s.info.ModTime().Equal(info.ModTime()) && s.info.Size() == info.Size()
}

// passwordFile is a file of users and passwords.
type passwordFile struct {
	path  string
	stamp stamp
	users map[string]*secret
	told  string // the error that was told last
}

func (f *passwordFile) name() string { return f.path }

func (f *passwordFile) table() *table {
	t := newTable()
	t.users = f.users
	return &t
}

func (f *passwordFile) refresh(now time.Time, first bool) (changed bool, err error) {
	changed, err = f.read(now, first)
	text := ""
	if err != nil {
		text = err.Error()
		if text == f.told {
			err = nil // it is still so
		}
	}
	f.told = text
	return changed, err
}

func (f *passwordFile) read(now time.Time, first bool) (changed bool, err error) {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) && !first {
		changed = len(f.users) > 0
		f.stamp, f.users = stamp{}, nil
		return changed, nil
	}
	if err != nil {
		return false, err
	}
	if f.stamp.same(info) {
		return false, nil
	}
	b, err := readAll(os.Open(f.path))
	if err != nil {
		return false, fmt.Errorf("%s: %w", f.path, err)
	}
	lines, err := parsePasswords(b)
	if err != nil {
		return false, fmt.Errorf("%s: %w", f.path, err)
	}
	f.stamp = stampOf(info, now)
	return f.take(lines), nil
}

// take makes secrets of lines; those that are as before stay. It reports whether
// there are others.
func (f *passwordFile) take(lines map[string]string) (changed bool) {
	changed = len(lines) != len(f.users)
	users := make(map[string]*secret, len(lines))
	for user, text := range lines {
		if was := f.users[user]; was != nil && was.madeOf(text) {
			users[user] = was
			continue
		}
		users[user] = newSecret(text)
		changed = true
	}
	f.users = users
	return changed
}

// The largest files that are read.
const (
	maxFile = 64 << 20
	maxLine = 64 << 10
)

var errFileSize = fmt.Errorf("%w: a file of more than %d octets", zmq.ErrTooLarge, maxFile)

// readAll reads and closes a file that was opened.
func readAll(f io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = errFileSize
	}
	return b, err
}

// parsePasswords reads lines "user=password", and "user:hash" of htpasswd.
func parsePasswords(b []byte) (map[string]string, error) {
	users := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		user, password, ok := strings.Cut(line, "=")
		if !ok {
			user, password, ok = strings.Cut(line, ":")
			ok = ok && isHash(password)
		}
		if !ok || user == "" {
			return nil, fmt.Errorf("%w: line %d is not user=password", zmq.ErrInvalid, n)
		}
		if len(user) > maxCredential || len(password) > maxCredential {
			return nil, fmt.Errorf("%w: line %d: a name or password of more than %d octets", zmq.ErrTooLarge, n, maxCredential)
		}
		users[user] = password
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: line %d is too long", zmq.ErrTooLarge, n+1)
	}
	return users, nil
}

// maxCredential is the longest user name and password that PLAIN can carry.
const maxCredential = 255

// certificateStore is a directory of certificates.
type certificateStore struct {
	fsys   fs.FS
	logger *slog.Logger
	files  map[string]*certificateFile
	keys   map[zmq.CurveKey]map[string]string
	told   string
}

// certificateFile is a file of the directory; without a certificate it is
// malformed.
type certificateFile struct {
	stamp stamp
	text  string // what it is made of
	cert  *Certificate
}

func (s *certificateStore) name() string { return fmt.Sprint(s.fsys) }

func (s *certificateStore) table() *table {
	t := newTable()
	t.keys = s.keys
	return &t
}

// refresh reads the certificates that are new or have changed, and forgets
// those that are gone. What can't be read stays as it was and stops nothing: a
// certificate that is taken away counts no longer, whatever lies beside it.
func (s *certificateStore) refresh(now time.Time, first bool) (changed bool, err error) {
	l := look{store: s, now: now, first: first, seen: map[string]bool{}}
	_ = fs.WalkDir(s.fsys, ".", l.visit) // its errors are kept in l
	for name := range s.files {
		if !l.stays(name) {
			delete(s.files, name)
			l.changed = true
		}
	}
	if l.changed || first {
		s.collect()
	}
	return l.changed, s.tell(errors.Join(l.errs...))
}

// tell returns an error once, until there is another one or none.
func (s *certificateStore) tell(err error) error {
	text := ""
	if err != nil {
		text = err.Error()
		if text == s.told {
			err = nil // it is still so
		}
	}
	s.told = text
	return err
}

// look is one look at a directory of certificates.
type look struct {
	store   *certificateStore
	now     time.Time
	first   bool
	seen    map[string]bool // the files that are there
	shut    []string        // the directories that can't be read
	changed bool
	errs    []error
}

// visit takes an entry of the directory. It ends no walk: the other entries
// have nothing to do with an error.
func (l *look) visit(name string, entry fs.DirEntry, err error) error {
	base := path.Base(name)
	switch {
	case err != nil:
		l.cannotList(name, err)
		return nil
	case name == ".":
		return nil
	case strings.HasPrefix(base, "."):
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	case entry.IsDir(), strings.HasSuffix(base, secretSuffix):
		return nil
	}
	news, err := l.store.look(name, l.now)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errIrregular) {
		return nil
	}
	l.seen[name] = true
	l.changed = l.changed || news
	if err != nil {
		l.errs = append(l.errs, err)
	}
	return nil
}

// cannotList takes the error of a directory.
func (l *look) cannotList(dir string, err error) {
	if errors.Is(err, fs.ErrNotExist) && !l.first {
		return // it is gone, and all that was in it
	}
	l.shut = append(l.shut, dir)
	l.errs = append(l.errs, err)
}

// stays reports whether a file is there, or may be.
func (l *look) stays(name string) bool {
	return l.seen[name] || slices.ContainsFunc(l.shut, func(dir string) bool {
		return dir == "." || strings.HasPrefix(name, dir+"/")
	})
}

var errIrregular = errors.New("not a file")

// look reads a file if it has changed.
func (s *certificateStore) look(name string, now time.Time) (changed bool, err error) {
	info, err := fs.Stat(s.fsys, name)
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, errIrregular
	}
	was := s.files[name]
	if was != nil && was.stamp.same(info) {
		return false, nil
	}
	if info.Size() > maxFile {
		return false, fmt.Errorf("%s: %w", name, errFileSize) // not to be read at every look
	}
	b, err := readAll(s.fsys.Open(name))
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	if was != nil && was.text == string(b) {
		was.stamp = stampOf(info, now)
		return false, nil
	}
	file := &certificateFile{stamp: stampOf(info, now), text: string(b)}
	if file.cert, err = ParseCertificate(b); err != nil {
		s.logger.Warn("auth: skipped", "file", name, "reason", err)
	}
	if s.files == nil {
		s.files = map[string]*certificateFile{}
	}
	s.files[name] = file
	return true, nil
}

// collect makes the table of keys. Of two certificates with one key the last
// by name counts.
func (s *certificateStore) collect() {
	s.keys = map[zmq.CurveKey]map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		if c := s.files[name].cert; c != nil {
			s.keys[c.public] = c.properties()
		}
	}
}
