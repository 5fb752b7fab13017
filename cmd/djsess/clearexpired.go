package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
)

func (a *app) clearExpiredCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "clear-expired [flags]",
		Aliases: []string{"clearsessions"},
		Short:   "Remove the expired sessions",
		Long: `Clear-expired removes the sessions that have expired, as Django's clearsessions does,
but in batches with pauses between them, so that the site does not notice. A pause is
as long as the batch took, and longer if the database becomes slower. A session that is
saved again meanwhile stays.

It can be stopped and run again at any time, and run on several machines at once.

On a table without an index on expire_date it does nothing, and says how to create the
index. If rows of another table of the site point at a session, the database does not
let it go: Django's clearsessions removes it with these rows.

It says how much room the store took before and after. A database keeps the room of
removed rows for new ones: the last line says how the system gets it back.

In a cache in files or in a database it removes whatever has expired, sessions or not.
Redis and Memcached remove expired sessions by themselves.`,
		Example: `  djsess clear-expired --dry-run
  djsess clear-expired --max-rate 2000
  djsess clear-expired --older-than 30d`,
		Args: exactly(0, "want no arguments"),
	}
	flags := &jobFlags{output: addOutputFlag(cmd)}
	addMetricsFlag(cmd)
	var olderThan lifetime
	var options ops.ClearOptions
	cmd.Flags().Var(&olderThan, "older-than", "keep sessions that expired less than this `DURATION` ago, such as 30d or 12h")
	cmd.Flags().IntVar(&options.Batch, "batch", 50, "remove at most `N` sessions at once")
	cmd.Flags().Float64Var(&options.MaxRate, "max-rate", 0, "remove at most `N` sessions a second (default: no limit)")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "count the sessions and remove none")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case options.Batch < 1:
			return usagef(cmd, "--batch: want a whole number above zero")
		case cmd.Flags().Changed("max-rate") && !(options.MaxRate > 0):
			return usagef(cmd, "--max-rate: want a number above zero")
		}
		options.OlderThan, options.DryRun = time.Duration(olderThan), flags.dryRun
		if !flags.dryRun {
			if err := a.mayWrite(cmd); err != nil {
				return err
			}
		}
		return a.withStore(cmd, func(ctx context.Context, s *site) error {
			_, report, err := a.job(cmd, flags, s.settings)
			if err != nil {
				return err
			}
			report.stopped, report.unit = "what was removed stays removed, and a rerun goes on from there", "expired sessions"
			options.Progress = report.progress
			done, err := ops.ClearExpired(ctx, s.Store, options)
			if errors.Is(err, djsession.ErrExpiresByItself) {
				a.complain("nothing to do: %s", message(err))
				err = nil
			}
			removed := "expired sessions removed"
			if flags.dryRun {
				removed = "expired sessions would be removed"
			}
			report.extra = map[string]any{}
			for name, size := range map[string]*djsession.StoreSize{"before": done.Before, "after": done.After} {
				if size != nil {
					report.extra[name] = sizeObject(size)
				}
			}
			err = report.finish([]counter{
				{"removed", done.Removed, removed},
				{"referenced", done.Referenced, "stay, because rows of another table point at them"},
				{"unreadable", done.Unreadable, "stay, because their end cannot be read"},
			}, err)
			if *flags.output == asText {
				a.adviseSizes(done)
			}
			if done.Referenced > 0 {
				a.advise(`"manage.py clearsessions" removes expired sessions with the rows that point at them; ` +
					"or let the database delete or detach those rows: ON DELETE CASCADE or SET NULL")
			}
			return err
		})
	}
	return cmd
}
