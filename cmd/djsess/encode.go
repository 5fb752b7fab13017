package main

import (
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
				return nil, err
			}
			return codec.Append(dst, &v)
		})
	}
	return cmd
}
