package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/djsess/djsess/djsession"
)

// testDamage tests that a session which cannot be trusted is never loaded as an empty session,
// and never overwritten.
func testDamage(f *fixture) {
	ctx := f.Context()
	r := f.create("akeyofasessionthatisdamaged", `{"a":1}`)
	f.Damage(f.T, f.store, r.Key)
	for range 2 {
		errs := map[string]error{
			"Load":    second(f.store.Load(ctx, r.Key)),
			"Replace": second(f.store.Replace(ctx, r, f.values(`{"b":2}`), time.Time{})),
			"djsession.Update": second(djsession.Update(ctx, f.store, r.Key, func(v *djsession.Values) error {
				return v.Set("b", 2)
			})),
		}
		if d, ok := f.store.(djsession.UnchangedDeleter); ok {
			errs["DeleteUnchanged"] = d.DeleteUnchanged(ctx, r)
		}
		for what, err := range errs {
			f.isPayloadError(what, err)
			f.isOpError(what, r.Key, err)
		}
		f.fails("Create", r.Key, second(f.store.Create(ctx, r.Key, nil, time.Time{})), djsession.ErrKeyTaken)
	}
	if err := f.store.Delete(ctx, r.Key); err != nil {
		f.Errorf("Delete: %v", err)
	}
	f.fails("Load after Delete", r.Key, second(f.store.Load(ctx, r.Key)), djsession.ErrNotFound)
}

func (f *fixture) isPayloadError(what string, err error) {
	f.Helper()
	var payload *djsession.PayloadError
	if !errors.As(err, &payload) || errors.Is(err, djsession.ErrNotFound) {
		f.Errorf("%s: the error is no *djsession.PayloadError: %v", what, err)
		return
	}
	for _, reason := range []error{djsession.ErrBadSignature, djsession.ErrMalformed, djsession.ErrTooLarge} {
		if errors.Is(payload, reason) {
			return
		}
	}
	f.Errorf("%s: the error does not say why the payload cannot be trusted: %v", what, err)
}

// testScanDamage tests that a scan reports a damaged session and goes on.
func testScanDamage(f *fixture) {
	var want []string
	for range 10 {
		want = append(want, f.create("", `{"a":1}`).Key)
	}
	// Two are damaged: a Scan that ends at a damaged session misses one of them in any order.
	damaged := []string{want[3], want[5]}
	for _, key := range damaged {
		f.Damage(f.T, f.store, key)
	}
	var good, bad []string
	for r, err := range f.store.(djsession.Scanner).Scan(f.Context(), djsession.Range{}) {
		switch {
		case err == nil:
			good = append(good, r.Key)
		case r == nil:
			f.Fatalf("Scan ended at a damaged session: %v", err)
		default:
			bad = append(bad, r.Key)
			f.isPayloadError("Scan", err)
			f.isOpError("Scan", r.Key, err)
			if r.Values != nil {
				f.Error("Scan yielded the values of a session that cannot be trusted")
			}
		}
	}
	if f.NamesOnly {
		damaged = []string{"", ""}
	}
	slices.Sort(damaged)
	slices.Sort(bad)
	if len(good) != len(want)-len(damaged) || !slices.Equal(bad, damaged) {
		f.Errorf("Scan yielded %d good sessions of %d, and %q as damaged", len(good), len(want)-len(damaged), bad)
	}
}
