package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/redis/go-redis/v9/logging"
)

// warnings shows what the stores log as the command's own words: warnings and worse.
type warnings struct {
	app   *app
	attrs []slog.Attr
}

// showWarnings has the stores' warnings shown, and keeps the Redis client from
// talking to itself.
func (a *app) showWarnings() {
	slog.SetDefault(slog.New(&warnings{app: a}))
	logging.Disable()
}

func (w *warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	add := func(attr slog.Attr) bool {
		b.WriteString(", " + attr.Key + " " + attr.Value.String())
		return true
	}
	for _, attr := range w.attrs {
		add(attr)
	}
	r.Attrs(add)
	w.app.complain("warning: %s", oneLine(b.String()))
	return nil
}

func (w *warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &warnings{w.app, append(w.attrs[:len(w.attrs):len(w.attrs)], attrs...)}
}

// WithGroup: the names are clear enough without.
func (w *warnings) WithGroup(string) slog.Handler { return w }
