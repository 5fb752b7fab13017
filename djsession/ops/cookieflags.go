package ops

import (
	"strings"

	"github.com/djsess/djsess/djsession"
)

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
