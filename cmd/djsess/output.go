package main

import (
	"bufio"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// errReaderGone is an output that nobody reads any more: whoever did has seen enough.
var errReaderGone = errors.New("nobody reads the output")

// output is stdout. A broken pipe there is no failure; one to a store is.
type output struct{ io.Writer }

func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		err = errReaderGone
	}
	return n, err
}

// outputFlag is -o: for people, or for programs.
type outputFlag string

const (
	asText outputFlag = "text"
	asJSON outputFlag = "json"
)

func (o *outputFlag) String() string { return string(*o) }
func (o *outputFlag) Type() string   { return "text or json" }

func (o *outputFlag) Set(text string) error {
	switch outputFlag(text) {
	case asText, asJSON:
		*o = outputFlag(text)
		return nil
	}
	return errors.New("unknown output")
}

func addOutputFlag(cmd *cobra.Command) *outputFlag {
	o := asText
	cmd.Flags().VarP(&o, "output", "o", "output for people, or for programs, one object a line: `text|json`")
	return &o
}

// stream is an output that is written in large pieces, and yet never waits long
// with what it holds.
type stream struct {
	*bufio.Writer
	flushed time.Time
}

func newStream(w io.Writer) *stream { return &stream{bufio.NewWriterSize(w, 64<<10), time.Now()} }

// tick passes on what has been waiting.
func (s *stream) tick() error {
	const patience = 50 * time.Millisecond
	if s.Buffered() == 0 || time.Since(s.flushed) < patience {
		return nil
	}
	s.flushed = time.Now()
	return s.Flush()
}
