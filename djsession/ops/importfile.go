package ops

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/scanning"
)

// Reasons why an export is refused, before anything of it is imported.
var (
	// ErrNoExport: it does not begin as an export does.
	ErrNoExport = errors.New("not an export of djsess")
	// ErrExportVersion: a newer djsess has made it.
	ErrExportVersion = errors.New("an export in a newer format")
	// ErrExportTruncated: its end is missing.
	ErrExportTruncated = errors.New("the export is truncated: its last line is missing")
	// ErrExportEdited: it is not what Export wrote.
	ErrExportEdited = errors.New("the export was changed after it was written")
)

// exportFile reads an export. It is a djsession.Scanner for pass: several scans at once share its lines.
type exportFile struct {
	in         *bufio.Reader
	unpack     *zstd.Decoder // nil if the export is not compressed
	settings   *djsession.Settings
	sum        hash.Hash
	line       []byte
	sessions   int64 // that were read
	ended      error // what next returns from now on
	mu         sync.Mutex
	total      int64 // for Count
	shard      int   // counted from 0
	shards     int
	expired    atomic.Int64
	maxPayload int
}

const (
	readBuffer  = 64 << 10
	longestHead = 4 << 10 // the first line
	// maxWindow bounds the memory of the decompressor. zstd needs more only for files of zstd --ultra and --long.
	maxWindow = 8 << 20
)

// openExport reads the first line.
func openExport(r io.Reader, settings *djsession.Settings) (*exportFile, error) {
	f := &exportFile{in: bufio.NewReaderSize(r, readBuffer), settings: settings, sum: sha256.New(), shards: 1, maxPayload: settings.MaxPayloadSize}
	if start, _ := f.in.Peek(4); string(start) == "\x28\xb5\x2f\xfd" {
		var err error
		f.unpack, err = zstd.NewReader(f.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("read the export: %w", err)
		}
		f.in = bufio.NewReaderSize(f.unpack, readBuffer)
	}
	if err := f.readHeader(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *exportFile) close() {
	if f.unpack != nil {
		f.unpack.Close()
	}
}

func (f *exportFile) readHeader() error {
	line, err := f.readLine(longestHead)
	var h exportHeader
	switch {
	case errors.Is(err, djsession.ErrTooLarge):
		return ErrNoExport
	case errors.Is(err, ErrExportTruncated) && !errors.Is(err, io.ErrUnexpectedEOF) && !bytes.HasPrefix(line, []byte(`{"format":`)):
		return ErrNoExport
	case err != nil:
		return err
	case json.Unmarshal(line, &h) != nil || h.Format != exportFormat || h.Version < 1:
		return ErrNoExport
	case h.Version > exportVersion:
		return fmt.Errorf("%w: version %d, and this djsess reads version %d", ErrExportVersion, h.Version, exportVersion)
	}
	f.sum.Write(line)
	return nil
}

// next returns the line of a session. It is valid until the next call. The error is io.EOF after a last line that fits.
func (f *exportFile) next() ([]byte, error) {
	if f.ended == nil {
		line, err := f.readLine(maxLine(f.maxPayload))
		switch {
		case errors.Is(err, djsession.ErrTooLarge):
			f.ended = f.edited(err)
		case err != nil:
			f.ended = err
		case bytes.HasPrefix(line, []byte(lastLineStart)):
			f.ended = f.readEnd(line)
		default:
			f.sum.Write(line)
			f.sessions++
			return line[:len(line)-1], nil
		}
	}
	return nil, f.ended
}

// edited returns the error for the line that was read last.
func (f *exportFile) edited(reason error) error {
	const header = 1
	return fmt.Errorf("%w: line %d: %w", ErrExportEdited, header+f.sessions, reason)
}

// readEnd checks the last line, and that nothing follows it. It returns io.EOF if all is well.
func (f *exportFile) readEnd(line []byte) error {
	head := line[:max(0, len(line)-2*sha256.Size-len(lastLineEnd))]
	totals, err := parseTotals(head)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrExportEdited, err)
	}
	f.sum.Write(head)
	switch want := append(hex.AppendEncode(nil, f.sum.Sum(nil)), lastLineEnd...); {
	case totals.Sessions != f.sessions:
		return fmt.Errorf("%w: it has %d sessions, and %d were exported", ErrExportEdited, f.sessions, totals.Sessions)
	case !bytes.Equal(line[len(head):], want):
		return fmt.Errorf("%w: its checksum differs", ErrExportEdited)
	}
	switch _, err := f.in.ReadByte(); {
	case err == nil:
		return fmt.Errorf("%w: something follows its last line", ErrExportEdited)
	case f.isDamaged(err) && !errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %w", ErrExportEdited, err)
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("read the export: %w", err)
	}
	return io.EOF
}

// readLine returns a line with its end. A longer one is an ErrTooLarge, and memory grows only with what is there. A line that
// does not end is returned with an ErrExportTruncated.
func (f *exportFile) readLine(longest int) ([]byte, error) {
	if cap(f.line) > 4*batchBytes {
		f.line = nil // a rare session has made it large
	}
	f.line = f.line[:0]
	for {
		part, err := f.in.ReadSlice('\n')
		f.line = append(f.line, part...)
		switch {
		case len(f.line) > longest:
			return nil, djsession.ErrTooLarge
		case err == nil:
			return f.line, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.ErrUnexpectedEOF): // in the middle of compressed data
			return nil, fmt.Errorf("%w: %w", ErrExportTruncated, err)
		case errors.Is(err, io.EOF):
			return f.line, ErrExportTruncated
		case f.isDamaged(err):
			return nil, fmt.Errorf("%w: %w", ErrExportEdited, err)
		default:
			return nil, fmt.Errorf("read the export: %w", err)
		}
	}
}

// isDamaged reports whether an error is about compressed data. Any other is of the file.
func (f *exportFile) isDamaged(err error) bool {
	return f.unpack != nil && !errors.As(err, new(*fs.PathError)) && !errors.Is(err, zstd.ErrWindowSizeExceeded)
}

// Count returns how many sessions there are.
func (f *exportFile) Count(context.Context) (int64, error) { return f.total, nil }

// Scan yields the live sessions of the shard that no other scan yields. The range does not matter.
func (f *exportFile) Scan(ctx context.Context, _ djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		for {
			lines, end := f.some(ctx)
			for _, line := range lines {
				r, err := f.session(line)
				if r == nil && err == nil {
					continue
				}
				if !yield(r, err) || r == nil {
					return
				}
			}
			if errors.Is(end, io.EOF) {
				return
			}
			if end != nil {
				yield(nil, end)
				return
			}
		}
	}
}

// some returns the next lines. The error says why there are no more.
func (f *exportFile) some(ctx context.Context) (lines []string, err error) {
	const most, mostBytes = 100, 256 << 10
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for size := 0; len(lines) < most && size < mostBytes; {
		line, err := f.next()
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line))
		size += len(line)
	}
	return lines, nil
}

// session returns the session of a line. Both results are nil for one that has expired or belongs to another shard.
func (f *exportFile) session(line string) (*djsession.Record, error) {
	s, err := parseSession(line)
	switch {
	case err != nil: // the first reading has checked it
		return nil, fmt.Errorf("%w: %w", ErrExportEdited, err)
	case !scanning.IsInPart(s.key, f.shard, f.shards):
		return nil, nil
	case !s.expires.After(f.settings.Now()):
		f.expired.Add(1)
		return nil, nil
	}
	return s.record(f.maxPayload)
}
