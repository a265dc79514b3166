package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/phimq/zmq"
)

// HashPassword returns the bcrypt hash of a password, which has at most 72
// octets, to be written into a password file in its place. It takes a moment,
// and so does each check of the password.
func HashPassword(password string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return "", fmt.Errorf("auth: %w: a password that is hashed has at most %d octets", zmq.ErrTooLarge, maxHashed)
	}
	return string(hash), nil
}

// maxHashed is how much of a password bcrypt looks at.
const maxHashed = 72

// secret is what a password is compared with: its bcrypt hash, or a salted sum
// of it. The zero value is no password's.
type secret struct {
	hash string
	salt [16]byte
	sum  [sha256.Size]byte
}

// newSecret reads what stands in a password file.
func newSecret(text string) *secret {
	if isHash(text) {
		return &secret{hash: text}
	}
	s := &secret{}
	_, _ = rand.Read(s.salt[:]) // it ends the process rather than fail
	s.sum = s.salted(text)
	return s
}

func isHash(text string) bool {
	_, err := bcrypt.Cost([]byte(text))
	return err == nil && strings.HasPrefix(text, "$2")
}

// madeOf reports whether newSecret would make the same of a text.
func (s *secret) madeOf(text string) bool {
	if isHash(text) {
		return s.hash == text
	}
	return !s.slow() && s.is(text)
}

func (s *secret) salted(password string) [sha256.Size]byte {
	return sha256.Sum256(append(s.salt[:len(s.salt):len(s.salt)], password...))
}

// slow reports whether a comparison takes long.
func (s *secret) slow() bool { return s.hash != "" }

// is compares in a time that says nothing of the password.
func (s *secret) is(password string) bool {
	if s.slow() {
		return len(password) <= maxHashed && bcrypt.CompareHashAndPassword([]byte(s.hash), []byte(password)) == nil
	}
	sum := s.salted(password)
	return subtle.ConstantTimeCompare(sum[:], s.sum[:]) == 1
}

// mark is another one when the password is changed, and tells nothing of it:
// the salt, or a sum of the hash.
func (s *secret) mark() string {
	if !s.slow() {
		return hex.EncodeToString(s.salt[:])
	}
	sum := sha256.Sum256([]byte(s.hash))
	return hex.EncodeToString(sum[:16])
}

// Format writes that this is a secret, and nothing of it.
func (secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "a password") }
