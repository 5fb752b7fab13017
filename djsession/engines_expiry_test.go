package djsession_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
)

// expiry is an argument of set_expiry.
type expiry struct {
	action
	since string        // the first Django that can read it in JSON; "": every Django
	kind  expiryKind    // the type of the argument
	lasts time.Duration // from the moment when it is set
}

type expiryKind int

const (
	byDefault expiryKind = iota
	bySeconds
	byInstant
)

const twoWeeks = 14 * 24 * time.Hour

var expiries = []expiry{
	{action{"seconds", "s.set_expiry(300)", func(ctx context.Context, g *goSide, s *djsession.Session) error {
		return s.SetExpiry(djsession.AfterIdle(300 * time.Second))
	}}, "", bySeconds, 300 * time.Second},
	{action{"a fraction", "s.set_expiry(300.25)", func(ctx context.Context, g *goSide, s *djsession.Session) error {
		return s.SetExpiry(djsession.AfterIdle(300250 * time.Millisecond))
	}}, "", bySeconds, 300250 * time.Millisecond},
	{action{"negative", "s.set_expiry(-60)", func(ctx context.Context, g *goSide, s *djsession.Session) error {
		return s.SetExpiry(djsession.AfterIdle(-time.Minute))
	}}, "", bySeconds, -time.Minute},
	{action{"browser close", "s.set_expiry(0)", func(ctx context.Context, g *goSide, s *djsession.Session) error {
		return s.SetExpiry(djsession.BrowserClose)
	}}, "", byDefault, twoWeeks},
	{action{"default", "s.set_expiry(300); s.set_expiry(None)", func(ctx context.Context, g *goSide, s *djsession.Session) error {
		return errors.Join(s.SetExpiry(djsession.AfterIdle(300*time.Second)), s.SetExpiry(djsession.DefaultExpiry))
	}}, "", byDefault, twoWeeks},
	{action{"instant", "s.set_expiry(timezone.now() + datetime.timedelta(days=100))", func(ctx context.Context, g *goSide, s *djsession.Session) error {
		return s.SetExpiry(djsession.At(time.Now().Add(100 * 24 * time.Hour)))
	}}, "4.1", byInstant, 100 * 24 * time.Hour},
	{action{"whole instant", "s.set_expiry((timezone.now() + datetime.timedelta(hours=1)).replace(microsecond=0))",
		func(ctx context.Context, g *goSide, s *djsession.Session) error {
			return s.SetExpiry(djsession.At(time.Now().Add(time.Hour).Truncate(time.Second)))
		}}, "4.1", byInstant, time.Hour},
	{action{"timedelta", "s.set_expiry(datetime.timedelta(hours=1))", func(ctx context.Context, g *goSide, s *djsession.Session) error {
		return s.SetExpiry(djsession.After(time.Hour))
	}}, "4.1", byInstant, time.Hour},
	{action{"instant in the past", "s.set_expiry(timezone.now() - datetime.timedelta(hours=1))", func(ctx context.Context, g *goSide, s *djsession.Session) error {
		return s.SetExpiry(djsession.At(time.Now().Add(-time.Hour)))
	}}, "4.1", byInstant, -time.Hour},
}

// expire sets an expiry on side a and then on side b. Both sides read the session now, and after
// some minutes, weeks and months if the clock can be moved.
func (s *engineSite) expire(t *testing.T, a, b side, e expiry) {
	for _, ahead := range s.engine.moments() {
		key := a.do(t, a.do(t, "", setOne, nothing), e.action, nothing)
		s.later(t, ahead)
		first, second := b.sees(t, key), a.sees(t, key)
		if first != second {
			t.Errorf("%s, %v later: %T sees\n%s, and %T\n%s", e.name, ahead, b, first, a, second)
		}
		if dead := first == "nothing"; dead != s.engine.dead(e, ahead) {
			t.Errorf("%s, %v later: %T sees %s", e.name, ahead, b, first)
		}
		s.later(t, 0)
	}
}

// ends reports whether a row has expired. Other engines follow the same rule, except for those below.
func ends(e expiry, ahead time.Duration) bool { return ahead >= e.lasts }

// endsInFile reports whether a file has expired. With a number of seconds it never expires, unless
// the number is negative.
func endsInFile(e expiry, ahead time.Duration) bool {
	if e.kind == bySeconds && e.lasts > 0 {
		return false
	}
	return ends(e, ahead)
}

// endsInCookie reports whether a signed cookie has expired. Only the age of the signature counts.
func endsInCookie(e expiry, ahead time.Duration) bool { return ahead > twoWeeks }
