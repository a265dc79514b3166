// Package interop holds PhiMQ against libzmq: one battery of cases runs for us
// against ourselves, and for us against libzmq in another process, in both
// roles.
//
// It needs a Linux with Debian's python3-zmq (libzmq 4.3), which plays the
// other side through driver.py and worker.py. A peer that is missing is a
// failure, never a skip.
package interop
