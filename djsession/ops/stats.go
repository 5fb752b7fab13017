package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sessionuser"
)

// StatsOptions are the options of Stats. The zero StatsOptions reads all sessions.
type StatsOptions struct {
	Job
	// Sample, if positive, is how many sessions to read: the first ones that the workers come to. Session keys are random, so
	// these are a fair sample.
	Sample int64
	// Top is how many sessions, names and users the lists have. Default: 10.
	Top int
}

// Statistics are what Stats has counted.
type Statistics struct {
	// At is when they were made. Expiries are compared with it.
	At time.Time
	// Sampled says that not all sessions were read, so that the counts are those of a sample.
	Sampled bool
	// Total is about how many live sessions there are, if Sampled and if the store can count them. Otherwise it is 0.
	Total int64

	// Live counts the sessions that have not expired, and Expired those that have and are still stored.
	Live, Expired int64
	// Anonymous, LoggedIn and Unreadable are the live sessions without a user, with one, and those that cannot be read. Whether
	// the login still is valid is not checked: see package djauth.
	Anonymous, LoggedIn, Unreadable int64
	// Users is how many users have live sessions. If UsersExact is false, there are more.
	Users      int64
	UsersExact bool

	// Bytes is how long the values of all readable live sessions are: as JSON or as a pickle, before they are compressed and
	// signed.
	Bytes int64
	// Sizes are these lengths in bytes, of each session.
	Sizes []Bucket
	// Left is how long the live sessions have left, in seconds. NeverEnds counts those without an end, and UnknownEnd those
	// whose end the store does not know; they are in no bucket.
	Left                  []Bucket
	NeverEnds, UnknownEnd int64
	// Saved is how long ago the live sessions were saved, in seconds, as their signatures say. Caches and Django up to 3.0
	// write no such time: NotDated counts those sessions.
	Saved    []Bucket
	NotDated int64
	// ExpiredFor is how long ago the others have expired, in seconds.
	ExpiredFor []Bucket

	// Largest are the largest live sessions.
	Largest []LargeSession
	// Names are the names in live sessions whose values take most bytes, all sessions together.
	Names []NameStatistics
	// NamesExact says that Names are exact. Otherwise there are so many names that the list is approximate.
	NamesExact bool
	// TopUsers are the users with most live sessions. The list is approximate unless UsersExact.
	TopUsers []UserStatistics
}

// LargeSession is one of the largest sessions.
type LargeSession struct {
	// Session is the beginning of the key: see djsession.ShortKey.
	Session string
	// User is the ID of the user, or "".
	User string
	// Bytes is the length of the values, and Values how many there are.
	Bytes  int64
	Values int
	// Expires is when the session ends: see djsession.Record.
	Expires time.Time
}

// NameStatistics are those of a name of values.
type NameStatistics struct {
	// Name is the name. One of more than 64 characters is cut off.
	Name string
	// Sessions is how many sessions have it, Bytes how many bytes it and its values take together, and Largest the most that
	// it takes in one session. If the list is not exact, Sessions and Largest may be too small.
	Sessions, Bytes, Largest int64
	// Excess is by how much Bytes may be too large. It is 0 in an exact list.
	Excess int64
}

// UserStatistics are those of a user.
type UserStatistics struct {
	// ID is the primary key, as the session has it. One of more than 64 characters is cut off.
	ID string
	// Sessions is how many live sessions the user has.
	Sessions int64
	// Excess is by how much Sessions may be too large. It is 0 in an exact list.
	Excess int64
}

// Stats reads the sessions of a store and counts them: how many there are, of whom, how large they are and how long they live.
// It writes nothing. Its memory is bounded: if there are more than 50,000 users or 4,000 names, the lists of those are
// approximate and say so. options.Found is told of each live session that cannot be read.
//
// The expired sessions that are still stored are read as well, so that they can be counted.
func Stats(ctx context.Context, store djsession.Store, options StatsOptions) (*Statistics, error) {
	s := newStats(store, options)
	pass, err := newPass("stats", &s.Job, store)
	if err != nil {
		return &s.Statistics, err
	}
	pass.whole.Expired = true
	pass.passOver = s.isExpired
	if s.Sample > 0 {
		pass.sample, s.Sampled = s.Sample, true
		s.countAll(ctx, store)
	}
	err = pass.run(ctx, func(int) (handler, error) { return s.worker(), nil })
	switch {
	case errors.Is(err, errSampled):
		err = nil
	case err == nil:
		s.Sampled = false // all sessions are in it
	}
	s.finish(pass.unreadable)
	return &s.Statistics, err
}

// Bounds of the lists of users and of names.
const (
	mostUsers = 50_000
	mostNames = 4_000
)

// stats is a running Stats.
type stats struct {
	StatsOptions

	mu sync.Mutex
	Statistics
	sizes, left, saved, expiredFor histogram
	names, users                   *heaviest
}

func newStats(store djsession.Store, options StatsOptions) *stats {
	s := &stats{
		StatsOptions: options, Statistics: Statistics{At: store.Settings().Now()},
		sizes: newHistogram(sizeBounds), left: newHistogram(timeBounds), saved: newHistogram(timeBounds), expiredFor: newHistogram(timeBounds),
		names: newHeaviest(mostNames), users: newHeaviest(mostUsers),
	}
	if s.Top <= 0 {
		s.Top = 10
	}
	return s
}

// countAll learns how many sessions the sample is of.
func (s *stats) countAll(ctx context.Context, store djsession.Store) {
	if counter, ok := store.(djsession.Counter); ok {
		if total, err := counter.Count(ctx); err == nil {
			s.Total = total
		}
	}
}

// isExpired counts a session that has expired and cannot be read. That it cannot be read harms nobody.
func (s *stats) isExpired(r *djsession.Record, _ error) bool {
	if !s.ended(r) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expired(r)
	return true
}

// ended reports whether a session has expired.
func (s *stats) ended(r *djsession.Record) bool {
	return !r.Expires.IsZero() && !r.Expires.After(s.At)
}

// expired counts a session that has expired.
func (s *stats) expired(r *djsession.Record) {
	s.Expired++
	s.expiredFor.addTime(s.At.Sub(r.Expires))
}

// nameSize is how many bytes a value takes.
type nameSize struct {
	name string
	size int
}

// worker returns a handler that counts the sessions of a batch.
func (s *stats) worker() handler {
	var sizes []nameSize
	return func(_ context.Context, batch []*djsession.Record) (int, error) {
		for _, r := range batch {
			if s.ended(r) {
				s.mu.Lock()
				s.expired(r)
				s.mu.Unlock()
				continue
			}
			// What takes time is done while the other workers can go on.
			user, loggedIn := sessionuser.ID(r.Values)
			for name, size := range r.Values.Sizes() {
				sizes = append(sizes, nameSize{name, len(name) + size})
			}
			s.mu.Lock()
			s.live(r, strings.TrimSpace(user), loggedIn, sizes)
			s.mu.Unlock()
			clear(sizes) // it must not keep the session in memory
			sizes = sizes[:0]
			if cap(sizes) > 4*batchSessions {
				sizes = nil // a rare session has made it large
			}
		}
		return 0, nil
	}
}

// live counts a live session.
func (s *stats) live(r *djsession.Record, user string, loggedIn bool, sizes []nameSize) {
	if loggedIn {
		s.LoggedIn++
		s.users.add(user, 1)
	} else {
		s.Anonymous++
	}
	size := int64(r.Values.Size())
	s.Bytes += size
	s.sizes.add(size)
	for _, n := range sizes {
		s.names.add(n.name, int64(n.size))
	}
	switch {
	case r.Expires.IsZero():
		s.UnknownEnd++
	case r.Expires.Equal(djsession.Never):
		s.NeverEnds++
	default:
		s.left.addTime(r.Expires.Sub(s.At))
	}
	if at := r.Origin.SignedAt; at.IsZero() {
		s.NotDated++
	} else {
		s.saved.addTime(s.At.Sub(at))
	}
	s.addLargest(LargeSession{
		Session: djsession.ShortKey(cmp.Or(r.Key, r.Name)), User: user, Bytes: size, Values: r.Values.Len(), Expires: r.Expires,
	})
}

// addLargest puts a session into the list of the largest if it is one of them.
func (s *stats) addLargest(e LargeSession) {
	at, _ := slices.BinarySearchFunc(s.Largest, e, func(a, b LargeSession) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Session, b.Session))
	})
	if at >= s.Top {
		return
	}
	e.User = shortened(strings.Clone(e.User)) // the session that it is a part of must not stay in memory
	e.Session = strings.Clone(e.Session)
	s.Largest = slices.Insert(s.Largest, at, e)
	s.Largest = s.Largest[:min(len(s.Largest), s.Top)]
}

// finish makes the lists.
func (s *stats) finish(unreadable int64) {
	s.Unreadable = unreadable
	s.Live = s.Anonymous + s.LoggedIn + s.Unreadable
	s.Sizes, s.Left, s.Saved, s.ExpiredFor = s.sizes, s.left, s.saved, s.expiredFor
	s.Users, s.UsersExact = int64(len(s.users.byName)), !s.users.full
	s.NamesExact = !s.names.full
	for _, e := range s.names.top(s.Top) {
		s.Names = append(s.Names, NameStatistics{Name: e.name, Sessions: e.sessions, Bytes: e.weight, Largest: e.largest, Excess: e.over})
	}
	for _, e := range s.users.top(s.Top) {
		s.TopUsers = append(s.TopUsers, UserStatistics{ID: e.name, Sessions: e.weight, Excess: e.over})
	}
}

// String shows the counts.
func (s Statistics) String() string {
	return fmt.Sprintf("%d live and %d expired sessions", s.Live, s.Expired)
}
