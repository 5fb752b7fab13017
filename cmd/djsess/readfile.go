package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// origin says how the command found a file. It decides which kinds of file are read.
type origin int

const (
	// given on the command line: any file, including a pipe such as <(…) or /dev/stdin.
	given origin = iota
	// named in a configuration file: only a regular file.
	named
	// found in this folder or above: only a regular file that trust accepts.
	found
)

// readFile reads a file of at most so many bytes. It does not wait for a writer if the file
// is a pipe. It checks the permissions of the open file, not those of the path, which may
// lead to another file by then.
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
	f.SetDeadline(time.Now().Add(patience)) // fails for a regular file, which needs none
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, nil, fmt.Errorf("the pipe was not closed within %v", patience)
	case err != nil:
		return nil, nil, err
	case len(data) > most:
		return nil, nil, fmt.Errorf("it is larger than %d KiB", most>>10)
	}
	return data, info, nil
}
