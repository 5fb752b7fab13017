package ops

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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
type journal struct{ file *os.File }

// openJournal creates the file of a worker. It is readable by its owner only, since it holds session keys.
func openJournal(path string, worker int) (*journal, error) {
	if path == "" {
		return new(journal), nil
	}
	f, err := os.OpenFile(fmt.Sprintf("%s.%d", path, worker), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return &journal{f}, nil
}

// begin records a batch before it is inserted.
func (j *journal) begin(batch []*djsession.Record) error {
	if j.file == nil {
		return nil
	}
	var text strings.Builder
	for _, r := range batch {
		fmt.Fprintf(&text, "%d %s\n", r.Expires.Unix(), r.Key)
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
func (m *migration) recoverJournals(ctx context.Context) error {
	if m.Journal == "" {
		return nil
	}
	files, err := filepath.Glob(escapeGlob(m.Journal) + ".*")
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	for _, name := range files {
		records, err := readJournal(name)
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		if err := m.recoverBatch(ctx, records); err != nil {
			return err
		}
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("journal: %w", err)
		}
	}
	return nil
}

// readJournal reads the batch of a file. The last line may be incomplete.
func readJournal(name string) (batch []*djsession.Record, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		expires, key, ok := strings.Cut(lines.Text(), " ")
		seconds, err := strconv.ParseInt(expires, 10, 64)
		if ok && err == nil && djsession.ValidateKey(key) == nil {
			batch = append(batch, &djsession.Record{Key: key, Expires: time.Unix(seconds, 0)})
		}
	}
	return batch, lines.Err()
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
		if err == nil {
			if inserted.Expires, err = expiry(ctx, m.to, inserted); err != nil {
				return err
			}
		}
		const slack = 2 * time.Second // a cache counts from another moment
		if err != nil || inserted.Expires.Sub(r.Expires).Abs() > slack {
			continue
		}
		if err := m.takeBack(ctx, inserted); err != nil {
			return err
		}
	}
	return nil
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
