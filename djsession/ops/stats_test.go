package ops_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// counts are the counts of statistics, in a form that can be compared.
func counts(s *ops.Statistics) string {
	return fmt.Sprintf("live %d, expired %d, anonymous %d, logged in %d, unreadable %d, users %d %v, bytes %d, never %d, unknown %d, not dated %d",
		s.Live, s.Expired, s.Anonymous, s.LoggedIn, s.Unreadable, s.Users, s.UsersExact, s.Bytes, s.NeverEnds, s.UnknownEnd, s.NotDated)
}

// filled are the buckets that hold something, as "below: count".
func filled(buckets []ops.Bucket) string {
	var texts []string
	for _, b := range buckets {
		if b.Count > 0 {
			texts = append(texts, fmt.Sprintf("%d: %d", b.Below, b.Count))
		}
	}
	return strings.Join(texts, ", ")
}

func TestStats(t *testing.T) {
	s := memoryStore(t, nil)
	const large = 20 << 20
	longName := strings.Repeat("n", 10_000)
	store(t, s, "aaaaaaaaaaaaaaaa", `{"_auth_user_id":"7","cart":[1,2,3]}`, exportedAt.Add(30*time.Minute))
	store(t, s, "bbbbbbbbbbbbbbbb", `{"_auth_user_id":7}`, exportedAt.Add(48*time.Hour))
	store(t, s, "cccccccccccccccc", `{"_auth_user_id":"8"}`, djsession.Never)
	store(t, s, "dddddddddddddddd", `{}`, exportedAt.Add(20*24*time.Hour))
	store(t, s, "eeeeeeeeeeeeeeee", `{"`+longName+`":1,"\u001b[2J":2}`, exportedAt.Add(1000*24*time.Hour))
	store(t, s, "ffffffffffffffff", `{"cart":"`+strings.Repeat("x", large)+`"}`, exportedAt.Add(time.Hour))
	store(t, s, "gggggggggggggggg", `{"_auth_user_id":"9"}`, exportedAt.Add(-48*time.Hour))

	got, err := ops.Stats(t.Context(), damaged{s}, ops.StatsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bytes := len(`{"_auth_user_id":"7","cart":[1,2,3]}`) + len(`{"_auth_user_id":7}`) + len(`{"_auth_user_id":"8"}`) + len(`{}`) +
		len(longName) + len(`{"":1,"\u001b[2J":2}`) + large + len(`{"cart":""}`)
	want := fmt.Sprintf("live 7, expired 1, anonymous 3, logged in 3, unreadable 1, users 2 true, bytes %d, never 1, unknown 0, not dated 0", bytes)
	if counts(got) != want {
		t.Errorf("got  %s\nwant %s", counts(got), want)
	}
	for name, h := range map[string]struct{ got, want string }{
		"sizes":       {filled(got.Sizes), "64: 4, 16384: 1, 0: 1"},
		"left":        {filled(got.Left), "3600: 1, 21600: 1, 259200: 1, 2592000: 1, 0: 1"},
		"saved":       {filled(got.Saved), "3600: 6"},
		"expired for": {filled(got.ExpiredFor), "259200: 1"},
	} {
		if h.got != h.want {
			t.Errorf("%s: %s, want %s", name, h.got, h.want)
		}
	}
	if l := got.Largest; len(l) != 6 || l[0].Session != "ffffff…" || l[0].Bytes != large+11 || l[1].Session != "eeeeee…" || l[1].Values != 2 || l[2].User != "7" {
		t.Errorf("largest: %+v", l)
	}
	if n := got.Names; len(n) != 4 || !got.NamesExact || n[0] != (ops.NameStatistics{Name: "cart", Sessions: 2, Bytes: large + 2 + 4 + 7 + 4, Largest: large + 2 + 4}) ||
		n[1].Name != longName[:64]+"… (10000 characters)" {
		t.Errorf("names: %+v", n)
	}
	if u := got.TopUsers; len(u) != 2 || u[0] != (ops.UserStatistics{ID: "7", Sessions: 2}) || u[1].ID != "8" {
		t.Errorf("users: %+v", u)
	}
}

// A store without sessions, and one of which nothing can be read.
func TestStatsOfNothing(t *testing.T) {
	got, err := ops.Stats(t.Context(), memoryStore(t, nil), ops.StatsOptions{})
	if want := "live 0, expired 0, anonymous 0, logged in 0, unreadable 0, users 0 true, bytes 0, never 0, unknown 0, not dated 0"; err != nil || counts(got) != want {
		t.Errorf("%s, %v", counts(got), err)
	}
	found := 0
	got, err = ops.Stats(t.Context(), unreadable{memoryStore(t, nil), 5_000, djsession.Never}, ops.StatsOptions{Job: ops.Job{Found: func(ops.Finding) { found++ }}})
	if !errors.Is(err, ops.ErrNoneReadable) || got.Live < 100 || got.Live > 300 || found < 100 || got.Live != got.Unreadable {
		t.Errorf("%s, %v, found %d", counts(got), err, found)
	}
	// Expired sessions that nobody can read harm nobody.
	got, err = ops.Stats(t.Context(), unreadable{memoryStore(t, nil), 5_000, exportedAt.Add(-time.Hour)}, ops.StatsOptions{Job: ops.Job{Workers: 1}})
	if err != nil || got.Expired != 5_000 || got.Unreadable != 0 {
		t.Errorf("%s, %v", counts(got), err)
	}
	if _, err := ops.Stats(t.Context(), newCookieStore(t), ops.StatsOptions{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("signed cookies: error %v", err)
	}
}

// unreadable is a store of n sessions for each worker, none of which can be read.
type unreadable struct {
	*djsessiontest.Store
	n       int
	expires time.Time
}

func (u unreadable) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		for i := range u.n {
			r := &djsession.Record{Key: fmt.Sprintf("%016d", i), Expires: u.expires}
			if !yield(r, &djsession.PayloadError{Err: djsession.ErrBadSignature, Form: djsession.Signed}) {
				return
			}
		}
	}
}

func TestStatsSample(t *testing.T) {
	s := memoryStore(t, nil)
	for i := range 300 {
		store(t, s, fmt.Sprintf("%016d", i), `{"a":1}`, exportedAt.Add(time.Hour))
	}
	for sample, want := range map[int64]int64{1: 1, 10: 10, 299: 299, 300: 300, 1000: 300} {
		got, err := ops.Stats(t.Context(), s, ops.StatsOptions{Sample: sample})
		if err != nil || got.Live != want || got.Sampled != (sample < 300) {
			t.Errorf("sample %d: %s, sampled %v, %v", sample, counts(got), got.Sampled, err)
		}
	}
}

// With more users and names than are kept, the lists say that they are approximate.
func TestStatsApproximate(t *testing.T) {
	djangotest.NotShort(t, "200,000 sessions")
	got, err := ops.Stats(t.Context(), crowd{memoryStore(t, nil), 200_000}, ops.StatsOptions{Job: ops.Job{Workers: 1}})
	if err != nil || got.UsersExact || got.NamesExact || got.Users != 50_000 || got.Live != 200_000 {
		t.Fatalf("%s, names exact %v, %v", counts(got), got.NamesExact, err)
	}
	if u := got.TopUsers[0]; u.ID != "regular" || u.Sessions-u.Excess > 20_000 || u.Sessions < 20_000 {
		t.Errorf("top user: %+v", u)
	}
	if n := got.Names[0]; n.Name != "_auth_user_id" || n.Bytes < 200_000*13 {
		t.Errorf("top name: %+v", n)
	}
}

// crowd is a store of n sessions of as many users, but that one user has each tenth.
type crowd struct {
	*djsessiontest.Store
	n int
}

func (c crowd) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		for i := range c.n {
			user := fmt.Sprint(i)
			if i%10 == 0 {
				user = "regular"
			}
			v := new(djsession.Values)
			if err := v.UnmarshalPythonJSON(fmt.Sprintf(`{"_auth_user_id":%q,"page %d":1}`, user, i%10_000)); err != nil {
				yield(nil, err)
				return
			}
			if !yield(&djsession.Record{Key: fmt.Sprintf("%016d", i), Values: v, Expires: djsession.Never}, nil) {
				return
			}
		}
	}
}

func TestVerify(t *testing.T) {
	s := memoryStore(t, nil)
	for i := range 20 {
		store(t, s, fmt.Sprintf("%016d", i), `{"a":1}`, exportedAt.Add(time.Hour))
	}
	report, err := ops.Verify(t.Context(), s, ops.VerifyOptions{})
	if err != nil || report.Read != 20 || report.Unreadable != 0 || report.Kinds != nil {
		t.Errorf("%+v, %v", report, err)
	}
	report, err = ops.Verify(t.Context(), assorted{s}, ops.VerifyOptions{Job: ops.Job{Workers: 1}})
	if err != nil || report.Read != 32 || report.Unreadable != 12 {
		t.Fatalf("%+v, %v", report, err)
	}
	var got []string
	for _, k := range report.Kinds {
		got = append(got, fmt.Sprintf("%d %s %s", k.Count, k.Kind, strings.Join(k.Examples, " ")))
	}
	want := []string{
		"8 bad signature bad000… bad001… bad002… bad003… bad004…",
		"2 malformed: a pickle bad008… bad009…", "1 bad signature, in the form of Django up to 3.0 bad010…", "1 too large bad011…",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if _, err := ops.Verify(t.Context(), unreadable{s, 500, djsession.Never}, ops.VerifyOptions{}); !errors.Is(err, ops.ErrNoneReadable) {
		t.Errorf("error %v", err)
	}
	if _, err := ops.Verify(t.Context(), newCookieStore(t), ops.VerifyOptions{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("signed cookies: error %v", err)
	}
	if _, err := ops.Verify(t.Context(), assorted{s}, ops.VerifyOptions{Job: ops.Job{StopAtUnreadable: true}}); !errors.Is(err, djsession.ErrBadSignature) {
		t.Errorf("error %v", err)
	}
}

// assorted is a store with sessions that cannot be read for several reasons.
type assorted struct{ *djsessiontest.Store }

func (a assorted) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		for i := range 12 {
			err := &djsession.PayloadError{Err: djsession.ErrBadSignature, Form: djsession.Signed}
			switch {
			case i == 11:
				err = &djsession.PayloadError{Err: djsession.ErrTooLarge}
			case i == 10:
				err.Form = djsession.Legacy
			case i >= 8:
				err = &djsession.PayloadError{Err: djsession.ErrMalformed, Content: "a pickle"}
			}
			if !yield(&djsession.Record{Key: fmt.Sprintf("bad%03d0123456789", i)}, err) {
				return
			}
		}
		for record, err := range a.Store.Scan(ctx, r) {
			if !yield(record, err) {
				return
			}
		}
	}
}
