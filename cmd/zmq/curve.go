package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
	"github.com/spf13/cobra"
)

func curveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "curve keygen|public|cert|check",
		Short: "Make and check the keys of CURVE",
		Long: `Make and check the keys of CURVE. A certificate is two files, as CZMQ has them: NAME with the
public key, which peers may have, and NAME_secret with both, which nobody else may read.

Commands with a socket speak CURVE, which is encrypted, by flags: a server by --curve-server and
--curve-key, a client by --curve-server-key and, if the server wants to know it, --curve-key. With
--curve-allow a server lets in only who has a certificate in a directory, which may change while
it runs. PLAIN, which sends a password in clear, is --plain-passwords for a server, and
--plain-user with --plain-password-file for a client.

Secrets are never arguments, which other users can see. Where they are in no file, the variable
ZMQ_CURVE_KEY has a secret key and ZMQ_PLAIN_PASSWORD a password.`,
		Example: `  zmq curve cert server.cert
  zmq curve cert clients/ann --metadata name=Ann
  zmq rep @tcp://:5555 --echo --curve-server --curve-key server.cert --curve-allow clients
  zmq req tcp://localhost:5555 --data hello --curve-server-key server.cert --curve-key clients/ann`,
		RunE: oneOf("keygen", "public", "cert", "check"),
	}
	cmd.AddCommand(curveKeygenCommand(), curvePublicCommand(), curveCertCommand(), curveCheckCommand())
	return cmd
}

func curveKeygenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keygen",
		Short: "Write a new key pair",
		Long: `Write a new key pair, public and secret, on stdout. The text can be used as a file for
--curve-key if nobody else may read it.`,
		Example: `  (umask 077; zmq curve keygen > server.key)`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys := zmq.NewCurveKeys()
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "curve\n    public-key = %q\n    secret-key = %q\n",
				keys.Public().String(), keys.Secret())
			return outputError(err)
		},
	}
}

func curvePublicCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "public [FILE]",
		Short: "Write the public key of a secret one",
		Long: `Write the public key that belongs to the secret key in FILE or on stdin: in Z85, in a certificate
or in PEM, as openssl genpkey -algorithm X25519 writes it.`,
		Example: `  zmq curve public server.cert_secret
  zmq curve public < key`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := keysOf(cmd, args)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), keys.Public())
			return outputError(err)
		},
	}
}

func keysOf(cmd *cobra.Command, args []string) (zmq.CurveKeys, error) {
	if len(args) > 0 {
		return auth.LoadKeys(args[0])
	}
	text, err := readInput(cmd)
	if err != nil {
		return zmq.CurveKeys{}, err
	}
	return auth.ParseKeys(text)
}

// curveCert is one run of zmq curve cert.
type curveCert struct {
	key      string
	metadata []string
	force    bool
}

func curveCertCommand() *cobra.Command {
	var c curveCert
	cmd := &cobra.Command{
		Use:   "cert NAME",
		Short: "Write a certificate",
		Long: `Write a certificate, of a new key pair or of that of --key: the file NAME with the public key and
NAME_secret with both. The public key is written on stdout as well.`,
		Example: `  zmq curve cert clients/ann --metadata name=Ann --metadata email=ann@example.com`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&c.metadata, "metadata", nil, "describe the owner, `NAME=VALUE` (repeatable)")
	fs.StringVar(&c.key, "key", "", "use the secret key in `FILE`")
	fs.BoolVar(&c.force, "force", false, "replace files that are there")
	return cmd
}

func (c *curveCert) run(cmd *cobra.Command, name string) error {
	metadata := map[string]string{}
	for _, m := range c.metadata {
		key, value, ok := strings.Cut(m, "=")
		if !ok {
			return usageError(cmd, fmt.Errorf("--metadata %s: write NAME=VALUE", m))
		}
		metadata[key] = value
	}
	if !c.force {
		for _, path := range []string{name, name + "_secret"} {
			if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is there already: --force replaces it", path)
			}
		}
	}
	keys := zmq.NewCurveKeys()
	if c.key != "" {
		var err error
		if keys, err = auth.LoadKeys(c.key); err != nil {
			return err
		}
	}
	if err := auth.NewCertificate(keys, metadata).Save(name); err != nil {
		return err
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), keys.Public())
	return outputError(err)
}

func curveCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "Tell whether key files are well formed, fit together and are safe",
		Long: `Tell whether files with keys are well formed, whether public and secret key fit together, within a
file and between NAME and NAME_secret, and whether nobody else may read a secret one. The exit
code is 1 if something is wrong.`,
		Example: `  zmq curve check server.cert clients/*`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			wrong := 0
			for _, path := range args {
				told, err := checkKeyFile(path)
				if err != nil {
					wrong++
					told = err.Error()
				}
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", path, told); err != nil {
					return outputError(err)
				}
			}
			if wrong > 0 {
				return fmt.Errorf("%d of %d files are wrong", wrong, len(args))
			}
			return nil
		},
	}
}

// checkKeyFile says what is in a file, or what is wrong with it.
func checkKeyFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if keys, err := auth.ParseKeys(text); err == nil {
		// Any 40 characters could be a secret key, so those that stand alone
		// count as one.
		return "secret, public key " + keys.Public().String(), checkSecretMode(path)
	} else if errors.Is(err, auth.ErrMismatch) {
		return "", plainError(err)
	}
	public, err := auth.ParseKey(text)
	if err != nil {
		return "", plainError(err)
	}
	secret, err := os.ReadFile(path + "_secret")
	if errors.Is(err, fs.ErrNotExist) {
		return "public key " + public.String(), nil
	}
	if err != nil {
		return "", err
	}
	keys, err := auth.ParseKeys(secret)
	if err != nil {
		return "", plainError(err)
	}
	if keys.Public() != public {
		return "", fmt.Errorf("its public key is not that of %s_secret", path)
	}
	return "public key " + public.String() + ", and its secret key", checkSecretMode(path + "_secret")
}

// checkSecretMode says whether others may read a file.
func checkSecretMode(path string) error {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" {
		return err // Windows says who may read it in another way
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("others may use the secret key: mode %04o, run: chmod 600 %s", mode, path)
	}
	return nil
}

func plainError(err error) error { return errors.New(strings.TrimPrefix(plain(err), "auth: ")) }
