package rediscache

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/sendonce"
	"github.com/djsess/djsess/internal/severally"
	"github.com/djsess/djsess/internal/waitlimit"
)

// A page has at most this many items, and ends with the item that reaches this many bytes: until
// the last answer of a pipeline is read, both sides keep all of it in memory.
const (
	pageItems = 500
	pageBytes = 1 << 20
)

// AddAll stores items as Add does, in pipelines.
func (c *Cache) AddAll(ctx context.Context, writes []cachestore.BulkWrite) []cachestore.BulkResult {
	return c.inPages(ctx, "add", writes, c.addPage)
}

// SwapAll replaces items as Swap does, in pipelines of scripts. If scripts are not allowed, it
// replaces a few items at the same time.
func (c *Cache) SwapAll(ctx context.Context, writes []cachestore.BulkWrite) []cachestore.BulkResult {
	return c.inPages(ctx, "swap", writes, c.swapPage)
}

// Has reports for each key whether the writer has it.
func (c *Cache) Has(ctx context.Context, keys []string) ([]bool, error) {
	const op = "look for"
	if err := ctx.Err(); err != nil {
		return nil, opError(op, "", err)
	}
	has := make([]bool, 0, len(keys))
	for page := range slices.Chunk(keys, pageItems) {
		ctx := waitlimit.Deadline(ctx, c.timeout)
		for i, answer := range c.lookFor(ctx, page) {
			left, err := answer.Result()
			if err != nil {
				return nil, c.fail(ctx, op, page[i], err)
			}
			has = append(has, left != pttlMissing)
		}
	}
	return has, nil
}

// lookFor asks for some keys in one pipeline. It sends no EXISTS, which can take several keys:
// go-redis refuses such commands in a pipeline to a Cluster.
func (c *Cache) lookFor(ctx context.Context, keys []string) []*redis.DurationCmd {
	answers := make([]*redis.DurationCmd, len(keys))
	_, _ = c.writer.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			answers[i] = p.PTTL(ctx, key)
		}
		return nil
	})
	return answers // each has its own error
}

// bulkWrite is an item that is about to be stored.
type bulkWrite struct {
	key     string
	old     *cachestore.Item
	item    *cachestore.Item
	left    int64  // milliseconds
	current string // the stored value that is not old, from attempt
	err     error  // as setNew and compareAndSet return it
	result  *cachestore.BulkResult
}

func (w *bulkWrite) stored() version { return w.item.Version.(version) }

// inPages stores items in pages. write stores a page, and sets the err of each item. If Redis does
// not answer, or refuses, the next page is not sent.
func (c *Cache) inPages(
	ctx context.Context, op string, writes []cachestore.BulkWrite, write func(context.Context, []*bulkWrite),
) []cachestore.BulkResult {
	results := make([]cachestore.BulkResult, len(writes))
	for done := 0; done < len(writes); {
		page, n := c.nextPage(ctx, op, writes[done:], results[done:])
		done += n
		ctx := waitlimit.Deadline(ctx, c.timeout)
		write(ctx, page)
		for _, w := range page {
			if w.err == nil {
				w.result.Item = w.item
				continue
			}
			w.result.Err = c.fail(ctx, op, w.key, w.err)
			if !isAboutKey(w.err) {
				for ; done < len(writes); done++ {
					results[done].Err = w.result.Err
				}
			}
		}
	}
	return results
}

// nextPage returns the items of the next page, and how many of the writes it took. The items that
// cannot be stored are not in the page, and have their result.
func (c *Cache) nextPage(
	ctx context.Context, op string, writes []cachestore.BulkWrite, results []cachestore.BulkResult,
) (page []*bulkWrite, n int) {
	for bytes := 0; n < len(writes) && len(page) < pageItems && bytes < pageBytes; n++ {
		w := writes[n]
		item, err := c.nextItem(ctx, w.Old, w.Data)
		if err != nil {
			results[n].Err = opError(op, w.Key, err)
			continue
		}
		next := &bulkWrite{key: w.Key, old: w.Old, item: item, left: c.milliseconds(w.Timeout), result: &results[n]}
		page = append(page, next)
		bytes += len(next.stored()) + len(versionOf(w.Old))
	}
	return page, n
}

// addPage adds items. For those that have already ended, it only asks for their keys.
func (c *Cache) addPage(ctx context.Context, page []*bulkWrite) {
	var live, ended []*bulkWrite
	var endedKeys []string
	for _, w := range page {
		if w.left > 0 {
			live = append(live, w)
		} else {
			ended, endedKeys = append(ended, w), append(endedKeys, w.key)
		}
	}
	c.sendPage(ctx, live, func(*bulkWrite) bool { return true }, c.sendNew, func(w *bulkWrite, lost bool, err error) {
		free, err := c.setNewOutcome(ctx, w.key, w.stored(), lost, err)
		w.added(free, err)
	})
	for i, answer := range c.lookFor(ctx, endedKeys) {
		left, err := answer.Result()
		ended[i].added(left == pttlMissing, err)
	}
}

// added sets the result of an item, by whether its key was free.
func (w *bulkWrite) added(free bool, err error) {
	if w.err = err; err == nil && !free {
		w.err = djsession.ErrKeyTaken
	}
}

func (c *Cache) sendNew(ctx context.Context, page []*bulkWrite) []error {
	cmds := make([]*redis.Cmd, len(page))
	for i, w := range page {
		cmds[i] = setNewCommand(ctx, w.key, w.stored(), w.left)
	}
	return c.sendAll(ctx, cmds)
}

// swapPage replaces items that are unchanged.
func (c *Cache) swapPage(ctx context.Context, page []*bulkWrite) {
	var scripted, single []*bulkWrite
	for _, w := range page {
		if versionOf(w.old) == "" || c.noScripts.Load() {
			single = append(single, w)
		} else {
			scripted = append(scripted, w)
		}
	}
	deletes := func(w *bulkWrite) bool { return w.left == 0 }
	c.sendPage(ctx, scripted, deletes, c.sendScripts, func(w *bulkWrite, lost bool, err error) {
		if refusesScripts(err) {
			single = append(single, w)
			return
		}
		w.err = c.swapOutcome(ctx, w.key, w.current, lost, err)
	})
	severally.Do(len(single), func(i int) error {
		w := single[i]
		if w.err = c.compareAndSet(ctx, w.key, w.old, w.stored(), w.left); isAboutKey(w.err) {
			return nil
		}
		return w.err
	}, func(i int, err error) { single[i].err = err })
}

// sendScripts runs the script for each item. A Redis that does not know the script has done
// nothing, and gets the script itself.
func (c *Cache) sendScripts(ctx context.Context, page []*bulkWrite) []error {
	errs := c.sendScriptCommands(ctx, page, true)
	var unknown []*bulkWrite
	for i, err := range errs {
		if code(err) == "NOSCRIPT" {
			unknown = append(unknown, page[i])
		}
	}
	if len(unknown) == 0 {
		return errs
	}
	again := c.sendScriptCommands(ctx, unknown, false)
	for i, err := range errs {
		if code(err) == "NOSCRIPT" {
			errs[i], again = again[0], again[1:]
		}
	}
	return errs
}

func (c *Cache) sendScriptCommands(ctx context.Context, page []*bulkWrite, known bool) []error {
	cmds := make([]*redis.Cmd, len(page))
	for i, w := range page {
		cmds[i] = c.scriptCommand(ctx, known, w.key, versionOf(w.old), w.stored(), w.left)
	}
	errs := c.sendAll(ctx, cmds)
	for i, w := range page {
		w.current, errs[i] = scriptAnswer(cmds[i].Val(), errs[i])
	}
	return errs
}

// sendPage is sendWithRetries for the commands of many items.
func (c *Cache) sendPage(
	ctx context.Context, page []*bulkWrite, idempotent func(*bulkWrite) bool,
	send func(context.Context, []*bulkWrite) []error, report func(w *bulkWrite, lost bool, err error),
) {
	sendonce.Batch[*bulkWrite]{
		Send:     func(page []*bulkWrite) []error { return send(ctx, page) },
		IsAnswer: isAnswer,
		IsLost:   isLost,
		Repeat:   func(w *bulkWrite, err error, lost bool) bool { return (!lost || idempotent(w)) && isTemporary(err) },
		Wait:     func(attempt int) bool { return sleep(ctx, backoff(attempt)) },
	}.Do(page, report)
}

// sendAll sends commands in one pipeline, each once, and returns their errors.
func (c *Cache) sendAll(ctx context.Context, cmds []*redis.Cmd) []error {
	p := c.writer.Pipeline()
	for _, cmd := range cmds {
		_ = p.Process(ctx, onceCmd{cmd}) // which only queues it
	}
	_, failed := p.Exec(ctx)
	errs := make([]error, len(cmds))
	for i, cmd := range cmds {
		if !isAnswered(cmd) {
			errs[i] = cmp.Or(cmd.Err(), failed, io.ErrUnexpectedEOF)
		}
	}
	return errs
}

// isAnswered reports whether a command of a pipeline has a reply. If the connection breaks, go-redis
// sets its error also on the commands before, which have their replies.
func isAnswered(cmd *redis.Cmd) bool {
	switch cmd.Val() {
	case nil:
		return false
	case "", int64(0):
		return cmd.Err() == nil
	}
	return true
}
