package main

import (
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

const wantAssignments = "want NAME=TEXT or NAME:=JSON"

// parseAssignments turns NAME=TEXT and NAME:=JSON into changes, which it tries,
// so that a mistake is found before anything is opened.
func parseAssignments(cmd *cobra.Command, args []string) ([]djsession.Change, error) {
	changes := make([]djsession.Change, len(args))
	trial := &djsession.Values{}
	for i, arg := range args {
		change, ok := parseAssignment(arg)
		if !ok {
			return nil, usagef(cmd, "%s: %s", shown(arg), wantAssignments)
		}
		if err := change(trial); err != nil {
			return nil, usagef(cmd, "%s", message(err))
		}
		changes[i] = change
	}
	return changes, nil
}

// parseAssignment goes by which of := and = comes first.
func parseAssignment(arg string) (change djsession.Change, ok bool) {
	name, value, ok := strings.Cut(arg, "=")
	name, isJSON := strings.CutSuffix(name, ":")
	switch {
	case !ok || name == "":
		return nil, false
	case isJSON:
		return djsession.SetJSON(name, value), true
	}
	return djsession.Set(name, value), true
}
