package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

func (a *app) setCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set KEY NAME=TEXT | NAME:=JSON…",
		Short: "Set values of a session",
		Long: `Set sets values of a live session, and leaves the others as they are, whoever
else writes it at the same time. As any save does in Django, it moves the
session's expiry. KEY is the whole key.`,
		Example: `  djsess set 9f3c1a5e8b7d4026a1c3e5f7092b4d68 theme=dark
  djsess set 9f3c1a5e8b7d4026a1c3e5f7092b4d68 'cart:={"17": 2}' visits:=3`,
		Args: atLeast(2, "want a KEY, and NAME=TEXT or NAME:=JSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes, err := parseAssignments(cmd, args[1:])
			if err != nil {
				return err
			}
			return a.withWriter(cmd, func(ctx context.Context, s *site) error {
				return s.update(ctx, args[0], inOrder(changes))
			})
		},
	}
	a.acceptNewKeyFlag(cmd)
	return cmd
}

// keyLength is how long the keys are that Django makes.
const keyLength = 32

// wholeKeyHint says what is odd about a key that was not found, if anything is.
func wholeKeyHint(key string) string {
	switch {
	case !alphanumeric(key):
		return ": it holds more than letters and digits, and Django's keys do not"
	case len(key) != keyLength:
		return fmt.Sprintf(": this takes the whole key, which is %d characters and not %d: djsess get shows it", keyLength, len(key))
	}
	return ""
}

// update is djsession.Update for a key that a user gave.
func (s *site) update(ctx context.Context, key string, change change) error {
	_, err := djsession.Update(ctx, s.Store, key, change) // not s, which hides the optional interfaces of the store
	if errors.Is(err, djsession.ErrNotFound) {
		return &hinted{err, strings.TrimPrefix(wholeKeyHint(key), ": ")}
	}
	return hintAtForm(err, s.settings)
}
