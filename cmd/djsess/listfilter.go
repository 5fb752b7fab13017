package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sessionuser"
)

// listFilter are the flags of list that choose sessions by what is in them. A session must fit all of them.
type listFilter struct {
	anonymous     bool
	before, after moment
	names         []string
}

func addListFilter(cmd *cobra.Command) *listFilter {
	f := new(listFilter)
	cmd.Flags().BoolVar(&f.anonymous, "anonymous", false, "only those without a user")
	cmd.Flags().Var(&f.before, "expires-before", "only those that end before `TIME`: 2026-12-31, 2026-12-31T18:00:00Z, or from now: 14d, 1h30m")
	cmd.Flags().Var(&f.after, "expires-after", "only those that end at `TIME` or later")
	cmd.Flags().StringArrayVar(&f.names, "has", nil, "only those with a value of this `NAME` (may be repeated)")
	return f
}

// check returns an error if no session could fit.
func (f *listFilter) check(cmd *cobra.Command, ofUser bool) error {
	switch {
	case f.anonymous && ofUser:
		return usagef(cmd, "--anonymous: it does not go with --user or --username")
	case slices.Contains(f.names, ""):
		return usagef(cmd, "--has: want the name of a value; it is empty")
	}
	return nil
}

// isSet reports whether any of the flags is given.
func (f *listFilter) isSet() bool {
	return f.anonymous || f.before.isSet || f.after.isSet || len(f.names) > 0
}

// fits reports whether a session is one of those to list.
func (f *listFilter) fits(r *djsession.Record, now time.Time) bool {
	if f.anonymous {
		if _, loggedIn := sessionuser.ID(r.Values); loggedIn {
			return false
		}
	}
	if f.before.isSet && (r.Expires.IsZero() || !r.Expires.Before(f.before.at(now))) {
		return false
	}
	if f.after.isSet && (r.Expires.IsZero() || r.Expires.Before(f.after.at(now))) {
		return false
	}
	for _, name := range f.names {
		if !r.Values.Has(name) {
			return false
		}
	}
	return true
}

// moment is the value of a flag that takes a time, or how long it is from now.
type moment struct {
	time    time.Time
	fromNow time.Duration
	isSet   bool
}

func (m *moment) String() string { return "" } // no default to show
func (m *moment) Type() string {
	return "a time such as 2026-12-31T18:00:00Z, or from now, such as 14d"
}

func (m *moment) Set(text string) error {
	m.isSet = true
	if d, err := parseLifetime(text); err == nil {
		m.fromNow = d
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime + " MST", time.DateTime, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			m.time = t
			return nil
		}
	}
	return errors.New("not a time")
}

// at returns the time. One without a zone is in UTC.
func (m *moment) at(now time.Time) time.Time {
	if m.time.IsZero() {
		return now.Add(m.fromNow)
	}
	return m.time
}
