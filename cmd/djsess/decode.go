package main

import (
	"bytes"
	"errors"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

func (a *app) decodeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "decode [flags]",
		Short: "Turn payloads into JSON, line by line",
		Long: `Decode reads payloads, such as the column session_data holds, one a line, checks
them, and prints the JSON they hold, exactly as it is stored, one a line. It
needs the SECRET_KEY, and no store.

A line that is not to be trusted is named on stderr; the others are decoded, and
the exit status is 4. Blank lines are skipped.`,
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
			return appendOneLine(dst, v)
		})
	}
	return cmd
}

// decodeWith takes the first codec that verifies a payload. When none does, the
// first one's error tells most.
func decodeWith(codecs []djsession.Codec, payload []byte) (*djsession.Values, error) {
	var first error
	for _, codec := range codecs {
		v, _, err := codec.Decode(payload)
		if err == nil || !errors.Is(err, djsession.ErrBadSignature) {
			return v, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// nameForm adds to a bad signature that the payload is in another form.
func nameForm(err error, s *djsession.Settings, form *formFlags) error {
	if other := otherForm(err, s); other != "" && !form.legacy && !form.cookie {
		return errors.New(reason(err) + " (" + other + "; --legacy reads both)")
	}
	return err
}

// appendOneLine appends the JSON as it is stored. Python would have written no
// line ends into it; where somebody did, they can only stand between tokens,
// and become spaces.
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
