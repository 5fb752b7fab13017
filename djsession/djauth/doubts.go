package djauth

import (
	"net/http"
	"sync"

	"github.com/djsess/djsess/djsession"
)

// doubts are reasons why visitors whom Django knows are anonymous here. Each is told
// once: most likely it is the settings.
type doubts struct {
	mu   sync.Mutex
	told map[string]bool
}

// maxDoubts bounds what sessions can make us remember.
const maxDoubts = 100

func (d *doubts) tell(r *http.Request, cause string, err error) {
	d.mu.Lock()
	known := d.told[cause] || len(d.told) == maxDoubts
	if !known {
		if d.told == nil {
			d.told = map[string]bool{}
		}
		d.told[cause] = true
	}
	d.mu.Unlock()
	if !known {
		djsession.Tell(r, djsession.Event{Kind: djsession.EventRefusal, Err: err})
	}
}
