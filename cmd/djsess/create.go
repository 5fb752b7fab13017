package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

func (a *app) createCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create [NAME=TEXT | NAME:=JSON]… [flags]",
		Short: "Store a new session and print its key",
		Long: `Create stores a new session and prints its key.

NAME=TEXT sets a value that is a text, NAME:=JSON any other. It lives for the
site's SESSION_COOKIE_AGE, or as long as --expires says, from every time it is
saved: that is Django's session.set_expiry(seconds).

If there are live sessions and SECRET_KEY opens none of the newest ones, create
fails: the site could not read the new session.`,
		Example: `  djsess create
  djsess create theme=dark 'cart:={"17": 2}' --expires 24h`,
	}
	a.acceptNewKeyFlag(cmd)
	var expires lifetime
	cmd.Flags().Var(&expires, "expires", "time to live, a `DURATION` such as 14d, 24h or 1h30m")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		changes, err := parseAssignments(cmd, args)
		if err != nil {
			return err
		}
		if expires > 0 {
			changes = append(changes, func(v *djsession.Values) error {
				return v.Set("_session_expiry", int64(time.Duration(expires)/time.Second))
			})
		}
		return a.withWriter(cmd, func(ctx context.Context, s *site) error {
			v := &djsession.Values{}
			if err := inOrder(changes)(v); err != nil {
				return err
			}
			if err := s.opensSome(ctx); err != nil {
				return err
			}
			if err := djsession.CheckKey(ctx, s.Store); err != nil {
				return err
			}
			r, err := s.Create(ctx, "", v, time.Time{})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, r.Key)
			return err
		})
	}
	return cmd
}

// opensSome returns an error if there are live sessions and none of the newest can
// be opened: then this is not the site's SECRET_KEY, or not its store.
func (s *site) opensSome(ctx context.Context) error {
	_, err := djsession.OpensSome(ctx, s.Store)
	if payload := (*djsession.PayloadError)(nil); errors.As(err, &payload) {
		return hintAtForm(fmt.Errorf("nothing was created: %w", err), s.settings)
	}
	return err
}
