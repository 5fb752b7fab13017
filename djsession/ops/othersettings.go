package ops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/signing"
)

// otherSetting is a setting that may be the site's in place of the one that is configured.
type otherSetting struct {
	name string // as a remedy: `SESSION_SERIALIZER = "pickle"`
	set  func(*djsession.Settings)
}

// formName stands for the name of a form. Only a session that opens shows which form it is in.
const formName = ""

// storeClasses are names that sites give their session classes. The salt of a signature ends with it.
var storeClasses = []string{"SessionStore", "CustomSessionStore", "DBSessionStore", "DatabaseSessionStore", "CachedSessionStore", "UserSessionStore", "MySessionStore"}

// otherSettings returns what may be otherwise: one list for each of the key, the class, the form and
// the serializer.
func otherSettings(s *djsession.Settings) [][]otherSetting {
	var keys, classes []otherSetting
	addKey := func(name, key string) {
		if key != "" && key != s.SecretKey {
			keys = append(keys, otherSetting{name, func(s *djsession.Settings) { s.SecretKey = key }})
		}
	}
	for i, key := range s.SecretKeyFallbacks {
		addKey(fmt.Sprintf("key %d of SECRET_KEY_FALLBACKS", i+1), key)
	}
	trimmed := strings.TrimSpace(s.SecretKey)
	addKey("SECRET_KEY without the white space around it", trimmed)
	for _, quote := range []string{`"`, "'"} {
		if inner, ok := strings.CutPrefix(trimmed, quote); ok {
			addKey("SECRET_KEY without the quotes around it", strings.TrimSuffix(inner, quote))
		}
	}
	for _, class := range storeClasses {
		if class != s.SessionStoreClass {
			classes = append(classes, otherSetting{fmt.Sprintf("SESSION_STORE_CLASS = %q", class), func(s *djsession.Settings) { s.SessionStoreClass = class }})
		}
	}
	forms := []otherSetting{{formName, func(s *djsession.Settings) {
		// 3.2 reads all forms and both hash algorithms. It has no fallbacks, so each key is tried alone.
		s.DjangoVersion, s.DefaultHashingAlgorithm, s.SecretKeyFallbacks, s.ReadBothForms = "3.2", signing.SHA256, nil, true
	}}}
	serializers := []otherSetting{
		{`SESSION_SERIALIZER = "json"`, func(s *djsession.Settings) { s.SessionSerializer = djsession.JSONSerializer{} }},
		{`SESSION_SERIALIZER = "pickle"`, func(s *djsession.Settings) { s.SessionSerializer = djsession.PickleSerializer{} }},
	}
	return [][]otherSetting{keys, classes, forms, serializers}
}

// combinations returns all choices of at most one setting of each list, those of few settings
// first.
func combinations(lists [][]otherSetting) [][]otherSetting {
	all := [][]otherSetting{nil}
	for _, list := range lists {
		for _, chosen := range slices.Clone(all) {
			for _, setting := range list {
				all = append(all, append(slices.Clone(chosen), setting))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b []otherSetting) int { return len(a) - len(b) })
	return all[1:]
}

// mostSearches bounds how many sessions are tried with all combinations.
const mostSearches = 3

// opening is a combination of settings that opens sessions which the configured ones do not open.
type opening struct {
	store djsession.Store
	name  string
	count int
}

// findOpenings looks for settings that open these sessions, and returns how many sessions each of
// them opens.
func findOpenings(ctx context.Context, store djsession.Store, keys []string) ([]*opening, error) {
	reopener, ok := store.(djsession.Reopener)
	if !ok {
		return nil, nil
	}
	all := combinations(otherSettings(store.Settings()))
	var found []*opening
	searches := 0
next:
	for _, key := range keys {
		for _, o := range found {
			switch _, err := o.store.Load(ctx, key); {
			case err == nil:
				o.count++
				continue next
			case !isRefusal(err):
				return found, err
			}
		}
		if searches++; searches > mostSearches {
			continue
		}
		for _, settings := range all {
			o, err := tryOpening(ctx, reopener, store.Settings(), settings, key)
			if err != nil {
				return found, err
			}
			if o != nil {
				found = append(found, o)
				break
			}
		}
	}
	return found, nil
}

// isRefusal reports whether an error is about the session, which may also have gone meanwhile.
func isRefusal(err error) bool {
	return errors.As(err, new(*djsession.PayloadError)) || errors.Is(err, djsession.ErrNotFound)
}

// tryOpening returns nil if the session does not open with these settings.
func tryOpening(ctx context.Context, reopener djsession.Reopener, own *djsession.Settings, other []otherSetting, key string) (*opening, error) {
	for _, setting := range other {
		setting.set(own)
	}
	if own.Validate() != nil {
		return nil, nil // these do not go together
	}
	store, err := reopener.Reopen(own)
	if err != nil {
		return nil, err
	}
	r, err := store.Load(ctx, key)
	switch {
	case err == nil:
		return &opening{store, nameOf(other, r.Origin), 1}, nil
	case isRefusal(err):
		return nil, nil
	}
	return nil, err
}

// nameOf names settings that open a session of this origin.
func nameOf(settings []otherSetting, o djsession.Origin) string {
	var names []string
	for _, s := range settings {
		if s.name == formName {
			switch {
			case o.Form == djsession.Legacy:
				s.name = "the form of Django up to 3.0 (DJANGO_VERSION, or DEFAULT_HASHING_ALGORITHM)"
			case o.Algorithm == signing.SHA1:
				s.name = "a signature by SHA-1 (DJANGO_VERSION, or DEFAULT_HASHING_ALGORITHM)"
			default:
				s.name = "the form of Django 3.1 and later (DJANGO_VERSION, or DEFAULT_HASHING_ALGORITHM)"
			}
		}
		names = append(names, s.name)
	}
	return strings.Join(names, " and ")
}
