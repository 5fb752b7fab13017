package djsession

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/internal/eventlimit"
)

// Phase is how far a move of a live site's sessions from an old store to a new one has come. Roll the
// phases out one after the other. Processes in neighbouring phases see the same sessions.
type Phase int

const (
	// ReadOldUpdateNew reads the old store. A save also updates the copy in the new store, if there
	// is one, and creates none: processes that know only the old store are still running, and
	// would not update it.
	ReadOldUpdateNew Phase = iota + 1
	// ReadOldWriteBoth reads the old store. Each save also reaches the new store. "djsess migrate" copies the
	// other sessions in this phase, in which nobody reads the new store.
	ReadOldWriteBoth
	// ReadNewElseOld reads the new store, and the old one if the new one does not have the session.
	ReadNewElseOld
	// ReadNewWriteBoth reads the new store. Each save also reaches the old store, for the processes in
	// the phase before. Processes that know only the new store may run beside this phase: it never reads
	// the old store, where they delete nothing.
	ReadNewWriteBoth
)

// Transition returns a store that moves a live site's sessions from one store to another. docs/moving
// has the recipe. transition.py there is the same for Django, with the same phases.
//
// The store that a session was read from decides about it: a save is compared with what that
// store holds. Then the session is copied to the other store. A deletion removes it from both. So a save
// takes four round trips, and fails if either store is down. If the copy fails after the save, the
// error is an ErrOutcomeUnknown.
//
// A session that the other store cannot hold, such as a datetime where SESSION_SERIALIZER is JSON, is
// removed there, and a warning is logged.
//
// Both stores need the settings of one site, and must read where they write: a replica that lags
// behind would be copied. If exactly one of them is an SQLStore, so is the transition, and package
// djauth finds the users there. The transition's Close closes both.
func Transition(from, to Store, phase Phase) (Store, error) {
	if phase < ReadOldUpdateNew || phase > ReadNewWriteBoth {
		return nil, fmt.Errorf("djsession: transition: there is no phase %d", phase)
	}
	t := &transition{phase: phase}
	var err error
	if t.old, err = newSide("old", from); err != nil {
		return nil, err
	}
	if t.new, err = newSide("new", to); err != nil {
		return nil, err
	}
	if reflect.TypeOf(from).Comparable() && from == to {
		return nil, errors.New("djsession: transition: the old store is the new store")
	}
	if a, b := from.Settings(), to.Settings(); a.SecretKey != b.SecretKey || a.DjangoVersion != b.DjangoVersion || a.SessionCookieAge != b.SessionCookieAge {
		return nil, errors.New("djsession: transition: the two stores have other settings: SECRET_KEY, DJANGO_VERSION or SESSION_COOKIE_AGE differs")
	}
	// If both are in databases, nobody can tell where the users are.
	oldSQL, oldIsSQL := from.(SQLStore)
	newSQL, newIsSQL := to.(SQLStore)
	switch {
	case oldIsSQL && !newIsSQL:
		return &sqlTransition{t, oldSQL}, nil
	case newIsSQL && !oldIsSQL:
		return &sqlTransition{t, newSQL}, nil
	}
	return t, nil
}

// transition is a Store over two stores.
type transition struct {
	phase    Phase
	old, new *side
	keyShown atomic.Bool // a signed store has shown that SECRET_KEY is the site's
	warnings eventlimit.Limit[string]
}

// sqlTransition is a transition with the database of one of its stores.
type sqlTransition struct {
	*transition
	SQLStore
}

// side is one of the two stores.
type side struct {
	Store
	deleter UnchangedDeleter
	name    string
}

var (
	_ UnchangedDeleter = (*transition)(nil)
	_ Scanner          = (*transition)(nil)
	_ ExpiryReader     = (*transition)(nil)
	_ Checker          = (*transition)(nil)
	_ Examiner         = (*transition)(nil)
	_ UnsignedStore    = (*transition)(nil)
	_ Sharded          = (*transition)(nil)
)

func newSide(name string, store Store) (*side, error) {
	if store == nil || store.Settings() == nil {
		return nil, fmt.Errorf("djsession: transition: the %s store is missing, or has no settings", name)
	}
	if s, ok := store.(SelfContained); ok && s.KeyIsSession() {
		return nil, fmt.Errorf("djsession: transition: the %s store keeps sessions in their keys, which no other store can do", name)
	}
	deleter, ok := store.(UnchangedDeleter)
	if !ok {
		return nil, fmt.Errorf("djsession: transition: the %s store is no UnchangedDeleter", name)
	}
	return &side{store, deleter, name}, nil
}

// readers returns the stores that are read, in this order.
func (t *transition) readers() []*side {
	switch t.phase {
	case ReadOldUpdateNew, ReadOldWriteBoth:
		return []*side{t.old}
	case ReadNewElseOld:
		return []*side{t.new, t.old}
	}
	return []*side{t.new}
}

// first is the store that is read first. It decides about a new session.
func (t *transition) first() *side { return t.readers()[0] }

func (t *transition) other(s *side) *side {
	if s == t.old {
		return t.new
	}
	return t.old
}

// sideVersion is the Version of a record of a transition.
type sideVersion struct {
	side    *side
	version any
}

// seen returns a record of a store as one of the transition.
func seen(s *side, r *Record) *Record {
	if r == nil || r.Version == nil {
		return r
	}
	copied := *r
	copied.Version = sideVersion{s, r.Version}
	return &copied
}

// base returns a record of the transition as one of the store s.
func base(s *side, r *Record) *Record {
	copied := *r
	copied.Version = nil
	if v, ok := r.Version.(sideVersion); ok && v.side == s {
		copied.Version = v.version
	}
	return &copied
}

// deciders returns the store that decides about a session that was loaded. If the record does not say
// which one that is, deciders returns those that may have it.
func (t *transition) deciders(r *Record) []*side {
	if v, ok := r.Version.(sideVersion); ok {
		return []*side{v.side}
	}
	return t.readers()
}

// passOn returns an error of a store, and makes the session in a conflict one of the transition.
func passOn(s *side, err error) error {
	var conflict *ConflictError
	if !errors.As(err, &conflict) {
		return err
	}
	e := &OpError{Store: "djsession", Op: "replace", Key: ShortKey(conflict.Current.Key)}
	var op *OpError
	if errors.As(err, &op) {
		*e = *op
	}
	e.Err = &ConflictError{Current: seen(s, conflict.Current)}
	return e
}

// Load returns the session from the first store that has it.
func (t *transition) Load(ctx context.Context, key string) (r *Record, err error) {
	for i, s := range t.readers() {
		r, err = s.Load(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil:
			return r, err
		case i > 0:
			t.warn(ctx, key, "a session is only in the old store: has migrate run?")
			// It shows that the old store is the site's, and nothing about the new one. So it
			// has no Version, and a Manager does not take it for a proof.
			r.Version = nil
			return r, nil
		}
		return seen(s, r), nil
	}
	return nil, err
}

// Create stores a new session in both stores. A key is taken if either store has it.
func (t *transition) Create(ctx context.Context, key string, v *Values, expires time.Time) (*Record, error) {
	from := t.first()
	to := t.other(from)
	copies, err := t.mayCopy(ctx, from, to, nil)
	if err != nil {
		return nil, copyError("create", key, to, err)
	}
	r, err := from.Create(ctx, key, v, expires)
	if err != nil || !copies {
		return seen(from, r), err
	}
	ctx = context.WithoutCancel(ctx) // the session is stored, so it must get its copy
	_, err = to.Create(ctx, r.Key, r.Values, r.Expires)
	switch {
	case err == nil:
	case cannotHold(err):
		t.warnCannotHold(ctx, to, r.Key, err)
	default:
		from.deleter.DeleteUnchanged(ctx, r) // nobody knows its key yet
		return nil, copyError("create", r.Key, to, err)
	}
	return seen(from, r), nil
}

// Replace stores v in place of old in the store that decides, and then copies it.
func (t *transition) Replace(ctx context.Context, old *Record, v *Values, expires time.Time) (*Record, error) {
	var err error
	for _, from := range t.deciders(old) {
		var r *Record
		r, err = t.replace(ctx, from, old, v, expires)
		if !errors.Is(err, ErrNotFound) {
			return seen(from, r), err
		}
	}
	return nil, err
}

func (t *transition) replace(ctx context.Context, from *side, old *Record, v *Values, expires time.Time) (*Record, error) {
	to := t.other(from)
	// Ask the other store first: if it is down, or its copy cannot be trusted, nothing is written.
	there, err := to.Load(ctx, old.Key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, copyError("replace", old.Key, to, err)
	}
	copies, err := t.mayCopy(ctx, from, to, there)
	if err != nil {
		return nil, copyError("replace", old.Key, to, err)
	}
	r, err := from.Replace(ctx, base(from, old), v, expires)
	if err != nil {
		return nil, passOn(from, err)
	}
	if err := t.copy(context.WithoutCancel(ctx), from, to, r, there, copies); err != nil {
		return nil, err
	}
	return r, nil
}

// Delete removes the session from both stores. The other store comes first: if it is down, nothing is
// removed from the one that decides, and the caller can try again. It comes last, too, because a
// concurrent save may have copied the session in between.
func (t *transition) Delete(ctx context.Context, key string) error {
	from := t.first()
	to := t.other(from)
	var missing, emptied error
	removed := false
	for _, s := range []*side{to, from, to} {
		err := s.Delete(ctx, key)
		switch {
		case err == nil:
			removed = true
		case errors.Is(err, ErrEmptied):
			emptied = err
		case !errors.Is(err, ErrNotFound):
			return err
		case s == from:
			missing = err
		}
		if s == from {
			ctx = context.WithoutCancel(ctx)
		}
	}
	if emptied != nil || removed {
		return emptied
	}
	return missing
}

// DeleteUnchanged removes old from both stores if the store that decides still holds it.
func (t *transition) DeleteUnchanged(ctx context.Context, old *Record) (err error) {
	for _, from := range t.deciders(old) {
		to := t.other(from)
		if _, err := to.Load(ctx, old.Key); isDown(err) { // then nothing is removed
			return copyError("delete", old.Key, to, err)
		}
		err = from.deleter.DeleteUnchanged(ctx, base(from, old))
		switch {
		case errors.Is(err, ErrNotFound):
			continue
		case err != nil && !errors.Is(err, ErrEmptied):
			return passOn(from, err)
		}
		if copyErr := to.Delete(context.WithoutCancel(ctx), old.Key); copyErr != nil && !errors.Is(copyErr, ErrNotFound) {
			if errors.Is(copyErr, ErrEmptied) {
				return copyErr
			}
			return copyError("delete", old.Key, to, fmt.Errorf("%w: %w", ErrOutcomeUnknown, copyErr))
		}
		return err
	}
	return err
}

// Settings returns a copy of the settings of the store that is read first.
func (t *transition) Settings() *Settings { return t.first().Settings() }

// Close closes both stores.
func (t *transition) Close() error {
	var errs []error
	for _, s := range []*side{t.old, t.new} {
		if c, ok := s.Store.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
