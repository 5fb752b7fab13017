package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

Keep the file as you keep the database. Whoever reads it can act as every user who
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
		file := &exportFile{path: args[0], force: *force}
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

// standardStream is the FILE that stands for standard output or standard input.
const standardStream = "-"

// exportTo writes an export to a file or to standard output.
func (a *app) exportTo(ctx context.Context, file *exportFile, s *site, options ops.ExportOptions) (*ops.ExportReport, error) {
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

// exportFile is a file that gets its name once it is complete.
type exportFile struct {
	path      string
	force     bool
	temporary *os.File // nil if there is none
}

// check returns an error if the file would replace one that it should not.
func (f *exportFile) check() error {
	if f.path == standardStream {
		return nil
	}
	switch info, err := os.Lstat(f.path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return configf("%s is not a file: for a pipe there is - and standard output", f.path)
	case !f.force:
		return configf("%s exists: --force replaces it", f.path)
	}
	return nil
}

// create makes the temporary file, which only its owner can read.
func (f *exportFile) create() (err error) {
	f.temporary, err = os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".part-")
	return err
}

// commit gives the file its name. The contents are on the disk by then.
func (f *exportFile) commit() error {
	err := f.temporary.Sync()
	if closeErr := f.temporary.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = f.check() // it may have come meanwhile
	}
	if err == nil {
		err = os.Rename(f.temporary.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("finish the export: %w", err)
	}
	f.temporary = nil
	return nil
}

// abandon removes the temporary file, unless it got its name.
func (f *exportFile) abandon() {
	if f.temporary != nil {
		f.temporary.Close()
		os.Remove(f.temporary.Name())
	}
}
