// Command zmq speaks ZeroMQ from the command line.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

const rootHelp = `zmq speaks ZeroMQ from the command line: one command for each socket type.

Endpoints are tcp://HOST:PORT, ipc://PATH or ipc://@NAME, as many as you like.
  @tcp://:5555            or --bind: be reached here (* is a prefix as well)
  +tcp://HOST:5555        or --connect: reach for it (> is a prefix as well)
  tcp://HOST:5555         pub, xpub, pull, rep and router bind; the others connect
It does not matter who starts first: a connection is tried until it is there.

stdout carries data only, stderr talk only. The exit code is
  0 done   1 usage, or another error   2 could not bind, connect or shake hands
  3 --timeout is over   4 not authorised   5 protocol broken   130 interrupted`

func main() { os.Exit(run(os.Args[1:])) }

// run runs one command and returns the exit code.
func run(args []string) int {
	// With a handler, writing to a pipe that nobody reads is an error and not
	// the end; without signal.Ignore, commands that we start are as usual.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go interruptLoop(signals, cancel)

	root := rootCommand()
	root.SetArgs(args)
	return report(root.ExecuteContext(ctx), os.Stderr)
}

// interruptLoop ends the command at the first signal. The second one ends the
// program as it would any other.
func interruptLoop(signals chan os.Signal, cancel context.CancelCauseFunc) {
	<-signals
	signal.Stop(signals)
	cancel(errInterrupted)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "zmq",
		Short:         "Speak ZeroMQ from the command line",
		Long:          rootHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError(cmd, err) })
	root.AddCommand(
		pushCommand(), pullCommand(), pubCommand(), subCommand(), reqCommand(), repCommand(),
		dealerCommand(), routerCommand(), pairCommand(), xpubCommand(), xsubCommand(), streamCommand(),
		pingCommand(), doctorCommand(), benchCommand(), proxyCommand(), brokerCommand(), workerCommand(), callCommand(),
		optionsCommand(), z85Command(), curveCommand(), completionCommand(),
		demoCommand(), demoReplierCommand(), versionCommand(),
	)
	return root
}
