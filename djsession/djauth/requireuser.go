package djauth

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/djsess/djsess/djsession"
)

// RequireUser is login_required: it serves next to visitors who are logged in, and
// redirects the others to LoginURL, with the requested page in its query
// (?next=/account/). If User returns an error, djsession.Error answers. The handler works
// only below Manager.Handler.
//
// The page is a path. When LoginURL is on another host or scheme, it is an absolute
// URL, whose host is the one of the request, which any client can choose. So that host
// must be in AllowedHosts; RequireUser answers 400 for others, as Django does, and an
// empty AllowedHosts is an error then.
func (a *Auth) RequireUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := a.User(r)
		switch {
		case err != nil:
			djsession.Error(w, r, err)
		case user == nil && !strings.Contains(a.LoginURL, "/"):
			djsession.Error(w, r, fmt.Errorf("djauth: LoginURL %q: want a URL, such as \"/accounts/login/\", not a name of the URLconf", a.LoginURL))
		case user == nil:
			if err := a.redirectToLogin(w, r); err != nil {
				djsession.Error(w, r, err)
			}
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// WithUser is RequireUser for a handler that is called with the session and its user. If
// next returns an error, djsession.Error answers.
func (a *Auth) WithUser(next func(w http.ResponseWriter, r *http.Request, s *djsession.Session, user *User) error) http.Handler {
	return a.RequireUser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := a.User(r) // RequireUser has loaded it
		if err != nil {
			djsession.Error(w, r, err)
			return
		}
		s, err := djsession.FromRequest(r)
		if err == nil {
			err = next(w, r, s, user)
		}
		if err != nil {
			djsession.Error(w, r, err)
		}
	}))
}

// maxRedirect is Django's MAX_URL_REDIRECT_LENGTH.
const maxRedirect = 16384

// errNotAllowed is Django's DisallowedHost.
var errNotAllowed = errors.New("djauth: a request's host is not in AllowedHosts, so it is not sent to the login page")

// redirectToLogin sends the visitor to the login page, or answers 400 for a request that
// Django refuses. On error nothing is answered.
func (a *Auth) redirectToLogin(w http.ResponseWriter, r *http.Request) error {
	s, err := djsession.FromRequest(r) // User has loaded it
	if err != nil {
		return err
	}
	location, err := a.loginRedirect(r)
	switch {
	case errors.Is(err, errNotAllowed):
		a.report(r, s, refusedHost, err)
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return nil
	case err != nil:
		return err
	case len(location) > maxRedirect:
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return nil
	}
	// Not http.Redirect, which would write the URL in another way.
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusFound)
	return nil
}

// loginRedirect returns the Location of redirect_to_login. Its next is a path, or an
// absolute URL when the login page is on another host or scheme.
func (a *Auth) loginRedirect(r *http.Request) (string, error) {
	back := fullPath(r)
	scheme, host := schemeAndHost(a.LoginURL)
	visitorScheme, visitorHost := a.origin(r)
	if scheme != "" && scheme != visitorScheme || host != "" && host != visitorHost {
		switch {
		case len(a.AllowedHosts) == 0:
			return "", fmt.Errorf("djauth: LoginURL %q is on another host or scheme than the request: set AllowedHosts to the site's ALLOWED_HOSTS", a.LoginURL)
		case !a.isAllowedHost(visitorHost):
			return "", fmt.Errorf("%w: %.100q", errNotAllowed, visitorHost)
		}
		back = iriToURI(visitorScheme + "://" + visitorHost + resolveDots(back))
	}
	rest, fragment, _ := strings.Cut(a.LoginURL, "#")
	address, query, _ := strings.Cut(rest, "?")
	address = scheme + address[len(scheme):] // schemeAndHost returns the scheme in lower case
	if a.RedirectFieldName != "" {
		query = setParameter(query, a.RedirectFieldName, back)
	}
	if query != "" {
		address += "?" + query
	}
	if fragment != "" {
		address += "#" + fragment
	}
	return iriToURI(address), nil
}

// origin returns the scheme and host that the visitor sees: request.scheme and get_host.
func (a *Auth) origin(r *http.Request) (scheme, host string) {
	scheme, host = "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if name := a.SecureProxySSLHeader[0]; name != "" && len(r.Header.Values(name)) > 0 {
		scheme = "http"
		first, _, _ := strings.Cut(r.Header.Get(name), ",")
		if strings.TrimSpace(first) == a.SecureProxySSLHeader[1] {
			scheme = "https"
		}
	}
	if forwarded := r.Header.Values("X-Forwarded-Host"); a.UseXForwardedHost && len(forwarded) > 0 {
		host = forwarded[0]
	}
	return scheme, host
}

// validHost is Django's host_validation_re: a domain name, or an IPv6 address in brackets,
// and perhaps a port. It has no (?i), which would let the Kelvin sign pass for a k.
var validHost = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[A-Fa-f0-9]*:[A-Fa-f0-9.:]+\])(:[0-9]+)?$`)

// isAllowedHost reports whether a Host header names a host of AllowedHosts, as
// split_domain_port and validate_host of django.http.request.
func (a *Auth) isAllowedHost(host string) bool {
	match := validHost.FindStringSubmatch(host)
	if match == nil {
		return false
	}
	domain := strings.ToLower(strings.TrimSuffix(match[1], "."))
	if domain == "" {
		return false
	}
	for _, pattern := range a.AllowedHosts {
		pattern = strings.ToLower(pattern)
		switch {
		case pattern == "":
		case pattern == "*", pattern == domain:
			return true
		case pattern[0] == '.' && (strings.HasSuffix(domain, pattern) || domain == pattern[1:]):
			return true
		}
	}
	return false
}
