package cachestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// sessions are how both engines keep sessions in a cache.
type sessions struct {
	cache      Cache
	keys       keys
	settings   func() *djsession.Settings // of a func, fmt prints no secrets
	serializer djsession.Serializer
	readOnly   bool
}

func newSessions(cache Cache, prefix string, c Config) (sessions, error) {
	if cache == nil {
		return sessions{}, errors.New("cachestore: the cache is missing")
	}
	if err := c.Settings.Validate(); err != nil {
		return sessions{}, err
	}
	settings := *c.Settings // later changes by the caller must not apply
	c.Settings = nil        // keys keeps c, and must not keep the secrets
	s := sessions{cache: cache, keys: newKeys(prefix, c), settings: func() *djsession.Settings { return &settings }, serializer: c.Serializer, readOnly: c.ReadOnly}
	if s.serializer == nil {
		s.serializer = settings.PickleSerializer()
	}
	return s, nil
}

// get returns what is stored of a session.
func (s *sessions) get(ctx context.Context, key string) (*djsession.Record, error) {
	item, err := s.cache.Get(ctx, s.keys.of(key))
	if err != nil {
		return nil, err
	}
	return s.record(key, item)
}

// record makes a record of an item. With a value that is no session it returns the
// record without values, and the error.
func (s *sessions) record(key string, item *Item) (*djsession.Record, error) {
	r := &djsession.Record{Key: key, Expires: item.Expires}
	values, err := s.parse(item.Data)
	if err != nil {
		return r, djsession.UnsignedError(err)
	}
	r.Values, r.Origin, r.Version = values, djsession.Origin{Form: djsession.Unsigned}, item
	return r, nil
}

func (s *sessions) parse(data []byte) (*djsession.Values, error) {
	if len(data) > s.settings().MaxPayloadSize {
		return nil, fmt.Errorf("%d bytes: %w", len(data), djsession.ErrTooLarge)
	}
	values, err := s.serializer.Parse(data)
	if err != nil && !errors.Is(err, djsession.ErrMalformed) && !errors.Is(err, djsession.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", djsession.ErrMalformed, err)
	}
	return values, err
}

// made is what is about to be stored.
type made struct {
	values  *djsession.Values
	data    []byte
	timeout time.Duration
	expires time.Time
}

// make makes what is about to be stored. The expiry may be zero.
func (s *sessions) make(v *djsession.Values, expires time.Time) (m made, err error) {
	if v == nil {
		v = new(djsession.Values)
	}
	now := s.settings().Now()
	if expires.IsZero() {
		if m.timeout, err = s.settings().ExpiryAge(v, now); err != nil {
			return m, err
		}
	} else {
		m.timeout = expires.Sub(now)
	}
	m.expires = now.Add(m.timeout).UTC()
	m.data, err = s.encode(v)
	m.values = v.Clone()
	return m, err
}

func (s *sessions) encode(v *djsession.Values) ([]byte, error) {
	data, err := s.serializer.Append(nil, v)
	if err == nil && len(data) > s.settings().MaxPayloadSize {
		err = fmt.Errorf("session of %d bytes: %w", len(data), djsession.ErrTooLarge)
	}
	return data, err
}

// stored is the record of what was just stored.
func (m made) stored(key string, item *Item) *djsession.Record {
	r := &djsession.Record{Key: key, Values: m.values, Expires: item.Expires, Version: item}
	if r.Expires.IsZero() {
		r.Expires = m.expires
	}
	return r
}

// wrap says what was being done to which session.
func wrap(op, key string, err error) error {
	if key != "" {
		op += " " + djsession.ShortKey(key)
	}
	return fmt.Errorf("cachestore: %s: %w", op, err)
}
