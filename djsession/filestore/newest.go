package filestore

import (
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// maxStats bounds how many files newestNames looks at, since a folder has no index. In a
// larger folder it returns the newest of these.
const maxStats = 10_000

// newestNames returns the names of the session files that were written last, the last
// one first.
func (s *Store) newestNames(dir *os.File, prefix string, limit int) ([]string, error) {
	type file struct {
		name    string
		written time.Time
	}
	var files []file
	for len(files) < maxStats {
		entries, err := dir.ReadDir(256)
		for _, entry := range entries {
			key, ok := s.keyOf(entry.Name())
			if !ok || !strings.HasPrefix(key, prefix) {
				continue
			}
			if info, err := entry.Info(); err == nil { // else it was deleted since
				files = append(files, file{entry.Name(), info.ModTime()})
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(b.written.Compare(a.written), strings.Compare(a.name, b.name))
	})
	var names []string
	for _, f := range files[:min(limit, len(files))] {
		names = append(names, f.name)
	}
	return names, nil
}
