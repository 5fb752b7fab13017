package djauth

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/djsess/djsess/djsession"
)

// refusal is a kind of reason why a visitor is anonymous, or sent away, though the
// request names a user or a host.
type refusal int

const (
	refusedID refusal = iota
	refusedBackend
	refusedNoUser
	refusedUser
	refusedHash
	refusedHost
	numRefusals
)

// refusalPause is how long a refusal is not told again.
const refusalPause = 10 * time.Second

// refusals limits what the Observer is told: of each kind one event in refusalPause,
// with the number of those that were not told since the last one.
type refusals struct {
	mu     sync.Mutex
	told   [numRefusals]time.Time
	untold [numRefusals]int
}

// tell tells the Observer why a request was refused, unless it was told of this kind
// a moment ago.
func (a *Auth) tell(r *http.Request, kind refusal, session string, err error) {
	untold, now := a.refusals.count(kind, a.settings.Now())
	if !now {
		return
	}
	if untold > 0 {
		err = fmt.Errorf("%w (and %d more like it since the last message)", err, untold)
	}
	djsession.Tell(r, djsession.Event{Kind: djsession.EventRefusal, Session: session, Err: err})
}

// count reports whether a refusal is to be told now, and how many were not told
// before it.
func (c *refusals) count(kind refusal, now time.Time) (untold int, tell bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if since := now.Sub(c.told[kind]); since >= 0 && since < refusalPause {
		c.untold[kind]++
		return 0, false
	}
	untold = c.untold[kind]
	c.told[kind], c.untold[kind] = now, 0
	return untold, true
}
