// Package djsession reads and writes the sessions of a live Django site, in Django's own
// format.
//
// Start with [SettingsFromFile], which takes the file that "djsess settings" wrote in the site,
// and the site's SECRET_KEY; or with [NewSettings], which has the defaults of a release of
// Django. Open a store with package storeurl, or with the package of one store:
//
//	settings, err := djsession.SettingsFromFile("djsess-settings.json", os.Getenv("DJANGO_SECRET_KEY"))
//	store, err := storeurl.OpenFromFile("djsess-settings.json", settings)
//
// In a web service, put [Manager.Handler] around the handlers. [Manager.WithSession] calls a
// handler with the visitor's [Session]; other handlers call [FromRequest]:
//
//	manager, err := djsession.NewManager(store)
//	err = manager.Check(ctx) // do the settings open the sessions of the store?
//	mux.Handle("POST /visit", manager.WithSession(visit))
//	http.ListenAndServe(addr, manager.Handler(mux))
//
//	func visit(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
//		cart, err := djsession.GetOr(s, "cart", Cart{}) // any Go type, as with encoding/json
//		if err == nil {
//			err = s.Set("seen", time.Now())
//		}
//		if err != nil {
//			return err
//		}
//		fmt.Fprintln(w, "hello", s.GetString("name"), cart) // the first byte saves the session
//		return nil
//	}
//
// If a value depends on its old value, change it with [Session.Apply], so that no concurrent
// change is lost. Outside of requests, use [Update]:
//
//	_, err = djsession.Update(ctx, store, key, func(v *djsession.Values) error {
//		visits, err := djsession.GetOr(v, "visits", 0)
//		if err != nil {
//			return err
//		}
//		return v.Set("visits", visits+1)
//	})
//
// Package djauth finds the user who is logged in. Package djsessiontest is for the tests of
// handlers.
//
// # What is promised
//
// Values are kept as they are stored. A value that the program does not change is written
// back byte for byte. A value that it sets is written as Python would write it. See [Values].
//
// A concurrent write is never lost to ours. A save replaces only the session that was loaded. If
// another writer has changed it, the changes are re-applied on top of that. Django does not
// do this: a Django request that overlaps with our change saves the whole session as that
// request has read it, and our change is lost.
//
// If in doubt, djsession changes nothing. A payload that Django would refuse is a [*PayloadError], never an
// empty session, and is never overwritten. A store that is down is an error. A request that
// only reads deletes no cookie. A new session is stored only in a store that is proven to be
// the site's ([Manager.AcceptEmptyStore]). No session is signed with a SECRET_KEY that is not
// proven to be the site's ([Settings.AcceptNewKey]). So a program with the wrong SECRET_KEY
// or the wrong store logs nobody out. A wrong UseTZ or TimeZone on SQLite or MySQL is not
// detected: sessions load, but their expiry is wrong by hours.
//
// A change is never made twice. If the answer to a write is lost, the store reads the session. If
// the change is there, the write succeeded. Otherwise the error is an [ErrOutcomeUnknown].
//
// Errors hold no secrets and no whole session keys; see [ShortKey].
//
// # Stores and codecs
//
// A [Store] keeps sessions, as one of Django's engines does: package dbstore is the engine db,
// filestore is file, cookiestore is signed_cookies, and cachestore is cache and cached_db. A
// [Codec] encodes sessions; [NewCodec] returns the codec for the settings.
package djsession
