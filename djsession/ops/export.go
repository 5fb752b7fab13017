package ops

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/djsess/djsess/djsession"
)

// ExportOptions are the options of Export. The zero ExportOptions exports all live sessions.
type ExportOptions struct {
	Job
	// Only, if set, reports whether a session is to be exported, such as one of a certain user.
	Only func(*djsession.Values) bool
	// Engine is the name of the store's engine, such as "db", for the people who read the export.
	Engine string
	// Zstd compresses the export.
	Zstd bool
}

// ExportReport says what Export has done.
type ExportReport struct {
	// Read counts the live sessions of the store, and Unreadable those of them that cannot be read.
	Read, Unreadable int64
	// Exported counts the sessions in the export.
	Exported int64
	// Failed counts the sessions that no store could take, such as one with a key of 3 characters.
	Failed int64
}

// Export writes the live sessions of a store to w, as lines of JSON that Import reads. Nothing is lost: a session that was stored
// as JSON has its JSON, and a pickled one its pickle. The sessions come in the order of the store if one worker reads it.
//
// An export gives access to every session in it. It holds no SECRET_KEY. It is complete only if Export returns no error: if the
// job ends early, Import refuses what was written. With DryRun nothing is written to w.
//
// Nothing is written if the store has sessions and none opens. A store that cannot be listed, and one that keeps only hashes of its keys (a FileBasedCache), are an errors.ErrUnsupported.
func Export(ctx context.Context, w io.Writer, store djsession.Store, options ExportOptions) (*ExportReport, error) {
	e := &export{ExportOptions: options, store: store, maxPayload: store.Settings().MaxPayloadSize}
	pass, err := newPass("export", &e.Job, store)
	if err != nil {
		return new(ExportReport), err
	}
	e.pass = pass
	if err := checkSettings(ctx, store); err != nil {
		return new(ExportReport), fmt.Errorf("ops: export: %w", err)
	}
	if e.DryRun {
		w = io.Discard
	}
	if e.out, err = newExportWriter(w, e.Zstd); err != nil {
		return new(ExportReport), fmt.Errorf("ops: export: %w", err)
	}
	settings := store.Settings()
	err = e.out.begin(exportHeader{
		Format: exportFormat, Version: exportVersion, Made: settings.Now().UTC().Format(time.RFC3339),
		Django: settings.DjangoVersion, Engine: e.Engine, Whole: e.Only == nil && e.Shards <= 1,
	})
	if err == nil {
		err = pass.run(ctx, func(int) (handler, error) { return e.worker(), nil })
	} else {
		err = fmt.Errorf("ops: export: %w", err)
	}
	report := &ExportReport{Read: pass.readable + pass.unreadable, Unreadable: pass.unreadable, Exported: e.out.sessions, Failed: e.failed.Load()}
	if err != nil {
		return report, err
	}
	if err := e.out.end(report.Unreadable + report.Failed); err != nil {
		return report, fmt.Errorf("ops: export: %w", err)
	}
	return report, nil
}

// export is a running Export.
type export struct {
	ExportOptions
	store      djsession.Store
	pass       *pass
	out        *exportWriter
	maxPayload int
	failed     atomic.Int64
}

// worker returns a handler that writes the sessions of a batch.
func (e *export) worker() handler {
	var lines []byte
	return func(ctx context.Context, batch []*djsession.Record) (written int, err error) {
		lines = lines[:0]
		for _, r := range batch {
			if e.Only != nil && !e.Only(r.Values) {
				continue
			}
			var ok bool
			if lines, ok, err = e.session(ctx, lines, r); err != nil {
				return 0, err
			}
			if ok {
				written++
			}
		}
		err = e.out.write(lines, written)
		if cap(lines) > 4*batchBytes {
			lines = nil // a rare session has made it large
		}
		return written, err
	}
}

// session appends a session. ok is false if it has left the store, or if no store could take it.
func (e *export) session(ctx context.Context, lines []byte, r *djsession.Record) (_ []byte, ok bool, err error) {
	if r.Key == "" {
		return lines, false, errHashedKeys
	}
	expires, err := expiry(ctx, e.store, r)
	switch {
	case errors.Is(err, djsession.ErrNotFound):
		return lines, false, nil
	case err != nil:
		return lines, false, err
	}
	lines, err = appendSession(lines, &djsession.Record{Key: r.Key, Values: r.Values, Expires: expires}, e.maxPayload)
	if err != nil {
		e.failed.Add(1)
		e.pass.found(r, err)
		return lines, false, nil
	}
	return lines, true, nil
}

// exportWriter writes the lines of an export for several workers.
type exportWriter struct {
	mu       sync.Mutex
	buffer   *bufio.Writer
	zstd     *zstd.Encoder // nil if the export is not compressed
	out      io.Writer     // one of the two
	sum      hash.Hash
	sessions int64
}

func newExportWriter(w io.Writer, compress bool) (*exportWriter, error) {
	e := &exportWriter{buffer: bufio.NewWriterSize(w, 64<<10), sum: sha256.New()}
	e.out = e.buffer
	if !compress {
		return e, nil
	}
	const window = 1 << 20 // more would take more memory and save little
	var err error
	e.zstd, err = zstd.NewWriter(e.buffer, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	e.out = e.zstd
	return e, err
}

func (e *exportWriter) begin(h exportHeader) error {
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return e.write(append(line, '\n'), 0)
}

// write writes the lines of some sessions.
func (e *exportWriter) write(lines []byte, sessions int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sum.Write(lines)
	e.sessions += int64(sessions)
	if _, err := e.out.Write(lines); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// end writes the last line.
func (e *exportWriter) end(leftOut int64) error {
	if err := e.write(appendLastLine(nil, exportTotals{e.sessions, leftOut}), 0); err != nil {
		return err
	}
	last := append(hex.AppendEncode(nil, e.sum.Sum(nil)), lastLineEnd...)
	_, err := e.out.Write(last)
	if err == nil && e.zstd != nil {
		err = e.zstd.Close()
	}
	if err == nil {
		err = e.buffer.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}
