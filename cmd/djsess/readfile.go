package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// origin is how the command comes to read a file.
type origin int

const (
	// given on the command line: any file, a pipe such as <(…) and /dev/stdin, too.
	given origin = iota
	// named by a configuration: a regular file.
	named
	// found in this folder or above: a regular file that trust takes.
	found
)

// readFile reads a file of no more than so many bytes, and waits for no pipe that nobody
// writes to. The rights are looked at on the open file, not on the name, which may be
// another file's by then.
func readFile(path string, from origin, most int) ([]byte, fs.FileInfo, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, nil, err
	case from != given && !info.Mode().IsRegular():
		return nil, nil, errors.New("this is not a regular file")
	case from == found:
		if err := trust(path, info); err != nil {
			return nil, nil, err
		}
	}
	const patience = time.Minute            // for a program behind a pipe, which may ask for a passphrase
	f.SetDeadline(time.Now().Add(patience)) // a regular file has none, and needs none
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, nil, fmt.Errorf("the pipe is not at its end after %v", patience)
	case err != nil:
		return nil, nil, err
	case len(data) > most:
		return nil, nil, fmt.Errorf("it is larger than %d KiB", most>>10)
	}
	return data, info, nil
}
