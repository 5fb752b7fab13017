// Package djauth finds the user who is logged in, as django.contrib.auth does, and logs
// visitors in and out. So a Go service and a Django site share one login.
//
// It works on the sessions of a [djsession.Manager], and on the site's table of users:
//
//	store, err := storeurl.Open(os.Getenv("DATABASE_URL"), settings)
//	manager, err := djsession.NewManager(store)
//	users, err := djauth.UsersIn(store, djauth.UserModel{})
//	auth, err := djauth.New(users)
//	err = auth.Check(ctx, manager) // are the users and their hashes the site's?
//
//	mux.Handle("/account/", auth.WithUser(account)) // login_required
//	http.ListenAndServe(addr, manager.Handler(mux))
//
//	func account(w http.ResponseWriter, r *http.Request, s *djsession.Session, user *djauth.User) error {
//		fmt.Fprintln(w, "hello", user.Username)
//		return nil
//	}
//
// [FromFile] makes users and auth from the file that "djsess settings" wrote in the site.
//
// [Auth.RequireUser] protects any http.Handler, and [Auth.User] returns request.user in any
// handler, or nil for an anonymous visitor.
//
// [UserModel] describes a user model of the site's own. Users that are not in an SQL
// database need an implementation of [Users].
//
// # Passwords
//
// This package checks no password. Leave that to the site's login page, to which
// [Auth.RequireUser] sends visitors: it knows the site's hashers and upgrades old
// hashes, throttles, asks for a second factor, and writes the site's logs.
// [Auth.Login] is for a service that identifies the visitor in another way: by an identity
// provider, a link in a mail, a token.
//
// # Who counts as logged in
//
// [Auth.User] decides as Django's get_user, of the release that
// Settings.DjangoVersion names: the session names a user and one of the
// AuthenticationBackends, the user exists and may log in, and the session auth
// hash fits the user's password under SECRET_KEY or one of SECRET_KEY_FALLBACKS. A
// user model with a get_session_auth_hash of its own needs [Auth.SessionAuthHash], which
// [SessionHash] makes for most. One without that method needs Auth.NoSessionAuthHash.
//
// User never writes. If one of these conditions fails, the visitor is anonymous for this
// service, and the session and its cookie stay as they are. [Auth.Check] finds at start-up
// that all visitors would be anonymous. The manager's Observer is
// told the reason and what to check, with one event of each kind in ten seconds
// (djsession.EventRefusal). After a change of password, Django flushes the session at the
// visitor's next request there. Under a fallback key, Django renews it. So a service with
// the wrong users, key or hash logs nobody out. If the database of
// the users does not answer, User returns an error, never an anonymous visitor.
//
// The session of an anonymous visitor may thus hold what a user left in it, such as a
// cart, until Django flushes it. Show what belongs to a user only where User returns
// that user.
//
// When an _auth_user_id is of the wrong type, Django raises an exception. Here the
// visitor is anonymous.
//
// # Who writes
//
// [Auth.Login] and [Auth.Logout] write, as Django's login and logout. Login flushes the
// visitor's session if it is another user's, or if its hash is not the user's under
// SECRET_KEY. A service with the wrong users or the wrong key loses what that one
// session held, as would a Django with the same settings. They send none of Django's signals:
// what the site does in a receiver of user_logged_in or user_logged_out, such as a row in a table
// of logins, is not done.
//
// # Where the users are
//
// A table of users is looked for in the schema of the session table, so that one tenant's
// sessions are never read with another tenant's users. If it is only in another schema,
// that is an error until UserModel.Table names that schema ("public.auth_user").
package djauth
