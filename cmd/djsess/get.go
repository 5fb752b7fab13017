package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
)

func (a *app) getCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get KEY [flags]",
		Short: "Show a session",
		Long: `Get shows a live session: its user, its expiry and its values.

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
				return a.printEntry(s, r)
			}
			return a.printSession(s, r)
		})
	}
	return cmd
}

// printSession prints a session for people to read.
func (a *app) printSession(s *site, r *djsession.Record) error {
	w := bufio.NewWriter(a.stdout)
	fmt.Fprintf(w, "key      %s\n", oneLine(r.Key))
	fmt.Fprintf(w, "user     %s\n", userShown(r.Values, "none"))
	fmt.Fprintf(w, "expires  %s\n", expiresShown(r.Expires, s.settings.Now()))
	fmt.Fprintf(w, "engine   %s\n\n", s)
	writeIndented(w, string(r.Values.AppendShown(nil)), paletteFor(a.stdout.Writer))
	return w.Flush()
}

func (a *app) printEntry(s *site, r *djsession.Record) error {
	_, err := a.stdout.Write(appendEntry(nil, r, s.settings.Now()))
	return err
}

func (a *app) printRaw(r *djsession.Record) error {
	text, err := r.Values.AppendPythonJSON(nil)
	if err != nil {
		return &hinted{err, "JSON cannot hold all values of this session: use get without --raw"}
	}
	_, err = a.stdout.Write(append(text, '\n'))
	return err
}

// shortestPrefix is the minimum number of characters of a key that a user must give.
const shortestPrefix = 6

// find returns the live session with this key, or with the only key that begins with it.
func (s *site) find(ctx context.Context, key string) (*djsession.Record, error) {
	if len(key) < shortestPrefix {
		return nil, configf("%s: want the whole KEY, or %d or more of its first characters", djsession.ShortKey(key), shortestPrefix)
	}
	invalid := djsession.ValidateKey(key)
	if invalid == nil {
		r, err := s.Load(ctx, key)
		if !errors.Is(err, djsession.ErrNotFound) {
			return r, withHint(err, s.settings)
		}
	}
	if !alphanumeric(key) || len(key) >= keyLength { // Django's keys are not longer
		if invalid != nil {
			return nil, fmt.Errorf("%s: %w", djsession.ShortKey(key), invalid)
		}
		return nil, &hinted{noSession(key), s.cacheHint()}
	}
	return s.findPrefix(ctx, key)
}

func (s *site) findPrefix(ctx context.Context, prefix string) (*djsession.Record, error) {
	scanner, err := s.scanner()
	if err != nil {
		return nil, err
	}
	var found *djsession.Record
	var foundErr error
	for r, err := range scanner.Scan(ctx, djsession.Range{Prefix: prefix}) {
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return nil, &hinted{noSession(prefix), s.String() + " cannot be searched for the beginning of a key: give the whole key, which is in the cookie"}
		case err != nil && r == nil:
			return nil, err
		case found != nil:
			return nil, configf("%s: more than one live session has a key that begins so: give more characters of it", djsession.ShortKey(prefix))
		}
		found, foundErr = r, err
	}
	if found == nil {
		return nil, noSession(prefix)
	}
	return found, withHint(foundErr, s.settings)
}

// cacheHint returns the likely reason why a session is missing in a cache, or "" for another store.
func (s *site) cacheHint() string {
	if !s.isCache {
		return ""
	}
	return "or the session is in another cache: are prefix and version those of the site's CACHES, and is the rest of " + s.namedBy + " right?"
}

func noSession(key string) error {
	return fmt.Errorf("%s: %w: it has expired, was deleted, or never existed", djsession.ShortKey(key), djsession.ErrNotFound)
}

func alphanumeric(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	}) < 0
}
