package djauth

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/djsess/djsess/djsession"
)

// refusal is a kind of reason why User treats a visitor with a user in the session as
// anonymous, or why RequireUser does not accept a host.
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

// refusalPause is the shortest time between two events about refusals of one kind.
const refusalPause = 10 * time.Second

// refusals limits the events for the Observer to one in refusalPause for each kind of
// refusal. It counts the refusals in between.
type refusals struct {
	mu     sync.Mutex
	told   [numRefusals]time.Time
	untold [numRefusals]int
}

// tell tells the Observer why a request was refused, unless it was told of a refusal of
// this kind within refusalPause.
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

// count counts a refusal. It reports whether to tell the Observer now, and how many
// refusals the Observer was not told of since the last event.
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
