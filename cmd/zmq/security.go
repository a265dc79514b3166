package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
	"github.com/spf13/cobra"
)

// The environment variables that hold a secret where no file does.
const (
	curveKeyVariable      = "ZMQ_CURVE_KEY"
	plainPasswordVariable = "ZMQ_PLAIN_PASSWORD"
)

// clientFlags say what a client shows of itself.
type clientFlags struct {
	curveKey, curveServerKey     string
	plainUser, plainPasswordFile string
	tls                          tlsFlags
}

func (f *clientFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.curveServerKey, "curve-server-key", "", "CURVE: talk to the server of this public `KEY`, in Z85 or in a file")
	fs.StringVar(&f.curveKey, "curve-key", "", "CURVE: own secret key, in `FILE` (else in $"+curveKeyVariable+")")
	fs.StringVar(&f.plainUser, "plain-user", "", "PLAIN: user `NAME` to show")
	fs.StringVar(&f.plainPasswordFile, "plain-password-file", "", "PLAIN: own password, in `FILE` (else in $"+plainPasswordVariable+")")
	f.tls.add(cmd)
	cmd.MarkFlagsMutuallyExclusive("curve-server-key", "plain-user")
}

// option returns what makes a socket a client; ok is false for NULL.
func (f *clientFlags) option() (opt zmq.Option, ok bool, err error) {
	switch {
	case f.curveServerKey != "":
		c := zmq.CurveClient{}
		if c.ServerKey, err = publicKey(f.curveServerKey); err == nil {
			c.Keys, err = f.keys()
		}
		if errors.Is(err, zmq.ErrNotFound) {
			err = nil // a key of the moment
		}
		return zmq.WithCurve(c), true, err
	case f.plainUser != "":
		password, err := f.password()
		return zmq.WithPlain(f.plainUser, password), true, err
	case f.plainPasswordFile != "":
		return opt, false, errors.New("--plain-password-file wants --plain-user")
	}
	return opt, false, nil
}

// keys reads the socket's own key pair.
func (f *clientFlags) keys() (zmq.CurveKeys, error) {
	if f.curveKey != "" {
		return auth.LoadKeys(f.curveKey)
	}
	return auth.EnvKeys(curveKeyVariable)
}

func (f *clientFlags) password() (string, error) {
	if f.plainPasswordFile == "" {
		password := os.Getenv(plainPasswordVariable)
		if password == "" {
			return "", errors.New("--plain-user wants --plain-password-file, or a password in $" + plainPasswordVariable)
		}
		return password, nil
	}
	b, err := os.ReadFile(f.plainPasswordFile)
	return strings.TrimRight(string(b), "\r\n"), err
}

// publicKey reads a public key in Z85, or else from a file.
func publicKey(text string) (zmq.CurveKey, error) {
	if key, err := zmq.ParseCurveKey(text); err == nil {
		return key, nil
	}
	key, err := auth.LoadKey(text)
	if err != nil {
		return key, fmt.Errorf("neither a key of 40 characters nor a file with one: %w", err)
	}
	return key, nil
}

// securityFlags are the flags of every command with a socket that may be
// client or server.
type securityFlags struct {
	clientFlags
	curveServer                bool
	curveAllow, plainPasswords string
}

func (f *securityFlags) add(cmd *cobra.Command) {
	f.clientFlags.add(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&f.curveServer, "curve-server", false, "CURVE: be a server, with the key of --curve-key")
	fs.StringVar(&f.curveAllow, "curve-allow", "", "CURVE server: let in clients with a certificate in `DIR` only")
	fs.StringVar(&f.plainPasswords, "plain-passwords", "", "PLAIN: be a server for the lines NAME=PASSWORD of `FILE`")
	cmd.MarkFlagsMutuallyExclusive("curve-server", "curve-server-key", "plain-user", "plain-passwords")
}

// options returns the options of the socket, and who guards it if somebody does,
// which log tells of.
func (f *securityFlags) options(log *slog.Logger) ([]zmq.Option, *auth.Authenticator, error) {
	inside, err := f.tls.option()
	if err != nil {
		return nil, nil, err
	}
	opts, guard, err := f.mechanism(log)
	return append(opts, inside), guard, err
}

// mechanism returns the options of the mechanism that the flags choose.
func (f *securityFlags) mechanism(log *slog.Logger) ([]zmq.Option, *auth.Authenticator, error) {
	opt, client, err := f.option()
	switch {
	case err != nil:
		return nil, nil, err
	case client:
		return []zmq.Option{opt}, nil, nil
	case f.plainPasswords != "":
		return guarded(log, zmq.WithPlainServer(), auth.WithPasswordFile(f.plainPasswords))
	case f.curveServer:
		return f.curveServerOptions(log)
	case f.curveAllow != "":
		return nil, nil, errors.New("--curve-allow wants --curve-server")
	case f.curveKey != "":
		return nil, nil, errors.New("--curve-key wants --curve-server or --curve-server-key")
	}
	return nil, nil, nil
}

func (f *securityFlags) curveServerOptions(log *slog.Logger) ([]zmq.Option, *auth.Authenticator, error) {
	keys, err := f.keys()
	if errors.Is(err, zmq.ErrNotFound) {
		err = errors.New("--curve-server wants --curve-key, or a secret key in $" + curveKeyVariable)
	}
	if err != nil {
		return nil, nil, err
	}
	if f.curveAllow == "" {
		return []zmq.Option{zmq.WithCurveServer(keys)}, nil, nil
	}
	return guarded(log, zmq.WithCurveServer(keys), auth.WithCertificates(os.DirFS(f.curveAllow)))
}

// guarded makes an authenticator for a server.
func guarded(log *slog.Logger, server zmq.Option, who auth.Option) ([]zmq.Option, *auth.Authenticator, error) {
	a, err := auth.New(who, auth.WithLogger(log))
	if err != nil {
		return nil, nil, err
	}
	return []zmq.Option{server, zmq.WithAuth(a.Authenticate)}, a, nil
}
