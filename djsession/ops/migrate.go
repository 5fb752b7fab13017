package ops

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/djsession"
)

// Migration are the options of Migrate. The zero Migration is the safe one.
type Migration struct {
	Job
	// Refresh also writes sessions that the target already has, if the source's was saved later. It is for a
	// site that is stopped: beside a live site use the transition engine.
	Refresh bool
	// OnLoss says what becomes of values that JSON cannot hold. Default: the job ends.
	OnLoss OnLoss
	// Journal is the path of the files that hold the batches in flight: a suffix is added for each worker. With
	// them a run after one that was killed takes back sessions that have left the source meanwhile.
	// Runs at the same time need different paths. Default: none.
	Journal string
	// JournalOf names the source and the target, such as by their URLs. The files hold a hash of it, and a journal of other
	// stores is an ErrJournal. Default: any journal is accepted that was made without it.
	JournalOf string
	// Force writes into a target that drops sessions by itself.
	Force bool
}

// MigrationReport says what Migrate has done.
type MigrationReport struct {
	// Read counts the live sessions of the source, and Unreadable those of them that cannot be read.
	Read, Unreadable int64
	// Inserted counts the sessions that were inserted, and Kept those whose keys the target had.
	Inserted, Kept int64
	// Refreshed counts the sessions that Refresh has overwritten.
	Refreshed int64
	// TakenBack counts the sessions that were inserted and had left the source meanwhile.
	TakenBack int64
	// Lossy counts sessions with values that JSON cannot hold, and Failed those that the target
	// cannot store.
	Lossy, Failed int64
	// Shifted counts sessions whose expiry the target cannot express to the second.
	Shifted int64
}

var (
	// ErrSameStore: the source and the target are one store.
	ErrSameStore = errors.New("source and target are the same store")
	// ErrEvicts: the target may drop live sessions to make room.
	ErrEvicts = errors.New("the target may drop live sessions")
	// ErrShifted: the target cannot express the expiry of a session to the second.
	ErrShifted = errors.New("the target cannot express when the session ends")
)

// Migrate copies the live sessions of a store into another one, under the same keys and with the same expiries. The codecs and
// the serializers may differ. It inserts only what is absent. After each batch it reads the source again, and deletes from the
// target what it has inserted there and has left the source meanwhile: its user has logged out.
//
// Migrate writes nothing if the sessions of the source or of the target do not open, or if both are one store (ErrSameStore). To
// find that out it may store an empty session in the target for a moment. A source that cannot be listed, one
// that keeps only hashes of its keys (a FileBasedCache), and the engine signed_cookies are an
// errors.ErrUnsupported. Run again, it goes on where it was: what the target has is kept.
func Migrate(ctx context.Context, from, to djsession.Store, options Migration) (*MigrationReport, error) {
	m := &migration{Migration: options, from: from, to: to}
	pass, err := newPass("migrate", &m.Job, from)
	if err != nil {
		return new(MigrationReport), err
	}
	m.pass = pass
	if err := m.prepare(ctx); err != nil {
		return new(MigrationReport), fmt.Errorf("ops: migrate: %w", err)
	}
	err = pass.run(ctx, func(worker int) (handler, error) {
		if m.DryRun {
			return m.rehearse, nil
		}
		j, err := m.openJournal(worker)
		if err != nil {
			return nil, err
		}
		m.journals = append(m.journals, j)
		return func(ctx context.Context, batch []*djsession.Record) (int, error) { return m.insert(ctx, j, batch) }, nil
	})
	for _, j := range m.journals {
		j.close()
	}
	return m.report(), err
}

type migration struct {
	Migration
	from, to djsession.Store // from is nil in an import
	pass     *pass
	journals []*journal

	inserted, kept, refreshed, takenBack, lossy, failed, shifted atomic.Int64
}

func (m *migration) report() *MigrationReport {
	p := m.pass
	p.mu.Lock()
	defer p.mu.Unlock()
	return &MigrationReport{
		Read: p.readable + p.unreadable, Unreadable: p.unreadable,
		Inserted: m.inserted.Load(), Kept: m.kept.Load(), Refreshed: m.refreshed.Load(), TakenBack: m.takenBack.Load(),
		Lossy: m.lossy.Load(), Failed: m.failed.Load(), Shifted: m.shifted.Load(),
	}
}

// prepare returns an error if nothing should be written.
func (m *migration) prepare(ctx context.Context) error {
	if reflect.TypeOf(m.from).Comparable() && m.from == m.to {
		return ErrSameStore
	}
	opens, err := opensSome(ctx, m.from)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	if err := m.checkTarget(ctx); err != nil {
		return fmt.Errorf("target: %w", err)
	}
	batches, err := m.readJournals()
	if err != nil || m.DryRun {
		return err
	}
	if err := m.checkDistinct(ctx); err != nil {
		return err
	}
	if !opens {
		// A source without sessions may have been emptied after the move. It does not show who has logged out.
		return nil
	}
	return m.recoverJournals(ctx, batches)
}

// checkSettings returns an error if a store cannot be read, or if its settings are not the site's.
func checkSettings(ctx context.Context, store djsession.Store) error {
	_, err := opensSome(ctx, store)
	return err
}

// opensSome also reports whether a live session opens.
func opensSome(ctx context.Context, store djsession.Store) (bool, error) {
	if s, ok := store.(djsession.SelfContained); ok && s.KeyIsSession() {
		return false, fmt.Errorf("the sessions are in the visitors' cookies: %w", errors.ErrUnsupported)
	}
	return djsession.OpensSome(ctx, store)
}

// checkTarget returns an error if nothing should be written into the target.
func (m *migration) checkTarget(ctx context.Context) error {
	if err := checkSettings(ctx, m.to); err != nil {
		return err
	}
	if err := djsession.CheckKey(ctx, m.to); err != nil {
		return err
	}
	evicter, ok := m.to.(djsession.Evicter)
	if !ok || m.Force {
		return nil
	}
	reason, err := evicter.Evicts(ctx)
	if err == nil && reason != "" {
		err = fmt.Errorf("%w: %s", ErrEvicts, reason)
	}
	return err
}

// insert stores a batch in the target.
func (m *migration) insert(ctx context.Context, j *journal, batch []*djsession.Record) (written int, err error) {
	records, err := m.fit(ctx, batch)
	if err != nil {
		return 0, err
	}
	if err := j.begin(records); err != nil {
		return 0, err
	}
	results, err := createAll(ctx, m.to, records)
	if err != nil {
		return 0, err
	}
	var converted, inserted, taken []*djsession.Record
	settle := func(r *djsession.Record, result djsession.BulkResult) {
		switch {
		case result.Err == nil:
			inserted = append(inserted, result.Record)
			m.noteShift(r, result.Record)
		case errors.Is(result.Err, djsession.ErrKeyTaken):
			taken = append(taken, r)
		default:
			m.failed.Add(1)
			m.pass.found(r, result.Err)
		}
	}
	var lost error
	for i, result := range results {
		if !errors.Is(result.Err, djsession.ErrOpaque) {
			settle(records[i], result)
		} else if r, err := m.convert(records[i]); err == nil {
			converted = append(converted, r)
		} else if lost == nil {
			lost = err // what was inserted has to be looked at first
		}
	}
	if len(converted) > 0 && lost == nil {
		if results, err = createAll(ctx, m.to, converted); err != nil {
			return 0, err
		}
		for i, result := range results {
			settle(converted[i], result)
		}
	}
	again, err := m.settleTaken(ctx, taken)
	if err != nil {
		return 0, err
	}
	inserted = append(inserted, again...)
	m.inserted.Add(int64(len(inserted)))
	if err := m.lookAgain(ctx, inserted); err != nil {
		return len(inserted), err
	}
	if err := j.end(); err != nil {
		return len(inserted), err
	}
	return len(inserted), lost
}

// rehearse counts what would be inserted, for DryRun, and reports the values that would be lost.
func (m *migration) rehearse(ctx context.Context, batch []*djsession.Record) (int, error) {
	records, err := m.fit(ctx, batch)
	if err != nil {
		return 0, err
	}
	alive, err := live(ctx, m.to, keysOf(records))
	if err != nil {
		return 0, err
	}
	for i, r := range records {
		if alive[i] {
			m.kept.Add(1)
			continue
		}
		m.inserted.Add(1)
		if !writesJSON(m.to) {
			continue
		}
		if _, err := r.Values.AppendPythonJSON(nil); errors.Is(err, djsession.ErrOpaque) {
			if _, err := m.convert(r); err != nil {
				m.failed.Add(1) // it would end the job
			}
		}
	}
	return 0, nil
}

// writesJSON reports whether a store writes JSON, as far as its settings tell.
func writesJSON(store djsession.Store) bool {
	if s, ok := store.(djsession.UnsignedStore); ok && s.IsUnsigned() {
		return false // a cache has a serializer of its own
	}
	serializer := store.Settings().SessionSerializer
	if several, ok := serializer.(djsession.Serializers); ok && len(several) > 0 {
		serializer = several[0]
	}
	_, isJSON := serializer.(djsession.JSONSerializer)
	return isJSON || serializer == nil
}

// errHashedKeys is the error for a store whose sessions are in a FileBasedCache.
var errHashedKeys = fmt.Errorf("the store keeps only hashes of its keys: %w", errors.ErrUnsupported)

// fit returns the records as the target's Django can read them.
func (m *migration) fit(ctx context.Context, batch []*djsession.Record) ([]*djsession.Record, error) {
	fitted := make([]*djsession.Record, 0, len(batch))
	for _, r := range batch {
		if r.Key == "" {
			return nil, errHashedKeys
		}
		expires, err := expiry(ctx, m.from, r)
		switch {
		case errors.Is(err, djsession.ErrNotFound):
			continue // it has left
		case err != nil:
			return nil, err
		case expires.Equal(djsession.Never) && hasAge(r):
			// From the engine file. It shall end as if it were saved now.
			target := m.to.Settings()
			if expires, err = target.ExpiryDate(r.Values, target.Now()); err != nil {
				m.failed.Add(1)
				m.pass.found(r, err)
				continue
			}
		}
		values, err := fitExpiry(r.Values, m.to.Settings(), expires)
		if err != nil {
			m.failed.Add(1)
			m.pass.found(r, err)
			continue
		}
		fitted = append(fitted, &djsession.Record{Key: r.Key, Values: values, Expires: expires, Origin: r.Origin})
	}
	return fitted, nil
}

// convert returns a record that JSON can hold.
func (m *migration) convert(r *djsession.Record) (*djsession.Record, error) {
	values, err := fitOpaqueExpiry(r.Values, m.to.Settings(), r.Expires)
	if err != nil {
		return nil, err
	}
	losses := 0
	values, err = portable(values, m.OnLoss, func(lost *LostValueError) {
		losses++
		m.pass.found(r, lost)
	})
	if losses > 0 {
		m.lossy.Add(1)
	}
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", djsession.ShortKey(r.Key), err)
	}
	return &djsession.Record{Key: r.Key, Values: values, Expires: r.Expires, Origin: r.Origin}, nil
}

// noteShift reports a session that ends at another second than it should.
func (m *migration) noteShift(want, stored *djsession.Record) {
	const slack = 2 * time.Second // an engine may have whole seconds, and a cache counts from another moment
	if stored.Expires.IsZero() || stored.Expires.Sub(want.Expires).Abs() <= slack {
		return
	}
	m.shifted.Add(1)
	m.pass.found(want, fmt.Errorf("%w: it ends at %v in place of %v", ErrShifted, stored.Expires.UTC(), want.Expires.UTC()))
}

// lookAgain takes back what has left the source since it was read.
func (m *migration) lookAgain(ctx context.Context, inserted []*djsession.Record) error {
	if len(inserted) == 0 || m.from == nil {
		return nil
	}
	still, err := live(ctx, m.from, keysOf(inserted))
	if err != nil {
		return err
	}
	for i, r := range inserted {
		if still[i] {
			continue
		}
		if err := m.takeBack(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// takeBack deletes a session from the target, unless somebody has saved it there since.
func (m *migration) takeBack(ctx context.Context, r *djsession.Record) error {
	err := deleteUnchanged(ctx, m.to, r)
	switch {
	case err == nil || errors.Is(err, djsession.ErrEmptied):
		m.takenBack.Add(1)
	case errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrConflict):
	default:
		return err
	}
	return nil
}
