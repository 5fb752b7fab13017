package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession/ops"
)

func (a *app) exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export FILE [flags]",
		Short: "Write the sessions to a file",
		Long: `Export writes the live sessions to a file that import reads: a line of JSON for each
session, with nothing lost. - is standard output. A name that ends in .zst is
compressed.

Keep the file as you keep the database. A person who reads it can act as every user who
was logged in. Only you can read the file that export makes, and no SECRET_KEY is in
it.

The file has its name only once it is complete. A file that exists is kept, unless
--force is given. If a session cannot be read, export names it on stderr and goes on.
The exit status is then 4.`,
		Example: `  djsess export sessions.jsonl.zst
  djsess export sessions.jsonl --user 42      # what is stored of one user
  djsess export - | jq -r 'select(.key) | .values.cart'`,
		Args: exactly(1, "want one FILE, or - for standard output"),
	}
	flags := addJobFlags(cmd, true)
	user := addUserFlags(cmd)
	force := cmd.Flags().Bool("force", false, "replace a file that exists")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, _, err := user.check(cmd); err != nil {
			return err
		}
		file := &wholeFile{path: args[0], force: *force}
		if err := file.check(); err != nil {
			return err
		}
		return a.withStore(cmd, func(ctx context.Context, s *site) error {
			job, report, err := a.job(cmd, flags, s.settings)
			if err != nil {
				return err
			}
			options := ops.ExportOptions{Job: job, Zstd: strings.HasSuffix(file.path, ".zst")}
			options.Engine, _, _ = strings.Cut(s.String(), " (")
			if options.Only, err = user.areTheirs(ctx, s); err != nil {
				return err
			}
			report.stopped = "there is no export"
			if file.path == standardStream {
				report.out, report.stopped = a.stderr, "the export is not complete, and import refuses it"
			}
			done, err := a.exportTo(ctx, file, s, options)
			if errors.Is(err, errors.ErrUnsupported) {
				err = &hinted{err, "its sessions cannot be exported"}
			}
			return report.finish([]counter{
				{"read", done.Read, "sessions read"},
				{"exported", done.Exported, "exported"},
				{"failed", done.Failed, "have keys that no store takes, and were left out"},
				{"unreadable", done.Unreadable, "could not be read, and were left out"},
			}, err)
		})
	}
	return cmd
}

// exportTo writes an export to a file or to standard output.
func (a *app) exportTo(ctx context.Context, file *wholeFile, s *site, options ops.ExportOptions) (*ops.ExportReport, error) {
	if options.DryRun || file.path == standardStream {
		return ops.Export(ctx, a.stdout, s.Store, options)
	}
	if err := file.create(); err != nil {
		return new(ops.ExportReport), err
	}
	defer file.abandon()
	done, err := ops.Export(ctx, file.temporary, s.Store, options)
	if err == nil {
		err = file.commit()
	}
	return done, err
}
