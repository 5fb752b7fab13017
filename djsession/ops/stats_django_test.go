package ops_test

import (
	"slices"
	"testing"

	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// countCode makes sessions and counts them in Python.
const countCode = `
import json, pickle
def count(in_cache):
	for i in range(60):
		s = SessionStore()
		s["page"] = "x" * (10 * i)
		if i % 2:
			s["cart"] = {str(n): 1.5 for n in range(i)}
		if i % 3 == 0:
			s["_auth_user_id"] = str(i % 4)
		s.set_expiry(3600 * 24 * (2 if i < 20 else 10))
		s.save()
		yield dict(s.items())

def total(in_cache):
	sessions = list(count(in_cache))
	size = lambda o: len(pickle.dumps(o, pickle.HIGHEST_PROTOCOL) if in_cache else json.dumps(o, separators=(",", ":")))
	users = collections.Counter(m["_auth_user_id"] for m in sessions if "_auth_user_id" in m)
	return {
		"Anonymous": sum("_auth_user_id" not in m for m in sessions), "LoggedIn": sum(users.values()), "Users": users,
		"Bytes": sum(map(size, sessions)), "Largest": max(map(size, sessions)),
		"Cart": [sum("cart" in m for m in sessions), sum(4 + len(json.dumps(m["cart"], separators=(",", ":"))) for m in sessions if "cart" in m)],
	}
`

// The statistics of a real Django's sessions are those that Python counts.
func TestStatsOfDjango(t *testing.T) {
	djangotest.NotShort(t, "TestMigrate starts Djangos")
	for _, name := range []string{"SQLite", "file", "RedisCache"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := engineOf(t, name)
			s := newSite(t, e, djangotest.Newest, nil)
			var want struct {
				Anonymous, LoggedIn, Bytes, Largest int64
				Users                               map[string]int64
				Cart                                [2]int64
			}
			s.Do(t, sessionCode+countCode, nil, nil)
			s.Do(t, `result = total(args)`, e.pickles, &want)
			got, err := ops.Stats(t.Context(), s.store, ops.StatsOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got.Anonymous != want.Anonymous || got.LoggedIn != want.LoggedIn || got.Bytes != want.Bytes || got.Largest[0].Bytes != want.Largest ||
				got.Live != 60 || got.Expired != 0 || got.Users != int64(len(want.Users)) {
				t.Errorf("got %s, largest %d; want %+v", counts(got), got.Largest[0].Bytes, want)
			}
			for _, u := range got.TopUsers {
				if want.Users[u.ID] != u.Sessions || u.Excess != 0 {
					t.Errorf("%+v, want %d", u, want.Users[u.ID])
				}
			}
			cart := slices.IndexFunc(got.Names, func(n ops.NameStatistics) bool { return n.Name == "cart" })
			if cart < 0 || got.Names[cart].Sessions != want.Cart[0] || !e.pickles && got.Names[cart].Bytes != want.Cart[1] {
				t.Errorf("names %+v, want cart %v", got.Names, want.Cart)
			}
			left, never := "259200: 20, 1209600: 40", int64(0)
			if name == "file" { // a session with an age of its own never ends there
				left, never = "", 60
			}
			if filled(got.Left) != left || got.NeverEnds != never {
				t.Errorf("left: %s, %s", filled(got.Left), counts(got))
			}
			if saved, dated := filled(got.Saved), !e.pickles; dated && saved != "3600: 60" || !dated && got.NotDated != 60 {
				t.Errorf("saved: %s, %d not dated", saved, got.NotDated)
			}

			// Sessions that Django cannot read either are found.
			report, err := ops.Verify(t.Context(), s.store, ops.VerifyOptions{})
			if err != nil || report.Read != 60 || report.Unreadable != 0 {
				t.Errorf("%+v, %v", report, err)
			}
			if name != "SQLite" {
				return
			}
			s.Do(t, `
				for s in Session.objects.order_by("session_key")[:7]:
					s.session_data = s.session_data[:-1] + ("A" if s.session_data[-1] != "A" else "B")
					s.save()
			`, nil, nil)
			report, err = ops.Verify(t.Context(), s.store, ops.VerifyOptions{Job: ops.Job{Workers: 1}})
			if err != nil || report.Read != 60 || report.Unreadable != 7 || len(report.Kinds) != 1 || report.Kinds[0].Kind != "bad signature" {
				t.Fatalf("%+v, %v", report, err)
			}
			var empty bool
			s.Do(t, `
				import logging
				logging.disable(logging.CRITICAL)
				keys = [s.session_key for s in Session.objects.order_by("session_key")[:7]]
				result = all(not list(SessionStore(k).keys()) for k in keys) and [k[:6] + "\u2026" for k in keys[:5]] == args
			`, report.Kinds[0].Examples, &empty)
			if !empty {
				t.Errorf("Django reads what Verify cannot, or the examples are others: %v", report.Kinds[0].Examples)
			}
		})
	}
}
