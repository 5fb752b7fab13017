package main

import (
	"context"
	"errors"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

func (a *app) setCommand() *cobra.Command {
	return &cobra.Command{
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
				return s.update(ctx, args[0], changes...)
			})
		},
	}
}

// update is djsession.Update for a key that a user gave.
func (s *site) update(ctx context.Context, key string, changes ...djsession.Change) error {
	_, err := djsession.Update(ctx, s, key, changes...)
	if errors.Is(err, djsession.ErrNotFound) && len(key) < len(djsession.NewKey()) {
		return &hinted{err, "this takes the whole key: djsess get shows it"}
	}
	return hintAtForm(err, s.settings)
}
