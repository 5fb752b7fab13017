package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"
	"syscall"

	"github.com/djsess/djsess/djsession"
)

// Scan yields the sessions of a range in the folder's own order. A file that we
// may not read, or that is none, is reported as a *PayloadError, too.
//
// A session that is written meanwhile may be missed or come twice on file
// systems where a folder changes under its reader.
func (s *Store) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		const op = "scan"
		if strings.IndexFunc(r.Prefix, notAlphanumeric) >= 0 {
			yield(nil, wrap(op, "", fmt.Errorf("prefix: %w: it holds more than letters and digits", djsession.ErrInvalidKey)))
			return
		}
		dir, err := os.Open(s.folder.Path)
		if err != nil {
			yield(nil, wrap(op, "", err))
			return
		}
		defer dir.Close()
		if r.Newest > 0 {
			names, err := s.newestNames(dir, r.Prefix, r.Newest)
			if err != nil {
				yield(nil, wrap(op, "", err))
				return
			}
			for _, name := range names {
				key, _ := s.keyOf(name)
				if !s.yieldFile(ctx, r, key, name, yield) {
					return
				}
			}
			return
		}
		for {
			if err := ctx.Err(); err != nil {
				yield(nil, wrap(op, "", err))
				return
			}
			const page = 256
			names, err := dir.Readdirnames(page)
			for _, name := range names {
				if key, ok := s.keyOf(name); ok && strings.HasPrefix(key, r.Prefix) && !s.yieldFile(ctx, r, key, name, yield) {
					return
				}
			}
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(nil, wrap(op, "", err))
				return
			}
		}
	}
}

func notAlphanumeric(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
}

// keyOf is the key of a file. Temporary files have none.
func (s *Store) keyOf(name string) (key string, ok bool) {
	key, ok = strings.CutPrefix(name, s.prefix)
	return key, ok && isKey(key) && djsession.ValidateKey(key) == nil
}

func (s *Store) isSession(name string) bool {
	_, ok := s.keyOf(name)
	return ok
}

func (s *Store) yieldFile(ctx context.Context, r djsession.Range, key, name string, yield func(*djsession.Record, error) bool) bool {
	f, err := s.folder.Read(ctx, name)
	record, live := &djsession.Record{Key: key}, true
	if f != nil {
		record.Expires = s.byAge(f.ModTime)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true // deleted since the name was read
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EAGAIN) && ctx.Err() == nil: // somebody has a lease on it
		err = &djsession.PayloadError{Err: fmt.Errorf("%w: %w", djsession.ErrMalformed, err)}
	case err != nil:
		payload := unreadable(err)
		if payload == nil {
			yield(nil, s.fail("scan", key, err))
			return false
		}
		err = payload
	default:
		record, live, err = s.record(key, f)
	}
	switch {
	case !live && !r.Expired:
		return true
	case err != nil:
		return yield(record, wrap("scan", key, err))
	}
	return yield(record, nil)
}
