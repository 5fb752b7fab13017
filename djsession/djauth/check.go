package djauth

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/djsess/djsess/djsession"
)

// Check is for start-up, after Manager.Check. It returns an error if visitors of the site
// would be anonymous here:
//
//   - The table of users or a column of UserModel does not exist, or the primary key is of
//     another type than UserModel.PrimaryKey. (Other Users than SQLUsers are checked if
//     they have a method Check(context.Context) error.)
//   - The newest live sessions of the manager's store name users, and User would accept
//     none of them.
//
// It tells the manager's Observer, as a djsession.EventCheck, if there is no such session to
// look at, and if some are not accepted for a reason that a wrong setting may have. Check
// looks at no more than 100 logins, and writes nothing.
func (a *Auth) Check(ctx context.Context, manager *djsession.Manager) error {
	err := a.settingsError()
	if checker, ok := a.users.(interface{ Check(context.Context) error }); ok && err == nil {
		err = checker.Check(ctx)
	}
	if err == nil {
		err = a.checkLogins(ctx, manager)
	}
	if err != nil {
		return fmt.Errorf("djauth: check: %w", err)
	}
	return nil
}

// UsersCheck is Event.Check of what Check tells the Observer.
const UsersCheck = "users"

const (
	maxLogins   = 100
	maxSessions = 1000 // most sessions of a site may be anonymous visitors'
)

// checkLogins checks whether User would accept the users whom the newest sessions name.
func (a *Auth) checkLogins(ctx context.Context, manager *djsession.Manager) error {
	found, err := a.sampleLogins(ctx, manager.Store())
	if err != nil {
		return err
	}
	var suspicious []error
	switch {
	case found.total == 0:
		suspicious = []error{errNoLogins}
	case found.accepted == 0:
		return fmt.Errorf("every visitor would be anonymous here: %w", found.failure())
	default:
		suspicious = found.suspicious()
	}
	for _, err := range suspicious {
		if manager.Observer != nil {
			manager.Observer(ctx, djsession.Event{Kind: djsession.EventCheck, Check: UsersCheck, Err: fmt.Errorf("djauth: check: %w", err)})
		}
	}
	return nil
}

// sampleLogins looks at the users whom the newest sessions of a store name.
func (a *Auth) sampleLogins(ctx context.Context, store djsession.Store) (found logins, err error) {
	for record, err := range newestLogins(ctx, store) {
		if err != nil {
			return found, fmt.Errorf("read the newest sessions: %w", err)
		}
		user, why, err := a.findUser(ctx, record.Values)
		if err != nil {
			return found, err
		}
		if why == nil {
			why, err = a.acceptUser(store.Settings(), record.Values, user)
		}
		if err != nil {
			why = &refused{failedHook, err}
		}
		found.add(record.Key, why)
	}
	return found, nil
}

var errNoLogins = errors.New("no live session names a user, or the store cannot list its sessions: " +
	"the check cannot tell whether the users and their session auth hashes are the site's")

// newestLogins yields the newest live sessions that name a user. It leaves out the sessions
// that do not open, which Manager.Check reports. A store that cannot be enumerated has none.
func newestLogins(ctx context.Context, store djsession.Store) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		scanner, ok := store.(djsession.Scanner)
		if !ok {
			return
		}
		sessions, logins := 0, 0
		for r, err := range scanner.Scan(ctx, djsession.Range{Newest: maxSessions}) {
			switch {
			case errors.Is(err, errors.ErrUnsupported):
				return
			case r == nil:
				yield(nil, err)
				return
			case err == nil && r.Values.Has(idName):
				logins++
				if !yield(r, nil) {
					return
				}
			}
			if sessions++; sessions == maxSessions || logins == maxLogins {
				return
			}
		}
	}
}

// failedHook is the kind of a login that no refusal ends, but an error of a hook.
const failedHook refusal = "hook"

// logins counts what became of the logins that Check looked at.
type logins struct {
	total, accepted int
	failed          []failedLogins
}

// failedLogins are the logins that were refused for one reason.
type failedLogins struct {
	count int
	key   string // of the first one
	first *refused
}

func (l *logins) add(key string, why *refused) {
	l.total++
	if why == nil {
		l.accepted++
		return
	}
	for i := range l.failed {
		if l.failed[i].first.kind == why.kind {
			l.failed[i].count++
			return
		}
	}
	l.failed = append(l.failed, failedLogins{1, key, why})
}

// failure returns all reasons as one error.
func (l *logins) failure() error {
	err := l.describe(l.failed[0])
	for _, f := range l.failed[1:] {
		err = fmt.Errorf("%w; %w", err, l.describe(f))
	}
	return err
}

// suspicious returns the reasons that may come from a wrong setting. Some users are deleted or
// deactivated, and some change their passwords. If these are most of them, that is suspicious,
// too.
func (l *logins) suspicious() (errs []error) {
	for _, f := range l.failed {
		switch f.first.kind {
		case refusedNoUser, refusedUser, refusedHash:
			if f.count*2 <= l.total {
				continue
			}
		}
		errs = append(errs, l.describe(f))
	}
	return errs
}

func (l *logins) describe(f failedLogins) error {
	return fmt.Errorf("the visitors of %d of %d sessions that name a user are anonymous here, such as that of session %s: %w",
		f.count, l.total, djsession.ShortKey(f.key), f.first.reason)
}
