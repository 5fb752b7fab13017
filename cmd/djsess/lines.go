package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/djsess/djsess/djsession"
)

// eachLine converts stdin to stdout line by line, as the lines come: it passes
// on what it has before it waits for more. A bad line is named on stderr, and
// the rest goes on. A line is bounded by Settings.MaxPayloadSize.
func (a *app) eachLine(s *djsession.Settings, convert func(dst, line []byte) ([]byte, error)) error {
	out := bufio.NewWriterSize(a.stdout, 64<<10)
	in := &lineReader{in: bufio.NewReaderSize(flushFirst{a.stdin, out}, 64<<10), longest: s.MaxPayloadSize}
	var status error
	for {
		line, err := in.next()
		if err != nil && !errors.Is(err, djsession.ErrTooLarge) {
			if flushErr := out.Flush(); flushErr != nil {
				return flushErr
			}
			if err == io.EOF {
				return status
			}
			return err
		}
		if err == nil && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var converted []byte
		if err == nil {
			converted, err = convert(out.AvailableBuffer(), line)
		}
		if err != nil {
			a.complain("line %d: %s", in.number, reason(err))
			status = reported{untrusted}
			continue
		}
		if _, err := out.Write(append(converted, '\n')); err != nil {
			return err
		}
	}
}

// flushFirst is a reader that flushes the output before it may have to wait.
type flushFirst struct {
	in  io.Reader
	out *bufio.Writer
}

func (f flushFirst) Read(p []byte) (int, error) {
	if err := f.out.Flush(); err != nil {
		return 0, err
	}
	return f.in.Read(p)
}

// lineReader reads lines of bounded length.
type lineReader struct {
	in      *bufio.Reader
	longest int
	number  int // of the line that was read last, from 1
	long    []byte
}

// next returns a line without its end, good until the next call. A line that is
// too long is read to its end and is djsession.ErrTooLarge.
func (r *lineReader) next() ([]byte, error) {
	r.number++
	line, err := r.in.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		r.long = append(r.long[:0], line...)
		for err == bufio.ErrBufferFull {
			line, err = r.in.ReadSlice('\n')
			if len(r.long) <= r.longest {
				r.long = append(r.long, line...)
			}
		}
		line = r.long
	}
	if err != nil && (err != io.EOF || len(line) == 0) {
		return nil, err
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if len(line) > r.longest {
		return nil, djsession.ErrTooLarge
	}
	return line, nil
}
