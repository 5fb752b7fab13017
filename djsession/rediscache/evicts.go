package rediscache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/internal/waitlimit"
)

// Evicts returns the maxmemory-policy, if Redis has a limit of memory and a policy that evicts.
// The policies "volatile-" evict sessions, too, since sessions have a timeout. Evicts asks by
// CONFIG GET, and by INFO if Redis refuses that. On a Cluster it asks every master.
func (c *Cache) Evicts(ctx context.Context) (reason string, err error) {
	nodes, err := c.nodes(ctx)
	for i := 0; i < len(nodes) && err == nil && reason == ""; i++ {
		reason, err = c.nodeEvicts(ctx, nodes[i])
	}
	if err != nil {
		return "", c.fail(ctx, "eviction", "", err)
	}
	return reason, nil
}

func (c *Cache) nodeEvicts(ctx context.Context, node redis.Cmdable) (string, error) {
	ctx, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	limit, policy, err := memorySettings(ctx, node)
	switch {
	case err != nil:
		return "", c.ended(ctx, err)
	case limit == "0", policy == "noeviction":
		return "", nil
	}
	return "maxmemory-policy is " + policy, nil
}

// errMemorySettings means that Redis says neither by CONFIG GET nor by INFO whether it evicts.
var errMemorySettings = errors.New("redis does not return maxmemory and maxmemory-policy")

// memorySettings returns maxmemory and maxmemory-policy.
func memorySettings(ctx context.Context, node redis.Cmdable) (limit, policy string, err error) {
	config, configErr := node.ConfigGet(ctx, "maxmemory*").Result()
	if limit, policy = config["maxmemory"], config["maxmemory-policy"]; limit != "" && policy != "" {
		return limit, policy, nil
	}
	info, infoErr := node.Info(ctx, "memory").Result()
	for line := range strings.Lines(info) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name {
		case "maxmemory":
			limit = value
		case "maxmemory_policy":
			policy = value
		}
	}
	if limit != "" && policy != "" {
		return limit, policy, nil
	}
	for _, err := range []error{configErr, infoErr} {
		if err != nil && code(err) == "" {
			return "", "", err // no answer
		}
	}
	if refusal := cmp.Or(infoErr, configErr); refusal != nil {
		return "", "", fmt.Errorf("%w: %w", errMemorySettings, refusal)
	}
	return "", "", errMemorySettings
}
