package main

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/edit"
)

// valueOps are the methods that a djsession.Session also has. They need a loaded session.
var valueOps = map[string]func(ctx context.Context, s *djsession.Session, r *request) (any, error){
	"has_key": func(_ context.Context, s *djsession.Session, r *request) (any, error) { return s.Has(r.Name), nil },
	"get": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		var value json.RawMessage
		err := s.Get(r.Name, &value)
		return value, err
	},
	"set": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		return nil, s.SetJSON(r.Name, string(r.Value))
	},
	"del": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		if !s.Has(r.Name) {
			return nil, djsession.ErrNoValue
		}
		return nil, s.Delete(r.Name)
	},
	"pop": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		var value json.RawMessage
		err := s.Pop(r.Name, &value)
		return value, err
	},
	"setdefault": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		var value json.RawMessage
		if err := s.SetDefault(r.Name, r.Value); err != nil {
			return nil, err
		}
		err := s.Get(r.Name, &value)
		return value, err
	},
	"update": update,
	"keys": func(_ context.Context, s *djsession.Session, _ *request) (any, error) {
		return slices.AppendSeq([]string{}, s.Names()), nil
	},
	"items": func(_ context.Context, s *djsession.Session, _ *request) (any, error) { return s.Values(), nil },
	"clear": func(_ context.Context, s *djsession.Session, _ *request) (any, error) { return nil, s.Clear() },
	"set_modified": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		s.SetModified(r.Flag)
		return nil, nil
	},

	"set_test_cookie": func(_ context.Context, s *djsession.Session, _ *request) (any, error) { return nil, s.SetTestCookie() },
	"test_cookie_worked": func(_ context.Context, s *djsession.Session, _ *request) (any, error) {
		return s.TestCookieWorked(), nil
	},
	"delete_test_cookie": func(_ context.Context, s *djsession.Session, _ *request) (any, error) {
		return nil, s.DeleteTestCookie()
	},

	"flush":     func(ctx context.Context, s *djsession.Session, _ *request) (any, error) { return nil, s.Flush(ctx) },
	"cycle_key": func(ctx context.Context, s *djsession.Session, _ *request) (any, error) { return nil, s.CycleKey(ctx) },

	"reset_expiry": func(_ context.Context, s *djsession.Session, _ *request) (any, error) {
		return nil, s.SetExpiry(djsession.DefaultExpiry)
	},
	"set_expiry": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		return nil, s.SetExpiry(r.idle())
	},
	"set_expiry_in": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		return nil, s.SetExpiry(djsession.After(r.duration()))
	},
	"set_expiry_at": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		return nil, s.SetExpiry(djsession.At(r.instant()))
	},
	"get_expiry_age": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		age, err := s.ExpiryAgeFrom(r.instant())
		return age.Microseconds(), err
	},
	"get_expiry_date": func(_ context.Context, s *djsession.Session, r *request) (any, error) {
		date, err := s.ExpiryDateFrom(r.instant())
		return date.UnixMicro(), err
	},
	"get_expire_at_browser_close": func(_ context.Context, s *djsession.Session, _ *request) (any, error) {
		return s.ExpiresAtBrowserClose()
	},
}

// update sets several values at once, in Python's order.
func update(_ context.Context, s *djsession.Session, r *request) (any, error) {
	var changes []edit.Change
	for _, pair := range r.Pairs {
		var name string
		if err := json.Unmarshal(pair[0], &name); err != nil {
			return nil, err
		}
		changes = append(changes, edit.SetJSON(name, string(pair[1])))
	}
	return nil, s.Apply(edit.All(changes...))
}

func (r *request) duration() time.Duration { return time.Duration(*r.Microseconds) * time.Microsecond }

// idle is the argument of set_expiry. There 0 means browser close.
func (r *request) idle() djsession.Expiry {
	if r.duration() == 0 {
		return djsession.BrowserClose
	}
	return djsession.AfterIdle(r.duration())
}

func (r *request) instant() time.Time { return time.UnixMicro(*r.Microseconds) }
