package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func optionsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "options [TYPE]",
		Short: "List the socket options",
		Long: `List the socket options that --option takes and, with a TYPE, only those that act on it: the
name, libzmq's number, the default with its unit, and what it does. A duration is in
milliseconds, or has a unit as in 2s. A live option acts on connections that are there, the
others on later ones. Defaults are the library's: the commands here wait 250 ms at most before
they connect again, take frames of at most 64 MiB, and xpub_nodrop is 1.`,
		Example: `  zmq options
  zmq options router --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			list := zmq.Options()
			if len(args) == 1 {
				typ, err := parseType(args[0])
				if err != nil {
					return usageError(cmd, err)
				}
				list = optionsOf(list, typ)
			}
			write := writeOptions
			if asJSON {
				write = writeOptionsJSON
			}
			return outputError(write(cmd.OutOrStdout(), list))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write one JSON object for each")
	return cmd
}

// parseType reads the name of a socket type.
func parseType(name string) (zmq.Type, error) {
	for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
		if strings.EqualFold(typ.String(), name) {
			return typ, nil
		}
	}
	return 0, fmt.Errorf("there is no socket type %s", name)
}

// optionsOf picks what acts on a type.
func optionsOf(list []zmq.OptionInfo, typ zmq.Type) []zmq.OptionInfo {
	var some []zmq.OptionInfo
	for _, o := range list {
		fits := len(o.Applies) == 0
		for _, t := range o.Applies {
			fits = fits || t == typ
		}
		if fits {
			some = append(some, o)
		}
	}
	return some
}

func writeOptions(w io.Writer, list []zmq.OptionInfo) error {
	var b strings.Builder
	for _, o := range list {
		fmt.Fprintf(&b, "%-28s %5s  %s\n", o.Name, optionNumber(o), strings.Join(optionFacts(o), "; "))
		fmt.Fprintf(&b, "    %s\n", o.Doc)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// optionNumber is libzmq's number, "-" for an option that it does not have.
func optionNumber(o zmq.OptionInfo) string {
	if o.Number == 0 {
		return "-"
	}
	return fmt.Sprint(o.Number)
}

// optionFacts are what there is to know of an option besides its meaning.
func optionFacts(o zmq.OptionInfo) []string {
	facts := []string{o.Kind}
	if o.Unit != "" {
		facts[0] += " in " + o.Unit
	}
	if !o.WriteOnly && !o.ReadOnly {
		facts = append(facts, "default "+optionDefault(o))
	}
	if len(o.Applies) > 0 {
		facts = append(facts, optionTypes(o))
	}
	switch {
	case o.ReadOnly:
		facts = append(facts, "read only")
	case o.WriteOnly:
		facts = append(facts, "write only")
	case o.Live:
		facts = append(facts, "live")
	}
	return facts
}

func optionDefault(o zmq.OptionInfo) string {
	if o.Default == "" {
		return "empty"
	}
	return o.Default
}

// optionTypes names the types that an option acts on.
func optionTypes(o zmq.OptionInfo) string {
	if len(o.Applies) == 0 {
		return "all"
	}
	var names []string
	for _, t := range o.Applies {
		names = append(names, t.String())
	}
	return strings.Join(names, ", ")
}

// optionJSON is an option in JSON.
type optionJSON struct {
	Name      string   `json:"name"`
	Number    int      `json:"number,omitempty"`
	Kind      string   `json:"kind"`
	Unit      string   `json:"unit,omitempty"`
	Default   string   `json:"default"`
	Applies   []string `json:"applies,omitempty"`
	Live      bool     `json:"live"`
	ReadOnly  bool     `json:"read-only,omitempty"`
	WriteOnly bool     `json:"write-only,omitempty"`
	Doc       string   `json:"doc"`
}

func writeOptionsJSON(w io.Writer, list []zmq.OptionInfo) error {
	encoder := json.NewEncoder(w)
	for _, o := range list {
		j := optionJSON{
			Name: o.Name, Number: o.Number, Kind: o.Kind, Unit: o.Unit, Default: o.Default,
			Live: o.Live, ReadOnly: o.ReadOnly, WriteOnly: o.WriteOnly, Doc: o.Doc,
		}
		for _, t := range o.Applies {
			j.Applies = append(j.Applies, t.String())
		}
		if err := encoder.Encode(j); err != nil {
			return err
		}
	}
	return nil
}
