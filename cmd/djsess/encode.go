package main

import (
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

func (a *app) encodeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "encode [flags]",
		Short: "Turn JSON into payloads, line by line",
		Long: `Encode reads JSON objects in UTF-8, one a line, and prints the payloads that the
site would store for them, one a line. It needs the SECRET_KEY, and no store.

A line that is no JSON object is named on stderr; the others are encoded, and
the exit status is 4. Blank lines are skipped.`,
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
				return nil, fmt.Errorf("not a JSON object: %w", err)
			}
			return codec.Append(dst, &v)
		})
	}
	return cmd
}

// formFlags choose the form of payloads.
type formFlags struct{ cookie, legacy bool }

func addFormFlags(cmd *cobra.Command, cookie, legacy string) *formFlags {
	f := &formFlags{}
	cmd.Flags().BoolVar(&f.cookie, "cookie", false, cookie)
	cmd.Flags().BoolVar(&f.legacy, "legacy", false, legacy)
	return f
}

// lineCodec is the codec of the settings, for stored payloads or for cookies.
func (a *app) lineCodec(cmd *cobra.Command, f *formFlags) (*djsession.Settings, djsession.Codec, error) {
	if f.cookie && f.legacy {
		return nil, nil, usagef(cmd, "--cookie and --legacy: choose one: cookies were never in the older form")
	}
	c, err := a.readConfig()
	if err != nil {
		return nil, nil, err
	}
	settings, err := a.settings(c)
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
