package main

import (
	"context"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
)

// session is a SessionStore object in Python. It is a djsession.Session that is loaded when an op
// needs a value.
type session struct {
	site   *site
	key    string             // SessionStore(session_key), until the session is loaded
	loaded *djsession.Session // nil until an op needs a value
}

// load returns the Session of the key. As in Django, a key that the store does not have is a new session.
func (s *session) load(ctx context.Context) (*djsession.Session, error) {
	if s.loaded != nil {
		return s.loaded, nil
	}
	loaded, err := s.site.manager.Load(ctx, s.key)
	if errors.Is(err, djsession.ErrNotFound) {
		loaded, err = s.site.manager.Load(ctx, "")
	}
	if err != nil {
		return nil, err
	}
	s.loaded = loaded
	return loaded, nil
}

// sessionKey is the property session_key.
func (s *session) sessionKey() string {
	if s.loaded != nil {
		return s.loaded.Key()
	}
	key := s.key
	if s.site.keyIsSession() {
		key = key[:min(len(key), 40)] // such a key may be longer than ValidateKey allows
	}
	if djsession.ValidateKey(key) != nil {
		return ""
	}
	return s.key
}

// moveTo gives the session the settings of another site, for a test that overrides settings. A
// djsession.Session keeps the settings of its Manager, so moveTo replaces it by a Session of the
// other site with the same values.
func (s *session) moveTo(ctx context.Context, t *site) error {
	if s.site == t {
		return nil
	}
	s.site = t
	if s.loaded == nil {
		return nil
	}
	return s.become(ctx, s.loaded.Key())
}

// become loads the session of another key, and gives it the values and the state of the current one.
func (s *session) become(ctx context.Context, key string) error {
	values, modified := s.loaded.Values(), s.loaded.Modified()
	s.key, s.loaded = key, nil
	loaded, err := s.load(ctx)
	if err != nil {
		return err
	}
	err = loaded.Apply(func(v *djsession.Values) error {
		*v = *values.Clone()
		return nil
	})
	loaded.SetModified(modified)
	return err
}

// sessionOps are the methods that need no loaded session, or that replace it.
var sessionOps = map[string]func(ctx context.Context, s *session, r *request) (any, error){
	"session_key": func(_ context.Context, s *session, _ *request) (any, error) { return s.sessionKey(), nil },
	"is_loaded":   func(_ context.Context, s *session, _ *request) (any, error) { return s.loaded != nil, nil },
	"accessed": func(_ context.Context, s *session, _ *request) (any, error) {
		return s.loaded != nil && s.loaded.Accessed(), nil
	},
	"modified": func(_ context.Context, s *session, _ *request) (any, error) {
		return s.loaded != nil && s.loaded.Modified(), nil
	},
	"is_empty": func(_ context.Context, s *session, _ *request) (any, error) {
		if s.loaded == nil {
			return s.sessionKey() == "", nil
		}
		return s.loaded.IsEmpty(), nil
	},
	"set_session_key": func(_ context.Context, s *session, r *request) (any, error) {
		s.key, s.loaded = r.Key, nil
		return nil, nil
	},
	"forget": func(_ context.Context, s *session, _ *request) (any, error) { // del session._session_cache
		s.key, s.loaded = s.sessionKey(), nil
		return nil, nil
	},
	"load":   loadStored,
	"create": func(ctx context.Context, s *session, _ *request) (any, error) { return nil, s.create(ctx, "") },
	"save":   save,
	"delete": deleteStored,
}

// loadStored returns the stored values, and ignores the values in memory.
func loadStored(ctx context.Context, s *session, _ *request) (any, error) {
	record, err := s.site.store.Load(ctx, s.sessionKey())
	switch {
	case err == nil:
		return record.Values, nil
	case !errors.Is(err, djsession.ErrNotFound) && !errors.Is(err, djsession.ErrInvalidKey):
		return nil, err
	case s.loaded == nil:
		s.key = ""
	case s.loaded.Key() != "":
		if err := s.become(ctx, ""); err != nil {
			return nil, err
		}
	}
	return new(djsession.Values), nil
}

// create stores the session under a key that must not be taken. If key is empty, the store chooses
// one.
func (s *session) create(ctx context.Context, key string) error {
	var v *djsession.Values
	if s.loaded != nil {
		v = s.loaded.Values()
	}
	record, err := s.site.store.Create(ctx, key, v, time.Time{})
	if err != nil {
		return err
	}
	s.key, s.loaded = record.Key, nil
	loaded, err := s.load(ctx)
	if err == nil {
		loaded.SetModified(true)
	}
	return err
}

// save is save(must_create). If the flag is true, a stored session must not be overwritten.
func save(ctx context.Context, s *session, r *request) (any, error) {
	if key := s.sessionKey(); r.Flag && key != "" {
		return nil, s.create(ctx, key)
	}
	loaded, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	return nil, loaded.Save(ctx)
}

// deleteStored deletes the session of a key, or of the session's own key if key is empty. As in
// Django, the values stay in memory.
func deleteStored(ctx context.Context, s *session, r *request) (any, error) {
	key := r.Key
	if key == "" {
		key = s.sessionKey()
	}
	if key == "" {
		return nil, nil
	}
	err := s.site.store.Delete(ctx, key)
	if errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrInvalidKey) {
		err = nil
	}
	return nil, err
}
