package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/ops"
)

func (a *app) revokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke {--user ID | --username NAME | --inactive | --all} [flags]",
		Short: "Log users out: delete their sessions",
		Long: `Revoke deletes the live sessions of a user, of all users who are deleted or
deactivated, or of everybody. It shows how many there are and asks first. Without a
terminal it wants --yes.

Django keeps no index of users. So revoke reads all live sessions, unless the session
table has a column of users of the site's own. A request that is under way can write a
session back, so revoke reads them again until none is left, three times at most. If
the last time still found some, the exit status is 1.

A session is deleted only if it is still what was read. If it belongs to another user
by then, it stays. If rows of another table point at a session, and the database does
not let its row go, revoke empties the session and lets it expire.

--inactive wants proof that the users' table is the site's: at least half of the newest
logins must fit it, by the password of the user. See [users] in djsess.toml, or
--settings.`,
		Example: `  djsess revoke --user 42
  djsess revoke --username alice --except 9f3c1a5e8b7d4026a1c3e5f7092b4d68
  djsess revoke --inactive --dry-run
  djsess revoke --all --yes`,
		Args: exactly(0, "want no arguments: say whose sessions by --user, --username, --inactive or --all"),
	}
	flags := addJobFlags(cmd, true)
	user := addUserFlags(cmd)
	inactive := cmd.Flags().Bool("inactive", false, "those of users who are deleted or deactivated")
	all := cmd.Flags().Bool("all", false, "those of everybody, visitors who are not logged in included")
	except := cmd.Flags().StringArray("except", nil, "keep the session of this whole `KEY`, such as your own; may be given several times")
	yes := cmd.Flags().Bool("yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		byID, byName, err := user.check(cmd)
		if err != nil {
			return err
		}
		given := 0
		for _, is := range []bool{byID, byName, *inactive, *all} {
			if is {
				given++
			}
		}
		if given != 1 {
			return usagef(cmd, "want one of --user, --username, --inactive and --all")
		}
		for _, key := range *except {
			if err := djsession.ValidateKey(key); err != nil {
				return usagef(cmd, "--except: %s: want a whole session key, such as 32 letters and digits", djsession.ShortKey(key))
			}
		}
		with := a.withWriter
		switch {
		case flags.dryRun:
			with = a.withStore
		case !*yes && !a.canAsk():
			return usagef(cmd, "--yes: it is needed if there is no terminal to ask on")
		}
		return with(cmd, func(ctx context.Context, s *site) error {
			var who *whose
			var err error
			switch {
			case *all:
				who = &whose{of: ops.EverySession, description: "of everybody"}
			case *inactive:
				var closeUsers func()
				if who, closeUsers, err = a.inactive(ctx, s); err == nil {
					defer closeUsers()
				}
			default:
				who, err = user.whose(ctx, s)
			}
			if err != nil {
				return err
			}
			job, report, err := a.job(cmd, flags, s.settings)
			if err != nil {
				return err
			}
			return a.revoke(ctx, s, report, who.description, *yes || flags.dryRun, ops.Revocation{
				Job: job, Of: who.of, UserID: who.userID,
				Except: func(key string) bool { return slices.Contains(*except, key) },
			})
		})
	}
	return cmd
}

// revoke counts the sessions and asks, unless that is agreed already, and revokes them.
func (a *app) revoke(ctx context.Context, s *site, report *jobReport, whose string, agreed bool, options ops.Revocation) error {
	if !agreed {
		rehearsal := options
		rehearsal.DryRun, rehearsal.Found = true, nil // the job itself reports them
		counted, err := ops.Revoke(ctx, s.Store, rehearsal)
		report.erase()
		switch {
		case err != nil:
			return hashedHint(err)
		case counted.Revoked > 0:
			question := fmt.Sprintf("%s of %s sessions are %s. Delete them?", thousands(counted.Revoked), thousands(counted.Read), whose)
			if err := a.ask(ctx, question); err != nil {
				return err
			}
		}
	}
	done, err := ops.Revoke(ctx, s.Store, options)
	revoked, read := "revoked", "sessions read, which are all live ones"
	if options.DryRun {
		revoked = "would be revoked"
	}
	if done.Column != "" {
		read = fmt.Sprintf("sessions read, by the column %q", done.Column)
	}
	report.extra = map[string]any{"passes": done.Passes} // it counts no sessions
	err = report.finish([]counter{
		{"read", done.Read, read},
		{"revoked", done.Revoked, revoked},
		{"emptied", done.Emptied, "of them stay as empty rows that have expired: rows of another table point at them"},
		{"excepted", done.Excepted, "kept by --except"},
		{"failed", done.Failed, "could not be deleted"},
		{"unreadable", done.Unreadable, "could not be read, and were passed over"},
		{"", int64(done.Passes), "passes"},
		{"left", done.Left, "found by the last pass, which some request may write back"},
	}, hashedHint(err))
	if err == nil && done.Revoked == 0 && !options.DryRun {
		a.complain("there are no sessions %s", whose)
	}
	if done.Left > 0 && (err == nil || errors.As(err, new(reported))) {
		a.complain("the last pass still found some: run it again")
		err = reported{failed}
	}
	return err
}

// hashedHint adds a hint for a store that cannot be searched.
func hashedHint(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return &hinted{err, "its sessions cannot be searched: a new SECRET_KEY ends the logins of everybody"}
	}
	return err
}

// inactive returns the sessions of users who are deleted or deactivated.
func (a *app) inactive(ctx context.Context, s *site) (*whose, func(), error) {
	auth, closeUsers, err := a.auth(s, "--inactive", true)
	if err != nil {
		return nil, nil, err
	}
	of, err := auth.FindInactive(ctx, s.Store)
	if err != nil {
		closeUsers()
		err = fmt.Errorf("--inactive: %w", err)
		if errors.Is(err, djauth.ErrOtherUsers) {
			err = &hinted{err, "nothing was revoked: check [users] in " + configName + ", or --settings (table, id, password, is_active, primary_key, backends, store), and the SECRET_KEY"}
		}
		return nil, nil, err
	}
	return &whose{of: of, description: "of users who are deleted or deactivated"}, closeUsers, nil
}

// canAsk reports whether there is a terminal to ask on.
func (a *app) canAsk() bool {
	in, ok := a.stdin.(*os.File)
	return ok && isatty.IsTerminal(in.Fd())
}

// ask asks on the terminal. Any answer but yes is an error.
func (a *app) ask(ctx context.Context, question string) error {
	fmt.Fprintf(a.stderr, "%s [y/N]\n", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.stdin).ReadString('\n')
		answer <- line
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
	}
	a.complain("nothing was revoked")
	return reported{failed}
}
