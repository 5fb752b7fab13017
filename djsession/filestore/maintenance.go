package filestore

import (
	"context"
	"iter"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/swapfile"
)

// Examine checks the folder: see djsession.Examiner.
func (s *Store) Examine(context.Context) []djsession.CheckResult {
	return []djsession.CheckResult{s.folder.Examine()}
}

// Reopen returns a store over the same folder: see djsession.Reopener.
func (s *Store) Reopen(settings *djsession.Settings) (djsession.Store, error) {
	return New(Config{Dir: s.folder.Path, Settings: settings, Prefix: s.prefix, ReadOnly: s.readOnly})
}

// Size returns how many files the folder has, and their bytes. In a folder of more than 100,000
// files neither is known.
func (s *Store) Size(ctx context.Context) (djsession.StoreSize, error) { return s.folder.Size(ctx) }

// ClearExpired removes the files of sessions that have ended. A session with an age of its own
// never ends, as for Django. A session that does not open stays, and so does an empty file: Django
// is about to write it.
func (s *Store) ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
	if s.readOnly && !r.DryRun {
		return func(yield func(djsession.Cleared, error) bool) {
			yield(djsession.Cleared{}, s.folder.Error("clear expired", "", djsession.ErrReadOnly))
		}
	}
	return s.folder.ClearExpired(ctx, r, func(name string, f *swapfile.File) (bool, error) {
		key, _ := s.keyOf(name)
		record, live, err := s.record(key, f)
		return !live && record.Expires.Before(r.Before), err
	})
}
