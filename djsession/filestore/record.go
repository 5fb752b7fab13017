package filestore

import (
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/swapfile"
)

// version is what a record's Version holds: the file as it was read. Its time
// counts as well as its content, since somebody may touch it, to end a session.
type version struct {
	data string
	at   time.Time
}

func versionOf(f *swapfile.File) version { return version{string(f.Data), f.ModTime.UTC()} }

func (v version) file() *swapfile.File { return &swapfile.File{Data: []byte(v.data), ModTime: v.at} }

// record makes a record of a file, and tells whether it is live. With a payload
// that cannot be trusted it returns the record without values, and the error.
func (s *Store) record(key string, f *swapfile.File) (r *djsession.Record, live bool, err error) {
	r = &djsession.Record{Key: key, Version: versionOf(f)}
	switch {
	case len(f.Data) == 0 && f.Stranger:
		r.Expires = Never
		return r, true, &djsession.PayloadError{Err: fmt.Errorf("%w: %w", djsession.ErrBadSignature, errStrangers)}
	case len(f.Data) == 0:
		r.Values, r.Expires = new(djsession.Values), Never
		return r, true, nil
	}
	v, origin, err := s.decode(f.Data)
	if err != nil {
		r.Expires, r.Origin = s.byAge(f.ModTime), origin
		return r, s.ahead(r.Expires), err
	}
	if r.Expires, live, err = s.expiry(v, f.ModTime); err != nil {
		// Nobody knows whether it is over: Django's page breaks on it.
		return r, true, &djsession.PayloadError{Err: fmt.Errorf("%w: %w", djsession.ErrMalformed, err), Form: origin.Form}
	}
	r.Values, r.Origin = v, origin
	return r, live, nil
}

// errStrangers: Django creates a session's file empty, and so would take this one for a new
// session. But the file's owner chose its key, and could use what the visitor puts into it.
var errStrangers = errors.New("the file is empty, belongs to another user, and is in a folder that everybody may write to")

// decode refuses what Django's file engine does before it looks at a signature.
func (s *Store) decode(data []byte) (*djsession.Values, djsession.Origin, error) {
	for i, c := range data {
		if c >= 0x80 {
			return nil, djsession.Origin{}, &djsession.PayloadError{Err: fmt.Errorf("%w: not ASCII at byte %d", djsession.ErrBadSignature, i)}
		}
	}
	return s.codec.Decode(data)
}

// unreadable is the PayloadError for a file that is no payload at all, or nil.
func unreadable(err error) error {
	var tooLarge *swapfile.TooLargeError
	switch {
	case errors.As(err, &tooLarge):
		return &djsession.PayloadError{Err: fmt.Errorf("%d bytes: %w", tooLarge.Size, djsession.ErrTooLarge)}
	case errors.Is(err, swapfile.ErrNotRegular):
		return &djsession.PayloadError{Err: fmt.Errorf("%w: %w", djsession.ErrMalformed, err)}
	}
	return nil
}
