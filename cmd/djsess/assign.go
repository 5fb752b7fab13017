package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
)

const (
	wantAssignments  = "want NAME=TEXT or NAME:=JSON"
	wantKeyAndValues = "want a KEY, and NAME=TEXT, NAME:=JSON or --json OBJECT"
)

// anyName is a part of the help of the commands that set values.
const anyName = `NAME=TEXT sets a text, and NAME:=JSON a value of any other type. Put -- before a
NAME that begins with -. A NAME that has a = in it goes into the OBJECT of --json, as
does any other: {"a=b": "dark", "visits": 3}.`

// addValuesFlag adds --json to a command that sets values.
func addValuesFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("json", "", "set the values of a JSON `OBJECT`, whose names may be any text")
}

// change is a change of a session that a user asked for.
type change = func(v *djsession.Values) error

// inOrder returns one change that makes the changes in their order.
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

// parseValues turns NAME=TEXT, NAME:=JSON and the object of --json into changes. It applies them
// to empty values, so that it finds mistakes before the store is opened.
func parseValues(cmd *cobra.Command, args []string, object string) ([]change, error) {
	var changes []change
	scratch := &djsession.Values{}
	for _, arg := range args {
		// The first of := and = separates the name from the value.
		name, value, ok := strings.Cut(arg, "=")
		name, isJSON := strings.CutSuffix(name, ":")
		var set change
		switch {
		case !ok:
			return nil, usagef(cmd, "%s: %s", shown(arg), wantAssignments)
		case strings.TrimSpace(name) != name || name == "":
			return nil, usagef(cmd, "%s: a name is empty, or begins or ends with a space: %s, without spaces around the sign; if the name is like that, give it by --json",
				shown(name), wantAssignments)
		case scratch.Has(name):
			return nil, givenTwice(cmd, name)
		case isJSON:
			set = func(v *djsession.Values) error { return v.SetJSON(name, value) }
		default:
			set = func(v *djsession.Values) error { return v.Set(name, value) }
		}
		switch err := set(scratch); {
		case err != nil && isJSON:
			return nil, usagef(cmd, "%s: %s; what follows := is JSON (true, 1.5, {\"a\": 1}), a text follows =", shown(name), cause(err))
		case err != nil:
			return nil, usagef(cmd, "%s: %s", shown(name), cause(err))
		}
		changes = append(changes, set)
	}
	if !cmd.Flags().Changed("json") {
		return changes, nil
	}
	var values djsession.Values
	if err := values.UnmarshalJSON([]byte(object)); err != nil {
		return nil, usagef(cmd, "--json: %s: want a JSON object, such as {\"theme\": \"dark\", \"visits\": 3}", cause(err))
	}
	for name := range values.Names() {
		if scratch.Has(name) {
			return nil, givenTwice(cmd, name)
		}
		value, _ := values.Raw(name)
		changes = append(changes, func(v *djsession.Values) error { return v.SetJSON(name, value) })
	}
	return changes, nil
}

func givenTwice(cmd *cobra.Command, name string) error {
	return usagef(cmd, "%s is given twice", shown(name))
}

// cause returns the reason why a value was refused, without the value's name: that may be a
// misplaced session key.
func cause(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return message(err)
}
