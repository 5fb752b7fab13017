package djauth

import (
	"errors"
	"time"

	"github.com/djsess/djsess/internal/eventlimit"
)

// The paths of Django's own backends, for Auth.AuthenticationBackends.
const (
	ModelBackend                   = "django.contrib.auth.backends.ModelBackend"
	AllowAllUsersModelBackend      = "django.contrib.auth.backends.AllowAllUsersModelBackend"
	RemoteUserBackend              = "django.contrib.auth.backends.RemoteUserBackend"
	AllowAllUsersRemoteUserBackend = "django.contrib.auth.backends.AllowAllUsersRemoteUserBackend"
)

// The names under which a session holds its user.
const (
	idName      = "_auth_user_id"
	backendName = "_auth_user_backend"
	hashName    = "_auth_user_hash"
)

// Auth is django.contrib.auth for HTTP handlers under a djsession.Manager. Make it
// with New, which fills in Django's defaults, and set the fields that the site's
// settings.py sets. They must not change once requests are served.
type Auth struct {
	// AuthenticationBackends is AUTHENTICATION_BACKENDS. A visitor who was logged in by
	// another backend is anonymous. Default: ModelBackend.
	AuthenticationBackends []string

	// UserCanAuthenticate is the backend's user_can_authenticate: it reports whether a
	// user may be logged in at all. Set it if a backend of the site decides in another
	// way. If it panics, that is an error of User. Default: the function
	// UserCanAuthenticate.
	UserCanAuthenticate func(backend string, user *User) bool

	// SessionAuthHash is get_session_auth_hash, for a user model that overrides it: it
	// returns the value that Django stores as _auth_user_hash. The secret is
	// SecretKey or one of SecretKeyFallbacks. SessionHash makes such a function for
	// the usual case; for others, signing.SaltedHMAC is salted_hmac. The columns that
	// the hash depends on must be in UserModel.Extra. If the function returns an error,
	// an empty hash, or panics, that is an error of User and Login.
	// Default: the method of Django's AbstractBaseUser.
	SessionAuthHash func(user *User, secret string) (string, error)
	// InheritsFallbackHash says that the user model overrides get_session_auth_hash and
	// not get_session_auth_fallback_hash. After a change of SECRET_KEY, Django then ends
	// the sessions of such users in spite of SECRET_KEY_FALLBACKS, and User takes their
	// visitors for anonymous. Default: off; SessionAuthHash makes the hashes of fallback
	// keys, too.
	InheritsFallbackHash bool
	// NoSessionAuthHash says that the user model has no get_session_auth_hash, as one
	// that does not derive from AbstractBaseUser. Then no hash is checked, and Login
	// stores an empty one. From 6.1 on Django cannot log in such a user, and neither
	// can Login. Default: off.
	NoSessionAuthHash bool

	// LoginURL is LOGIN_URL, as a URL: names of Django's URLconf do not work here. Default: "/accounts/login/".
	LoginURL string
	// RedirectFieldName is the query parameter that holds where to go after the
	// login. Default: "next".
	RedirectFieldName string
	// SecureProxySSLHeader is SECURE_PROXY_SSL_HEADER, for a service behind a
	// proxy that ends HTTPS: the name of a header that the proxy always sets,
	// and its value for HTTPS, such as {"X-Forwarded-Proto", "https"}. Like
	// UseXForwardedHost it matters only to a LoginURL on another host or
	// scheme. Default: none.
	SecureProxySSLHeader [2]string
	// UseXForwardedHost is USE_X_FORWARDED_HOST. Default: off.
	UseXForwardedHost bool
	// AllowedHosts is ALLOWED_HOSTS: the names under which visitors reach this
	// service, such as "www.example.com", ".example.com" (that and every name
	// below it) or "*" (any). RequireUser needs it if LoginURL is on another host
	// or scheme. Default: none.
	AllowedHosts []string

	// CSRFUseSessions is CSRF_USE_SESSIONS: the secret is in the session, not
	// in a cookie. Default: off.
	CSRFUseSessions bool
	// CSRFCookieName is CSRF_COOKIE_NAME. Default: "csrftoken".
	CSRFCookieName string
	// CSRFCookieAge is CSRF_COOKIE_AGE; zero is Python's None, a cookie that
	// ends with the browser. Default: 31449600 seconds, which is a year.
	CSRFCookieAge time.Duration
	// CSRFCookieDomain is CSRF_COOKIE_DOMAIN. Default: "", which is Python's
	// None: this host only.
	CSRFCookieDomain string
	// CSRFCookiePath is CSRF_COOKIE_PATH. Default: "/".
	CSRFCookiePath string
	// CSRFCookieSecure is CSRF_COOKIE_SECURE. Default: off.
	CSRFCookieSecure bool
	// CSRFCookieHTTPOnly is CSRF_COOKIE_HTTPONLY. Default: off.
	CSRFCookieHTTPOnly bool
	// CSRFCookieSameSite is CSRF_COOKIE_SAMESITE, "" for Python's False.
	// Default: "Lax".
	CSRFCookieSameSite string

	users    Users
	refusals eventlimit.Limit[refusal]
}

// New returns an Auth with Django's defaults. It takes the site's settings from the session
// of each request.
func New(users Users) (*Auth, error) {
	if users == nil {
		return nil, errors.New("djauth: users are needed")
	}
	return &Auth{
		AuthenticationBackends: []string{ModelBackend},
		UserCanAuthenticate:    UserCanAuthenticate,
		LoginURL:               "/accounts/login/",
		RedirectFieldName:      "next",
		CSRFCookieName:         "csrftoken",
		CSRFCookieAge:          31449600 * time.Second,
		CSRFCookiePath:         "/",
		CSRFCookieSameSite:     "Lax",
		users:                  users,
	}, nil
}

// UserCanAuthenticate is user_can_authenticate of Django's own backends: the user
// must be active, except for the AllowAllUsers backends.
func UserCanAuthenticate(backend string, user *User) bool {
	switch backend {
	case AllowAllUsersModelBackend, AllowAllUsersRemoteUserBackend:
		return true
	}
	return user.IsActive
}

// settingsError returns an error if the fields contradict each other. To ignore one of
// them could let in a visitor whose hash does not fit.
func (a *Auth) settingsError() error {
	if a.NoSessionAuthHash && a.SessionAuthHash != nil {
		return errors.New("NoSessionAuthHash says that the site checks no hash, but SessionAuthHash is set: which one is right?")
	}
	return nil
}
