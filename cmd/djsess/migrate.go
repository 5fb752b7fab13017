package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession/ops"
)

func (a *app) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate --from STORE --to STORE [flags]",
		Short: "Copy all sessions to another store",
		Long: `Migrate copies the live sessions of a store into another one, under the same
keys and with the same expiries. Nobody is logged out. Each store is a name in
djsess.toml or a URL without a password, and may have settings of its own there:

  [stores.old]
  url = "postgres://djsess@db.example/site"
  [stores.new]
  url = "redis://cache.example/1"
  [stores.new.settings]            # where the new site has others
  DJANGO_VERSION = "5.2"

Migrate inserts only what the target does not have. After each batch it reads the
source again, and takes back the sessions that have left it since: these users
have logged out. So it can be stopped and run again at any time.

While the site is up, have its workers write to both stores first: see docs/moving.
--verify then compares the two stores, and writes nothing.

JSON has no form for some of Python's types. From pickle to JSON, a datetime, a
Decimal, a UUID and the like become their text, and a set becomes a list. For other
objects, such as those of the site's own classes, --on-loss says what to do: stop,
skip the value and keep the session, or keep-opaque, which keeps the pickle of the
value as text.

A target that drops sessions by itself is refused: a cache with MAX_ENTRIES, a
Redis with a maxmemory-policy other than noeviction, Memcached. --force overrides.`,
		Example: `  djsess migrate --from old --to new --dry-run
  djsess migrate --from old --to new
  djsess migrate --from old --to new --verify
  djsess migrate --from old --to new --shard 1/4     # on the first of four machines`,
		Args: exactly(0, "want no arguments: the stores are --from and --to"),
	}
	flags := addJobFlags(cmd, true)
	from := cmd.Flags().String("from", "", "the `STORE` to read: its name in djsess.toml, or its URL")
	to := cmd.Flags().String("to", "", "the `STORE` to write")
	refresh := cmd.Flags().Bool("refresh", false, "also overwrite sessions that were saved later in the source: for a site that is stopped")
	loss := addLossFlag(cmd)
	force := cmd.Flags().Bool("force", false, "write into a store that drops sessions by itself")
	verify := cmd.Flags().Bool("verify", false, "compare the two stores and write nothing")
	journal := cmd.Flags().String("journal", "", "`FILE` for the batches under way (default: one in the user's cache folder)")
	a.acceptNewKeyFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case *from == "" || *to == "":
			return usagef(cmd, "want two stores: --from and --to")
		case a.flags.store != "":
			return usagef(cmd, "--store: the stores of migrate are --from and --to")
		case !*verify && !flags.dryRun:
			if err := a.mayWrite(cmd); err != nil {
				return err
			}
		}
		readOnly := *verify || flags.dryRun
		return a.withStores(cmd, *from, *to, readOnly, func(ctx context.Context, source, target *site) error {
			job, report, err := a.job(cmd, flags, source.settings)
			if err != nil {
				return err
			}
			limitMemory(20 << 20) // there are two stores with caches
			if *verify {
				return compare(ctx, source, target, loss.OnLoss, job, report)
			}
			options := ops.Migration{Job: job, Refresh: *refresh, OnLoss: loss.OnLoss, Force: *force, Journal: *journal}
			options.JournalOf = source.address + "\n" + target.address
			if options.Journal == "" {
				options.Journal, err = defaultJournal(options.JournalOf, flags.shard)
			}
			if err != nil {
				return err
			}
			done, err := ops.Migrate(ctx, source.Store, target.Store, options)
			return report.finish([]counter{
				{"read", done.Read, "sessions read"},
				{"inserted", done.Inserted, "inserted"},
				{"kept", done.Kept, "were in the target already, and were kept"},
				{"refreshed", done.Refreshed, "were saved later in the source, and were refreshed"},
				{"taken_back", done.TakenBack, "left the source meanwhile, and were taken back"},
				{"lossy", done.Lossy, "have values that JSON cannot hold"},
				{"shifted", done.Shifted, "end at another time, which the target decides"},
				{"failed", done.Failed, "could not be stored"},
				{"unreadable", done.Unreadable, "could not be read, and were passed over"},
			}, err)
		})
	}
	return cmd
}

// compare is migrate --verify.
func compare(ctx context.Context, source, target *site, loss ops.OnLoss, job ops.Job, report *jobReport) error {
	found, err := ops.Compare(ctx, source.Store, target.Store, loss, job)
	err = report.finish([]counter{
		{"equal", found.Equal, "sessions are the same in both stores"},
		{"missing", found.Missing, "are missing in the target"},
		{"different", found.Different, "have other values in the target"},
		{"expiry_differs", found.ExpiryDiffers, "end at another time in the target"},
		{"unreadable", found.Unreadable, "cannot be read in the source"},
	}, err)
	if err == nil && found.Missing+found.Different+found.ExpiryDiffers > 0 {
		return reported{failed}
	}
	return err
}

// defaultJournal returns the path of the journal for two stores. The name does not show them.
func defaultJournal(stores, shard string) (string, error) {
	folder, err := os.UserCacheDir()
	if err == nil {
		folder = filepath.Join(folder, "djsess")
		err = os.MkdirAll(folder, 0o700)
	}
	if err != nil {
		return "", configf("journal: there is no folder for it, so name a file by --journal: %w", err)
	}
	sum := sha256.Sum256([]byte(stores + "\n" + shard))
	return filepath.Join(folder, fmt.Sprintf("migrate-%x", sum[:8])), nil
}

// withStores opens the source and the target of a move, and calls f.
func (a *app) withStores(cmd *cobra.Command, from, to string, readOnly bool, f func(ctx context.Context, source, target *site) error) error {
	c, err := a.readConfig()
	if err != nil {
		return err
	}
	var places [2]place
	for i, flag := range []struct{ name, value string }{{"--from", from}, {"--to", to}} {
		if places[i], err = c.flagPlace(flag.name, flag.value); err != nil {
			return err
		}
	}
	if places[0].address() == places[1].address() {
		return usagef(cmd, "--from and --to: they are the same store")
	}
	source, err := a.openSite(c, places[0], true)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := a.openSite(c, places[1], readOnly)
	if err != nil {
		return err
	}
	defer target.Close()
	ctx, stop := untilInterrupted(cmd)
	defer stop()
	err = f(ctx, source, target)
	if err != nil && ctx.Err() != nil && !errors.As(err, new(reported)) {
		return ctx.Err()
	}
	return unreachable(err, places[0].namedBy+" or "+places[1].namedBy)
}
