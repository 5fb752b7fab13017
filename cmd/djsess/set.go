package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
)

func (a *app) setCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set KEY [NAME=TEXT | NAME:=JSON]… [flags]",
		Short: "Set values of a session",
		Long: `Set sets values of a live session and leaves the others as they are, also if the
site changes the session at the same time. Like any save in Django, it moves the
session's expiry. KEY is the whole key.

` + anyName,
		Example: `  djsess set 9f3c1a5e8b7d4026a1c3e5f7092b4d68 theme=dark
  djsess set 9f3c1a5e8b7d4026a1c3e5f7092b4d68 'cart:={"17": 2}' visits:=3
  djsess set 9f3c1a5e8b7d4026a1c3e5f7092b4d68 --json '{"a=b": "dark"}'`,
		Args: atLeast(1, wantKeyAndValues),
	}
	object := addValuesFlag(cmd)
	a.acceptNewKeyFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		changes, err := parseValues(cmd, args[1:], *object)
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			return usagef(cmd, wantKeyAndValues)
		}
		return a.withWriter(cmd, func(ctx context.Context, s *site) error {
			return s.update(ctx, args[0], inOrder(changes))
		})
	}
	return cmd
}

// keyLength is the length of Django's keys.
const keyLength = 32

// wholeKeyHint returns why a key that was not found cannot be one of Django's, or "".
func wholeKeyHint(key string) string {
	switch {
	case !alphanumeric(key):
		return ": Django's keys have letters and digits only"
	case len(key) != keyLength:
		return fmt.Sprintf(": this takes the whole key, which is %d characters and not %d: djsess get shows it", keyLength, len(key))
	}
	return ""
}

// update calls djsession.Update, and explains its errors to the user.
func (s *site) update(ctx context.Context, key string, change change) error {
	_, err := djsession.Update(ctx, s.Store, key, change) // s itself would hide the store's optional interfaces
	if errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrInvalidKey) && wholeKeyHint(key) != "" {
		return &hinted{err, strings.TrimPrefix(wholeKeyHint(key), ": ")}
	}
	return withHint(err, s.settings)
}

// errNothingToUnset ends an update without a write.
var errNothingToUnset = errors.New("the session has none of the values")

func (a *app) unsetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unset KEY NAME…",
		Short: "Remove values from a session",
		Long: `Unset removes values from a live session and leaves the others as they are, also
if the site changes the session at the same time. Unset names missing values on
stderr, which is no failure. If all are missing, it writes nothing. KEY is the whole
key.

Put -- before a NAME that begins with -.`,
		Example: `  djsess unset 9f3c1a5e8b7d4026a1c3e5f7092b4d68 cart
  djsess unset 9f3c1a5e8b7d4026a1c3e5f7092b4d68 _auth_user_id _auth_user_backend _auth_user_hash
  djsess unset 9f3c1a5e8b7d4026a1c3e5f7092b4d68 -- -draft a=b`,
		Args: atLeast(2, "want a KEY, and the NAME of a value"),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, names := args[0], args[1:]
			return a.withWriter(cmd, func(ctx context.Context, s *site) error {
				var missing []string
				err := s.update(ctx, key, func(v *djsession.Values) error {
					missing = missing[:0] // Update may run this again
					for _, name := range names {
						if !v.Has(name) {
							missing = append(missing, name)
						}
					}
					if v.Delete(names...) == 0 {
						return errNothingToUnset
					}
					return nil
				})
				if err != nil && !errors.Is(err, errNothingToUnset) {
					return err
				}
				for _, name := range missing {
					a.complain("%s: there is no value %s", djsession.ShortKey(key), shown(name))
				}
				return nil
			})
		},
	}
	a.acceptNewKeyFlag(cmd)
	return cmd
}
