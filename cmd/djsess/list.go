package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/internal/sessionuser"
)

func (a *app) listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List sessions",
		Long: `List shows the live sessions in the order in which the store returns them.

Memcached cannot list its sessions. A file cache keeps only hashes of its keys: list
shows the names of the files, and takes every dict in them for a session.

The columns are key, user, expires and values (how many there are), and username, if
[users] or --settings say where the users are and that is the database of the
sessions. --columns also takes size (in bytes, before compression), saved (when the
session was signed) and names (those of the values). -o json has no columns, and the
values themselves.

--sort takes key, user, expires, values, size and saved. It needs --limit, and then
keeps so many sessions in memory. A database sorts by expires, and by key, without it.

If a payload cannot be trusted, list names the session on stderr and goes on. The
exit status is then 4.`,
		Example: `  djsess list --limit 20
  djsess list --user 42
  djsess list --username alice
  djsess list --anonymous --has cart --expires-before 24h
  djsess list --columns key,size,names
  djsess list --sort=-size --limit 20 --columns key,username,size
  djsess list --all -o json | jq -r 'select(.user_id == null) | .key'`,
		Args: exactly(0, "want no arguments"),
	}
	var l lister
	output := addOutputFlag(cmd)
	user := addUserFlags(cmd)
	l.filter = addListFilter(cmd)
	cmd.Flags().Var(&l.columns, "columns", "show the columns `NAMES`, with commas between (default: key,user,expires,values)")
	cmd.Flags().Var(&l.sort, "sort", "sort by `COLUMN`, or by -COLUMN with the largest first (default: the order of the store)")
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
			l.app, l.site, l.out, l.hints.app = a, s, bufio.NewWriterSize(a.stdout, 64<<10), a
			var err error
			if l.isTheirs, err = user.areTheirs(ctx, s); err != nil {
				return err
			}
			if !l.sort.isStores(s.Store) && (l.limit == 0 || l.limit > mostSorted) {
				return usagef(cmd, "--sort %s: want --limit N, %s at most, because %s does not list its sessions in this order", l.sort.column, thousands(mostSorted), s)
			}
			closeNames, err := l.openNames()
			if err != nil {
				return err
			}
			defer closeNames()
			return l.list(ctx)
		})
	}
	return cmd
}

// lister prints sessions while it reads them.
type lister struct {
	app  *app
	site *site
	out  *bufio.Writer
	// isTheirs reports whether a session is that of the user whose sessions are listed; nil lists
	// all. noneFound, if not "", is the message for an empty list.
	isTheirs  func(*djsession.Values) bool
	filter    *listFilter
	noneFound string
	columns   columnsFlag
	sort      sortFlag
	all       bool
	limit     int // 0: no limit
	asJSON    bool
	names     *usernames // nil: they are not shown
	mustName  bool       // they are asked for, so that it is an error if they cannot be had

	mu      sync.Mutex // the goroutine that flushes prints, too
	waiting []*djsession.Record
	found   int
	listed  int
	bad     int
	hints   hints // about the unreadable sessions
}

func (l *lister) list(ctx context.Context) error {
	if _, err := l.site.scanner(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := l.flushOften(ctx, cancel)
	err := l.search(ctx)
	stop()
	if flushErr := l.flush(context.WithoutCancel(ctx)); err == nil {
		err = flushErr
	}
	cancel(nil)
	if err != nil {
		return err
	}
	if l.listed == 0 && l.bad == 0 && !l.asJSON {
		l.app.advise(l.emptyMessage())
		l.app.advise(l.site.cacheHint())
	}
	return l.summarize()
}

// search finds the sessions.
func (l *lister) search(ctx context.Context) error {
	search := ops.Search{Expired: l.all}
	if l.isTheirs != nil || l.filter.isSet() {
		search.Fits = l.fits
	}
	var first *firstSessions
	switch {
	case !l.sort.isStores(l.site.Store):
		first = &firstSessions{by: &l.sort, limit: l.limit}
		search.Fits = func(r *djsession.Record) bool {
			if l.fits(r) {
				first.add(r)
			}
			return false
		}
	case l.sort.column == "expires":
		search.ByExpiry, search.LastFirst = true, l.sort.down
	}
	for r, err := range ops.Find(ctx, l.site.Store, search) {
		var payload *djsession.PayloadError
		switch {
		case errors.As(err, &payload) && r != nil:
			l.complain(r, err)
		case err != nil:
			return err
		default:
			if err := l.add(ctx, r); err != nil {
				return err
			}
			if l.found++; l.found == l.limit {
				return nil
			}
		}
	}
	if first != nil {
		for _, r := range first.sorted() {
			if err := l.add(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// openNames opens the names of the users, if they are shown.
func (l *lister) openNames() (closeNames func(), err error) {
	l.mustName = slices.ContainsFunc(l.columns, isUsername)
	beside := len(l.columns) == 0 && l.site.hasUsersBeside()
	if len(l.columns) == 0 {
		l.columns = defaultColumns(beside)
	}
	if !l.mustName && !beside {
		return func() {}, nil
	}
	if l.names, err = l.site.usernames("the column username"); err != nil {
		return nil, err
	}
	return l.names.close, nil
}

// fits reports whether a session is one of those to list.
func (l *lister) fits(r *djsession.Record) bool {
	return (l.isTheirs == nil || l.isTheirs(r.Values)) && l.filter.fits(r, l.site.settings.Now())
}

// flushOften prints what waits while the search goes on, for a person who watches. stop ends that.
func (l *lister) flushOften(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	const interval = 50 * time.Millisecond
	ticks := time.NewTicker(interval)
	var flushing sync.WaitGroup
	stopped := make(chan struct{})
	flushing.Go(func() {
		for {
			select {
			case <-stopped:
				return
			case <-ticks.C:
				if err := l.flush(ctx); err != nil {
					cancel(err)
					return
				}
			}
		}
	})
	return func() {
		close(stopped)
		ticks.Stop()
		flushing.Wait()
	}
}

// mostWaiting is how many sessions wait for the names of their users.
const mostWaiting = 100

// add prints a session, now or with the next ones.
func (l *lister) add(ctx context.Context, r *djsession.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, r)
	if l.names != nil && len(l.waiting) < mostWaiting {
		return nil
	}
	return l.printWaiting(ctx)
}

// flush prints what waits and flushes the output.
func (l *lister) flush(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.printWaiting(ctx); err != nil {
		return err
	}
	return l.out.Flush()
}

// printWaiting prints what waits, with the names of the users. The caller holds the lock.
func (l *lister) printWaiting(ctx context.Context) error {
	waiting := l.waiting
	l.waiting = nil
	var names map[string]string
	if l.names != nil {
		var err error
		switch names, err = l.names.of(ctx, waiting); {
		case err != nil && ctx.Err() != nil:
			l.waiting = waiting // they are printed at the end
			return context.Cause(ctx)
		case err != nil && l.mustName:
			return err
		case err != nil:
			l.app.complain("warning: %s", message(err))
			l.names = nil
		}
	}
	for _, r := range waiting {
		id, _ := sessionuser.ID(r.Values)
		name := names[id]
		if l.names == nil {
			name = id // it is not known whether there is such a user
		}
		if err := l.print(listed{r, name}); err != nil {
			return err
		}
	}
	return nil
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

func (l *lister) print(r listed) error {
	defer func() { l.listed++ }()
	if l.asJSON {
		var username []byte
		switch {
		case l.names == nil:
		case r.username == "":
			username = []byte(`,"username":null`)
		default:
			username = appendText([]byte(`,"username":`), r.username)
		}
		_, err := l.out.Write(appendEntry(l.out.AvailableBuffer(), r.Record, l.site.settings.Now(), username...))
		return err
	}
	if l.listed == 0 {
		fmt.Fprintln(l.out, l.columns.head())
	}
	note := ""
	if isExpired(r.Record, l.site.settings.Now()) {
		note = "  expired"
	}
	_, err := fmt.Fprintln(l.out, l.columns.row(r)+note)
	return err
}
