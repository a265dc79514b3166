//go:build race

package pipe

// poison spoils memory that is given back, so that whoever still reads it is
// found: the race detector sees the write, and a test sees the octets.
const poison = true
