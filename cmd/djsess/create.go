package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
)

func (a *app) createCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create [NAME=TEXT | NAME:=JSON]… [flags]",
		Short: "Store a new session and print its key",
		Long: `Create stores a new session and prints its key.

The session expires after SESSION_COOKIE_AGE, or after --expires if that is given,
which is Django's session.set_expiry(seconds). Each save starts that time anew.

` + anyName + `

If SECRET_KEY opens none of the newest live sessions, create fails: the site could
not read the new session.`,
		Example: `  djsess create
  djsess create theme=dark 'cart:={"17": 2}' --expires 24h`,
	}
	object := addValuesFlag(cmd)
	a.acceptNewKeyFlag(cmd)
	var expires lifetime
	cmd.Flags().Var(&expires, "expires", "time to live, a `DURATION` such as 14d, 24h or 1h30m")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		changes, err := parseValues(cmd, args, *object)
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
			if err := s.checkOpens(ctx); err != nil {
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

// checkOpens returns an error if there are live sessions and none of the newest can be opened.
// The SECRET_KEY or the store is then not the site's.
func (s *site) checkOpens(ctx context.Context) error {
	_, err := djsession.OpensSome(ctx, s.Store)
	if payload := (*djsession.PayloadError)(nil); errors.As(err, &payload) {
		return withHint(fmt.Errorf("nothing was created: %w", err), s.settings)
	}
	return err
}

const day = 24 * time.Hour

// lifetime is the value of --expires: a time.Duration of whole seconds, which may have days.
type lifetime time.Duration

func (l *lifetime) String() string { return "" } // no default to show
func (l *lifetime) Type() string {
	return "a time with units, of whole seconds, such as 14d, 24h or 1h30m"
}

func (l *lifetime) Set(text string) error {
	d, err := parseLifetime(text)
	if err == nil {
		*l = lifetime(d)
	}
	return err
}

func parseLifetime(text string) (time.Duration, error) {
	var d time.Duration
	rest := text
	if days, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16) // 179 years
		if err != nil {
			return 0, err
		}
		d, rest = time.Duration(n)*day, after
	}
	if rest != "" || text == "" {
		more, err := time.ParseDuration(rest)
		if err != nil {
			return 0, err
		}
		if more < 0 {
			return 0, fmt.Errorf("negative")
		}
		d += more
	}
	if d <= 0 || d%time.Second != 0 { // an overflow makes it negative
		return 0, fmt.Errorf("not a positive number of whole seconds")
	}
	return d, nil
}
