package djsessiontest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/scanning"
	"github.com/djsess/djsess/internal/secret"
)

// Store is a djsession.Store in memory. It keeps all promises of a Store: sessions are
// signed, expire by the clock of the settings, and are replaced only if they are unchanged.
type Store struct {
	settings func() *djsession.Settings // fmt prints no secrets of a func
	codec    djsession.Codec
	*table
}

type table struct {
	mu      sync.Mutex
	rows    map[string]row
	version int // of the row that was written last
}

// row is a session as it is stored.
type row struct {
	payload []byte
	expires time.Time
	version int
}

var (
	_ djsession.Store            = (*Store)(nil)
	_ djsession.UnchangedDeleter = (*Store)(nil)
	_ djsession.Scanner          = (*Store)(nil)
)

// NewStore returns an empty store with these settings. If settings are nil, they are the
// defaults of Django 5.2 with a SECRET_KEY of their own. NewStore panics if the settings are
// not valid.
func NewStore(settings *djsession.Settings) *Store {
	if settings == nil {
		settings = must(djsession.NewSettings("5.2", "the SECRET_KEY of package djsessiontest"))
	}
	copied := *settings // later changes by the caller must not apply
	return &Store{
		settings: func() *djsession.Settings { return &copied },
		codec:    must(djsession.NewCodec(&copied)),
		table:    &table{rows: map[string]row{}},
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Settings returns a copy of the settings.
func (s *Store) Settings() *djsession.Settings {
	settings := *s.settings()
	return &settings
}

// String shows how many sessions there are, without their keys and values.
func (s Store) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("djsessiontest.Store with %d sessions", len(s.rows))
}

// Format is String, whatever the verb.
func (s Store) Format(f fmt.State, verb rune) { secret.Format(f, verb, s) }

// Load returns the live session of a key.
func (s *Store) Load(ctx context.Context, key string) (*djsession.Record, error) {
	const op = "load"
	if err := check(ctx, key); err != nil {
		return nil, failed(op, key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rows[key]
	if !ok || !s.isLive(r) {
		return nil, failed(op, key, djsession.ErrNotFound)
	}
	record, err := s.decode(key, r)
	if err != nil {
		return nil, failed(op, key, err)
	}
	return record, nil
}

// Create stores a new session. With an empty key the store chooses one.
func (s *Store) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	const op = "create"
	if key == "" {
		key = djsession.NewKey()
	}
	if err := check(ctx, key); err != nil {
		return nil, failed(op, key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.rows[key]; taken {
		return nil, failed(op, key, djsession.ErrKeyTaken)
	}
	return s.put(op, key, v, expires)
}

// Replace stores v in place of old if old is still what is stored.
func (s *Store) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	const op = "replace"
	if err := check(ctx, old.Key); err != nil {
		return nil, failed(op, old.Key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkUnchanged(old); err != nil {
		return nil, failed(op, old.Key, err)
	}
	if expires.Equal(djsession.KeepExpiry) {
		expires = old.Expires
	}
	return s.put(op, old.Key, v, expires)
}

// Delete removes the session of a key, expired or not.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := check(ctx, key); err != nil {
		return failed(op, key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.rows[key]; !ok {
		return failed(op, key, djsession.ErrNotFound)
	}
	delete(s.rows, key)
	return nil
}

// DeleteUnchanged removes old if it is still what is stored.
func (s *Store) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	const op = "delete"
	if err := check(ctx, old.Key); err != nil {
		return failed(op, old.Key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkUnchanged(old); err != nil {
		return failed(op, old.Key, err)
	}
	delete(s.rows, old.Key)
	return nil
}

// Scan yields the sessions of a range, by key, or by expiry if the newest are asked for. It
// yields those that were stored when the scan began.
func (s *Store) Scan(ctx context.Context, asked djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		const op = "scan"
		if err := asked.Validate(); err != nil {
			yield(nil, failed(op, "", err))
			return
		}
		s.mu.Lock()
		rows := maps.Clone(s.rows)
		s.mu.Unlock()
		maps.DeleteFunc(rows, func(key string, r row) bool {
			isElsewhere := asked.Newest <= 0 && !scanning.IsInPart(key, asked.Part, asked.Parts)
			return isElsewhere || !strings.HasPrefix(key, asked.Prefix) || !asked.Expired && !s.isLive(r)
		})
		keys := slices.Sorted(maps.Keys(rows))
		if asked.Newest > 0 {
			slices.SortStableFunc(keys, func(a, b string) int { return rows[b].expires.Compare(rows[a].expires) })
			keys = keys[:min(asked.Newest, len(keys))]
		}
		for _, key := range keys {
			if err := ctx.Err(); err != nil {
				yield(nil, failed(op, "", err))
				return
			}
			record, err := s.decode(key, rows[key])
			if err != nil {
				record, err = &djsession.Record{Key: key, Expires: rows[key].expires}, failed(op, key, err)
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

// checkUnchanged returns an error unless old is what is stored. The caller holds the lock.
func (s *Store) checkUnchanged(old *djsession.Record) error {
	r, ok := s.rows[old.Key]
	switch {
	case !ok:
		return djsession.ErrNotFound
	case old.Version == r.version:
		return nil
	case !s.isLive(r): // another writer has ended it
		return djsession.ErrNotFound
	}
	current, err := s.decode(old.Key, r)
	if err != nil {
		return err
	}
	return &djsession.ConflictError{Current: current}
}

// put stores values under a key. The caller holds the lock.
func (s *Store) put(op, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if v == nil {
		v = new(djsession.Values)
	}
	var err error
	if expires.IsZero() {
		if expires, err = s.settings().ExpiryDate(v, s.settings().Now()); err != nil {
			return nil, failed(op, key, err)
		}
	}
	if y := expires.Year(); y < 1 || y > 9999 {
		return nil, failed(op, key, fmt.Errorf("expiry in the year %d: %w", y, djsession.ErrInvalidExpiry))
	}
	payload, err := s.codec.Append(nil, v)
	if err != nil {
		return nil, failed(op, key, err)
	}
	s.version++
	r := row{payload: payload, expires: expires.UTC().Truncate(time.Microsecond), version: s.version}
	s.rows[key] = r
	return &djsession.Record{Key: key, Values: v.Clone(), Expires: r.expires, Version: r.version}, nil
}

func (s *Store) decode(key string, r row) (*djsession.Record, error) {
	v, origin, err := s.codec.Decode(r.payload)
	if err != nil {
		return nil, err
	}
	return &djsession.Record{Key: key, Values: v, Expires: r.expires, Origin: origin, Version: r.version}, nil
}

func (s *Store) isLive(r row) bool { return r.expires.After(s.settings().Now()) }

// check returns an error for a context that has ended or a key that no session can have.
func check(ctx context.Context, key string) error {
	return cmp.Or(ctx.Err(), djsession.ValidateKey(key))
}

func failed(op, key string, err error) error {
	return &djsession.OpError{Store: "djsessiontest", Op: op, Key: djsession.ShortKey(key), Err: err}
}
