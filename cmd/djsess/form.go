package main

import (
	"errors"

	"github.com/djsess/djsess/djsession"
)

// otherForm says that a payload with a bad signature looks as if another Django
// than DJANGO_VERSION had written it, and "" when it does not.
func otherForm(err error, s *djsession.Settings) string {
	var payload *djsession.PayloadError
	if !errors.As(err, &payload) || !errors.Is(err, djsession.ErrBadSignature) {
		return ""
	}
	// The releases that there are compare as texts.
	switch version := s.DjangoVersion; {
	case version >= "4.0" && payload.Form == djsession.Legacy:
		return "it looks like the form of Django up to 3.0, which Django " + version + " does not read"
	case version < "3.1" && payload.Form == djsession.Signed:
		return "it looks like the form of Django 3.1 and later, which Django " + version + " does not read"
	}
	return ""
}

// hintAtForm adds to a bad signature that the payload is in another form.
func hintAtForm(err error, s *djsession.Settings) error {
	if form := otherForm(err, s); form != "" {
		return &hinted{err, form + ": check DJANGO_VERSION under [settings] in " + configName}
	}
	return err
}
