package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/spf13/cobra"
)

func (a *app) getCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get KEY [flags]",
		Short: "Show a session",
		Long: `Get shows a live session: whose it is, when it expires, and what it holds.

KEY is the whole session key, or 6 or more characters that only one live
session's key begins with.`,
		Example: `  djsess get 9f3c1a
  djsess get 9f3c1a -o json | jq .user_id
  djsess get 9f3c1a --raw > data.json`,
		Args: exactly(1, "want one KEY"),
	}
	output := addOutputFlag(cmd)
	raw := cmd.Flags().Bool("raw", false, "only the data, as the JSON that is stored, or as json.dumps makes of a pickle")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *raw && *output != asText {
			return usagef(cmd, "--raw and -o: choose one")
		}
		return a.withStore(cmd, func(ctx context.Context, s *site) error {
			r, err := s.find(ctx, args[0])
			if err != nil {
				return err
			}
			if r.Expires, err = s.expires(ctx, r); err != nil {
				return err
			}
			switch {
			case *raw:
				return a.printRaw(r)
			case *output == asJSON:
				return a.printEntry(r)
			}
			return a.printSession(s, r)
		})
	}
	return cmd
}

// printSession shows a session to people.
func (a *app) printSession(s *site, r *djsession.Record) error {
	w := bufio.NewWriter(a.stdout)
	fmt.Fprintf(w, "key      %s\n", oneLine(r.Key))
	fmt.Fprintf(w, "user     %s\n", userShown(r.Values, "none"))
	fmt.Fprintf(w, "expires  %s\n", expiresShown(r.Expires, s.settings.Now()))
	fmt.Fprintf(w, "engine   %s\n\n", s)
	writeIndented(w, string(r.Values.AppendShown(nil)), paletteFor(a.stdout.Writer))
	return w.Flush()
}

func (a *app) printEntry(r *djsession.Record) error {
	_, err := a.stdout.Write(appendEntry(nil, r))
	return err
}

func (a *app) printRaw(r *djsession.Record) error {
	text, err := r.Values.AppendPythonJSON(nil)
	if err != nil {
		return &hinted{err, "not all of it can be JSON: see it without --raw"}
	}
	_, err = a.stdout.Write(append(text, '\n'))
	return err
}
