package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/djsess/djsess/djsession"
)

// ImportOptions are the options of Import. The zero ImportOptions is the safe one.
type ImportOptions struct {
	Job
	// OnLoss says what becomes of values that JSON cannot hold. Default: the job ends.
	OnLoss OnLoss
	// Force writes into a store that drops sessions by itself.
	Force bool
}

// ImportReport says what Import has done.
type ImportReport struct {
	// Read counts the sessions of the export, or of this shard of it.
	Read int64
	// Expired counts those that have ended since. They are not inserted.
	Expired int64
	// Inserted counts the sessions that were inserted, and Kept those whose keys the store had.
	Inserted, Kept int64
	// Lossy counts sessions with values that JSON cannot hold, and Failed those that the store
	// cannot take.
	Lossy, Failed int64
	// Shifted counts sessions whose expiry the store cannot express to the second.
	Shifted int64
	// Unreadable counts sessions whose values are not what Export writes.
	Unreadable int64
}

// Import inserts the sessions of an export into a store, under the same keys and with the same expiries. The codec, the serializer
// and the engine may differ from those of the export's store. A session whose key the store has is kept as it is there. So a
// second Import goes on where the first one ended.
//
// Import reads r twice, and writes nothing unless the export is complete and has its checksum: the error is an ErrNoExport, an
// ErrExportVersion, an ErrExportTruncated or an ErrExportEdited. The checksum shows mistakes, and keeps nobody from making an
// export: import only what you trust, since its author has chosen who is logged in. If r is no file, such as a pipe, Import
// copies it into a temporary file that only its owner can read. It finds out by itself whether the export is compressed.
//
// Import writes nothing either if the sessions of the store do not open.
func Import(ctx context.Context, r io.Reader, store djsession.Store, options ImportOptions) (*ImportReport, error) {
	i := &importing{migration: migration{
		Migration: Migration{Job: options.Job, OnLoss: options.OnLoss, Force: options.Force}, to: store,
	}}
	err := i.prepare(ctx, r)
	defer i.close()
	if err != nil {
		return new(ImportReport), fmt.Errorf("ops: import: %w", err)
	}
	err = i.pass.run(ctx, func(int) (handler, error) {
		if i.DryRun {
			return i.rehearse, nil
		}
		none := new(journal)
		return func(ctx context.Context, batch []*djsession.Record) (int, error) { return i.insert(ctx, none, batch) }, nil
	})
	done, expired := i.report(), i.file.expired.Load()
	return &ImportReport{
		Read: done.Read + expired, Expired: expired, Inserted: done.Inserted, Kept: done.Kept,
		Lossy: done.Lossy, Failed: done.Failed, Shifted: done.Shifted, Unreadable: done.Unreadable,
	}, err
}

// importing is a running Import: a migration from a file.
type importing struct {
	migration
	file  *exportFile
	close func()
}

// prepare returns an error if nothing should be written. The caller calls i.close in any case.
func (i *importing) prepare(ctx context.Context, r io.Reader) error {
	i.close = func() {}
	settings := i.to.Settings()
	source, closeSource, err := rewindable(ctx, r)
	if err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	i.close = closeSource
	start, err := source.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	total, err := checkExport(ctx, source, settings)
	if err != nil {
		return err
	}
	if _, err := source.Seek(start, io.SeekStart); err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	if i.file, err = openExport(source, settings); err != nil {
		return err
	}
	i.close = func() { i.file.close(); closeSource() }
	i.file.total, i.file.shard, i.file.shards = total, max(i.Shard, 1)-1, max(i.Shards, 1)
	i.pass = &pass{job: &i.Job, name: "import", started: time.Now(), scanner: i.file}
	if err := i.checkTarget(ctx); err != nil {
		return fmt.Errorf("target: %w", err)
	}
	return nil
}

// checkExport reads a whole export. It returns how many sessions there are, or an error unless all is there and as it was written.
func checkExport(ctx context.Context, r io.Reader, settings *djsession.Settings) (int64, error) {
	f, err := openExport(r, settings)
	if err != nil {
		return 0, err
	}
	defer f.close()
	for {
		line, err := f.next()
		switch {
		case errors.Is(err, io.EOF):
			return f.sessions, nil
		case err != nil:
			return 0, err
		}
		if _, err := parseSession(string(line)); err != nil {
			return 0, f.edited(err)
		}
		if f.sessions%1000 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
}
