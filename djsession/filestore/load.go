package filestore

import (
	"context"

	"github.com/djsess/djsess/djsession"
)

// Load returns the live session of a key. A payload that cannot be trusted is
// a *PayloadError however old its file is.
func (s *Store) Load(ctx context.Context, key string) (*djsession.Record, error) {
	const op = "load"
	name, err := s.begin(ctx, key)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	f, err := s.folder.Read(ctx, name)
	if err != nil {
		return nil, s.fail(op, key, err)
	}
	r, live, err := s.record(key, f)
	switch {
	case err != nil:
		return nil, wrap(op, key, err)
	case !live:
		return nil, wrap(op, key, djsession.ErrNotFound)
	}
	return r, nil
}

// begin is what every operation on one session begins with.
func (s *Store) begin(ctx context.Context, key string) (name string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return s.fileName(key)
}
