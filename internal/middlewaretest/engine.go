package middlewaretest

import (
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/djangotest"
)

// Engine is one of Django's session engines and djsess's store for it, both over the same place.
type Engine struct {
	// Django are the settings of a Django with this engine, SESSION_ENGINE among them.
	Django djangotest.Settings
	// Open opens djsess's store until the test ends.
	Open func(t testing.TB, s *djsession.Settings) djsession.Store
}

func (e Engine) name() string { return e.Django["SESSION_ENGINE"].(string) }
