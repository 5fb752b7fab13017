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
	store  atomic.Bool // a session of the site's was seen
	key    atomic.Bool // SECRET_KEY made the newest signature
	seen   signatures
	shards shards // of a Sharded store

	looking chan struct{} // full while a request searches the store
	looked  time.Time     // when the last search ended
	failed  error         // why it failed
}

// lookEvery is the shortest time between two searches of an unproven store.
const lookEvery = 10 * time.Second

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

// found records that a visitor's own session was loaded.
func (m *Manager) found(r *Record) {
	e := &m.evidence
	decides := r.Version != nil // a record from the cache of a cached_db has no Version
	if m.keyIsSession {
		decides = r.Origin.Key == 0
	}
	switch {
	case !decides:
	case m.sharded != nil && !e.shards.complete.Load():
		if e.shards.found(r.Key, m.sharded) {
			e.store.Store(true)
		}
	case m.sharded != nil:
	case !e.store.Load():
		e.store.Store(true)
	}
	if m.hasFallbacks && !e.key.Load() {
		e.seen.note(r.Origin)
	}
}

// notFound looks on the other servers for a session that is not on the server of its
// key, until it is proven that keys are spread as on the site.
func (m *Manager) notFound(ctx context.Context, key string) {
	if m.AcceptEmptyStore || m.evidence.store.Load() {
		return
	}
	m.notMisplaced(ctx, key) // it records the evidence; its error proves nothing
}

// mayReplaceCookie returns an error unless the store is proven to be the site's. Only then
// does an unknown key mean that the visitor's session is gone.
func (m *Manager) mayReplaceCookie(ctx context.Context, unknown string) error {
	e := &m.evidence
	if m.AcceptEmptyStore {
		return nil
	}
	if m.sharded != nil && unknown != "" {
		if !e.store.Load() {
			if err := m.notMisplaced(ctx, unknown); err != nil {
				return err
			}
		}
		if shard := m.sharded.Shard(unknown); !e.shards.has(shard) {
			return fmt.Errorf("%w (server %s)", ErrUnknownStore, shard)
		}
	}
	if e.store.Load() {
		return nil
	}
	if err := m.look(ctx); err != nil {
		return err
	}
	if !e.store.Load() {
		if e.seen.unknownKey() && !m.settings().AcceptNewKey {
			return ErrUnknownKey
		}
		return ErrUnknownStore
	}
	return nil
}

// notMisplaced returns an error if a visitor's session is on another server than the
// one that its key belongs to, and records that.
func (m *Manager) notMisplaced(ctx context.Context, unknown string) error {
	server, err := m.sharded.Misplaced(ctx, unknown)
	if err == nil && server != "" {
		m.evidence.shards.misplaced(unknown)
		err = fmt.Errorf("%w: session %s is on server %s and belongs on %s: are the servers and their hash the site's?",
			ErrUnknownStore, ShortKey(unknown), server, m.sharded.Shard(unknown))
	}
	return err
}

// mayWrite returns an error unless sessions may be signed with SECRET_KEY.
func (m *Manager) mayWrite(ctx context.Context) error {
	e := &m.evidence
	if m.unsigned || !m.hasFallbacks || m.settings().AcceptNewKey || e.key.Load() {
		return nil
	}
	if err := m.look(ctx); err != nil {
		return err
	}
	switch {
	case e.seen.unknownKey():
		return ErrUnknownKey
	case e.seen.current.Load() > 0 && !m.keyIsSession: // cookies cannot be sampled, and an old cookie is no lasting proof
		e.key.Store(true)
	}
	return nil
}

// look looks at the newest sessions of the store, not more often than lookEvery. In a
// store that signs nothing there is nothing to see.
func (m *Manager) look(ctx context.Context) error {
	e := &m.evidence
	if m.unsigned {
		return nil
	}
	select {
	case e.looking <- struct{}{}:
		defer func() { <-e.looking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.looked.IsZero() || time.Since(e.looked) >= lookEvery {
		_, e.failed = m.sample(m.saving(ctx)) // the result is for other visitors, too, so this visitor must not end it
		e.looked = time.Now()
	}
	return e.failed
}

// shards holds what visitors' keys show about a store on several servers. Even with a
// list of servers or a hash that is not the site's, one in n keys goes to the right one of
// n servers by chance.
type shards struct {
	complete atomic.Bool // every server is proven, and found does nothing more

	mu      sync.Mutex
	servers map[string]bool // where a visitor's own session was found
	here    map[string]bool // keys that were found on their own server
	there   map[string]bool // keys that were found on another one
}

const (
	// enoughKeys is how many keys must be found: all by chance is then next to impossible.
	enoughKeys = 20
	// misplacedWeight is how many keys on their own server make up for one on another.
	// A site that has changed its servers has such keys for a while.
	misplacedWeight = 3
	// maxKeys bounds the keys that are kept.
	maxKeys = 1000
)

// found records a key on its own server and reports whether enough were found.
func (s *shards) found(key string, store Sharded) bool {
	server := store.Shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers == nil {
		s.servers, s.here = map[string]bool{}, map[string]bool{}
	}
	s.servers[server] = true
	if len(s.here) < maxKeys {
		s.here[key] = true
	}
	enough := len(s.here)-misplacedWeight*len(s.there) >= enoughKeys
	if enough && len(s.servers) == store.Shards() {
		s.complete.Store(true)
	}
	return enough
}

// misplaced records a key on another server than its own.
func (s *shards) misplaced(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.there == nil {
		s.there = map[string]bool{}
	}
	if len(s.there) < maxKeys {
		s.there[key] = true
	}
}

// has reports whether a visitor's own session was found on a server.
func (s *shards) has(server string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.servers[server]
}
