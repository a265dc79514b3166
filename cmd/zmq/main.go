// Command zmq speaks ZeroMQ from the command line.
package main

import (
	"os"

	_ "github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{
		Use:          "zmq",
		Short:        "Speak ZeroMQ from the command line",
		SilenceUsage: true,
	}
	if root.Execute() != nil {
		os.Exit(1)
	}
}
