package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/secret"
	"github.com/djsess/djsess/signing"
)

// What nothing may print.
const (
	secretKey   = "secretkey0of0the0site"
	fallbackKey = "fallbackkey0of0the0site"
	password    = "hunter2password"
	sessionKey  = "r3qadfek5kmi61bv2lkvpmqhyooyrysh"
	value       = "privatevalue0of0a0visitor"
)

var private = []string{secretKey, fallbackKey, password, sessionKey, value}

// None of the exported types shows a secret, in whatever way it is printed. A new type
// must have a sample here: one that has all the secrets that it can have.
func TestNoTypePrintsSecrets(t *testing.T) {
	samples := samples(t)
	seen := map[string]bool{}
	for _, sample := range samples {
		name := typeName(sample)
		seen[name] = true
		t.Run(name, func(t *testing.T) { checkPrinting(t, sample) })
	}
	for _, name := range exportedTypes(t, "../..") {
		if !seen[name] {
			t.Errorf("%s has no sample in samples: add a pointer to one that has a secret in each field that can have one", name)
		}
	}
}

// What constructors return as an interface prints no secret either.
func TestNoCodecPrintsSecrets(t *testing.T) {
	for _, version := range []string{"2.2", "3.1", "5.2"} {
		s := settings(t, version)
		for _, make := range []func(*djsession.Settings) (djsession.Codec, error){
			djsession.NewCodec, djsession.NewCookieCodec, djsession.NewLegacyCodec,
		} {
			checkPrinting(t, must(make(s))(t))
		}
	}
	for _, url := range []string{
		"postgres://u:" + password + "@h/d", "mysql://u:" + password + "@h/d", "sqlite:///d",
		"redis://:" + password + "@h/1", "redis-cluster://u:" + password + "@h", "redis-sentinel://u:" + password + "@h/main/1",
		"dbcache+postgres://u:" + password + "@h/d?table=t",
	} {
		store, err := storeurl.Open(url, settings(t, "5.2"))
		if err != nil {
			if _, isSQLite := strings.CutPrefix(url, "sqlite:"); isSQLite {
				continue // there is no such file
			}
			t.Fatalf("%s: %v", url, err)
		}
		t.Cleanup(func() { store.Close() })
		checkPrinting(t, store)
	}
}

// A secret shows in no struct, not even in an unexported field.
func TestText(t *testing.T) {
	type inner struct{ text secret.Text }
	type outer struct {
		inner
		nested map[string][]inner
		Shown  secret.Text
	}
	key := secret.New(secretKey)
	if key.Reveal() != secretKey || new(secret.Text).Reveal() != "" {
		t.Error("it is not what was put in")
	}
	in := inner{key}
	checkPrinting(t, &key)
	checkPrinting(t, &outer{in, map[string][]inner{"x": {in}}, key})
	if text := fmt.Sprintf("%v", key); text != "(secret)" {
		t.Error(text)
	}
}

// The check itself sees a secret that is printed.
func TestCheck(t *testing.T) {
	type bad struct{ key string }
	if shown := shownBy(&bad{secretKey}); shown == "" {
		t.Error("a bare field is not seen")
	}
	if shown := shownBy(&struct{ Data []byte }{[]byte(value)}); shown == "" {
		t.Error("base64 is not seen")
	}
}

func checkPrinting(t *testing.T, sample any) {
	t.Helper()
	if shown := shownBy(sample); shown != "" {
		t.Errorf("%T shows %s", sample, shown)
	}
}

// shownBy prints a pointer, and what it points to, in every way there is, and returns
// what showed a secret.
func shownBy(sample any) string {
	values := []any{sample}
	typ := reflect.TypeOf(sample)
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
		values = append(values, reflect.ValueOf(sample).Elem().Interface())
	}
	if !hasPlainFields[typ] && !holdsSettings(typ) {
		for _, v := range values {
			values = append(values, struct{ v any }{v})
		}
	}
	_, isValues := sample.(*djsession.Values) // whose JSON is what the session holds
	for _, v := range values {
		texts := append(formatted(v), logged(v)...)
		if !isValues {
			for _, v := range []any{[]any{v}, map[string]any{"x": v}, struct{ V any }{v}} {
				texts = append(append(texts, formatted(v)...), logged(v)...)
			}
			texts = append(texts, asJSON(v))
		}
		for _, text := range texts {
			if p := secretIn(text); p != "" {
				return p + " in " + text
			}
		}
	}
	return ""
}

// holdsSettings reports whether a type is a Config with the site's settings, which callers set.
func holdsSettings(typ reflect.Type) bool {
	if typ.Kind() != reflect.Struct || typ.Name() != "Config" {
		return false
	}
	field, ok := typ.FieldByName("Settings")
	return ok && field.Type == reflect.TypeFor[*djsession.Settings]()
}

// hasPlainFields are types whose secrets callers read and set in exported fields, and what
// is made of these. In an unexported field of a program's own struct, where fmt calls no
// method, they are printed as any struct is: by value, or by a pointer and %s.
var hasPlainFields = map[reflect.Type]bool{
	reflect.TypeFor[djsession.Settings]():       true,
	reflect.TypeFor[djsession.Record]():         true,
	reflect.TypeFor[djsession.Range]():          true,
	reflect.TypeFor[djsession.Session]():        true,
	reflect.TypeFor[djsession.Values]():         true,
	reflect.TypeFor[djsession.ConflictError]():  true,
	reflect.TypeFor[djsession.Replacement]():    true,
	reflect.TypeFor[djsession.BulkResult]():     true,
	reflect.TypeFor[cachestore.Range]():         true,
	reflect.TypeFor[ops.Finding]():              true,
	reflect.TypeFor[ops.Conversion]():           true,
	reflect.TypeFor[cachestore.Entry]():         true,
	reflect.TypeFor[cachestore.Item]():          true,
	reflect.TypeFor[cachestore.BulkWrite]():     true,
	reflect.TypeFor[cachestore.BulkResult]():    true,
	reflect.TypeFor[cachestore.ConflictError](): true,
	reflect.TypeFor[djauth.User]():              true,
	reflect.TypeFor[djauth.Rehashed]():          true,
	reflect.TypeFor[signing.Options]():          true,
	reflect.TypeFor[signing.CookieSigner]():     true,
}

func formatted(v any) (texts []string) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%-60v", "%+q", "%#s"} {
		texts = append(texts, verb+": "+fmt.Sprintf(verb, v))
	}
	return texts
}

func logged(v any) (texts []string) {
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		log.Reset()
		logger := slog.New(handler)
		logger.Info("x", "value", v)
		logger.With("value", v).WithGroup("g").Info("x", slog.Group("h", "value", v))
		texts = append(texts, fmt.Sprintf("%T: %s", handler, log.String()))
	}
	return texts
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	return fmt.Sprintf("JSON: %s, %v", text, err)
}

// secretIn returns the secret that a text holds, as it is, in hex, in base64 or as a list of bytes.
func secretIn(text string) string {
	for _, p := range private {
		bytes := strings.Trim(fmt.Sprint([]byte(p)), "[]")
		for _, form := range []string{p, fmt.Sprintf("%x", p), base64.StdEncoding.EncodeToString([]byte(p))[:len(p)/3*4], bytes} {
			if strings.Contains(text, form) {
				return p
			}
		}
	}
	return ""
}
