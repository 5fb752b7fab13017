package cachestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// sessions keeps sessions in a cache, for both engines.
type sessions struct {
	cache      Cache
	keys       keys
	settings   func() *djsession.Settings // a func, so that fmt prints no secrets
	serializer djsession.Serializer
	readOnly   bool
}

// newSessions returns the sessions under a prefix, which is the engine's if the Config has none.
func newSessions(cache Cache, prefix string, c Config) (sessions, error) {
	if cache == nil {
		return sessions{}, errors.New("cachestore: the cache is missing")
	}
	if err := c.Settings.Validate(); err != nil {
		return sessions{}, err
	}
	settings := *c.Settings // later changes by the caller must not apply
	c.Settings = nil        // keys keeps c, and must not keep the secrets
	s := sessions{
		cache: cache, keys: newKeys(cmp.Or(c.CacheKeyPrefix, prefix), c), serializer: c.Serializer, readOnly: c.ReadOnly,
		settings: func() *djsession.Settings { return &settings },
	}
	if s.serializer == nil {
		s.serializer = settings.PickleSerializer()
	}
	return s, nil
}

// opError returns the error of an operation on a session. An error of a cache keeps the
// cache's name and hint, so that the text names the operation and the key only once:
// "rediscache: load 9f3c1a…: no such session".
func opError(op, key string, err error) error {
	e := &djsession.OpError{Store: "cachestore", Op: op, Key: djsession.ShortKey(key), Err: err}
	if cause, ok := err.(*djsession.OpError); ok {
		e.Store, e.Err, e.Hint = cause.Store, cause.Err, cause.Hint
	}
	return e
}

// Check returns an error if the cache does not answer. Manager.Check calls it. Without this
// check a wrong password or port could stay undetected, since a cached_db works without its
// cache.
func (s *sessions) Check(ctx context.Context) []error {
	_, err := s.cache.Get(ctx, s.keys.cacheKey(djsession.NewKey()))
	if err != nil && !errors.Is(err, djsession.ErrNotFound) {
		return []error{opError("check", "", err)}
	}
	return nil
}

// get returns the cached session of a key.
func (s *sessions) get(ctx context.Context, key string) (*djsession.Record, error) {
	item, err := s.cache.Get(ctx, s.keys.cacheKey(key))
	if err != nil {
		return nil, err
	}
	return s.record(key, item)
}

// record returns the record of an item. If the item is not a session, record returns a record
// without values and a *djsession.PayloadError.
func (s *sessions) record(key string, item *Item) (*djsession.Record, error) {
	r := &djsession.Record{Key: key, Expires: item.Expires}
	values, isOld, err := s.parse(item.Data)
	if err != nil {
		return r, djsession.UnsignedError(err)
	}
	r.Values, r.Origin, r.Version = values, djsession.Origin{Form: djsession.Unsigned, Old: isOld || item.Old}, item
	return r, nil
}

// parse reads the values of an item. isOld reports whether another serializer than the one that
// writes has read them.
func (s *sessions) parse(data []byte) (values *djsession.Values, isOld bool, err error) {
	if len(data) > s.settings().MaxPayloadSize {
		return nil, false, fmt.Errorf("%d bytes: %w", len(data), djsession.ErrTooLarge)
	}
	if several, ok := s.serializer.(djsession.Serializers); ok {
		var by int
		values, by, err = several.ParseBy(data)
		isOld = by > 0
	} else {
		values, err = s.serializer.Parse(data)
	}
	if err != nil && !errors.Is(err, djsession.ErrMalformed) && !errors.Is(err, djsession.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", djsession.ErrMalformed, err)
	}
	return values, isOld, err
}

// checkWrite returns an error if the session of a key cannot be written.
func (s *sessions) checkWrite(key string) error {
	if s.readOnly {
		return djsession.ErrReadOnly
	}
	return djsession.ValidateKey(key)
}

// payload is a session that is about to be stored.
type payload struct {
	values  *djsession.Values
	data    []byte
	timeout time.Duration
	expires time.Time
}

// payload encodes a session. If expires is zero, the session's own expiry counts, as in Django.
func (s *sessions) payload(v *djsession.Values, expires time.Time) (p payload, err error) {
	if v == nil {
		v = new(djsession.Values)
	}
	now := s.settings().Now()
	switch {
	case expires.Equal(djsession.KeepExpiry):
		p.timeout = KeepTimeout
	case expires.IsZero():
		if p.timeout, err = s.settings().ExpiryAge(v, now); err != nil {
			return p, err
		}
	default:
		p.timeout = expires.Sub(now)
	}
	if p.timeout != KeepTimeout {
		p.expires = now.Add(p.timeout).UTC()
	}
	p.data, err = s.encode(v)
	p.values = v.Clone()
	return p, err
}

func (s *sessions) encode(v *djsession.Values) ([]byte, error) {
	data, err := s.serializer.Append(nil, v)
	if err == nil && len(data) > s.settings().MaxPayloadSize {
		err = fmt.Errorf("session of %d bytes: %w", len(data), djsession.ErrTooLarge)
	}
	return data, err
}

// record returns the record of a payload that was stored as item.
func (p payload) record(key string, item *Item) *djsession.Record {
	r := &djsession.Record{Key: key, Values: p.values, Expires: item.Expires, Version: item}
	if r.Expires.IsZero() {
		r.Expires = p.expires
	}
	return r
}
