package main

import (
	"context"
	"errors"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

// errNothingToUnset ends an update that would change nothing.
var errNothingToUnset = errors.New("none of the values is there")

func (a *app) unsetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unset KEY NAME…",
		Short: "Remove values from a session",
		Long: `Unset removes values from a live session, and leaves the others as they are,
whoever else writes it at the same time. A name that is not there is mentioned
on stderr and is no failure; when none is there, nothing is written. KEY is the
whole key.`,
		Example: `  djsess unset 9f3c1a5e8b7d4026a1c3e5f7092b4d68 cart
  djsess unset 9f3c1a5e8b7d4026a1c3e5f7092b4d68 _auth_user_id _auth_user_backend _auth_user_hash`,
		Args: atLeast(2, "want a KEY, and the NAME of a value"),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, names := args[0], args[1:]
			return a.withWriter(cmd, func(ctx context.Context, s *site) error {
				var missing []string
				err := s.update(ctx, key, func(v *djsession.Values) error {
					missing = missing[:0] // it may run again
					for _, name := range names {
						if !v.Has(name) {
							missing = append(missing, name)
						}
					}
					if v.Delete(names...) == 0 {
						return errNothingToUnset
					}
					return nil
				})
				if err != nil && !errors.Is(err, errNothingToUnset) {
					return err
				}
				for _, name := range missing {
					a.complain("%s: there is no value %s", djsession.ShortKey(key), shown(name))
				}
				return nil
			})
		},
	}
	a.acceptNewKeyFlag(cmd)
	return cmd
}
