// Package djauth tells who is logged in, as django.contrib.auth does, and logs
// visitors in and out, so that a Go service and a Django site share one login.
//
// It works on the session that a [djsession.Manager] gives to handlers, and on the
// site's users, which are in its database:
//
//	store, err := storeurl.Open(os.Getenv("DATABASE_URL"), settings)
//	manager, err := djsession.NewManager(store, settings)
//	users, err := djauth.UsersIn(store, djauth.UserModel{})
//	auth, err := djauth.New(users, settings)
//
//	user, err := auth.User(r)                   // request.user; nil is AnonymousUser
//	mux.Handle("/account/", auth.RequireUser(account))             // login_required
//	http.ListenAndServe(addr, manager.Handler(mux))
//
// A site with a user model of its own says so in [UserModel]; users that are not in
// an SQL database implement [Users].
//
// # Passwords
//
// Nothing here checks a password. Leave that to the site's login page, where
// [Auth.RequireUser] sends visitors: it knows the site's hashers and upgrades old
// hashes, throttles, asks for a second factor, and writes the site's logs.
// [Auth.Login] is for a service that has found out by other means who somebody is:
// an identity provider, a link in a mail, a token.
//
// # Who counts as logged in
//
// [Auth.User] decides as Django's get_user, of the release that
// Settings.DjangoVersion names: the session names a user and one of the
// AuthenticationBackends, the user exists and may log in, and the session auth
// hash fits the user's password under SECRET_KEY. A user whose hash fits under one
// of SECRET_KEY_FALLBACKS is logged in as well, and the session gets a new key and
// a new hash.
//
// The session is flushed in one case only: the user was found, and the hash is
// missing or wrong, as it is once the password was changed. So the users must be the
// site's own: with a copy of the table that has other passwords, a service would
// end the session of whoever comes by. In every other case the visitor is anonymous
// for this service and the session stays as it is: a service that lacks a backend,
// or does not find the user, logs nobody out. A database that cannot be asked is an
// error, never an anonymous visitor. With Manager.ReadOnly nothing is flushed or
// renewed.
//
// The engines cache and cached_db keep sessions without a signature, and with a
// SECRET_KEY that is not the site's they load as ever, only that no hash fits. So such
// a session is not flushed before this Auth has seen one whose hash does fit: until then
// who comes with a wrong hash is anonymous, the session stays as it is, and the
// manager's Observer is told. A site that changes its SECRET_KEY has to tell its Go
// services first, to have the new key among their SECRET_KEY_FALLBACKS: else those that
// Django has renewed do not fit here, and are flushed. What [Auth.Login] has stored
// fits, too, whatever the SECRET_KEY: a service that logs users in should see a login of
// the site's own open before it goes live.
//
// Where Django raises, because an _auth_user_id is of the wrong type, the visitor is
// anonymous here.
package djauth
