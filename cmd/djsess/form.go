package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/djsess/djsess/djsession"
)

// otherForm says that a payload with a bad signature looks as if another Django
// than DJANGO_VERSION had written it, and "" when it does not.
func otherForm(payload string, s *djsession.Settings) string {
	// The releases that there are compare as texts.
	switch version := s.DjangoVersion; {
	case version >= "4.0" && looksLegacy(payload):
		return "it is in the form of Django up to 3.0, which Django " + version + " does not read"
	case version < "3.1" && strings.Count(payload, ":") == 2:
		return "it is in the form of Django 3.1 and later, which Django " + version + " does not read"
	}
	return ""
}

// looksLegacy tells whether a payload is base64 of a SHA-1 hash in hex, a colon,
// and something.
func looksLegacy(payload string) bool {
	const head = 56 // characters, of which 42 bytes become
	if len(payload) < head {
		return false
	}
	text, err := base64.StdEncoding.DecodeString(payload[:head])
	if err != nil || text[40] != ':' {
		return false
	}
	_, err = hex.DecodeString(string(text[:40]))
	return err == nil
}

// hintAtForm adds to the error of a record that could not be read what its
// payload looks like.
func hintAtForm(err error, r *djsession.Record, s *djsession.Settings) error {
	if !errors.Is(err, djsession.ErrBadSignature) {
		return err
	}
	payload, _ := r.Version.(string)
	if form := otherForm(payload, s); form != "" {
		return &hinted{err, form + ": check DJANGO_VERSION under [settings] in " + configName}
	}
	return err
}

// formHint is hintAtForm for a session that is known by its key only.
func (s *site) formHint(ctx context.Context, key string, err error) error {
	if !errors.Is(err, djsession.ErrBadSignature) || !alphanumeric(key) {
		return err
	}
	scanner, scanErr := s.scanner()
	if scanErr != nil {
		return err
	}
	for r, scanErr := range scanner.Scan(ctx, djsession.Range{Prefix: key}) {
		if r == nil {
			break
		}
		if r.Key == key && scanErr != nil {
			return hintAtForm(err, r, s.settings)
		}
	}
	return err
}
