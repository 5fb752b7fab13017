package ops

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"

	"github.com/djsess/djsess/djsession"
)

// VerifyOptions are the options of Verify. The zero VerifyOptions reads all live sessions.
type VerifyOptions struct {
	Job
	// Expired also reads the sessions that have expired and are still stored.
	Expired bool
}

// VerifyReport says what Verify has found.
type VerifyReport struct {
	// Read counts the sessions, and Unreadable those of them that cannot be read.
	Read, Unreadable int64
	// Kinds are the reasons why, the most frequent first.
	Kinds []UnreadableKind
}

// UnreadableKind are sessions that cannot be read for the same reason.
type UnreadableKind struct {
	// Kind is the reason in few words, such as "bad signature".
	Kind string
	// Count is how many sessions there are.
	Count int64
	// Err is the error of one of them, a *djsession.PayloadError to errors.As.
	Err error
	// Examples are the beginnings of the keys of some of them: see djsession.ShortKey.
	Examples []string
}

// Verify reads the sessions of a store, as any visitor would have them read, and reports those that cannot be read: their
// visitors are logged out in Django, and get errors in Go. It writes nothing.
func Verify(ctx context.Context, store djsession.Store, options VerifyOptions) (*VerifyReport, error) {
	v := &verification{kinds: map[string]*UnreadableKind{}}
	pass, err := newPass("verify", &options.Job, store)
	if err != nil {
		return new(VerifyReport), err
	}
	pass.whole.Expired = options.Expired
	pass.passOver = v.unreadable
	err = pass.run(ctx, func(int) (handler, error) {
		return func(context.Context, []*djsession.Record) (int, error) { return 0, nil }, nil // they were read
	})
	return &VerifyReport{Read: pass.readable + pass.unreadable, Unreadable: pass.unreadable, Kinds: v.report()}, err
}

// verification is a running Verify.
type verification struct {
	mu    sync.Mutex
	kinds map[string]*UnreadableKind
}

// report returns the kinds, the most frequent first.
func (v *verification) report() (kinds []UnreadableKind) {
	for _, kind := range v.kinds {
		kinds = append(kinds, *kind)
	}
	slices.SortFunc(kinds, func(a, b UnreadableKind) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind))
	})
	return kinds
}

// Bounds of a report.
const (
	mostKinds    = 50
	mostExamples = 5
)

// unreadable counts a session by its kind. It returns false: the pass reports the session.
func (v *verification) unreadable(r *djsession.Record, err error) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	name := kindOf(err)
	kind := v.kinds[name]
	if kind == nil {
		if len(v.kinds) >= mostKinds {
			name = "other reasons"
		}
		if kind = v.kinds[name]; kind == nil {
			kind = &UnreadableKind{Kind: name, Err: err}
			v.kinds[name] = kind
		}
	}
	kind.Count++
	if len(kind.Examples) < mostExamples {
		kind.Examples = append(kind.Examples, djsession.ShortKey(cmp.Or(r.Key, r.Name)))
	}
	return false
}

// kindOf returns in few words why a session cannot be read.
func kindOf(err error) string {
	payload := new(djsession.PayloadError)
	errors.As(err, &payload)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "no right to read the file"
	case errors.Is(err, djsession.ErrTooLarge):
		return "too large"
	case errors.Is(err, djsession.ErrSignatureExpired):
		return "expired signature"
	case errors.Is(err, djsession.ErrBadSignature) && payload.Form == djsession.Legacy:
		return "bad signature, in the form of Django up to 3.0"
	case errors.Is(err, djsession.ErrBadSignature):
		return "bad signature"
	case payload.Content != "":
		return "malformed: " + payload.Content
	}
	return "malformed"
}
