package djsession

import (
	"context"
	"iter"
	"time"
)

// Record is a session as a store has it.
type Record struct {
	// Key is the session key. Whoever has it has the session.
	Key string
	// Name is what the store keeps the session as, in a record of Scan's whose Key
	// is empty: a cache in files has hashes of its keys. It is not for Load.
	Name string
	// Values is what the session holds. Change a Clone: stores compare with
	// what was loaded.
	Values *Values
	// Expires is when the session ends unless it is saved again.
	Expires time.Time
	// Origin tells how the payload that was read was written; it is zero in a
	// record that was just stored.
	Origin Origin
	// Version is the store's own way to know what was loaded, such as the
	// stored text; nil when it does not know.
	Version any
}

// Store keeps sessions where one of Django's engines keeps them. It must be safe
// for use by several goroutines.
//
// Errors: ErrNotFound, ErrKeyTaken, ErrInvalidKey, *ConflictError and
// *PayloadError are as each method says, wrapped or not; ErrReadOnly and
// ErrBusy where the store can tell; any other error means that the store
// could not be asked. No error holds a whole session key.
//
// A change is made once. When the answer to a write is lost, the store reads what
// is stored: if that is what it wrote, the write succeeded. Anything else is an
// ErrOutcomeUnknown, since the write may still arrive; a store never makes the
// change a second time. A write that changes nothing when it is repeated (the same
// new row under the same key, the deletion of a key) may be sent again.
//
// When ctx ends while a write is under way, the error is ctx's (or, where the store
// has a time limit of its own, a context.DeadlineExceeded). If the write may have been
// sent, it is also an ErrOutcomeUnknown.
//
// Expires may be zero wherever a method takes it: then it is what Django would
// have set, by the values and Settings.ExpiryDate. Values may be nil: none.
type Store interface {
	// Load returns the live session of this key. A session whose payload
	// cannot be trusted is a *PayloadError, never an empty one. A store that
	// reads from replicas asks its writer before it says ErrNotFound.
	Load(ctx context.Context, key string) (*Record, error)

	// Create stores a new session. An empty key lets the store choose one, as
	// it should; a key that is taken, by a dead session too, is ErrKeyTaken.
	Create(ctx context.Context, key string, v *Values, expires time.Time) (*Record, error)

	// Replace stores v in place of old, provided that old is still what is
	// stored: else a *ConflictError with what is there now. A session that
	// has been deleted is ErrNotFound, and is not made again. A store that
	// keeps the session in its key returns a record of another key.
	Replace(ctx context.Context, old *Record, v *Values, expires time.Time) (*Record, error)

	// Delete removes the session of this key, dead or alive. ErrNotFound says
	// that there was none; Django's delete passes that over.
	Delete(ctx context.Context, key string) error

	// Settings returns a copy of the settings that the store was made with. A Manager
	// and package djauth use them.
	Settings() *Settings
}

// UnchangedDeleter is a Store that can delete a session only if nobody has
// changed it. With one that cannot, Session.CycleKey can lose what somebody else
// writes to the old key in the same moment, as Django's can.
type UnchangedDeleter interface {
	// DeleteUnchanged removes old, provided that it is still what is stored:
	// else a *ConflictError with what is there now. ErrNotFound says that it
	// is gone.
	DeleteUnchanged(ctx context.Context, old *Record) error
}

// Range is a part of a store's sessions. The zero Range is all live ones.
type Range struct {
	// Prefix limits it to keys that begin so: ASCII letters and digits.
	Prefix string
	// Expired includes the sessions that have expired and are still stored.
	Expired bool
	// Newest, if positive, asks for only this many sessions, the newest ones: those
	// that end last, the last one first, as far as the store can tell. A store that
	// cannot tell may ignore it.
	Newest int
}

// Scanner is a Store that can enumerate its sessions.
type Scanner interface {
	// Scan yields the sessions of a range, in an order of the store's own,
	// without holding up whoever else uses the store. A payload that cannot
	// be trusted is yielded as a *PayloadError with a record of key and
	// expiry only, and the scan goes on; any other error ends it. A store that
	// is over something which cannot be enumerated yields an
	// errors.ErrUnsupported, and so counts as one that is no Scanner.
	Scan(ctx context.Context, r Range) iter.Seq2[*Record, error]
}

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
	// NothingSigned reports whether sessions are stored without a signature.
	NothingSigned() bool
}

// Sharded is a Store that spreads its sessions over several servers by their keys,
// as the clients of Memcached do. If the list of servers is not spelled as on the site,
// a key can belong to another server here than in Django.
type Sharded interface {
	// Shard names the server of a key. A store on one server says "".
	Shard(key string) string
	// Shards is how many servers there are.
	Shards() int
	// Misplaced looks for the key on the servers that it does not belong to. It
	// returns the name of one that has it, or "".
	Misplaced(ctx context.Context, key string) (server string, err error)
}
