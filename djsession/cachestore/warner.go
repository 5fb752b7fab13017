package cachestore

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/internal/printable"
)

// trouble is what befalls the cache of cached_db and is no error to who uses the store.
type trouble int

const (
	readTrouble trouble = iota
	valueTrouble
	fillTrouble
	removeTrouble
	troubles // how many there are
)

var troubleTexts = [troubles]string{
	readTrouble:   "cached_db: the cache cannot be asked: sessions are read from the database",
	valueTrouble:  "cached_db: what is cached is no session: it is left there, and the database's is read",
	fillTrouble:   "cached_db: a session cannot be cached",
	removeTrouble: "cached_db: a session that was written cannot be removed from the cache: Django may see it as it was, until that can be done",
}

// warner logs each kind of trouble now and then.
type warner struct {
	logger *slog.Logger
	cache  Cache
	told   [troubles]atomic.Int64 // when last, in nanoseconds since 1970
}

// warnEvery is how often.
const warnEvery = 10 * time.Second

func (w *warner) warn(ctx context.Context, what trouble, err error) {
	now, last := time.Now().UnixNano(), w.told[what].Load()
	if now-last < int64(warnEvery) || !w.told[what].CompareAndSwap(last, now) {
		return
	}
	w.log().WarnContext(ctx, troubleTexts[what], "cache", w.cache.String(), "error", printable.Line(err.Error()))
}

// left tells what Close leaves behind.
func (w *warner) left(n int) {
	w.log().Error("cached_db: sessions that were written may still be in the cache as they were", "cache", w.cache.String(), "sessions", n)
}

// full tells that a session's removal from the cache cannot be remembered.
func (w *warner) full() {
	w.log().Error("cached_db: too many sessions wait to be removed from the cache: it is not read any more, and Django may see them as they were", "cache", w.cache.String())
}

func (w *warner) log() *slog.Logger {
	if w.logger != nil {
		return w.logger
	}
	return slog.Default()
}
