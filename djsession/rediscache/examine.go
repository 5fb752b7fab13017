package rediscache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/checkup"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Examine checks the version and the clock of Redis, whether it remembers its keys when it is
// restarted, and whether others keep keys beside the sessions: see cachestore.Examiner. On a
// Cluster it asks every master about the restart, and one about the rest. It needs info, time, scan
// and config|get. A check whose command Redis refuses is skipped.
func (c *Cache) Examine(ctx context.Context, prefix string) []djsession.CheckResult {
	nodes, err := c.nodes(ctx)
	if err == nil && len(nodes) == 0 {
		err = fmt.Errorf("%s has no masters", c)
	}
	if err != nil {
		return []djsession.CheckResult{djsession.ErrorResult("server", djsession.CheckFails, c.fail(ctx, opExamine, "", err))}
	}
	results := []djsession.CheckResult{c.checkVersion(ctx, nodes[0]), c.checkClock(ctx, nodes[0]), c.checkPersistence(ctx, nodes)}
	if prefix != "" {
		results = append(results, c.checkShared(ctx, nodes[0], prefix))
	}
	return results
}

const opExamine = "examine"

// skipped returns the result of a check that Redis refuses.
func skipped(check string, err error) djsession.CheckResult {
	r := djsession.ErrorResult(check, djsession.CheckSkipped, err)
	if errors.Is(err, ErrPermission) {
		r.Remedy = "let the user run info, time, scan and config|get"
	}
	return r
}

// info returns the fields of a section of INFO.
func (c *Cache) info(ctx context.Context, node redis.Cmdable, section string) (map[string]string, error) {
	ctx, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	text, err := node.Info(ctx, section).Result()
	if err != nil {
		return nil, c.fail(ctx, opExamine, "", err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}

func (c *Cache) checkVersion(ctx context.Context, node redis.Cmdable) djsession.CheckResult {
	const check = "server"
	fields, err := c.info(ctx, node, "server")
	if err != nil {
		return skipped(check, err)
	}
	name, version := "Redis", fields["redis_version"]
	if fields["server_name"] == "valkey" {
		name, version = "Valkey", fields["valkey_version"]
	}
	return djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: "it is " + name + " " + version}
}

func (c *Cache) checkClock(ctx context.Context, node redis.Cmdable) djsession.CheckResult {
	r := checkup.CheckClock("Redis", time.Now, func() (time.Time, error) {
		ctx, cancel := waitlimit.Context(ctx, c.timeout)
		defer cancel()
		at, err := node.Time(ctx).Result()
		if err != nil {
			err = c.fail(ctx, opExamine, "", err)
		}
		return at, err
	})
	if r.Err != nil {
		return skipped(r.Check, r.Err)
	}
	return r
}

// checkPersistence looks whether a restart of Redis ends all sessions.
func (c *Cache) checkPersistence(ctx context.Context, nodes []redis.Cmdable) djsession.CheckResult {
	const check = "restart"
	r := djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: "Redis appends every write to a file, and has the sessions after a restart"}
	for _, node := range nodes {
		switch appends, saves, err := c.persistence(ctx, node); {
		case err != nil:
			return skipped(check, err)
		case !appends && saves == "":
			return djsession.CheckResult{Check: check, Status: djsession.CheckWarns, Text: "Redis keeps nothing on disk: when it is restarted, all users are logged out",
				// With appendonly only in redis.conf, the restart that reads it would lose everything.
				Remedy: "CONFIG SET appendonly yes, and then CONFIG REWRITE, without a restart; a replica; or the engine cached_db: " + checkup.MoveRemedy}
		case !appends:
			r.Text = fmt.Sprintf("Redis writes snapshots (save %s): a crash loses what was written since the last one", saves)
		}
	}
	return r
}

// persistence returns whether Redis appends its writes to a file, and when it writes snapshots.
func (c *Cache) persistence(ctx context.Context, node redis.Cmdable) (appends bool, saves string, err error) {
	fields, err := c.info(ctx, node, "persistence")
	if err != nil || fields["aof_enabled"] == "1" {
		return err == nil, "", err
	}
	limited, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	config, err := node.ConfigGet(limited, "save").Result()
	if err != nil {
		return false, "", c.fail(limited, opExamine, "", err)
	}
	return false, config["save"], nil
}

// sharedSample is how many keys checkShared looks at.
const sharedSample = 2000

// checkShared looks for keys that are not sessions.
func (c *Cache) checkShared(ctx context.Context, node redis.Cmdable, prefix string) djsession.CheckResult {
	const check = "shared"
	seen, others := 0, 0
	for cursor, begun := uint64(0), false; seen < sharedSample && (cursor != 0 || !begun); begun = true {
		keys, next, err := c.nextKeys(ctx, node, cursor, "*")
		if err != nil {
			return skipped(check, c.fail(ctx, opExamine, "", err))
		}
		for _, key := range keys {
			if seen++; !strings.HasPrefix(key, prefix) {
				others++
			}
		}
		cursor = next
	}
	if others > 0 {
		return djsession.CheckResult{Check: check, Status: djsession.CheckWarns,
			Text:   fmt.Sprintf("%d of %d keys in this database of Redis are no sessions of this site: a cache.clear() there logs all users out, and the cache competes with the sessions for memory", others, seen),
			Remedy: "keep sessions in a database of their own: name its entry of CACHES by SESSION_CACHE_ALIAS; " + checkup.MoveRemedy}
	}
	return djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: "nothing but sessions was seen in this database of Redis"}
}
