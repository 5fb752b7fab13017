package memcache

import (
	"context"
	"fmt"

	"github.com/djsess/djsess/djsession"
)

// Examine checks whether each server answers, and says what Memcached does to all sessions: see
// cachestore.Examiner.
func (c *Cache) Examine(context.Context, string) []djsession.CheckResult {
	servers := djsession.CheckResult{Check: "server", Status: djsession.CheckOK, Text: fmt.Sprintf("each of %d servers answers", len(c.each))}
	for i, client := range c.each {
		if err := client.Ping(); err != nil {
			servers = djsession.ErrorResult("server", djsession.CheckFails, opError("examine", "", fmt.Errorf("%s: %w", c.servers.all[i].address, err)))
		}
	}
	return []djsession.CheckResult{servers, {
		Check: "restart", Status: djsession.CheckWarns, Text: "Memcached keeps nothing on disk: when a server is restarted, the users of its sessions are logged out",
		Remedy: "the engine cached_db keeps the sessions in the database, too",
	}}
}
