package ops

import (
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/secret"
)

// Job is what all jobs have in common. The zero Job reads the whole store.
type Job struct {
	// Workers is how many goroutines read and write. Default: one for each processor.
	Workers int
	// Shard and Shards divide a store among several processes: this job does the part number
	// Shard of Shards, counted from 1. Default: all of it.
	Shard, Shards int
	// StopAtUnreadable ends the job at a session that cannot be read. Default: pass it over
	// and report it.
	StopAtUnreadable bool
	// DryRun reads all and writes nothing.
	DryRun bool
	// Found, if set, is told of each session that the job passes over or changes in an
	// unusual way. It is called by one goroutine at a time.
	Found func(Finding)
	// Progress, if set, is told after each batch how far the job has come. It is called by one
	// goroutine at a time.
	Progress func(Progress)
}

// Finding is what a job reports of a session.
type Finding struct {
	// Key is the session key. It gives access to the session.
	Key string
	// Name is djsession.Record.Name if the store has no keys.
	Name string
	// Err says what is unusual, for errors.Is: a *djsession.PayloadError for a session that
	// cannot be read, or an error of this package.
	Err error
}

// String shows the beginning of the key, and the error.
func (f Finding) String() string {
	name := djsession.ShortKey(f.Key)
	if f.Key == "" {
		name = f.Name
	}
	return fmt.Sprintf("session %s: %v", name, f.Err)
}

// Format is String, whatever the verb.
func (f Finding) Format(s fmt.State, verb rune) { secret.Format(s, verb, f) }

// MarshalText is String: JSON does not have the key either.
func (f Finding) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Progress is how far a job has come.
type Progress struct {
	// Read is how many sessions were read, and Written how many were written.
	Read, Written int64
	// Total is about how many sessions there are to read. It is 0 until the store has counted
	// them, and if it cannot.
	Total int64
	// Elapsed is how long the job has run.
	Elapsed time.Duration
}

// Remaining returns about how long the job takes from now on, and false if nobody knows.
func (p Progress) Remaining() (time.Duration, bool) {
	if p.Total <= 0 || p.Read == 0 || p.Read > p.Total {
		return 0, false
	}
	return time.Duration(float64(p.Elapsed) * float64(p.Total-p.Read) / float64(p.Read)), true
}

// Rate returns how many sessions were read a second.
func (p Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Read) / p.Elapsed.Seconds()
}
