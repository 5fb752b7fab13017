package djsession

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"
)

// Record is a session as a store has it.
type Record struct {
	// Key is the session key. It gives access to the session.
	Key string
	// Name identifies the session in a record of Scan whose Key is empty: a cache in
	// files has only hashes of its keys. Load does not take it.
	Name string
	// Values are the values of the session. Change only a Clone, because stores compare
	// with what was loaded.
	Values *Values
	// Expires is when the session ends unless it is saved again.
	Expires time.Time
	// Origin says how the payload that was read was written. It is zero in a record that
	// was just stored.
	Origin Origin
	// Version is how the store recognizes what was loaded, such as the stored text. It is
	// nil if the store does not know.
	Version any
}

// Never is Record.Expires of a session without an end: with an expire_date of infinity in
// PostgreSQL, with an age of its own in the engine file, or with Django's timeout None in a
// cache.
var Never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// KeepExpiry, as the expires of Replace, keeps the time at which the session ends, to the last
// fraction of a second. A cache that cannot do that returns an errors.ErrUnsupported.
var KeepExpiry = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)

// Store keeps sessions where one of Django's engines keeps them. It must be safe for use by
// several goroutines. The interfaces below it are optional powers of a store: Manager and
// the other packages use them if the store has them.
//
// Errors: ErrNotFound, ErrKeyTaken, ErrInvalidKey, *ConflictError and *PayloadError are
// returned as each method says, wrapped or not. ErrReadOnly, ErrDenied and ErrBusy are
// returned if the store can tell. Any other error means that the store did not answer, or
// refused. No error holds a whole session key.
//
// A change is never made twice. If the answer to a write is lost, the store reads what is
// stored, if it can. If that is what it wrote, the write succeeded. Anything else is an ErrOutcomeUnknown,
// since the write may still arrive. A store never makes the change a second time. A write
// that changes nothing when it is repeated (the same new row under the same key, the
// deletion of a key) may be sent again.
//
// If ctx ends while a write is under way, the error is ctx's. If the store has a time limit
// of its own, the error may be a context.DeadlineExceeded. If the write may have been sent,
// the error is also an ErrOutcomeUnknown.
//
// If a method takes a zero expires, the expiry is the one that Django would set: see
// Settings.ExpiryDate. Nil Values are empty Values.
type Store interface {
	// Load returns the live session of this key. A session whose payload cannot be trusted
	// is a *PayloadError, never an empty session. A store that reads from replicas asks
	// its writer before it returns ErrNotFound.
	Load(ctx context.Context, key string) (*Record, error)

	// Create stores a new session. With an empty key the store chooses one, which is
	// preferred. A key that is taken is ErrKeyTaken, even if its session has expired.
	Create(ctx context.Context, key string, v *Values, expires time.Time) (*Record, error)

	// Replace stores v in place of old if old is still what is stored. Otherwise it returns
	// a *ConflictError with the session that is stored now. A session that has been deleted
	// is ErrNotFound, and is not created again. A store that keeps the session in its key
	// returns a record with another key. With KeepExpiry the session ends when it did.
	Replace(ctx context.Context, old *Record, v *Values, expires time.Time) (*Record, error)

	// Delete removes the session of this key, expired or not. ErrNotFound says that there
	// was none; Django's delete ignores that. ErrEmptied says that the session has ended,
	// but left an expired row without values, because the database does not let the row go. A
	// Django request that loaded the session before can still save it, and it is live again.
	Delete(ctx context.Context, key string) error

	// Settings returns a copy of the settings that the store was made with. A Manager
	// and package djauth use them.
	Settings() *Settings
}

// UnchangedDeleter is a Store that can delete a session only if it is unchanged. With
// another store, Session.CycleKey can lose a concurrent write to the old key, as Django can.
type UnchangedDeleter interface {
	// DeleteUnchanged removes old if it is still what is stored. Otherwise it returns a
	// *ConflictError with the session that is stored now. ErrNotFound says that it is gone,
	// and ErrEmptied what it says of Delete.
	DeleteUnchanged(ctx context.Context, old *Record) error
}

// Range is a part of a store's sessions. The zero Range is all live sessions.
type Range struct {
	// Prefix limits the range to keys that begin with it: ASCII letters and digits.
	Prefix string
	// Expired includes the sessions that have expired and are still stored.
	Expired bool
	// Newest, if positive, asks for only this many sessions: those that end last, the last
	// one first. A store that cannot tell may ignore it.
	Newest int
	// Part and Parts divide the sessions among several scans. If Parts is 2 or more, this scan
	// is that of the part number Part, counted from 0. The store divides its sessions by their
	// keys: each session is in one part, and stays there. A part can be divided again: part 1 of
	// 2 is the parts 3, 4 and 5 of 6, so that machines that share a store can each have a number
	// of workers of their own. Newest ignores them. Parts is at most MaxParts.
	Part, Parts int
}

// MaxParts is the largest Range.Parts. A database sorts the bounds of all parts in one statement.
const MaxParts = 256

// Validate returns an error if there is no such part, and an ErrInvalidKey if Prefix holds
// anything but letters and digits.
func (r Range) Validate() error {
	if r.Parts < 0 || r.Parts > MaxParts {
		return fmt.Errorf("%d parts: want %d or less", r.Parts, MaxParts)
	}
	if r.Part < 0 || r.Part > 0 && r.Part >= r.Parts {
		return fmt.Errorf("part %d of %d: parts are counted from 0", r.Part, r.Parts)
	}
	for _, c := range []byte(r.Prefix) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return fmt.Errorf("prefix: %w: it holds more than letters and digits", ErrInvalidKey)
		}
	}
	return nil
}

// Scanner is a Store that can enumerate its sessions.
type Scanner interface {
	// Scan yields the sessions of a range. The store chooses their order. It does not
	// block other users of the store. A payload that cannot be trusted is yielded as a
	// *PayloadError with a record of key and expiry only, and the scan goes on. Any other
	// error ends the scan. A store over something that cannot be enumerated yields an
	// errors.ErrUnsupported: its caller treats it as a store without Scan.
	Scan(ctx context.Context, r Range) iter.Seq2[*Record, error]
}

// ExpiryScanner is a Store that can enumerate its sessions in the order in which they end.
type ExpiryScanner interface {
	// ScanByExpiry yields the sessions of a range as Scan does, but those that end first come first
	// or, if lastFirst is true, those that end last. A session that is saved meanwhile may come
	// twice, or not at all. Range.Newest must be 0.
	ScanByExpiry(ctx context.Context, r Range, lastFirst bool) iter.Seq2[*Record, error]
}

// UserScanner is a Store that may find the sessions of a user without reading all: its table has a
// column that holds the user's primary key, as the session models of some sites have.
type UserScanner interface {
	// UserColumn returns the name of the column. It is empty if there is none, and ScanUser must
	// not be called.
	UserColumn() string
	// ScanUser yields the sessions of a range as Scan does, but only those whose column holds this
	// primary key. For a text that the column cannot hold it yields none.
	ScanUser(ctx context.Context, id string, r Range) iter.Seq2[*Record, error]
}

// BulkStore is a Store that reads and writes many sessions in few round trips. Package ops
// moves sessions by it, some hundred at a time. Each session is read and written as by the
// methods of Store, and independently of the others. The results are in the order of the arguments. An
// error beside the results means that the store did not answer, or refused, and that nobody knows which
// sessions were written: the caller can repeat the call, since it writes none twice.
type BulkStore interface {
	// CreateAll stores each record's Values and Expires under its key, as Create does. The
	// records need no Origin and no Version.
	CreateAll(ctx context.Context, records []*Record) ([]BulkResult, error)

	// ReplaceAll replaces each session if it is unchanged, as Replace does.
	ReplaceAll(ctx context.Context, replacements []Replacement) ([]BulkResult, error)

	// Live reports for each key whether there is a live session. It reads no values.
	Live(ctx context.Context, keys []string) ([]bool, error)
}

// Replacement is a session with its new values, as in the arguments of Replace.
type Replacement struct {
	Old     *Record
	Values  *Values
	Expires time.Time
}

// BulkResult is what Create or Replace would have returned for one session.
type BulkResult struct {
	Record *Record
	Err    error
}

// Evicter is a Store that can drop live sessions by itself, to make room.
type Evicter interface {
	// Evicts returns why the store may drop sessions, such as "MAX_ENTRIES is 300" or
	// "maxmemory-policy is allkeys-lru". It is empty if the store keeps them all.
	Evicts(ctx context.Context) (reason string, err error)
}

// Counter is a Store that can count its sessions without reading them.
type Counter interface {
	// Count returns about how many live sessions there are. It may count some that have expired.
	Count(ctx context.Context) (int64, error)
}

// ExpiredClearer is a Store that can remove its expired sessions without reading the live ones.
// Package ops clears a store by it.
type ExpiredClearer interface {
	// ClearExpired removes the sessions that have ended before r.Before, in batches, and yields
	// what it did after each of them. The caller may wait as long as it likes before it asks for
	// the next batch: nothing is locked or held open meanwhile but, in a folder, the folder. A
	// session that is saved again while it is being removed stays. Several may clear one store at
	// the same time, and one that was interrupted can be begun again.
	//
	// A session whose end is not known stays. An error ends the clearing. ErrExpiresByItself says
	// that the store removes expired sessions by itself, and ErrNoExpiryIndex that it would have
	// to read all of them.
	ClearExpired(ctx context.Context, r ClearRequest) iter.Seq2[Cleared, error]
}

// ClearRequest says what ClearExpired removes.
type ClearRequest struct {
	// Before is when a session must have ended. It is not in the future.
	Before time.Time
	// Limit, if set, is asked before each batch how many sessions it may have. Default: 1000.
	// A store may take fewer.
	Limit func() int
	// DryRun counts the sessions and removes none.
	DryRun bool
}

// Cleared is what ClearExpired did in a batch.
type Cleared struct {
	// Removed counts the sessions that were removed or, with DryRun, that would be.
	Removed int
	// Referenced counts expired sessions that stay because rows of another table point at them.
	Referenced int
	// Unreadable counts sessions that stay because their end cannot be read.
	Unreadable int
}

// Sizer is a Store that can tell how much room it takes without reading its sessions.
type Sizer interface {
	// Size returns the size of the store. It is fast and makes no other query wait. If the store
	// cannot tell a number, or this program may not see it, the number is unknown. That is no error.
	Size(ctx context.Context) (StoreSize, error)
}

// StoreSize is how much room a store takes. A number that is not known is negative.
type StoreSize struct {
	// Sessions is about how many rows or files there are, the expired ones included.
	Sessions int64
	// Table and Indexes are how many bytes the table takes, and its indexes.
	Table, Indexes int64
	// Files is how many bytes the files in the folder take, or a whole SQLite database, in which
	// a table has no size of its own.
	Files int64
	// Free is how many of these bytes are free for new rows.
	Free int64
	// Dead is about how many rows are removed and still take room, until the database vacuums.
	Dead int64
	// Vacuumed is when the database has last vacuumed the table. It is zero if that is not known.
	Vacuumed time.Time
	// Reclaim says who uses the room of removed sessions, and how the file system gets it back. It
	// is empty if a removed session leaves nothing.
	Reclaim string
}

// UnknownSize is a StoreSize of which nothing is known.
var UnknownSize = StoreSize{Sessions: -1, Table: -1, Indexes: -1, Files: -1, Free: -1, Dead: -1}

// ExpiryReader is a Store whose records may have no Expires, because a load does not return
// the expiry.
type ExpiryReader interface {
	// Expires returns when the session of this key ends. A store that cannot tell returns
	// an errors.ErrUnsupported.
	Expires(ctx context.Context, key string) (time.Time, error)
}

// Checker is a Store that can find what its other methods do not report, or not before the
// first visitor: a cached_db works without its cache, and a table may have columns that nobody
// fills.
type Checker interface {
	// Check returns what is wrong. Manager.Check reports it.
	Check(ctx context.Context) []error
}

// SQLStore is a Store in a table of an SQL database. Package djauth finds the users there.
type SQLStore interface {
	// DB returns the database handle.
	DB() *sql.DB
	// Dialect returns the kind of database.
	Dialect() Dialect
	// Table returns the name of the session table: table or schema.table.
	Table() string
	// Location returns the time zone of the naive times in the database.
	Location() *time.Location
}

// Dialect is a kind of database, by Django's name of it (connection.vendor): see package
// dbstore.
type Dialect string

// SelfContained is a Store that keeps each session in its key, as the engine
// signed_cookies does. It needs no Scanner: the signature in a key shows that the
// session is the site's.
type SelfContained interface {
	// KeyIsSession reports whether keys hold their sessions.
	KeyIsSession() bool
}

// UnsignedStore is a Store whose sessions no signature protects, as those of the engine
// cache. A session found in it does not show that the site wrote it.
type UnsignedStore interface {
	// IsUnsigned reports whether sessions are stored without a signature.
	IsUnsigned() bool
}

// Sharded is a Store that spreads its sessions over several servers by their keys,
// as the clients of Memcached do. If the list of servers is not spelled as on the site,
// a key can belong to another server here than in Django.
type Sharded interface {
	// Shard names the server of a key. A store on one server returns "".
	Shard(key string) string
	// Shards returns how many servers there are.
	Shards() int
	// Misplaced looks for the key on the servers that it does not belong to. It
	// returns the name of one that has it, or "".
	Misplaced(ctx context.Context, key string) (server string, err error)
}

// Examiner is a Store that can check its server, its table or its folder.
type Examiner interface {
	// Examine returns one result for each check, also for those that find nothing wrong. They
	// include what Check finds, if the store is a Checker. It writes nothing.
	Examine(ctx context.Context) []CheckResult
}

// Reopener is a Store that can look at its sessions with other settings, to find out which are
// the site's.
type Reopener interface {
	// Reopen returns a store at the same place, with these settings. It is for reading, and shares
	// the connections of the receiver: close only the receiver.
	Reopen(s *Settings) (Store, error)
}
