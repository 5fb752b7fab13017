package ops

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// settleTaken decides about sessions whose keys the target has. An expired session there must not stand in the way of one that is
// live. It returns the records that it has inserted.
func (m *migration) settleTaken(ctx context.Context, taken []*djsession.Record) (inserted []*djsession.Record, err error) {
	if len(taken) == 0 {
		return nil, nil
	}
	alive, err := live(ctx, m.to, keysOf(taken))
	if err != nil {
		return nil, err
	}
	for i, r := range taken {
		switch {
		case !alive[i]:
			stored, err := m.inPlaceOfExpired(ctx, r)
			if err != nil {
				return inserted, err
			}
			if stored != nil {
				inserted = append(inserted, stored)
				continue
			}
			now, err := live(ctx, m.to, []string{r.Key})
			if err != nil {
				return inserted, err
			}
			if !now[0] { // a key that the target does not tell from this one has it, as in MySQL, which ignores case
				m.failed.Add(1)
				m.pass.found(r, fmt.Errorf("insert: %w", djsession.ErrKeyTaken))
				continue
			}
		case m.Refresh:
			refreshed, err := m.refresh(ctx, r)
			if err != nil {
				return inserted, err
			}
			if refreshed {
				m.refreshed.Add(1)
				continue
			}
		}
		m.kept.Add(1)
	}
	return inserted, nil
}

// inPlaceOfExpired removes the expired session of a key and stores the record. It returns nil if the session there has
// changed meanwhile.
func (m *migration) inPlaceOfExpired(ctx context.Context, r *djsession.Record) (*djsession.Record, error) {
	scanner, ok := m.to.(djsession.Scanner)
	if !ok {
		return nil, nil
	}
	for old, err := range scanner.Scan(ctx, djsession.Range{Prefix: r.Key, Expired: true}) {
		switch {
		case errors.Is(err, djsession.ErrInvalidKey) || errors.Is(err, errors.ErrUnsupported):
			return nil, nil // no range for a key with other characters
		case old == nil:
			return nil, err
		case err != nil || old.Key != r.Key:
			continue
		}
		if err := deleteUnchanged(ctx, m.to, old); err != nil && !isAboutSession(err) {
			return nil, err
		}
	}
	stored, err := m.to.Create(ctx, r.Key, r.Values, r.Expires)
	if err != nil && isAboutSession(err) {
		return nil, nil
	}
	return stored, err
}

// refresh writes a session over the target's if it was saved later.
func (m *migration) refresh(ctx context.Context, r *djsession.Record) (bool, error) {
	current, err := m.to.Load(ctx, r.Key)
	if err != nil {
		if isAboutSession(err) {
			m.pass.found(r, err)
			return false, nil
		}
		return false, err
	}
	if current.Expires, err = expiry(ctx, m.to, current); err != nil && !isAboutSession(err) {
		return false, err
	}
	if !savedLater(r, current) {
		return false, nil
	}
	_, err = m.to.Replace(ctx, current, r.Values, r.Expires)
	if errors.Is(err, djsession.ErrOpaque) {
		converted, convertErr := m.convert(r)
		if convertErr != nil {
			return false, convertErr
		}
		_, err = m.to.Replace(ctx, current, converted.Values, r.Expires)
	}
	switch {
	case err == nil:
		return true, nil
	case isAboutSession(err):
		m.failed.Add(1)
		m.pass.found(r, fmt.Errorf("refresh: %w", err))
		return false, nil
	}
	return false, err
}

// savedLater reports whether a session of the source was saved after the one of the target. Each save moves the expiry of a session,
// unless the session ends at a set time; then the signatures tell.
func savedLater(source, target *djsession.Record) bool {
	const slack = 2 * time.Second
	switch difference := source.Expires.Sub(target.Expires); {
	case difference > slack:
		return true
	case difference < -slack:
		return false
	}
	return source.Origin.SignedAt.After(target.Origin.SignedAt)
}
