package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession/ops"
)

func (a *app) importCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE [flags]",
		Short: "Insert the sessions of an export",
		Long: `Import inserts the sessions of a file that export wrote, under the same keys and with
the same expiries. The store may be of another engine, and the site may have another
SECRET_KEY or Django. - is standard input.

Import inserts only what the store does not have, and no session that has expired. So
it can be stopped and run again. A file that was cut off or changed is refused before
anything is written.

Import only what you trust: the person who made the file has chosen who is logged in. And the
users who have logged out since the export was made are logged in again: import into
an empty store, or soon.

JSON has no form for some of Python's types: --on-loss says what to do if the store
holds JSON and a session was pickled. See migrate.`,
		Example: `  djsess import sessions.jsonl.zst --dry-run
  djsess import sessions.jsonl.zst --store new
  ssh db.example djsess export - | djsess import -`,
		Args: exactly(1, "want one FILE, or - for standard input"),
	}
	flags := addJobFlags(cmd, true)
	loss := addLossFlag(cmd)
	force := cmd.Flags().Bool("force", false, "write into a store that drops sessions by itself")
	a.acceptNewKeyFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		run := a.withWriter
		if flags.dryRun {
			run = a.withStore
		}
		return run(cmd, func(ctx context.Context, s *site) error {
			job, report, err := a.job(cmd, flags, s.settings)
			if err != nil {
				return err
			}
			var in io.Reader = a.stdin
			if args[0] != standardStream {
				file, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer file.Close()
				in = file
			}
			done, err := ops.Import(ctx, in, s.Store, ops.ImportOptions{Job: job, OnLoss: loss.OnLoss, Force: *force})
			return report.finish([]counter{
				{"read", done.Read, "sessions read"},
				{"inserted", done.Inserted, "inserted"},
				{"kept", done.Kept, "were in the store already, and were kept"},
				{"expired", done.Expired, "have expired, and were left out"},
				{"lossy", done.Lossy, "have values that JSON cannot hold"},
				{"shifted", done.Shifted, "end at another time, which the store decides"},
				{"failed", done.Failed, "could not be stored"},
				{"unreadable", done.Unreadable, "could not be read, and were passed over"},
			}, err)
		})
	}
	return cmd
}
