package main

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/swapfile"
)

// payloadHint returns the remedy for a payload that cannot be trusted, as far as the error alone
// shows it. withHint also knows the settings.
func payloadHint(err *djsession.PayloadError) string {
	var unread *pickle.SyntaxError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "this user may not read the file: run djsess as the user that the site runs as"
	case errors.Is(err, swapfile.ErrNotRegular):
		return "Django writes regular files only: something else has the name of a session"
	case errors.Is(err, djsession.ErrSignatureExpired):
		return "the cookie is older than SESSION_COOKIE_AGE, or the clocks disagree"
	case errors.Is(err, djsession.ErrBadSignature):
		return "check that the SECRET_KEY is the site's (or list it in SECRET_KEY_FALLBACKS), and that DJANGO_VERSION is; " +
			"if they are, the payload was changed. djsess doctor tries other settings"
	case errors.As(err, &unread) && unread.Python2:
		return "a site on Python 2 stored it, and Django on Python 3 cannot read it either: its visitor gets an empty session; djsess delete removes it"
	case err.Form == djsession.Unsigned && errors.Is(err, djsession.ErrMalformed):
		return "the value stored under this key is not a session; or the store's URL does not have the prefix, version, " +
			"serializer and compressor of the site's CACHES"
	case strings.HasPrefix(err.Content, "a JSON object"), strings.HasPrefix(err.Content, "a pickle"): // otherwise withHint has its own hint
		return "the site signed it, but it is damaged, and Django cannot read it either: its visitor gets an empty session; djsess delete removes it"
	case errors.Is(err, djsession.ErrMalformed) && err.Content == "": // the payload was not looked at, or has an expiry that is none
		return "what the store holds of this session is damaged: correct it there, or remove the session with djsess delete"
	case errors.Is(err, djsession.ErrMalformed):
		return "the site signed it, but SESSION_SERIALIZER cannot read it: set that under [settings] in " + configName + " as in the site's settings.py"
	case errors.Is(err, djsession.ErrTooLarge):
		return "djsess refuses payloads of this size, since they could fill the memory"
	}
	return ""
}

// withHint adds a hint to an error about a payload, if it shows which of the settings is not the
// site's.
func withHint(err error, s *djsession.Settings) error {
	if form := otherForm(err, s); form != "" {
		return &hinted{err, form + ": check DJANGO_VERSION under [settings] in " + configName}
	}
	if name := otherSerializer(err, s); name != "" {
		return &hinted{err, "the site signed it with another SESSION_SERIALIZER: set SESSION_SERIALIZER = \"" + name + "\" under [settings] in " + configName +
			", or to a list if the site reads both, such as [\"json\", \"pickle\"], of which the first is written"}
	}
	return err
}

// otherForm explains a bad signature if the payload has the form of a release of Django other
// than DJANGO_VERSION. It returns "" for other errors.
func otherForm(err error, s *djsession.Settings) string {
	var payload *djsession.PayloadError
	if !errors.As(err, &payload) || !errors.Is(err, djsession.ErrBadSignature) {
		return ""
	}
	switch {
	case s.AtLeast(4, 0) && payload.Form == djsession.Legacy:
		return "it looks like the form of Django up to 3.0, which Django " + s.DjangoVersion + " does not read"
	case !s.AtLeast(3, 1) && payload.Form == djsession.Signed:
		return "it looks like the form of Django 3.1 and later, which Django " + s.DjangoVersion + " does not read"
	}
	return ""
}

// otherSerializer returns the name of the serializer that a payload seems to need, if
// SESSION_SERIALIZER does not have it. Otherwise it returns "".
func otherSerializer(err error, s *djsession.Settings) string {
	var payload *djsession.PayloadError
	if !errors.As(err, &payload) {
		return ""
	}
	switch readsJSON, readsPickles := reads(s.SessionSerializer); {
	case !readsPickles && strings.HasPrefix(payload.Content, "a pickle"):
		return "pickle"
	case !readsJSON && strings.HasPrefix(payload.Content, "a JSON object"):
		return "json"
	}
	return ""
}
