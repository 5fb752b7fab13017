package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// addCompletions says what a shell completes behind a command and its flags: names of stores, of files, and the words of a
// choice, by what the help calls the value. A shell never completes a session key or a user: it would show them,
// and keep them in its history.
func (a *app) addCompletions(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if !strings.Contains(cmd.Use, " FILE") {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		a.completeFlags(cmd, cmd.Flags())
	}
	a.completeFlags(root, root.PersistentFlags())
}

// completeFlags says what a shell completes behind some flags of a command.
func (a *app) completeFlags(cmd *cobra.Command, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		complete := cobra.NoFileCompletions
		switch value, _ := pflag.UnquoteUsage(f); {
		case value == "": // of a switch
			return
		case value == "FILE", value == "PATH":
			return // cobra's own completion is that of files
		case f.Name == "store", value == "STORE":
			complete = a.completeStore
		case strings.Contains(value, "|"):
			complete = cobra.FixedCompletions(strings.Split(value, "|"), cobra.ShellCompDirectiveNoFileComp)
		}
		if err := cmd.RegisterFlagCompletionFunc(f.Name, complete); err != nil {
			panic(err) // the flag is not the command's, or has a completion already
		}
	})
}

// completeStore returns the names of the stores in djsess.toml. It reads no secret and runs no program.
func (a *app) completeStore(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	c, err := a.readConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return slices.Sorted(maps.Keys(c.stores)), cobra.ShellCompDirectiveNoFileComp
}

// completeCommand returns the names of the commands.
func completeCommand(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	if len(args) == 0 {
		names = commandNames(cmd.Root())
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// commandNames returns the names of all commands.
func commandNames(root *cobra.Command) (names []string) {
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}
