package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// checkCommandLine returns an error if djsess has no such command, flags or number of arguments. It runs nothing.
func checkCommandLine(args []string) error {
	root := (&app{stdout: output{io.Discard}, stderr: io.Discard}).rootCommand()
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if cmd == root {
		return unknownCommand(root, args[0])
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return flagError(cmd, err)
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// shellCommands returns the command lines of djsess in a line for a shell.
func shellCommands(line string) (all [][]string) {
	var words []string
	end := func() {
		for i, word := range words {
			if word == "djsess" {
				if words[0] == "xargs" {
					words = append(words, "KEY")
				}
				all = append(all, words[i+1:])
				break
			}
		}
		words = nil
	}
	line, _, _ = strings.Cut(line, " # ")
	for _, word := range strings.Fields(line) {
		switch word {
		case "|", ">", "<", ">>", "&&":
			end()
		default:
			words = append(words, word)
		}
	}
	end()
	return all
}

// The help of every command has examples, and the command takes them.
func TestExamples(t *testing.T) {
	root := (&app{stdout: output{io.Discard}, stderr: io.Discard}).rootCommand()
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Name() == "completion" || cmd.Name() == "help" {
			return // cobra's own, with their examples in the text
		}
		found := false
		for line := range strings.Lines(cmd.Example) {
			for _, args := range shellCommands(line) {
				found = found || args[0] == cmd.Name()
				if err := checkCommandLine(args); err != nil {
					t.Errorf("%s --help: %s: %v", cmd.Name(), strings.TrimSpace(line), err)
				}
			}
		}
		if !found {
			t.Errorf("%s --help has no example", cmd.Name())
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	for _, cmd := range root.Commands() {
		check(cmd)
	}
}
