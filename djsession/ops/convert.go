package ops

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/secret"
)

// Conversion are the options of Convert. The zero Conversion is the safe one.
type Conversion struct {
	Job
	// OnLoss says what becomes of values that JSON cannot hold. Default: the job ends.
	OnLoss OnLoss
	// Auth, if set, makes the session auth hash of each login again as the site's Django
	// stores it now, if the stored one verifies. Django 4.0 and later log out those whose hash
	// was made by Django 3.0 or earlier, or with DEFAULT_HASHING_ALGORITHM = "sha1". Default: the hashes stay.
	Auth *djauth.Auth
	// Earlier, if set, are the settings of the release that wrote the older sessions: their
	// hashes are accepted, too. They are only needed if the site's Django does not accept them
	// itself.
	Earlier *djsession.Settings
	// Site, if set, are the settings that the site runs with. Convert then refuses to write what
	// they cannot read (ErrSiteCannotRead). Default: those of the store.
	Site *djsession.Settings
	// AcceptNewForm converts even if no session shows yet that the site writes the new form.
	AcceptNewForm bool
}

// String shows no settings, which have the SECRET_KEY.
func (c Conversion) String() string {
	return fmt.Sprintf("conversion with hashes: %v, in a new form: %v", c.Auth != nil, c.AcceptNewForm)
}

// Format is String, whatever the verb.
func (c Conversion) Format(f fmt.State, verb rune) { secret.Format(f, verb, c) }

// MarshalText is String, also to encoding/json.
func (c Conversion) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// ConversionReport says what Convert has done, or with DryRun what it would do.
type ConversionReport struct {
	// Read counts the live sessions, and Unreadable those of them that cannot be read.
	Read, Unreadable int64
	// Converted counts the sessions that were written again.
	Converted int64
	// Old counts the sessions that were found in another form, and Hashes the logins whose hash
	// was made again.
	Old, Hashes int64
	// Refused counts the logins whose hash does not verify, such as after a change of password.
	// They stay as they are, and the site ends them.
	Refused int64
	// Lossy counts sessions with values that JSON cannot hold, and Failed those that could not
	// be stored.
	Lossy, Failed int64
	// Gone counts sessions that have left the store meanwhile.
	Gone int64
}

var (
	// ErrSiteCannotRead: the site's Django could not read what would be written.
	ErrSiteCannotRead = errors.New("the site could not read what would be written")
	// ErrUnknownForm: no session shows that the site writes the form to convert to.
	ErrUnknownForm = errors.New("no live session is in the new form yet, so nothing shows that the site can read it")
)

// Convert writes the sessions of a store again that are not in the form that the store writes: another form of payload (legacy
// or signed), hash algorithm, serializer or compressor (see djsession.Origin.Old). The store is opened with settings that
// read both and write the new one: see djsession.Settings.ReadBothForms, djsession.Serializers and
// rediscache.Config.OldCompressors.
//
// It runs beside a live site whose workers all read both. Each session is replaced only if it is
// unchanged since it was read, and ends when it did. A second run finds nothing to do.
//
// If no live session is in the new form, nothing shows that the site reads it, and to convert would log everybody out if it does
// not. That is an ErrUnknownForm, unless AcceptNewForm is set. If the newest sessions were signed with a
// fallback key, it is a djsession.ErrUnknownKey.
func Convert(ctx context.Context, store djsession.Store, options Conversion) (*ConversionReport, error) {
	c := &conversion{Conversion: options, store: store}
	w, err := newRewriter(ctx, "convert", &c.Job, store)
	if err == nil {
		c.rewriter = w
		w.decide, w.translate = c.decide, c.translate
		if err = c.mayWrite(ctx); err != nil {
			err = fmt.Errorf("ops: convert: %w", err)
		}
	}
	if err != nil {
		return new(ConversionReport), err
	}
	err = w.run(ctx)
	r := &ConversionReport{
		Converted: w.rewritten.Load(), Old: c.old.Load(), Hashes: c.hashes.Load(), Refused: c.refused.Load(),
		Lossy: c.lossy.Load(), Failed: w.failed.Load(), Gone: w.gone.Load(),
	}
	r.Read, r.Unreadable = w.read()
	return r, err
}

type conversion struct {
	Conversion
	store    djsession.Store
	rewriter *rewriter

	old, hashes, refused, lossy atomic.Int64
}

// mayWrite returns an error if the site may not be able to read what would be written.
func (c *conversion) mayWrite(ctx context.Context) error {
	if err := c.siteReads(); err != nil || c.DryRun {
		return err
	}
	if err := djsession.CheckKey(ctx, c.store); err != nil || c.AcceptNewForm {
		return err
	}
	return c.checkForm(ctx)
}

// siteReads has the site's settings read what the store writes.
func (c *conversion) siteReads() error {
	if unsigned, ok := c.store.(djsession.UnsignedStore); c.Site == nil || ok && unsigned.IsUnsigned() {
		return nil // a cache has a serializer of its own
	}
	ours, err := djsession.NewCodec(c.store.Settings())
	if err != nil {
		return err
	}
	sites, err := djsession.NewCodec(c.Site)
	if err != nil {
		return err
	}
	sample := new(djsession.Values)
	if err := sample.Set("name", "value"); err != nil {
		return err
	}
	payload, err := ours.Append(nil, sample)
	if err != nil {
		return err
	}
	if _, _, err := sites.Decode(payload); err != nil {
		return fmt.Errorf("%w: %w", ErrSiteCannotRead, err)
	}
	return nil
}

// evidenceSessions is how many sessions are searched for one in the new form.
const evidenceSessions = 10_000

// checkForm returns an ErrUnknownForm if there are sessions in an old form, and none in the new one.
func (c *conversion) checkForm(ctx context.Context) error {
	found, err := search(ctx, c.store, func(r *djsession.Record) bool { return !r.Origin.Old })
	if err == nil && !found {
		err = ErrUnknownForm
	}
	return err
}

// search looks for a live session, among the newest ones first. It is true for a store without sessions.
func search(ctx context.Context, store djsession.Store, is func(*djsession.Record) bool) (bool, error) {
	empty := true
	for _, newest := range []int{100, 0} {
		seen := 0
		for r, err := range store.(djsession.Scanner).Scan(ctx, djsession.Range{Newest: newest}) {
			switch {
			case r == nil:
				return false, err
			case err != nil: // it cannot be read
			case is(r):
				return true, nil
			default:
				empty = false
			}
			if seen++; seen >= evidenceSessions {
				break
			}
		}
	}
	return empty, nil
}

// decide returns the values of the sessions that are not in the new form.
func (c *conversion) decide(ctx context.Context, sessions []*djsession.Record, first bool) ([]*djsession.Values, error) {
	decided := make([]*djsession.Values, len(sessions))
	var old, hashes, refused int64
	for i, r := range sessions {
		if r.Origin.Old {
			old++
			decided[i] = r.Values
		}
	}
	if c.Auth != nil {
		rehashed, err := c.Auth.Rehash(ctx, valuesOf(sessions), c.store.Settings(), c.Earlier)
		if err != nil {
			return nil, err
		}
		for i, r := range rehashed {
			switch {
			case r.Values != nil:
				hashes++
				decided[i] = r.Values
			case r.Refused != nil:
				refused++
			}
		}
	}
	for i, r := range sessions {
		fitted, err := c.fit(ctx, r, decided[i])
		if err != nil {
			return nil, err
		}
		decided[i] = fitted
	}
	if first {
		c.old.Add(old)
		c.hashes.Add(hashes)
		c.refused.Add(refused)
	}
	return decided, nil
}

// fit makes a _session_expiry readable for the site's Django. v are the decided values, or nil.
func (c *conversion) fit(ctx context.Context, r *djsession.Record, v *djsession.Values) (*djsession.Values, error) {
	if c.store.Settings().AtLeast(4, 1) || r.Values.GetString(expiryName) == "" {
		return v, nil
	}
	expires, err := expiry(ctx, c.store, r)
	if errors.Is(err, djsession.ErrNotFound) {
		return nil, nil // it has left
	}
	if err != nil {
		return nil, err
	}
	if v == nil {
		v = r.Values
	}
	return fitExpiry(v, c.store.Settings(), expires)
}

// translate returns values that JSON can hold.
func (c *conversion) translate(ctx context.Context, r *djsession.Record, v *djsession.Values) (*djsession.Values, error) {
	expires, err := expiry(ctx, c.store, r)
	if err == nil {
		v, err = fitOpaqueExpiry(v, c.store.Settings(), expires)
	}
	if err != nil {
		return nil, err
	}
	losses := 0
	v, err = portable(v, c.OnLoss, func(lost *LostValueError) {
		losses++
		c.rewriter.pass.found(r, lost)
	})
	if losses > 0 {
		c.lossy.Add(1)
	}
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", djsession.ShortKey(r.Key), err)
	}
	return v, nil
}

func valuesOf(sessions []*djsession.Record) []*djsession.Values {
	all := make([]*djsession.Values, len(sessions))
	for i, r := range sessions {
		all[i] = r.Values
	}
	return all
}
