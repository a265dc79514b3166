package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func doctorCommand() *cobra.Command {
	p := ping{}
	cmd := &cobra.Command{
		Use:   "doctor A B",
		Short: "Tell why messages between two endpoints may not arrive",
		Long: `Tell why messages between the sockets at two endpoints may not arrive: is each of them there,
does it speak ZMTP and let us in, may the two types talk to each other, and what do they do
with messages for which there is no room or no peer. Each is asked as ping does it.

The exit code is 0 if nothing stands between them, else that of ping for the first of the two
that can't be asked, and 5 if their types do not fit.`,
		Example: `  zmq doctor tcp://feed:5556 tcp://localhost:5557`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var types []string
			var failed error
			for _, endpoint := range args {
				if _, _, err := dialable(endpoint); err != nil {
					return usageError(cmd, err)
				}
			}
			for _, endpoint := range args {
				r, err := p.report(cmd, endpoint)
				if err != nil {
					err = fmt.Errorf("%s: %w", endpoint, err)
				}
				if failed == nil {
					failed = err
				}
				types = append(types, r.SocketType)
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), summary(r, err)); err != nil {
					return outputError(err)
				}
			}
			if failed != nil {
				return failed
			}
			return diagnose(cmd.OutOrStdout(), types[0], types[1])
		},
	}
	cmd.Flags().DurationVar(&p.timeout, "timeout", 5*time.Second, "give each of them up after this time")
	return cmd
}

// summary is what was learned of one of the two.
func summary(r pingReport, err error) string {
	switch {
	case r.Remote == "":
		return r.Endpoint + ": nobody is there"
	case r.Protocol == "":
		return r.Endpoint + ": somebody is there who says nothing or does not speak ZMTP"
	case err != nil:
		return fmt.Sprintf("%s: speaks %s with mechanism %s, and does not let us in", r.Endpoint, r.Protocol, r.Mechanism)
	}
	return fmt.Sprintf("%s: %s, %s, %s", r.Endpoint, r.SocketType, r.Protocol, r.Mechanism)
}

// hints are why messages may not arrive that each type sends or waits for.
var hints = map[string]string{
	"PUB":    "a PUB drops what nobody has subscribed to yet: a subscriber that connects later has missed it (pub --wait-subscribers)",
	"XPUB":   "an XPUB drops what nobody has subscribed to yet, and what a slow subscriber has no room for (option sndhwm)",
	"SUB":    "a SUB receives what it has subscribed to, and only from then on",
	"XSUB":   "an XSUB receives what it has subscribed to, and only from then on",
	"ROUTER": "a ROUTER drops messages to an identity that it does not know (option router_mandatory)",
	"REQ":    "a REQ that lost its reply waits for ever (options req_relaxed and req_correlate)",
	"REP":    "a REP drops the reply to a peer that has gone",
	"PULL":   "a PULL that joins late gets a smaller share: PUSH deals out to whoever is there",
}

// diagnose says whether two types may talk to each other and what to look for.
func diagnose(w io.Writer, a, b string) error {
	var text strings.Builder
	known := answers[a] != nil && answers[b] != nil
	fit := slices.Contains(answers[a], b)
	switch {
	case fit:
		fmt.Fprintf(&text, "%s and %s may talk to each other; both of them are bound: one has to connect, or something between them\n", a, b)
	case known:
		fmt.Fprintf(&text, "%s and %s do not talk to each other: %s talks to %s\n", a, b, a, strings.Join(answers[a], " and "))
	}
	types := []string{a, b}
	for i, typ := range types {
		if hint := hints[typ]; hint != "" && !slices.Contains(types[:i], typ) {
			fmt.Fprintln(&text, hint)
		}
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return outputError(err)
	}
	if known && !fit {
		return fmt.Errorf("%w: %s and %s do not fit", zmq.ErrProtocol, a, b)
	}
	return nil
}
