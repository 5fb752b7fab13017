package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
)

// statsJSON are statistics for programs. Sizes are in bytes and times in seconds.
type statsJSON struct {
	Complete   bool         `json:"complete"`
	At         time.Time    `json:"at"`
	Sampled    bool         `json:"sampled"`
	Total      *int64       `json:"total_live"` // about; null if not sampled or not known
	Live       int64        `json:"live"`
	Expired    int64        `json:"expired"`
	Anonymous  int64        `json:"anonymous"`
	LoggedIn   int64        `json:"logged_in"`
	Unreadable int64        `json:"unreadable"`
	Users      int64        `json:"users"`
	UsersExact bool         `json:"users_exact"`
	Bytes      int64        `json:"bytes"`
	Sizes      []bucketJSON `json:"sizes"`
	Left       []bucketJSON `json:"left"`
	NeverEnds  int64        `json:"never_ends"`
	UnknownEnd int64        `json:"unknown_end"`
	Saved      []bucketJSON `json:"saved_ago"`
	NotDated   int64        `json:"not_dated"`
	ExpiredFor []bucketJSON `json:"expired_for"`
	Largest    []largeJSON  `json:"largest"`
	Names      []nameJSON   `json:"names"`
	NamesExact bool         `json:"names_exact"`
	TopUsers   []userJSON   `json:"top_users"`
}

type bucketJSON struct {
	Below *int64 `json:"below"` // null: without a bound
	Count int64  `json:"count"`
}

type largeJSON struct {
	Session string     `json:"session"`
	User    string     `json:"user_id"`
	Bytes   int64      `json:"bytes"`
	Values  int        `json:"values"`
	Expires *time.Time `json:"expires"` // null: never, or not known
}

type nameJSON struct {
	Name     string `json:"name"`
	Bytes    int64  `json:"bytes"`
	Excess   int64  `json:"excess"`
	Sessions int64  `json:"sessions"`
	Largest  int64  `json:"largest"`
}

type userJSON struct {
	ID       string `json:"user_id"`
	Sessions int64  `json:"sessions"`
	Excess   int64  `json:"excess"`
}

func printStatsJSON(w io.Writer, s *ops.Statistics, complete bool) error {
	out := statsJSON{
		Complete: complete, At: s.At.UTC(), Sampled: s.Sampled, Live: s.Live, Expired: s.Expired, Anonymous: s.Anonymous, LoggedIn: s.LoggedIn,
		Unreadable: s.Unreadable, Users: s.Users, UsersExact: s.UsersExact, Bytes: s.Bytes, Sizes: bucketsJSON(s.Sizes), Left: bucketsJSON(s.Left),
		NeverEnds: s.NeverEnds, UnknownEnd: s.UnknownEnd, Saved: bucketsJSON(s.Saved), NotDated: s.NotDated, ExpiredFor: bucketsJSON(s.ExpiredFor),
		Largest: []largeJSON{}, Names: []nameJSON{}, NamesExact: s.NamesExact, TopUsers: []userJSON{},
	}
	if s.Total > 0 {
		out.Total = &s.Total
	}
	for _, l := range s.Largest {
		large := largeJSON{Session: l.Session, User: l.User, Bytes: l.Bytes, Values: l.Values}
		if expires := l.Expires.UTC(); !expires.IsZero() && !expires.Equal(djsession.Never) {
			large.Expires = &expires
		}
		out.Largest = append(out.Largest, large)
	}
	for _, n := range s.Names {
		out.Names = append(out.Names, nameJSON{n.Name, n.Bytes, n.Excess, n.Sessions, n.Largest})
	}
	for _, u := range s.TopUsers {
		out.TopUsers = append(out.TopUsers, userJSON(u))
	}
	return json.NewEncoder(w).Encode(out)
}

func bucketsJSON(buckets []ops.Bucket) []bucketJSON {
	out := make([]bucketJSON, len(buckets))
	for i, b := range buckets {
		out[i].Count = b.Count
		if b.Below > 0 {
			out[i].Below = &b.Below
		}
	}
	return out
}
