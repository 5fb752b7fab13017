package filestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/scanning"
	"github.com/djsess/djsess/internal/storefolder"
	"github.com/djsess/djsess/internal/swapfile"
)

// Load returns the live session of a key. If the payload cannot be trusted, the error is a
// *djsession.PayloadError, even if the file is old.
func (s *Store) Load(ctx context.Context, key string) (*djsession.Record, error) {
	const op = "load"
	name, err := s.begin(ctx, key)
	if err != nil {
		return nil, s.folder.Error(op, key, err)
	}
	f, err := s.folder.Read(ctx, name)
	if err != nil {
		return nil, s.folder.Fail(op, key, err)
	}
	r, live, err := s.record(key, f)
	if err == nil && !live {
		err = djsession.ErrNotFound
	}
	if err != nil {
		return nil, s.folder.Error(op, key, err)
	}
	return r, nil
}

// begin checks the context and the key of an operation. It returns the name of the file.
func (s *Store) begin(ctx context.Context, key string) (name string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return s.fileName(key)
}

// record returns the record of a file, and reports whether the session is live. If the payload
// cannot be trusted, it returns a record without values and an error.
func (s *Store) record(key string, f *swapfile.File) (r *djsession.Record, live bool, err error) {
	r = &djsession.Record{Key: key, Version: storefolder.VersionOf(f)}
	switch {
	case len(f.Data) == 0 && f.Stranger:
		r.Expires = djsession.Never
		return r, true, s.folder.PayloadError(fmt.Errorf("%w: %w", djsession.ErrBadSignature, errStrangers))
	case len(f.Data) == 0:
		r.Values, r.Expires = new(djsession.Values), djsession.Never
		return r, true, nil
	}
	v, origin, err := s.decode(f.Data)
	if err != nil {
		r.Expires, r.Origin = s.byAge(f.ModTime), origin
		return r, s.isLive(r.Expires), err
	}
	if r.Expires, live, err = s.expiry(v, f.ModTime); err != nil {
		// It is not known whether the session has ended: Django's page fails on it.
		return r, true, &djsession.PayloadError{Err: fmt.Errorf("%w: %w", djsession.ErrMalformed, err), Form: origin.Form}
	}
	r.Values, r.Origin = v, origin
	return r, live, nil
}

// errStrangers: Django creates a session's file empty, so it would treat this file as a new
// session. But the file's owner chose its key, and could use the session of a visitor who gets
// that key.
var errStrangers = errors.New("the file is empty, belongs to another user, and is in a folder that everybody may write to")

// decode decodes a payload. It refuses text that is not ASCII, as Django's file engine does
// before it looks at a signature.
func (s *Store) decode(data []byte) (*djsession.Values, djsession.Origin, error) {
	for i, c := range data {
		if c >= 0x80 {
			return nil, djsession.Origin{}, s.folder.PayloadError(fmt.Errorf("%w: not ASCII at byte %d", djsession.ErrBadSignature, i))
		}
	}
	return s.codec.Decode(data)
}

// conflict returns the error for a file that another writer has changed meanwhile.
func (s *Store) conflict(key string, there *swapfile.File) error {
	r, live, err := s.record(key, there)
	switch {
	case err != nil:
		return err
	case !live:
		return djsession.ErrNotFound // another writer made the session expire, which counts as deleted
	}
	return &djsession.ConflictError{Current: r}
}

// Scan yields the sessions of a range in the folder's own order. For a file that may not be
// read, or that is not a regular file, it yields a *djsession.PayloadError.
//
// It keeps 8 bytes or so of each name, so that a session that is saved during the scan is
// yielded once in any file system.
//
// With Range.Newest it yields the sessions whose files were written last. Since a folder has no
// index, it looks at no more than 10,000 sessions.
func (s *Store) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		const op = "scan"
		if err := r.Validate(); err != nil {
			yield(nil, s.folder.Error(op, "", err))
			return
		}
		if r.Newest > 0 {
			r.Part, r.Parts = 0, 0
		}
		keys := s.keys(ctx, r)
		if r.Newest > 0 {
			keys = s.newest(keys, r.Newest)
		}
		for key, err := range keys {
			if err != nil {
				yield(nil, s.folder.Error(op, "", err))
				return
			}
			if !s.yieldFile(ctx, op, r, key, yield) {
				return
			}
		}
	}
}

// keys yields the keys of a range.
func (s *Store) keys(ctx context.Context, r djsession.Range) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		wanted := func(name string) bool {
			key, ok := s.keyOf(name)
			return ok && strings.HasPrefix(key, r.Prefix) && scanning.IsInPart(key, r.Part, r.Parts)
		}
		for name, err := range s.folder.EachOnce(ctx, wanted) {
			if err != nil {
				yield("", err)
				return
			}
			if key, _ := s.keyOf(name); !yield(key, nil) {
				return
			}
		}
	}
}

// maxStats limits how many files newest looks at.
const maxStats = 10_000

// newest yields the keys whose files were written last, the last one first.
func (s *Store) newest(keys iter.Seq2[string, error], limit int) iter.Seq2[string, error] {
	type file struct {
		key     string
		written time.Time
	}
	return func(yield func(string, error) bool) {
		var files []file
		for key, err := range keys {
			if err != nil {
				yield("", err)
				return
			}
			info, err := os.Lstat(filepath.Join(s.folder.Path, s.prefix+key))
			if err == nil { // otherwise it was deleted since
				files = append(files, file{key, info.ModTime()})
			}
			if len(files) == maxStats {
				break
			}
		}
		slices.SortFunc(files, func(a, b file) int {
			return cmp.Or(b.written.Compare(a.written), strings.Compare(a.key, b.key))
		})
		for _, f := range files[:min(limit, len(files))] {
			if !yield(f.key, nil) {
				return
			}
		}
	}
}

func (s *Store) yieldFile(ctx context.Context, op string, r djsession.Range, key string, yield func(*djsession.Record, error) bool) bool {
	f, err := s.folder.ReadListed(ctx, s.prefix+key)
	record, live := &djsession.Record{Key: key}, true
	if f != nil {
		record.Expires = s.byAge(f.ModTime)
	}
	switch {
	case err == nil:
		record, live, err = s.record(key, f)
	case errors.Is(err, fs.ErrNotExist):
		return true // deleted since the name was read
	case !errors.As(err, new(*djsession.PayloadError)):
		yield(nil, s.folder.Fail(op, key, err))
		return false
	}
	switch {
	case !live && !r.Expired:
		return true
	case err != nil:
		return yield(record, s.folder.Error(op, key, err))
	}
	return yield(record, nil)
}

// Count returns how many sessions there are, those that have expired included.
func (s *Store) Count(ctx context.Context) (n int64, err error) {
	for _, err := range s.keys(ctx, djsession.Range{}) {
		if err != nil {
			return n, s.folder.Error("count", "", err)
		}
		n++
	}
	return n, nil
}
