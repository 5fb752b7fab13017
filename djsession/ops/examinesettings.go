package ops

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession"
)

// What Django's system checks security.W009 and W025 ask of a key.
const (
	leastKeyLength   = 50
	leastKeyLetters  = 5
	insecureKeyBegin = "django-insecure-" // the keys that startproject makes begin with it
)

// weakKey returns what Django's checks have against a key, or "".
func weakKey(key string) string {
	different := map[rune]bool{}
	for _, c := range key {
		different[c] = true
	}
	switch {
	case strings.HasPrefix(key, insecureKeyBegin):
		return fmt.Sprintf("begins with %q: startproject made it, and it may be in the site's repository", insecureKeyBegin)
	case utf8.RuneCountInString(key) < leastKeyLength:
		return fmt.Sprintf("has fewer than %d characters", leastKeyLength)
	case len(different) < leastKeyLetters:
		return fmt.Sprintf("has fewer than %d different characters", leastKeyLetters)
	}
	return ""
}

// changeKey returns how the site gets a new SECRET_KEY without logging anybody out, or that it cannot.
func (e *examining) changeKey() string {
	const guessed = "anybody who guesses it can log in as any user: "
	switch {
	case !e.settings.AtLeast(4, 1):
		return guessed + "but Django " + e.settings.DjangoVersion + " has no SECRET_KEY_FALLBACKS, so that a new key logs all users out; from 4.1.8 on it can be changed without that"
	case e.Auth != nil && e.Auth.InheritsFallbackHash:
		return guessed + "but a new key logs all users out until their model has a get_session_auth_fallback_hash of its own"
	}
	return guessed + "make a new one on the site, keep this one in SECRET_KEY_FALLBACKS, and run djsess rotate, as docs/moving/secret-key.md says"
}

// checkKeyStrength looks at SECRET_KEY and its fallbacks.
func (e *examining) checkKeyStrength() djsession.CheckResult {
	s := e.settings
	r := djsession.CheckResult{Check: "key strength", Status: djsession.CheckOK, Text: "Django's checks have nothing against the keys"}
	for i, key := range append([]string{s.SecretKey}, s.SecretKeyFallbacks...) {
		weak := weakKey(key)
		if weak == "" {
			continue
		}
		name, id := "SECRET_KEY", "security.W009"
		r.Remedy = e.changeKey()
		if i > 0 {
			name, id = fmt.Sprintf("key %d of SECRET_KEY_FALLBACKS", i), "security.W025"
			r.Remedy = "run djsess rotate, and drop it from SECRET_KEY_FALLBACKS"
		}
		r.Status, r.Text = djsession.CheckWarns, name+" "+weak+" ("+id+" of manage.py check --deploy)"
		break
	}
	return r
}

// checkCookies looks at the flags of the session cookie.
func checkCookies(s *djsession.Settings) djsession.CheckResult {
	r := djsession.CheckResult{Check: djsession.CookiesCheck, Status: djsession.CheckWarns}
	name := s.SessionCookieName
	switch {
	case !s.DefaultsConfirmed:
		return djsession.CheckResult{Check: djsession.CookiesCheck, Status: djsession.CheckSkipped, Text: "nobody has said which flags the site's session cookie has",
			Remedy: "a file that djsess settings writes in the site has them"}
	case !s.SessionCookieSecure && strings.EqualFold(s.SessionCookieSameSite, "None"):
		r.Text, r.Remedy = "SESSION_COOKIE_SAMESITE is None and SESSION_COOKIE_SECURE is off: browsers refuse such a cookie", "SESSION_COOKIE_SECURE = True"
	case !s.SessionCookieSecure && (strings.HasPrefix(name, "__Secure-") || strings.HasPrefix(name, "__Host-")):
		r.Text, r.Remedy = "SESSION_COOKIE_NAME begins with two underscores, and SESSION_COOKIE_SECURE is off: browsers refuse such a cookie", "SESSION_COOKIE_SECURE = True"
	case strings.HasPrefix(name, "__Host-") && (s.SessionCookieDomain != "" || s.SessionCookiePath != "/"):
		r.Text, r.Remedy = "SESSION_COOKIE_NAME begins with __Host-: browsers refuse such a cookie with a domain, or with another path than /", "SESSION_COOKIE_DOMAIN = None, SESSION_COOKIE_PATH = \"/\""
	case !s.SessionCookieSecure:
		r.Text, r.Remedy = "SESSION_COOKIE_SECURE is off: the session key also travels over plain HTTP", "SESSION_COOKIE_SECURE = True, if the site has HTTPS"
	case !s.SessionCookieHTTPOnly:
		r.Text, r.Remedy = "SESSION_COOKIE_HTTPONLY is off: scripts of the page can read the session key", "SESSION_COOKIE_HTTPONLY = True"
	default:
		r.Status, r.Text = djsession.CheckOK, "the session cookie is for HTTPS only, and hidden from scripts"
	}
	return r
}
