package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
)

func (a *app) rotateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rotate [flags]",
		Short: "Rewrite what needs a fallback of SECRET_KEY, so that it can be dropped",
		Long: `Rotate signs the live sessions that were signed with one of SECRET_KEY_FALLBACKS with
SECRET_KEY, and makes the hash of each login again that was made with one, beside the live
site. Then the fallbacks can be dropped, and nobody is logged out. Rotate changes a session
only if nobody else has changed it meanwhile, and moves no expiry. It can be stopped and run
again at any time.

--dry-run says how many sessions need each fallback, and when the last of them ends.

The keys are the site's own, after its change: SECRET_KEY first, then the fallbacks. Every
worker of the site must have them. If the newest session was not signed with SECRET_KEY, it
may be misspelled, and rotate refuses to write: wait until the site has stored a session, or
use --accept-new-key. Sessions in a cache have no signature; there a login must have a hash
under SECRET_KEY.

Rotate needs to know where the users are: in [users], or in a settings file.`,
		Example: `  djsess rotate --dry-run
  djsess rotate
  djsess rotate --dry-run -o json | jq '.fallbacks[0]'`,
		Args: exactly(0, "want no arguments"),
	}
	flags := addJobFlags(cmd, true)
	hashes := addHashesFlag(cmd)
	a.acceptNewKeyFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withRewriter(cmd, flags, func(ctx context.Context, s *site) error {
			job, report, err := a.job(cmd, flags, s.settings)
			if err != nil {
				return err
			}
			options := ops.Rotation{Job: job}
			auth, closeUsers, err := hashes.auth(a, s)
			if err != nil {
				return err
			}
			defer closeUsers()
			options.Auth = auth
			did, err := ops.Rotate(ctx, s.Store, options)
			var unknown error
			if flags.dryRun && errors.Is(err, djsession.ErrUnknownKey) {
				unknown, err = err, nil // all was read
			}
			counts := []counter{
				{"read", did.Read, "sessions read"},
				{"rewritten", did.Rewritten, "rewritten"},
				{"current", did.Current, "signed with SECRET_KEY already, the first of the keys"},
			}
			report.extra = map[string]any{"fallbacks": fallbacksJSON(did.Fallbacks)}
			for i, use := range did.Fallbacks {
				needed := fmt.Sprintf("fallback %d of SECRET_KEY: ", i+1)
				counts = append(counts,
					counter{"", use.Signed, needed + "sessions signed with it" + untilShown(use.Until)},
					counter{"", use.Hashes, needed + "logins with a hash of it" + untilShown(use.Until)})
			}
			err = report.finish(append(counts,
				counter{"refused", did.Refused, "logins do not count, since their hashes do not fit their users, and stay as they are"},
				counter{"gone", did.Gone, "left the store meanwhile"},
				counter{"failed", did.Failed, "could not be stored"},
				counter{"unreadable", did.Unreadable, "could not be read, and were passed over"},
			), err)
			if err == nil {
				err = unknown
			}
			return err
		})
	}
	return cmd
}

// untilShown says when the last of some sessions ends.
func untilShown(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", the last until " + timeShown(t)
}

func fallbacksJSON(uses []ops.FallbackUse) []map[string]any {
	all := []map[string]any{}
	for _, use := range uses {
		one := map[string]any{"signed": use.Signed, "hashes": use.Hashes, "until": nil}
		if !use.Until.IsZero() {
			one["until"] = use.Until.UTC().Format(time.RFC3339Nano)
		}
		all = append(all, one)
	}
	return all
}
