package djauth

import (
	"fmt"
	"net/http"

	"github.com/djsess/djsess/djsession"
)

// refusal is a kind of reason why User treats a visitor with a user in the session as
// anonymous, or why RequireUser does not accept a host.
type refusal string

const (
	refusedID      refusal = "primary key"
	refusedBackend refusal = "backend"
	refusedNoUser  refusal = "no user"
	refusedUser    refusal = "user may not log in"
	refusedHash    refusal = "hash"
	refusedHost    refusal = "host"
)

// report tells the Observer why a request was refused. Any visitor can cause refusals, so
// the Observer is told of each kind at most once in eventlimit.Every.
func (a *Auth) report(r *http.Request, s *djsession.Session, kind refusal, err error) {
	n := a.refusals.Count(kind, s.Settings().Now())
	if n == 0 {
		return
	}
	if n > 1 {
		err = fmt.Errorf("%w (and %d more like it since the last message)", err, n-1)
	}
	djsession.Tell(r, djsession.Event{Kind: djsession.EventRefusal, Session: djsession.ShortKey(s.Key()), Err: err})
}
