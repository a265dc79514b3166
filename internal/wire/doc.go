// Package wire turns bytes into ZMTP greetings, frames and commands, and turns those into bytes.
//
// It is pure: bytes go in, values come out. What a peer may say at which moment is the engine's concern, how
// a command is secured is the mechanism's. Parse functions never panic and never allocate by a length that
// they read; Append functions extend the slice they are given, as append does.
//
// The rules come from RFC 23 (ZMTP 3.0) and RFC 37 (ZMTP 3.1), for older peers from RFC 13 (ZMTP 1.0, v1.go)
// and RFC 15 (ZMTP 2.0, v2.go). A frame of ZMTP 2.0 and later is
//
//	flags (1)  size (1, or 8 with LONG)  body (size)
//
// and a command is a frame whose body is
//
//	name-length (1)  name  data
package wire
