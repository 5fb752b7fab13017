// Package djsession reads and writes the sessions of a Django site, beside that
// site and without its noticing.
//
// Start with [NewSettings], which takes the release of Django and the site's
// SECRET_KEY, and open a store with package storeurl, or with one of the stores'
// own packages:
//
//	settings, err := djsession.NewSettings("5.2", os.Getenv("DJANGO_SECRET_KEY"))
//	store, err := storeurl.Open(os.Getenv("DATABASE_URL"), settings)
//
// In a web service, put [Manager.Handler] around the handlers, and ask for the
// visitor's [Session] with [FromRequest]:
//
//	manager, err := djsession.NewManager(store)
//	err = manager.Check(ctx) // do the settings open what is in the store?
//	http.ListenAndServe(addr, manager.Handler(mux))
//
//	func handler(w http.ResponseWriter, r *http.Request) {
//		sess, err := djsession.FromRequest(r)
//		if err != nil {
//			djsession.Error(w, r, err)
//			return
//		}
//		name := sess.GetString("name")
//		err = sess.Get("cart", &cart) // any Go type, as with encoding/json
//		err = sess.Set("seen", time.Now())
//	}
//
// Package djauth tells who is logged in. Outside of requests, change a stored
// session with [Update]:
//
//	_, err = djsession.Update(ctx, store, key,
//		djsession.Set("seen", time.Now()),
//		djsession.Modify("visits", func(n int) (int, error) { return n + 1, nil }))
//
// # What is promised
//
// Values are kept as they are stored. What a program did not touch goes back byte
// for byte; what it sets is written as Python would have written it. See
// [Values].
//
// No write is lost to ours: saving replaces only what was read, and makes its
// changes again on what somebody else wrote meanwhile. Django does no such thing.
// A Django request that overlaps with a change of ours saves the whole session as
// it read it, and so takes our change back.
//
// Doubt destroys nothing. A payload that Django would refuse is a
// [*PayloadError], never an empty session, and is never written over. A store that
// is down is an error. A request that only reads takes no cookie away. A new session
// is stored only in a store that is proven to be the site's
// ([Manager.AcceptEmptyStore]), and no session is signed with a SECRET_KEY that is not
// proven to be the site's ([Settings.AcceptNewKey]). So a program with the wrong
// SECRET_KEY or the wrong store logs nobody out. A wrong UseTZ or TimeZone on SQLite
// or MySQL is not detected: sessions load, but their expiry is wrong by hours.
//
// A change is made once. If the answer to a write is lost, the store reads the session:
// if it holds what was written, the write succeeded, and otherwise the error is an
// [ErrOutcomeUnknown].
//
// Errors hold no secrets and no whole session keys; see [ShortKey].
//
// # What implements what
//
// A [Codec] is how sessions are written; [NewCodec] chooses the one that the
// settings call for. A [Store] is where they are kept, as one of Django's engines
// keeps them: package dbstore has the engine db, filestore the engine file, cookiestore
// the engine signed_cookies, and cachestore the engines cache and cached_db.
package djsession
