package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Write a script that teaches a shell to complete zmq's arguments",
		Example: `  source <(zmq completion bash)
  zmq completion zsh > "${fpath[1]}/_zmq"
  zmq completion fish > ~/.config/fish/completions/zmq.fish
  zmq completion powershell | Out-String | Invoke-Expression`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, w := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return outputError(root.GenBashCompletionV2(w, true))
			case "zsh":
				return outputError(root.GenZshCompletion(w))
			case "fish":
				return outputError(root.GenFishCompletion(w, true))
			case "powershell":
				return outputError(root.GenPowerShellCompletionWithDesc(w))
			}
			return usageError(cmd, fmt.Errorf("no shell %s: want bash, zsh, fish or powershell", args[0]))
		},
	}
}
