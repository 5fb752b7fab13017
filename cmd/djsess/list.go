package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

func (a *app) listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List sessions",
		Long: `List shows the live sessions in the order in which the store returns them.

Memcached cannot list its sessions. A file cache keeps only hashes of its keys: list
shows the names of the files, and takes every dict in them for a session.

The columns are key, user, expires and values (how many there are); --columns also
takes size (in bytes, before compression), saved (when the session was signed) and
names (those of the values). -o json has no columns, and the values themselves.

If a payload cannot be trusted, list names the session on stderr and goes on. The
exit status is then 4.`,
		Example: `  djsess list --limit 20
  djsess list --user 42
  djsess list --username alice
  djsess list --anonymous --has cart --expires-before 24h
  djsess list --columns key,size,names
  djsess list --all -o json | jq -r 'select(.user_id == null) | .key'`,
		Args: exactly(0, "want no arguments"),
	}
	var l lister
	output := addOutputFlag(cmd)
	user := addUserFlags(cmd)
	l.filter = addListFilter(cmd)
	l.columns = defaultColumns()
	cmd.Flags().Var(&l.columns, "columns", "show the columns `NAMES`, with commas between (default: key,user,expires,values)")
	cmd.Flags().BoolVar(&l.all, "all", false, "also those that have expired and are still stored")
	cmd.Flags().IntVar(&l.limit, "limit", 0, "stop after `N` (default: no limit)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if l.limit < 0 {
			return usagef(cmd, "--limit: want a whole number, and not a negative one")
		}
		if cmd.Flags().Changed("columns") && *output == asJSON {
			return usagef(cmd, "--columns and -o json: choose one")
		}
		byID, byName, err := user.check(cmd)
		if err == nil {
			err = l.filter.check(cmd, byID || byName)
		}
		switch {
		case err != nil:
			return err
		case l.filter.isSet():
			l.noneFound = "no such sessions"
		case byID:
			l.noneFound = "no sessions of the user with this ID (for a name there is --username)"
		case byName:
			l.noneFound = "no sessions of this user"
		}
		l.asJSON = *output == asJSON
		return a.withStore(cmd, func(ctx context.Context, s *site) error {
			l.app, l.site, l.out, l.hints.app = a, s, newStream(a.stdout), a
			var err error
			if l.isTheirs, err = user.areTheirs(ctx, s); err != nil {
				return err
			}
			return l.list(ctx)
		})
	}
	return cmd
}

// lister prints sessions while it reads them.
type lister struct {
	app  *app
	site *site
	out  *stream
	// isTheirs reports whether a session is that of the user whose sessions are listed; nil lists
	// all. noneFound, if not "", is the message for an empty list.
	isTheirs  func(*djsession.Values) bool
	filter    *listFilter
	noneFound string
	columns   columnsFlag
	all       bool
	limit     int // 0: no limit
	asJSON    bool
	listed    int
	bad       int
	hints     hints // about the unreadable sessions
}

func (l *lister) list(ctx context.Context) error {
	scanner, err := l.site.scanner()
	if err != nil {
		return err
	}
	for r, err := range scanner.Scan(ctx, djsession.Range{Expired: l.all}) {
		var payload *djsession.PayloadError
		switch {
		case errors.As(err, &payload) && r != nil:
			l.complain(r, err)
		case err != nil:
			l.out.Flush()
			return err
		case (l.isTheirs == nil || l.isTheirs(r.Values)) && l.filter.fits(r, l.site.settings.Now()):
			if err := l.print(r); err != nil {
				return err
			}
			l.listed++
		}
		if l.listed == l.limit && l.limit > 0 {
			break
		}
		if err := l.out.tick(); err != nil {
			return err
		}
	}
	if err := l.out.Flush(); err != nil {
		return err
	}
	if l.listed == 0 && l.bad == 0 && !l.asJSON {
		l.app.advise(l.emptyMessage())
		l.app.advise(l.site.cacheHint())
	}
	return l.summarize()
}

// emptyMessage returns the message for an empty list, which could look like a failure.
func (l *lister) emptyMessage() string {
	switch {
	case l.noneFound != "":
		return l.noneFound
	case l.all:
		return "no sessions"
	}
	return "no live sessions"
}

// mostNamed is how many unreadable sessions are reported one by one. The rest are counted.
const mostNamed = 10

func (l *lister) complain(r *djsession.Record, err error) {
	l.bad++
	l.hints.add(withHint(err, l.site.settings))
	if l.bad <= mostNamed {
		l.app.complain("%s: %s", djsession.ShortKey(shownKey(r)), reason(err))
	}
}

// summarize prints how many sessions could not be read, and what to do about it.
func (l *lister) summarize() error {
	if l.bad == 0 {
		return nil
	}
	if l.bad > mostNamed {
		l.app.complain("and %d more", l.bad-mostNamed)
	}
	l.hints.print()
	return reported{untrusted}
}

func (l *lister) print(r *djsession.Record) error {
	if l.asJSON {
		_, err := l.out.Write(appendEntry(l.out.AvailableBuffer(), r, l.site.settings.Now()))
		return err
	}
	if l.listed == 0 {
		fmt.Fprintln(l.out, l.columns.head())
	}
	note := ""
	if isExpired(r, l.site.settings.Now()) {
		note = "  expired"
	}
	_, err := fmt.Fprintln(l.out, l.columns.row(r)+note)
	return err
}
