package djauth

import (
	"fmt"
	"net/http"

	"github.com/djsess/djsess/djsession"
)

// languageName is where Django up to 3.2 keeps the visitor's language. Logout keeps it in
// 2.2 only.
const languageName = "_language"

// Logout is django.contrib.auth.logout: it flushes the session at once, with all its
// values, and deletes its cookie with the response. It does so for an anonymous visitor,
// too, and when the client leaves meanwhile. The CSRF cookie stays, as in Django.
func (a *Auth) Logout(r *http.Request) error {
	s, err := djsession.FromRequest(r)
	if err != nil {
		return err
	}
	var language any
	if !s.Settings().AtLeast(3, 0) && s.Has(languageName) {
		if err := s.Get(languageName, &language); err != nil {
			return fmt.Errorf("djauth: logout: %w", err)
		}
	}
	ctx, cancel := detached(r)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		return fmt.Errorf("djauth: logout: %w", err)
	}
	if language != nil {
		if err := s.Set(languageName, language); err != nil {
			return fmt.Errorf("djauth: logout: %w", err)
		}
	}
	s.SetLocal(a, (*User)(nil))
	return nil
}
