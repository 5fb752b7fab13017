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
	_, err = io.Copy(copied, &endingReader{ctx, r})
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

// endingReader is a reader that ends with its context.
type endingReader struct {
	ctx context.Context
	r   io.Reader
}

func (e *endingReader) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.r.Read(p)
}
