package main

import (
	"bufio"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"
)

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
