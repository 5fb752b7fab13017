package ops

import (
	"context"
	"io"
	"os"
)

// rewindable returns r if it can be read twice, and otherwise a copy in a temporary file. close removes the copy.
func rewindable(ctx context.Context, r io.Reader) (_ io.ReadSeeker, close func(), err error) {
	if seeker, ok := r.(io.ReadSeeker); ok && canSeek(seeker) {
		return seeker, func() {}, nil
	}
	copied, err := os.CreateTemp("", "djsess-import-") // only its owner can read it
	if err != nil {
		return nil, nil, err
	}
	// On Unix the file has no name from here on, so that nothing is left of it even if the process is killed.
	removed := os.Remove(copied.Name()) == nil
	close = func() {
		copied.Close()
		if !removed {
			os.Remove(copied.Name())
		}
	}
	err = copyUntil(ctx, copied, r)
	if err == nil {
		_, err = copied.Seek(0, io.SeekStart)
	}
	if err != nil {
		close()
		return nil, nil, err
	}
	return copied, close, nil
}

// canSeek reports whether a reader can be read twice. A terminal and some devices only seem to.
func canSeek(r io.ReadSeeker) bool {
	if file, ok := r.(*os.File); ok {
		info, err := file.Stat()
		return err == nil && info.Mode().IsRegular()
	}
	_, err := r.Seek(0, io.SeekCurrent)
	return err == nil
}

// copyUntil copies all of r, or returns when the context ends. A read that waits then, such as that of a terminal, goes on until r
// returns: nothing else ends it.
func copyUntil(ctx context.Context, w io.Writer, r io.Reader) error {
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(w, r)
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
