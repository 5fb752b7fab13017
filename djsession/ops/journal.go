package ops

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
)

// journal holds the batch that a worker is about to insert: keys and expiries. If the process is
// killed, the next run looks at these sessions once more and takes back those that have left
// the source since. The file is written without fsync: it is for a process that dies, not for
// a machine.
//
// A batch begins with a line that says of which stores it is. A file without a batch is empty.
type journal struct {
	file *os.File
	head string
}

// ErrJournal: a file with the name of the journal is not one of this migration. Nothing was written.
var ErrJournal = errors.New("not of this migration")

const journalFormat = "djsess journal 1 "

// journalHead returns the first line of the journals of a migration. It shows only a hash of what names the stores.
func (m *migration) journalHead() string {
	sum := sha256.Sum256([]byte(m.JournalOf))
	return fmt.Sprintf("%s%x\n", journalFormat, sum[:8])
}

// openJournal creates the file of a worker. It is readable by its owner only, since it holds session keys.
func (m *migration) openJournal(worker int) (*journal, error) {
	if m.Journal == "" {
		return new(journal), nil
	}
	f, err := os.OpenFile(fmt.Sprintf("%s.%d", m.Journal, worker), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return &journal{f, m.journalHead()}, nil
}

// begin records a batch before it is inserted.
func (j *journal) begin(batch []*djsession.Record) error {
	if j.file == nil {
		return nil
	}
	var text strings.Builder
	text.WriteString(j.head)
	for _, r := range batch {
		fmt.Fprintf(&text, "%d %q\n", r.Expires.Unix(), r.Key) // a key may have any characters
	}
	_, err := j.file.WriteAt([]byte(text.String()), 0)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// end records that the batch is complete.
func (j *journal) end() error {
	if j.file == nil {
		return nil
	}
	if err := j.file.Truncate(0); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// close closes the file of a worker, and removes it unless it holds a batch.
func (j *journal) close() {
	if j.file == nil {
		return
	}
	info, err := j.file.Stat()
	j.file.Close()
	if err == nil && info.Size() == 0 {
		os.Remove(j.file.Name())
	}
}

// recoverJournals completes the batches of a run that was killed, and removes their files.
func (m *migration) recoverJournals(ctx context.Context, batches map[string][]*djsession.Record) error {
	for name, records := range batches {
		if err := m.recoverBatch(ctx, records); err != nil {
			return err
		}
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("journal: %w", err)
		}
	}
	return nil
}

// readJournals returns the batches of a run that was killed, by their files. Any other file of such a name is an error, before it
// is overwritten or removed.
func (m *migration) readJournals() (map[string][]*djsession.Record, error) {
	batches := map[string][]*djsession.Record{}
	if m.Journal == "" {
		return batches, nil
	}
	files, err := filepath.Glob(escapeGlob(m.Journal) + ".*")
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	for _, name := range files {
		if _, err := strconv.ParseUint(name[strings.LastIndexByte(name, '.')+1:], 10, 32); err != nil {
			continue // not the number of a worker
		}
		if batches[name], err = readJournal(name, m.journalHead()); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	return batches, nil
}

// readJournal reads the batch of a file. The last line may be incomplete.
func readJournal(name, head string) (batch []*djsession.Record, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewReader(f)
	first, err := lines.ReadString('\n')
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case err != nil && strings.HasPrefix(head, first): // it is empty, or the disk was full: nothing was inserted
		return nil, nil
	case !strings.HasPrefix(first, journalFormat):
		return nil, fmt.Errorf("%w: %s is another kind of file: name another journal", ErrJournal, name)
	case first != head:
		return nil, fmt.Errorf("%w: %s holds a batch of a migration between other stores: run that one again first, or name another journal", ErrJournal, name)
	}
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return batch, nil
		}
		if err != nil {
			return nil, err
		}
		expires, quoted, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		seconds, err := strconv.ParseInt(expires, 10, 64)
		key, keyErr := strconv.Unquote(quoted)
		if ok && err == nil && keyErr == nil && djsession.ValidateKey(key) == nil {
			batch = append(batch, &djsession.Record{Key: key, Expires: time.Unix(seconds, 0)})
		}
	}
}

// recoverBatch takes back what a killed run inserted if it has left the source. A session that was not inserted then
// ends at another time.
func (m *migration) recoverBatch(ctx context.Context, batch []*djsession.Record) error {
	if len(batch) == 0 {
		return nil
	}
	still, err := live(ctx, m.from, keysOf(batch))
	if err != nil {
		return err
	}
	for i, r := range batch {
		if still[i] {
			continue
		}
		inserted, err := m.to.Load(ctx, r.Key)
		if errors.Is(err, djsession.ErrNotFound) {
			continue
		}
		if err != nil && !isAboutSession(err) {
			return err
		}
		saved := err != nil // others have written what cannot be read
		if err == nil {
			if saved, err = m.endsElsewhen(ctx, inserted, r.Expires); err != nil {
				return err
			}
		}
		if saved {
			continue
		}
		if err := m.takeBack(ctx, inserted); err != nil {
			return err
		}
	}
	return nil
}

// endsElsewhen reports whether a session of the target ends at another time than it was inserted with: it was saved since. It is false
// where the target does not tell.
func (m *migration) endsElsewhen(ctx context.Context, r *djsession.Record, want time.Time) (bool, error) {
	const slack = 2 * time.Second // a cache counts from another moment
	expires, err := expiry(ctx, m.to, r)
	switch {
	case errors.Is(err, errors.ErrUnsupported): // Memcached
		return false, nil
	case err != nil:
		if isAboutSession(err) {
			return true, nil // it is gone
		}
		return false, err
	case expires.Equal(djsession.Never) && hasAge(r): // the engine file never ends it
		return false, nil
	}
	return expires.Sub(want).Abs() > slack, nil
}

// escapeGlob makes a path a pattern that matches only this path.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func keysOf(records []*djsession.Record) []string {
	keys := make([]string, len(records))
	for i, r := range records {
		keys[i] = r.Key
	}
	return keys
}
