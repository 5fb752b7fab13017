package ops

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// longestShift is how far two time zones are apart.
const longestShift = 26 * time.Hour

// expiryShift compares the expiries of the newest sessions with those that their signatures and
// SESSION_COOKIE_AGE give.
type expiryShift struct {
	known int           // how many sessions say when they were saved
	early int           // how many of them seem to end too early, by no more than a time zone
	late  int           // how many seem to end too late
	by    time.Duration // how much too early the last of these seems to end; too late if negative
}

// measureShift looks at the newest sessions of a store.
func measureShift(ctx context.Context, store djsession.Store) (s expiryShift, err error) {
	const sample, slack = 100, 10 * time.Minute // zones differ by quarters of an hour
	scanner, ok := store.(djsession.Scanner)
	if !ok {
		return s, nil
	}
	seen := 0
	for r, err := range scanner.Scan(ctx, djsession.Range{Newest: sample}) {
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return s, nil
		case r == nil:
			return s, err
		case err == nil && !r.Origin.SignedAt.IsZero():
			want, err := store.Settings().ExpiryDate(r.Values, r.Origin.SignedAt)
			if err != nil {
				break
			}
			s.known++
			switch d := want.Sub(r.Expires); {
			case d > slack && d <= longestShift:
				s.early, s.by = s.early+1, d
			case d < -slack && !r.Expires.Equal(djsession.Never):
				s.late, s.by = s.late+1, d
			}
		}
		if seen++; seen == sample {
			break
		}
	}
	return s, nil
}

// checkEnds returns an ErrEndsTooEarly if most of the newest sessions seem to end hours too early. Under
// a wrong TIME_ZONE live sessions would be removed.
func checkEnds(ctx context.Context, store djsession.Store) error {
	s, err := measureShift(ctx, store)
	if err == nil && s.early*2 > s.known {
		err = fmt.Errorf("%w (by about %v)", ErrEndsTooEarly, s.by.Abs().Round(time.Minute))
	}
	return err
}
