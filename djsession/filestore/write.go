package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/newkey"
	"github.com/djsess/djsess/internal/storefolder"
)

// Create creates a new file. If key is empty, the store chooses one.
func (s *Store) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if key != "" {
		return s.create(ctx, key, v, expires)
	}
	return newkey.Create(func(key string) (*djsession.Record, error) { return s.create(ctx, key, v, expires) })
}

func (s *Store) create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	const op = "create"
	name, err := s.beginWrite(ctx, key)
	if err != nil {
		return nil, s.folder.Error(op, key, err)
	}
	v, data, modTime, err := s.encode(v, expires)
	if err != nil {
		return nil, s.folder.Error(op, key, err)
	}
	f, err := s.folder.Create(name, data, modTime)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, s.folder.Error(op, key, djsession.ErrKeyTaken)
	case errors.Is(err, fs.ErrNotExist) && s.folder.Check() == nil:
		return nil, s.folder.Error(op, key, errNoFile)
	case err != nil:
		return nil, s.folder.FailWrite(op, key, err)
	}
	return s.written(key, v, storefolder.VersionOf(f)), nil
}

// errNoFile: the temporary file was gone before it was renamed.
var errNoFile = errors.New("the temporary file was removed by another program")

// Replace exchanges the file if it is unchanged since old was read. The key stays the same.
func (s *Store) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	const op = "replace"
	key := old.Key
	name, err := s.beginWrite(ctx, key)
	if err != nil {
		return nil, s.folder.Error(op, key, err)
	}
	if expires.Equal(djsession.KeepExpiry) {
		expires = old.Expires
	}
	v, data, modTime, err := s.encode(v, expires)
	if err != nil {
		return nil, s.folder.Error(op, key, err)
	}
	before, known := old.Version.(storefolder.Version)
	if !known {
		return nil, s.folder.ConflictWithStored(ctx, op, key, name)
	}
	f, err := s.folder.Replace(ctx, name, before.File(), data, modTime)
	if err != nil {
		return nil, s.folder.FailWrite(op, key, err)
	}
	return s.written(key, v, storefolder.VersionOf(f)), nil
}

// Delete removes the file of a key, even if its payload cannot be trusted.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	name, err := s.beginWrite(ctx, key)
	if err != nil {
		return s.folder.Error(op, key, err)
	}
	if err := s.folder.Remove(ctx, name); err != nil {
		return s.folder.FailWrite(op, key, err)
	}
	return nil
}

// DeleteUnchanged removes the file if it is unchanged since old was read.
func (s *Store) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	const op = "delete"
	key := old.Key
	name, err := s.beginWrite(ctx, key)
	if err != nil {
		return s.folder.Error(op, key, err)
	}
	before, known := old.Version.(storefolder.Version)
	if !known {
		return s.folder.ConflictWithStored(ctx, op, key, name)
	}
	if err := s.folder.RemoveUnchanged(ctx, name, before.File()); err != nil {
		return s.folder.FailWrite(op, key, err)
	}
	return nil
}

// beginWrite is begin for an operation that writes.
func (s *Store) beginWrite(ctx context.Context, key string) (name string, err error) {
	if s.readOnly {
		return "", djsession.ErrReadOnly
	}
	return s.begin(ctx, key)
}

// encode returns a copy of the values, and the payload and the time of the file to write.
func (s *Store) encode(v *djsession.Values, expires time.Time) (*djsession.Values, []byte, time.Time, error) {
	if v == nil {
		v = new(djsession.Values)
	}
	modTime, err := s.modTime(v, expires)
	if err != nil {
		return nil, nil, modTime, err
	}
	data, err := s.codec.Append(nil, v)
	if err == nil && len(data) > s.folder.MaxSize {
		err = fmt.Errorf("payload of %d bytes: %w", len(data), djsession.ErrTooLarge)
	}
	return v.Clone(), data, modTime, err
}

// written returns the record of a session that was just stored.
func (s *Store) written(key string, v *djsession.Values, version storefolder.Version) *djsession.Record {
	expires, _, _ := s.expiry(v, version.At) // without an error, since modTime has checked the values
	return &djsession.Record{Key: key, Values: v, Expires: expires, Version: version}
}
