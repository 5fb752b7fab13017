package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/djsession/storetest"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// broken is a store that breaks a promise. Functions that are nil break none.
type broken struct {
	*filestore.Store
	load            func(ctx context.Context, key string) (*djsession.Record, error)
	create          func(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error)
	replace         func(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error)
	delete          func(ctx context.Context, key string) error
	deleteUnchanged func(ctx context.Context, old *djsession.Record) error
	scan            func(yield func(*djsession.Record, error) bool, r djsession.Range)
	settings        func() *djsession.Settings
	clear           func(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error]
}

func (b *broken) Load(ctx context.Context, key string) (*djsession.Record, error) {
	if b.load != nil {
		return b.load(ctx, key)
	}
	return b.Store.Load(ctx, key)
}

func (b *broken) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if b.create != nil {
		return b.create(ctx, key, v, expires)
	}
	return b.Store.Create(ctx, key, v, expires)
}

func (b *broken) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if b.replace != nil {
		return b.replace(ctx, old, v, expires)
	}
	return b.Store.Replace(ctx, old, v, expires)
}

func (b *broken) Delete(ctx context.Context, key string) error {
	if b.delete != nil {
		return b.delete(ctx, key)
	}
	return b.Store.Delete(ctx, key)
}

func (b *broken) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	if b.deleteUnchanged != nil {
		return b.deleteUnchanged(ctx, old)
	}
	return b.Store.DeleteUnchanged(ctx, old)
}

func (b *broken) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	if b.scan != nil {
		return func(yield func(*djsession.Record, error) bool) { b.scan(yield, r) }
	}
	return b.Store.Scan(ctx, r)
}

func (b *broken) ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
	if b.clear != nil {
		return b.clear(ctx, r)
	}
	return b.Store.ClearExpired(ctx, r)
}

func (b *broken) Settings() *djsession.Settings {
	if b.settings != nil {
		return b.settings()
	}
	return b.Store.Settings()
}

// each passes on a scan, record by record.
func (b *broken) each(r djsession.Range, f func(*djsession.Record, error) bool) {
	for record, err := range b.Store.Scan(context.Background(), r) {
		if !f(record, err) {
			return
		}
	}
}

// defects are ways to break a promise, and the test that must find each.
var defects = map[string]struct {
	foundBy string
	in      func(b *broken, given *djsession.Settings)
}{
	"none": {"", func(*broken, *djsession.Settings) {}},
	"Replace overwrites a conflict": {"Conflict", func(b *broken, _ *djsession.Settings) {
		b.replace = func(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
			r, err := b.Store.Replace(ctx, old, v, expires)
			if conflict := new(djsession.ConflictError); errors.As(err, &conflict) {
				return b.Store.Replace(ctx, conflict.Current, v, expires)
			}
			return r, err
		}
	}},
	"Replace compares only the values": {"Conflict", func(b *broken, _ *djsession.Settings) {
		b.replace = func(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
			r, err := b.Store.Replace(ctx, old, v, expires)
			conflict := new(djsession.ConflictError)
			if !errors.As(err, &conflict) || v == nil {
				return r, err
			}
			written, _ := v.AppendPythonJSON(nil)
			there, _ := conflict.Current.Values.AppendPythonJSON(nil)
			if string(written) == string(there) {
				return conflict.Current, nil
			}
			return r, err
		}
	}},
	"a conflict without a record": {"Conflict", func(b *broken, _ *djsession.Settings) {
		b.replace = func(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
			r, err := b.Store.Replace(ctx, old, v, expires)
			if errors.Is(err, djsession.ErrConflict) {
				err = &djsession.OpError{Store: "x", Op: "replace", Key: djsession.ShortKey(old.Key), Err: djsession.ErrConflict}
			}
			return r, err
		}
	}},
	"Replace brings a deleted session back": {"Deleted", func(b *broken, _ *djsession.Settings) {
		b.replace = func(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
			r, err := b.Store.Replace(ctx, old, v, expires)
			if errors.Is(err, djsession.ErrNotFound) && old.Version != nil {
				return b.Store.Create(ctx, old.Key, v, expires)
			}
			return r, err
		}
	}},
	"Replace creates": {"Missing", func(b *broken, _ *djsession.Settings) {
		b.replace = func(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
			r, err := b.Store.Replace(ctx, old, v, expires)
			if errors.Is(err, djsession.ErrNotFound) && old.Version == nil {
				return b.Store.Create(ctx, old.Key, v, expires)
			}
			return r, err
		}
	}},
	"Create overwrites": {"TakenKey", func(b *broken, _ *djsession.Settings) {
		b.create = func(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
			r, err := b.Store.Create(ctx, key, v, expires)
			if errors.Is(err, djsession.ErrKeyTaken) {
				b.Store.Delete(ctx, key)
				return b.Store.Create(ctx, key, v, expires)
			}
			return r, err
		}
	}},
	"Create takes the key of an expired session": {"Expired", func(b *broken, _ *djsession.Settings) {
		b.create = func(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
			r, err := b.Store.Create(ctx, key, v, expires)
			if errors.Is(err, djsession.ErrKeyTaken) {
				if _, loadErr := b.Store.Load(ctx, key); errors.Is(loadErr, djsession.ErrNotFound) {
					b.Store.Delete(ctx, key)
					return b.Store.Create(ctx, key, v, expires)
				}
			}
			return r, err
		}
	}},
	"Create without a choice of a key": {"Operations", func(b *broken, _ *djsession.Settings) {
		b.create = func(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
			if key == "" {
				key = "alwaysthesamekey"
			}
			return b.Store.Create(ctx, key, v, expires)
		}
	}},
	"an expiry is ignored": {"Expires", func(b *broken, _ *djsession.Settings) {
		b.create = func(ctx context.Context, key string, v *djsession.Values, _ time.Time) (*djsession.Record, error) {
			return b.Store.Create(ctx, key, v, time.Time{})
		}
	}},
	"a clock of its own": {"Clock", func(b *broken, given *djsession.Settings) {
		settings := *given
		settings.Now = time.Now
		var err error
		if b.Store, err = filestore.New(filestore.Config{Dir: b.Dir(), Settings: &settings}); err != nil {
			panic(err)
		}
	}},
	"Load of damage is an empty session": {"Damage", func(b *broken, _ *djsession.Settings) {
		b.load = func(ctx context.Context, key string) (*djsession.Record, error) {
			r, err := b.Store.Load(ctx, key)
			if errors.As(err, new(*djsession.PayloadError)) {
				return &djsession.Record{Key: key, Values: new(djsession.Values)}, nil
			}
			return r, err
		}
	}},
	"Load of damage is not found": {"Damage", func(b *broken, _ *djsession.Settings) {
		b.load = func(ctx context.Context, key string) (*djsession.Record, error) {
			r, err := b.Store.Load(ctx, key)
			if errors.As(err, new(*djsession.PayloadError)) {
				err = fmt.Errorf("%w: %w", djsession.ErrNotFound, err)
			}
			return r, err
		}
	}},
	"Delete of nothing succeeds": {"Missing", func(b *broken, _ *djsession.Settings) {
		b.delete = func(ctx context.Context, key string) error {
			if err := b.Store.Delete(ctx, key); !errors.Is(err, djsession.ErrNotFound) {
				return err
			}
			return nil
		}
	}},
	"DeleteUnchanged deletes what was changed": {"DeleteUnchanged", func(b *broken, _ *djsession.Settings) {
		b.deleteUnchanged = func(ctx context.Context, old *djsession.Record) error { return b.Store.Delete(ctx, old.Key) }
	}},
	"an invalid key is not found": {"InvalidKeys", func(b *broken, _ *djsession.Settings) {
		b.load = func(ctx context.Context, key string) (*djsession.Record, error) {
			r, err := b.Store.Load(ctx, key)
			if errors.Is(err, djsession.ErrInvalidKey) {
				err = fmt.Errorf("%w: %w", djsession.ErrNotFound, err)
			}
			return r, err
		}
	}},
	"an ended context does not count": {"EndedContext", func(b *broken, _ *djsession.Settings) {
		b.load = func(ctx context.Context, key string) (*djsession.Record, error) {
			return b.Store.Load(context.WithoutCancel(ctx), key)
		}
	}},
	"an error with the whole key": {"Missing", func(b *broken, _ *djsession.Settings) {
		b.delete = func(ctx context.Context, key string) error {
			if err := b.Store.Delete(ctx, key); err != nil {
				return fmt.Errorf("session %s: %w", key, err)
			}
			return nil
		}
	}},
	"an error that is no OpError": {"Missing", func(b *broken, _ *djsession.Settings) {
		b.delete = func(ctx context.Context, key string) error {
			err := b.Store.Delete(ctx, key)
			if op := new(djsession.OpError); errors.As(err, &op) {
				return op.Err
			}
			return err
		}
	}},
	"changed values are lost": {"Values", func(b *broken, _ *djsession.Settings) {
		b.load = func(ctx context.Context, key string) (*djsession.Record, error) {
			r, err := b.Store.Load(ctx, key)
			if err == nil && r.Values.Has("float") {
				r.Values.Set("float", 1)
			}
			return r, err
		}
	}},
	"the caller's settings are shared": {"Settings", func(b *broken, given *djsession.Settings) {
		b.settings = func() *djsession.Settings { return given }
	}},
	"no Origin": {"Origin", func(b *broken, _ *djsession.Settings) {
		b.load = func(ctx context.Context, key string) (*djsession.Record, error) {
			r, err := b.Store.Load(ctx, key)
			if err == nil {
				r.Origin = djsession.Origin{}
			}
			return r, err
		}
	}},
	"Scan ends at damage": {"ScanDamage", func(b *broken, _ *djsession.Settings) {
		b.scan = func(yield func(*djsession.Record, error) bool, r djsession.Range) {
			b.each(r, func(record *djsession.Record, err error) bool { return yield(record, err) && err == nil })
		}
	}},
	"Scan passes by damage": {"ScanDamage", func(b *broken, _ *djsession.Settings) {
		b.scan = func(yield func(*djsession.Record, error) bool, r djsession.Range) {
			b.each(r, func(record *djsession.Record, err error) bool {
				return errors.As(err, new(*djsession.PayloadError)) || yield(record, err)
			})
		}
	}},
	"Scan ignores the prefix": {"ScanRange", func(b *broken, _ *djsession.Settings) {
		b.scan = func(yield func(*djsession.Record, error) bool, r djsession.Range) {
			b.each(djsession.Range{Expired: r.Expired}, yield)
		}
	}},
	"Scan ignores the expiry": {"ScanRange", func(b *broken, _ *djsession.Settings) {
		b.scan = func(yield func(*djsession.Record, error) bool, r djsession.Range) {
			r.Expired = true
			b.each(r, yield)
		}
	}},
	"Scan yields the newest one last": {"ScanNewest", func(b *broken, _ *djsession.Settings) {
		b.scan = func(yield func(*djsession.Record, error) bool, r djsession.Range) {
			var found []*djsession.Record
			b.each(r, func(record *djsession.Record, err error) bool {
				found = append(found, record)
				return true
			})
			for _, record := range slices.Backward(found) {
				if !yield(record, nil) {
					return
				}
			}
		}
	}},
	"Scan ignores the part": {"ScanParts", func(b *broken, _ *djsession.Settings) {
		b.scan = func(yield func(*djsession.Record, error) bool, r djsession.Range) {
			b.each(djsession.Range{Prefix: r.Prefix}, yield)
		}
	}},
	"a part misses sessions": {"ScanParts", func(b *broken, _ *djsession.Settings) {
		b.scan = func(yield func(*djsession.Record, error) bool, r djsession.Range) {
			b.each(r, func(record *djsession.Record, err error) bool {
				return r.Parts == 7 && r.Part == 3 && record.Key < "8" || yield(record, err)
			})
		}
	}},
	"parts cannot be divided": {"ScanParts", func(b *broken, _ *djsession.Settings) {
		b.scan = func(yield func(*djsession.Record, error) bool, r djsession.Range) {
			b.each(djsession.Range{Prefix: r.Prefix}, func(record *djsession.Record, err error) bool {
				h := fnv.New32a()
				h.Write([]byte(record.Key))
				return r.Parts > 1 && int(h.Sum32()%uint32(r.Parts)) != r.Part || yield(record, err)
			})
		}
	}},
	"a dry run removes": {"ClearExpired", func(b *broken, _ *djsession.Settings) {
		b.clear = func(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
			r.DryRun = false
			return b.Store.ClearExpired(ctx, r)
		}
	}},
	"ClearExpired ignores the time": {"ClearExpired", func(b *broken, given *djsession.Settings) {
		b.clear = func(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
			r.Before = given.Now()
			return b.Store.ClearExpired(ctx, r)
		}
	}},
	"ClearExpired ignores the limit": {"ClearExpired", func(b *broken, _ *djsession.Settings) {
		b.clear = func(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
			r.Limit = nil
			return b.Store.ClearExpired(ctx, r)
		}
	}},
	"Scan misses a page": {"Scan", func(b *broken, _ *djsession.Settings) {
		b.scan = func(yield func(*djsession.Record, error) bool, r djsession.Range) {
			n := 0
			b.each(r, func(record *djsession.Record, err error) bool {
				n++
				return n > 200 || yield(record, err)
			})
		}
	}},
}

// TestDefective runs the suite on a store with the defect that the environment names.
func TestDefective(t *testing.T) {
	defect := defects["none"]
	if name := os.Getenv("STORETEST_DEFECT"); name != "" {
		defect = defects[name]
	}
	storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
		store, err := filestore.New(filestore.Config{Dir: t.TempDir(), Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		b := &broken{Store: store}
		defect.in(b, settings)
		return b
	}, storetest.Options{
		NumberNeverEnds: true,
		Damage: func(t *testing.T, store djsession.Store, key string) {
			path := store.(*broken).Dir() + "/sessionid" + key
			if err := os.WriteFile(path, []byte("e30:1:x"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	})
}

// TestSuiteFindsDefects runs TestDefective in a process of its own for each defect.
func TestSuiteFindsDefects(t *testing.T) {
	djangotest.NotShort(t, "the suite tests the stores; this tests the suite")
	for name, defect := range defects {
		if defect.foundBy == "" {
			continue
		}
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDefective$/^"+defect.foundBy+"$")
			run.Env = append(os.Environ(), "STORETEST_DEFECT="+name)
			out, err := run.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestDefective/"+defect.foundBy) {
				t.Errorf("%s does not find it: %v\n%s", defect.foundBy, err, out)
			}
		})
	}
}
