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

// readAll reads and closes a file that was opened.
func readAll(f io.ReadCloser, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%w: a file of more than %d octets", zmq.ErrTooLarge, maxFile)
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
// those that are gone.
func (s *certificateStore) refresh(now time.Time, first bool) (changed bool, err error) {
	seen := map[string]bool{}
	err = fs.WalkDir(s.fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
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
		news, err := s.look(name, now)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errIrregular) {
			return nil
		}
		seen[name] = err == nil
		changed = changed || news
		return err
	})
	if errors.Is(err, fs.ErrNotExist) && !first {
		err = nil // the directory is gone, and all that was in it
	}
	if err != nil {
		return s.failed(changed, err)
	}
	s.told = ""
	for name := range s.files {
		if !seen[name] {
			delete(s.files, name)
			changed = true
		}
	}
	if changed || first {
		s.collect()
	}
	return changed, nil
}

// failed tells of an error, once.
func (s *certificateStore) failed(changed bool, err error) (bool, error) {
	if changed {
		s.collect()
	}
	if err.Error() == s.told {
		return changed, nil
	}
	s.told = err.Error()
	return changed, err
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
	b, err := readAll(s.fsys.Open(name))
	if err != nil {
		return false, err
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
