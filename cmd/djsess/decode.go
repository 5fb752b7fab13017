package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
)

func (a *app) decodeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "decode [flags]",
		Short: "Turn payloads into JSON, line by line",
		Long: `Decode reads payloads, one a line, such as those in the column session_data. It
checks their signatures and prints the JSON in them, one a line, exactly as it is
stored. It needs the SECRET_KEY and no store.

Decode names lines that cannot be trusted on stderr and decodes the others. The exit
status is then 4. It skips blank lines.`,
		Example: `  psql site -Atc 'select session_data from django_session' | djsess decode
  djsess decode --cookie < cookies.txt`,
		Args: exactly(0, "want no arguments: payloads are read from standard input, one a line"),
	}
	form := addFormFlags(cmd, "read signed-cookie sessions, no older than SESSION_COOKIE_AGE", "read the form of Django up to 3.0, too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, codec, err := a.lineCodec(cmd, form)
		if err != nil {
			return err
		}
		codecs := []djsession.Codec{codec}
		if form.legacy {
			legacy, err := djsession.NewLegacyCodec(settings)
			if err != nil {
				return err
			}
			codecs = append(codecs, legacy)
		}
		return a.eachLine(settings, func(dst, line []byte) ([]byte, error) {
			v, err := decodeWith(codecs, line)
			if err != nil {
				return nil, nameForm(err, settings, form)
			}
			if dst, err = appendOneLine(dst, v); errors.Is(err, djsession.ErrOpaque) {
				err = &hinted{err, "JSON cannot hold all values of such a session: djsess get shows them"}
			}
			return dst, err
		})
	}
	return cmd
}

// decodeWith uses the first codec that verifies a payload. If none does, it returns the error of
// the codec for the payload's form: the last codec reads the form of Django up to 3.0, and the first
// one the site's own.
func decodeWith(codecs []djsession.Codec, payload []byte) (*djsession.Values, error) {
	var bad error
	for _, codec := range codecs {
		v, _, err := codec.Decode(payload)
		if err == nil || !errors.Is(err, djsession.ErrBadSignature) {
			return v, err
		}
		var payload *djsession.PayloadError
		if bad == nil || errors.As(err, &payload) && payload.Form == djsession.Legacy {
			bad = err
		}
	}
	return nil, bad
}

// nameForm adds to a bad signature the form that the payload seems to have. Other errors get the
// hint of withHint.
func nameForm(err error, s *djsession.Settings, form *formFlags) error {
	switch other := otherForm(err, s); {
	case other == "":
		return withHint(err, s)
	case form.legacy || form.cookie:
		return err
	default:
		return &hinted{errors.New(reason(err) + " (" + other + "; --legacy reads both)"), ""}
	}
}

// appendOneLine appends the JSON as it is stored, but with spaces in place of line ends. Python
// writes no line ends into JSON, and those of another program can only be between tokens.
func appendOneLine(dst []byte, v *djsession.Values) ([]byte, error) {
	start := len(dst)
	dst, err := v.AppendPythonJSON(dst)
	if err != nil {
		return nil, err
	}
	if text := dst[start:]; bytes.ContainsAny(text, "\r\n") {
		for i, c := range text {
			if c == '\n' || c == '\r' {
				text[i] = ' '
			}
		}
	}
	return dst, nil
}

func (a *app) encodeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "encode [flags]",
		Short: "Turn JSON into payloads, line by line",
		Long: `Encode reads JSON objects in UTF-8, one a line, and prints the payloads that the
site would store for them, one a line. It needs the SECRET_KEY and no store.

Encode names lines that are no JSON objects on stderr and encodes the others. The
exit status is then 4. It skips blank lines.`,
		Example: `  echo '{"theme": "dark"}' | djsess encode
  djsess encode --cookie < sessions.jsonl`,
		Args: exactly(0, "want no arguments: JSON objects are read from standard input, one a line"),
	}
	form := addFormFlags(cmd, "write signed-cookie sessions", "write the form of Django up to 3.0")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		settings, codec, err := a.lineCodec(cmd, form)
		if err != nil {
			return err
		}
		if form.legacy {
			if codec, err = djsession.NewLegacyCodec(settings); err != nil {
				return err
			}
		}
		return a.eachLine(settings, func(dst, line []byte) ([]byte, error) {
			var v djsession.Values
			if err := v.UnmarshalJSON(line); err != nil {
				return nil, err
			}
			return codec.Append(dst, &v)
		})
	}
	return cmd
}

// formFlags are the flags that choose the form of payloads.
type formFlags struct{ cookie, legacy bool }

func addFormFlags(cmd *cobra.Command, cookie, legacy string) *formFlags {
	f := &formFlags{}
	cmd.Flags().BoolVar(&f.cookie, "cookie", false, cookie)
	cmd.Flags().BoolVar(&f.legacy, "legacy", false, legacy)
	return f
}

// lineCodec returns the codec of the settings, for stored payloads or for cookies.
func (a *app) lineCodec(cmd *cobra.Command, f *formFlags) (*djsession.Settings, djsession.Codec, error) {
	if f.cookie && f.legacy {
		return nil, nil, usagef(cmd, "--cookie and --legacy: choose one: cookies were never in the older form")
	}
	c, err := a.readConfig()
	if err != nil {
		return nil, nil, err
	}
	settings, err := a.settings(c, false)
	if err != nil {
		return nil, nil, err
	}
	newCodec := djsession.NewCodec
	if f.cookie {
		newCodec = djsession.NewCookieCodec
	}
	codec, err := newCodec(settings)
	return settings, codec, err
}

// eachLine converts stdin to stdout line by line. It flushes its output before it waits for
// input. It reports a bad line on stderr and continues. Settings.MaxPayloadSize is the longest
// line.
func (a *app) eachLine(s *djsession.Settings, convert func(dst, line []byte) ([]byte, error)) error {
	out := bufio.NewWriterSize(a.stdout, 64<<10)
	in := &lineReader{in: bufio.NewReaderSize(flushFirst{a.stdin, out}, 64<<10), longest: s.MaxPayloadSize}
	var failure error // reported, once a line was bad
	hints := hints{app: a}
	for {
		line, err := in.next()
		if err != nil && !errors.Is(err, djsession.ErrTooLarge) {
			if flushErr := out.Flush(); flushErr != nil {
				return flushErr
			}
			if err == io.EOF {
				hints.print()
				return failure
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
			failure = reported{untrusted}
			hints.add(err)
			continue
		}
		if _, err := out.Write(append(converted, '\n')); err != nil {
			return err
		}
	}
}

// flushFirst is a reader that flushes the output before each read, which may have to wait.
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
	number  int // of the last line, from 1
	long    []byte
}

// next returns a line without its line end. The slice is valid until the next call. If a
// line is too long, next reads it to its end and returns djsession.ErrTooLarge.
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
