package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/checkup"
)

// sample is what the first sessions of a store show. Session keys are random, so these are a
// fair sample.
type sample struct {
	mu         sync.Mutex
	at         time.Time
	complete   bool // all sessions are in it
	live       int  // those that have not expired, readable or not
	expired    int
	unreadable int // live sessions
	fallbacks  int // live sessions that one of SECRET_KEY_FALLBACKS has signed
	newest     time.Time
	kinds      verification
	keys       map[string][]string // of some unreadable sessions, by kind
}

// mostTried is how many sessions of a kind are tried with other settings.
const mostTried = 20

// readSample reads some sessions. If none of the first ones can be read, it returns an
// ErrNoneReadable with the sample.
func readSample(ctx context.Context, store djsession.Store, sessions int64) (*sample, error) {
	s := &sample{at: store.Settings().Now(), kinds: verification{kinds: map[string]*UnreadableKind{}}, keys: map[string][]string{}}
	job := Job{Workers: 1}
	pass, err := newPass("examine", &job, store)
	if err != nil {
		return s, err
	}
	pass.whole.Expired, pass.sample, pass.passOver = true, sessions, s.refused
	err = pass.run(ctx, func(int) (handler, error) { return s.read, nil })
	if errors.Is(err, errSampled) {
		return s, nil
	}
	s.complete = err == nil
	return s, err
}

func (s *sample) hasEnded(r *djsession.Record) bool {
	return !r.Expires.IsZero() && !r.Expires.After(s.at)
}

// read counts sessions that can be read.
func (s *sample) read(_ context.Context, batch []*djsession.Record) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range batch {
		if s.hasEnded(r) {
			s.expired++
			continue
		}
		s.live++
		if r.Origin.Key > 0 {
			s.fallbacks++
		}
		if r.Origin.SignedAt.After(s.newest) {
			s.newest = r.Origin.SignedAt
		}
	}
	return 0, nil
}

// refused counts a session that cannot be read. It returns true if that matters to nobody.
func (s *sample) refused(r *djsession.Record, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hasEnded(r) {
		s.expired++
		return true
	}
	s.live++
	s.unreadable++
	s.kinds.unreadable(r, err)
	if kind := kindOf(err); r.Key != "" && len(s.keys[kind]) < mostTried {
		s.keys[kind] = append(s.keys[kind], r.Key)
	}
	return false
}

// of says what the counts are of.
func (s *sample) of() string {
	if s.complete {
		return ""
	}
	return " of a sample"
}

// examineSample says how many sessions cannot be read and why, and how many have expired.
func (e *examining) examineSample(ctx context.Context, s *sample) {
	const check = djsession.SessionsCheck
	if s.newest.After(s.at.Add(checkup.ToleratedSkew)) {
		e.add(djsession.CheckResult{Check: "clock", Status: djsession.CheckWarns, Remedy: "set the clocks by NTP",
			Text: fmt.Sprintf("a session was signed %v from now: the site's clock is ahead of this machine's", s.newest.Sub(s.at).Round(time.Second))})
	}
	kinds := s.kinds.report()
	for _, kind := range kinds {
		e.add(e.explainKind(ctx, s, kind))
	}
	switch {
	case len(kinds) > 0:
	case s.live > 0:
		e.ok(check, "all of %d live sessions%s can be read", s.live, s.of())
	case len(e.told[check]) > 0:
		e.add(djsession.ErrorResult(check, djsession.CheckWarns, e.told[check][0]))
	default:
		e.skip(check, "there is no live session", "")
	}
	e.examineExpired(s)
}

// explainKind says how many sessions cannot be read for one reason, and which settings open them.
func (e *examining) explainKind(ctx context.Context, s *sample, kind UnreadableKind) djsession.CheckResult {
	reason := kind.Err
	if payload := (*djsession.PayloadError)(nil); errors.As(reason, &payload) {
		reason = payload // without the operation and its key
	}
	status := djsession.CheckWarns
	if s.unreadable == s.live {
		status = djsession.CheckFails
	}
	r := djsession.ErrorResult(djsession.SessionsCheck, status,
		fmt.Errorf("%d of %d live sessions%s cannot be read, such as %s: %w", kind.Count, s.live, s.of(), kind.Examples[0], reason))
	tried := s.keys[kind.Kind]
	found, err := findOpenings(ctx, e.store, tried)
	switch {
	case err != nil:
		r.Remedy = "" // the store has its own results
	case len(found) > 0:
		best := slices.MaxFunc(found, func(a, b *opening) int { return cmp.Compare(a.count, b.count) })
		r.Remedy = fmt.Sprintf("%d of %d that were tried open with %s: is that the site's?", best.count, len(tried), best.name)
		for _, o := range found {
			if o != best {
				r.Remedy += fmt.Sprintf(" %d with %s.", o.count, o.name)
			}
		}
	case e.unsigned:
		r.Remedy = "serializer, compressor, prefix and version must be those of the site's CACHES"
	case len(tried) > 0 && errors.Is(kind.Err, djsession.ErrBadSignature):
		if _, ok := e.store.(djsession.Reopener); ok {
			r.Remedy = "none of the keys here opens them, in any form: is there an older SECRET_KEY, or a session class of the site's own (SESSION_STORE_CLASS)? Otherwise they were changed"
		}
	}
	return r
}

// examineExpired says how many of the stored sessions have expired.
func (e *examining) examineExpired(s *sample) {
	const check, few = "expired", 100
	stored := s.live + s.expired
	switch {
	case stored == 0:
		return
	case stored >= few && s.expired*2 > stored:
		e.add(djsession.CheckResult{Check: check, Status: djsession.CheckWarns, Remedy: "djsess clear-expired removes them; run it every day",
			Text: fmt.Sprintf("%d of %d stored sessions%s have expired", s.expired, stored, s.of())})
	default:
		e.ok(check, "%d of %d stored sessions%s have expired", s.expired, stored, s.of())
	}
}
