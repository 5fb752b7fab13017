package storeurl

import (
	"context"
	"errors"
)

// passwordFunc returns the password for a new connection to a server.
type passwordFunc = func(context.Context) (string, error)

// WithPasswordFrom has each new connection use the password that a function returns, for passwords
// that expire, such as IAM tokens. The URL must then have none. It is for PostgreSQL, MySQL and
// Redis. For Redis behind Sentinels it is the password of Redis, not that of the Sentinels. For a
// cached_db it is the password of the database.
//
// Several goroutines may call the function at the same time. Its context ends when nobody waits for
// the connection any more: for a load, after load_timeout. An open connection stays in use when its
// password expires.
func WithPasswordFrom(f func(context.Context) (string, error)) Option {
	return func(g *given) { g.newPassword = f }
}

// WithCachePasswordFrom is WithPasswordFrom for the cache of a cached_db.
func WithCachePasswordFrom(f func(context.Context) (string, error)) Option {
	return func(g *given) { g.cachePassword = f }
}

// checkPassword returns an error if a function is given that the store cannot use.
func (u *storeURL) checkPassword() error {
	f := u.newPassword
	switch {
	case f == nil:
		return nil
	case !u.row.password:
		return errors.New("a password is given for each connection, but this store has none")
	case u.hasPassword || u.options.Has("password"):
		return errors.New("the URL has a password, and another one is given for each connection: choose one")
	}
	u.newPassword = func(ctx context.Context) (string, error) {
		password, err := f(ctx)
		if err == nil && password == "" {
			err = errors.New("the password for a new connection is empty") // the drivers would look for another one
		}
		return password, err
	}
	return nil
}
