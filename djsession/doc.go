// Package djsession reads and writes the sessions of a Django site, beside that
// site and without its noticing.
//
// Start with [NewSettings], which takes the release of Django and the site's
// SECRET_KEY; open a store with package storeurl, or one of the stores' own
// packages; and change a stored session with [Update]:
//
//	settings, err := djsession.NewSettings("5.2", os.Getenv("DJANGO_SECRET_KEY"))
//	store, err := storeurl.Open(os.Getenv("DATABASE_URL"), settings)
//
//	record, err := store.Load(ctx, key)       // ErrNotFound: no such live session
//	name := record.Values.GetString("name")
//	err = record.Values.Get("cart", &cart)    // any Go type, as with encoding/json
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
// [Update] never loses a write: it replaces only what it has read, and makes its
// changes again on what somebody else wrote meanwhile. Django does no such thing.
// A Django request that overlaps with a change of ours saves the whole session as
// it read it, and so takes our change back.
//
// A payload that Django would refuse is a [*PayloadError], never an empty session,
// and is never written over: a program with the wrong SECRET_KEY logs nobody out.
//
// Errors hold no secrets and no whole session keys; see [ShortKey].
//
// # What implements what
//
// A [Codec] is how sessions are written; [NewCodec] chooses the one that the
// settings call for. A [Store] is where they are kept, as one of Django's engines
// keeps them: package dbstore has the engine db. Most programs call a store's Load
// and Update, and need know no more of either.
package djsession
