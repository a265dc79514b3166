package main

import (
	"bytes"

	"github.com/phimq/zmq/z85"
	"github.com/spf13/cobra"
)

func z85Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "z85 enc|dec",
		Short: "Write octets as printable text, or read them back",
		Long: `Write octets as printable text, as CURVE keys are written, or read them back: RFC 32. Four
octets are five characters. From stdin to stdout.`,
		Example: `  head -c 32 /dev/urandom | zmq z85 enc
  zmq z85 dec < key > octets`,
		RunE: oneOf("enc", "dec"),
	}
	cmd.AddCommand(
		z85Filter("enc", "Write the octets of stdin as text", func(data []byte) ([]byte, error) {
			text, err := z85.AppendEncode(nil, data)
			return append(text, '\n'), err
		}),
		z85Filter("dec", "Write the octets that the text of stdin stands for", func(text []byte) ([]byte, error) {
			return z85.AppendDecode(nil, bytes.TrimRight(text, "\r\n"))
		}),
	)
	return cmd
}

func z85Filter(name, short string, convert func([]byte) ([]byte, error)) *cobra.Command {
	return &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := readInput(cmd)
			if err != nil {
				return err
			}
			out, err := convert(in)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(out)
			return outputError(err)
		},
	}
}
