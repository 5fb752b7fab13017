package main

import (
	"errors"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

const wantAssignments = "want NAME=TEXT or NAME:=JSON"

// change is a change that a user asked for.
type change = func(v *djsession.Values) error

// inOrder returns the changes as one.
func inOrder(changes []change) change {
	return func(v *djsession.Values) error {
		for _, change := range changes {
			if err := change(v); err != nil {
				return err
			}
		}
		return nil
	}
}

// parseAssignments turns NAME=TEXT and NAME:=JSON into changes, which it tries,
// so that a mistake is found before anything is opened.
func parseAssignments(cmd *cobra.Command, args []string) ([]change, error) {
	changes := make([]change, len(args))
	trial := &djsession.Values{}
	for i, arg := range args {
		// It goes by which of := and = comes first.
		name, value, ok := strings.Cut(arg, "=")
		name, isJSON := strings.CutSuffix(name, ":")
		switch {
		case !ok:
			return nil, usagef(cmd, "%s: %s", shown(arg), wantAssignments)
		case strings.TrimSpace(name) != name || name == "":
			return nil, usagef(cmd, "%s: a name is empty, or begins or ends with a space: %s, without spaces around the sign", shown(name), wantAssignments)
		case trial.Has(name):
			return nil, usagef(cmd, "%s is given twice", shown(name))
		case isJSON:
			changes[i] = func(v *djsession.Values) error { return v.SetJSON(name, value) }
		default:
			changes[i] = func(v *djsession.Values) error { return v.Set(name, value) }
		}
		switch err := changes[i](trial); {
		case err != nil && isJSON:
			return nil, usagef(cmd, "%s: %s; what follows := is JSON (true, 1.5, {\"a\": 1}), a text follows =", shown(name), cause(err))
		case err != nil:
			return nil, usagef(cmd, "%s: %s", shown(name), cause(err))
		}
	}
	return changes, nil
}

// cause is why a value was refused, without its name: that may be a session key
// that went to the wrong place.
func cause(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return message(err)
}
