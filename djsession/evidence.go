package djsession

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// evidence is what a Manager knows about its store and its SECRET_KEY. It keeps a Go
// service with wrong settings from logging anybody out. In a store that is not the
// site's every visitor's key is unknown, and the cookie of a new session would replace
// the visitor's own. Django cannot read a session that is signed with a key that Django
// does not have. So:
//
//   - A new session is stored only in a store that is proven to be the site's. The
//     proof is a live session that verifies under SECRET_KEY, or a visitor's own key
//     that is found in the backend that decides (for a cached_db, its database). If
//     there are several cache servers, a key proves only the server that it was found
//     on, and enough keys must have been found to show that keys are spread over the
//     servers as on the site.
//   - A session is signed only with a key that is proven to be the site's. The proof is
//     that SECRET_KEY made the newest of the signatures seen, since Django never signs
//     with a fallback. Without fallbacks no session opens under a wrong key anyway.
//
// Nothing else is a proof: not an expired session, an unsigned one that a scan found, or
// one that a fallback opens. Since nothing new is stored before the proof, a session that
// Go itself stored cannot become the proof.
type evidence struct {
	storeProven atomic.Bool // a session of the site's was seen
	keyProven   atomic.Bool // SECRET_KEY made the newest signature
	seen        signatures
	shards      shards // of a Sharded store

	sampling  chan struct{} // full while a request searches the store
	sampledAt time.Time     // when the last search ended
	sampleErr error         // why it failed
}

// sampleInterval is the shortest time between two searches of an unproven store.
const sampleInterval = 10 * time.Second

// sampleSize is how many of the newest sessions are looked at.
const sampleSize = 100

// signatures holds the times of the newest signatures seen, in Unix seconds, or 0.
type signatures struct{ current, fallback atomic.Int64 }

// note records the signature of a live session.
func (s *signatures) note(o Origin) {
	newest := &s.current
	switch {
	case o.Form == Unsigned:
		return
	case o.Key > 0:
		newest = &s.fallback
	}
	at := max(o.SignedAt.Unix(), 1)   // the legacy form has no time, and no fallbacks
	at = min(at, time.Now().Unix()+1) // the holder of an old key could sign for a day far ahead
	for {
		before := newest.Load()
		if at <= before || newest.CompareAndSwap(before, at) {
			return
		}
	}
}

// unknownKey reports whether a fallback made the newest signature.
func (s *signatures) unknownKey() bool { return s.fallback.Load() > s.current.Load() }

// noteFound records that a visitor's own session was loaded.
func (m *Manager) noteFound(r *Record) {
	e := &m.evidence
	decides := r.Version != nil // a record from the cache of a cached_db has no Version
	if m.selfContained {
		decides = r.Origin.Key == 0
	}
	switch {
	case !decides:
	case m.sharded != nil && !e.shards.allProven.Load():
		if e.shards.noteFound(r.Key, m.sharded) {
			e.storeProven.Store(true)
		}
	case m.sharded != nil:
	case !e.storeProven.Load():
		e.storeProven.Store(true)
	}
	if m.hasFallbacks && !e.keyProven.Load() {
		e.seen.note(r.Origin)
	}
}

// noteNotFound looks on the other servers for a session that is not on the server of its
// key, until it is proven that keys are spread as on the site.
func (m *Manager) noteNotFound(ctx context.Context, key string) {
	if m.AcceptEmptyStore || m.evidence.storeProven.Load() {
		return
	}
	m.checkPlacement(ctx, key) // it records the evidence; its error proves nothing
}

// mayReplaceCookie returns an error unless the store is proven to be the site's. Only then
// does an unknown key mean that the visitor's session is gone.
func (m *Manager) mayReplaceCookie(ctx context.Context, unknown string) error {
	e := &m.evidence
	if m.AcceptEmptyStore {
		return nil
	}
	if m.sharded != nil && unknown != "" {
		if !e.storeProven.Load() {
			if err := m.checkPlacement(ctx, unknown); err != nil {
				return err
			}
		}
		if shard := m.sharded.Shard(unknown); !e.shards.isProven(shard) {
			return fmt.Errorf("%w (server %s)", ErrUnknownStore, shard)
		}
	}
	if e.storeProven.Load() {
		return nil
	}
	if err := m.sampleIfDue(ctx); err != nil {
		return err
	}
	if !e.storeProven.Load() {
		if e.seen.unknownKey() && !m.settings().AcceptNewKey {
			return ErrUnknownKey
		}
		return ErrUnknownStore
	}
	return nil
}

// checkPlacement returns an error if a visitor's session is on another server than the
// one that its key belongs to, and records that.
func (m *Manager) checkPlacement(ctx context.Context, unknown string) error {
	server, err := m.sharded.Misplaced(ctx, unknown)
	if err == nil && server != "" {
		m.evidence.shards.noteMisplaced(unknown)
		err = fmt.Errorf("%w: session %s is on server %s and belongs on %s: are the servers and their hash the site's?",
			ErrUnknownStore, ShortKey(unknown), server, m.sharded.Shard(unknown))
	}
	return err
}

// mayWrite returns an error unless sessions may be signed with SECRET_KEY.
func (m *Manager) mayWrite(ctx context.Context) error {
	e := &m.evidence
	if m.unsigned || !m.hasFallbacks || m.settings().AcceptNewKey || e.keyProven.Load() {
		return nil
	}
	if err := m.sampleIfDue(ctx); err != nil {
		return err
	}
	switch {
	case e.seen.unknownKey():
		return ErrUnknownKey
	case e.seen.current.Load() > 0 && !m.selfContained: // cookies cannot be sampled, and an old cookie is no lasting proof
		e.keyProven.Store(true)
	}
	return nil
}

// sampleIfDue looks at the newest sessions of the store, not more often than sampleInterval. It
// does nothing for a store that signs nothing.
func (m *Manager) sampleIfDue(ctx context.Context) error {
	e := &m.evidence
	if m.unsigned {
		return nil
	}
	select {
	case e.sampling <- struct{}{}:
		defer func() { <-e.sampling }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.sampledAt.IsZero() || time.Since(e.sampledAt) >= sampleInterval {
		_, e.sampleErr = m.sample(m.saveContext(ctx)) // the result is for other visitors, too, so this visitor must not end it
		e.sampledAt = time.Now()
	}
	return e.sampleErr
}

// shards holds what visitors' keys show about a store on several servers. Even with a
// list of servers or a hash that is not the site's, one in n keys goes to the right one of
// n servers by chance.
type shards struct {
	allProven atomic.Bool // every server is proven, and noteFound does nothing more

	mu         sync.Mutex
	servers    map[string]bool // where a visitor's own session was found
	wellPlaced map[string]bool // keys that were found on their own server
	misplaced  map[string]bool // keys that were found on another one
}

const (
	// keysNeeded is how many keys must be found on their own servers. With a wrong list of
	// servers it is next to impossible to find so many by chance.
	keysNeeded = 20
	// misplacedWeight is how many keys on their own server make up for one on another.
	// A site that has changed its servers has such keys for a while.
	misplacedWeight = 3
	// maxKeys bounds the keys that are kept.
	maxKeys = 1000
)

// noteFound records a key on its own server and reports whether enough were noteFound.
func (s *shards) noteFound(key string, store Sharded) bool {
	server := store.Shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers == nil {
		s.servers, s.wellPlaced = map[string]bool{}, map[string]bool{}
	}
	s.servers[server] = true
	if len(s.wellPlaced) < maxKeys {
		s.wellPlaced[key] = true
	}
	enough := len(s.wellPlaced)-misplacedWeight*len(s.misplaced) >= keysNeeded
	if enough && len(s.servers) == store.Shards() {
		s.allProven.Store(true)
	}
	return enough
}

// noteMisplaced records a key on another server than its own.
func (s *shards) noteMisplaced(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.misplaced == nil {
		s.misplaced = map[string]bool{}
	}
	if len(s.misplaced) < maxKeys {
		s.misplaced[key] = true
	}
}

// isProven reports whether a visitor's own session was found on a server.
func (s *shards) isProven(server string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.servers[server]
}
