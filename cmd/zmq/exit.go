package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/majordomo"
	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK          = 0
	exitUsage       = 1 // and whatever has no code of its own
	exitConnect     = 2
	exitTimeout     = 3
	exitAuth        = 4
	exitProtocol    = 5
	exitInterrupted = 130
)

var (
	errInterrupted  = errors.New("interrupted")
	errTimeout      = errors.New("timeout")
	errOutputClosed = errors.New("nobody reads the output")
)

// failure is an error with an exit code of its own.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func connectFailure(err error) error { return &failure{exitConnect, err} }

// usageError is a mistake in the arguments of cmd.
func usageError(cmd *cobra.Command, err error) error {
	return fmt.Errorf("%w (see: %s --help)", err, cmd.CommandPath())
}

// oneOf is what a command does that wants one of its subcommands.
func oneOf(names ...string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		return usageError(cmd, errors.New("want one of "+strings.Join(names, ", ")))
	}
}

// exitCode says how the program ends with err.
func exitCode(err error) int {
	var f *failure
	switch {
	case err == nil, errors.Is(err, errOutputClosed):
		return exitOK
	case errors.As(err, &f):
		return f.code
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, errTimeout), errors.Is(err, zmq.ErrTimeout), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, majordomo.ErrNoReply):
		return exitTimeout
	case errors.Is(err, zmq.ErrAuth), errors.Is(err, majordomo.ErrRefused):
		return exitAuth
	case errors.Is(err, zmq.ErrProtocol):
		return exitProtocol
	}
	return exitUsage
}

// report tells why the program ends, unless that is no news, and returns the
// exit code.
func report(err error, stderr io.Writer) int {
	code := exitCode(err)
	if code != exitOK && code != exitInterrupted {
		fmt.Fprintf(stderr, "zmq: %s\n", plain(err))
	}
	return code
}

// plain is the text of an error without the library's name in front.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "zmq: ") }
