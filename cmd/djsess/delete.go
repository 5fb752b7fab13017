package main

import (
	"context"
	"errors"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

func (a *app) deleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete KEY…",
		Short: "Delete sessions",
		Long: `Delete deletes sessions, whether live, expired or unreadable. KEY is a whole key.
Delete names missing sessions on stderr, and the exit status is then 3.

If rows of another table of the site point at a session, the database does not let its
row go. Delete then empties the session and lets it expire, and prints a warning.`,
		Example: `  djsess delete 9f3c1a5e8b7d4026a1c3e5f7092b4d68
  djsess list --user 42 -o json | jq -r .key | xargs -r djsess delete`,
		Args: atLeast(1, "want a KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, key := range args {
				if err := djsession.ValidateKey(key); err != nil {
					return &hinted{err, djsession.ShortKey(key) + ": delete takes whole session keys, such as 32 letters and digits; nothing was deleted"}
				}
			}
			return a.withWriter(cmd, func(ctx context.Context, s *site) error {
				var status error
				for _, key := range args {
					err := s.Delete(ctx, key)
					switch {
					case errors.Is(err, djsession.ErrNotFound):
						a.complain("%s: %s%s", djsession.ShortKey(key), djsession.ErrNotFound, wholeKeyHint(key))
						status = reported{notFound}
					case errors.Is(err, djsession.ErrEmptied):
						a.complain("warning: %s", message(err))
						a.advise(storeHint(err))
					case err != nil:
						return err
					}
				}
				return status
			})
		},
	}
}
