package filestore

import (
	"context"
	"iter"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/swapfile"
)

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
