package djauth

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sitefile"
)

// FromFile returns an Auth with the settings and the user model of a file that "djsess settings"
// wrote in the site: the same one as for djsession.SettingsFromFile. The users are in the
// database of the store, as for [UsersIn]. Extra are further columns to read, as in
// UserModel.Extra.
//
// If the user model has a get_session_auth_hash of its own, set Auth.SessionAuthHash. Until
// then User returns an error for every visitor who is logged in.
func FromFile(path string, store djsession.Store, extra ...string) (*Auth, error) {
	file, err := sitefile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("djauth: %w", err)
	}
	if file.Users == nil {
		return nil, fmt.Errorf("djauth: settings file %s: it does not describe the users' table: use UsersIn and New", path)
	}
	users, err := UsersIn(store, userModel(file.Users, extra))
	if err != nil {
		return nil, err
	}
	a, err := New(users)
	if err != nil {
		return nil, err
	}
	site := &file.Site
	a.AuthenticationBackends = site.AuthenticationBackends
	a.LoginURL = site.LoginURL
	a.AllowedHosts = site.AllowedHosts
	a.UseXForwardedHost = site.UseXForwardedHost
	if h := site.SecureProxySSLHeader; len(h) == 2 {
		a.SecureProxySSLHeader = [2]string{headerName(h[0]), h[1]}
	}
	a.CSRFUseSessions = site.CSRFUseSessions
	a.CSRFCookieName = site.CSRFCookieName
	a.CSRFCookieAge = time.Duration(site.CSRFCookieAge) * time.Second
	a.CSRFCookieDomain = site.CSRFCookieDomain
	a.CSRFCookiePath = site.CSRFCookiePath
	a.CSRFCookieSecure = site.CSRFCookieSecure
	a.CSRFCookieHTTPOnly = site.CSRFCookieHTTPOnly
	a.CSRFCookieSameSite = site.CSRFCookieSameSite
	switch file.Users.AuthHash {
	case sitefile.NoHash:
		a.NoSessionAuthHash = true
	case sitefile.OwnHash:
		a.InheritsFallbackHash = file.Users.InheritsFallbackHash
		model := file.Users.Model
		a.SessionAuthHash = func(*User, string) (string, error) {
			return "", fmt.Errorf("%s has a get_session_auth_hash of its own: %w", model, errSetHash)
		}
	}
	return a, nil
}

var errSetHash = errors.New("set Auth.SessionAuthHash")

// userModel returns the description of the users' table that is in a settings file.
func userModel(u *sitefile.Users, extra []string) UserModel {
	orNone := func(column string) string {
		if column == "" {
			return NoColumn
		}
		return column
	}
	return UserModel{
		Table:      u.Table,
		PrimaryKey: map[string]PrimaryKey{sitefile.IntegerID: Integer, sitefile.UUIDID: UUID, sitefile.TextID: Text}[u.IDType],
		ID:         u.ID,
		Username:   u.Username,
		Password:   u.Password,
		IsActive:   orNone(u.IsActive),
		LastLogin:  orNone(u.LastLogin),
		Extra:      extra,
	}
}

// headerName returns the name of a header by its name in Django's request.META, which is
// HTTP_X_FORWARDED_PROTO for X-Forwarded-Proto.
func headerName(meta string) string {
	return strings.ReplaceAll(strings.TrimPrefix(meta, "HTTP_"), "_", "-")
}
