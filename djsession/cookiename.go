package djsession

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
)

// requestsBeforeHint is how many requests without a session cookie, but with another cookie that
// could be one, come before the Observer is told.
const requestsBeforeHint = 20

// cookieNames notices that visitors bring their session keys under another name than
// SESSION_COOKIE_NAME. Then every visitor is anonymous, and nothing else shows why.
type cookieNames struct {
	settled atomic.Bool // a visitor has brought SESSION_COOKIE_NAME, or the Observer was told
	others  atomic.Int32
}

// noteCookies looks at the names of a request's cookies, until they are settled.
func (m *Manager) noteCookies(r *http.Request, hasSessionCookie bool) {
	switch n := &m.cookieNames; {
	case n.settled.Load():
	case hasSessionCookie:
		n.settled.Store(true)
	case m.selfContained: // the cookie holds no key by which to recognize it
	default:
		name := cookieWithKey(r.Header["Cookie"])
		if name == "" || n.others.Add(1) < requestsBeforeHint || n.settled.Swap(true) {
			return
		}
		m.report(r.Context(), Event{Kind: EventCheck, Err: fmt.Errorf("no visitor has brought the cookie %q yet, and %d requests brought another one that looks like a session key, "+
			"such as %.40q: is SESSION_COOKIE_NAME the site's?", m.settings().SessionCookieName, requestsBeforeHint, name)})
	}
}

// cookieWithKey returns the name of the first cookie whose value has the form of a session key that
// Django makes, or "".
func cookieWithKey(lines []string) string {
	for _, line := range lines {
		for chunk := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(chunk, "=")
			if value = strings.TrimSpace(value); len(value) == newKeyLength && couldBeKey(value) {
				return strings.TrimSpace(name)
			}
		}
	}
	return ""
}
