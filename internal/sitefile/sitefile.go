// Package sitefile reads the file that "djsess settings" writes: what djsess must know of a
// Django site, as JSON and without secrets.
package sitefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
)

// Format is the version of the format. It changes with every name that is added or removed.
const Format = 1

// maxSize limits a file, in bytes. One of a real site has about 2,000.
const maxSize = 1 << 20

// File is a settings file.
type File struct {
	Format  int      `json:"djsess_settings"`
	Django  string   `json:"django"`
	Site    Settings `json:"settings"`
	Store   Store    `json:"store"`
	Users   *Users   `json:"users"` // nil: djsess cannot read them, or the site has none
	LeftOut []string `json:"left_out"`
}

// Settings are the site's settings by Django's names. A text that is None or False in Python is
// null in the file and "" here.
type Settings struct {
	UseTZ                       bool   `json:"USE_TZ"`
	TimeZone                    string `json:"TIME_ZONE"`
	SessionEngine               string `json:"SESSION_ENGINE"`
	SessionSerializer           string `json:"SESSION_SERIALIZER"`
	SessionStoreClass           string `json:"SESSION_STORE_CLASS"`
	SessionCookieAge            int64  `json:"SESSION_COOKIE_AGE"`
	SessionCookieName           string `json:"SESSION_COOKIE_NAME"`
	SessionCookieDomain         string `json:"SESSION_COOKIE_DOMAIN"`
	SessionCookiePath           string `json:"SESSION_COOKIE_PATH"`
	SessionCookieSecure         bool   `json:"SESSION_COOKIE_SECURE"`
	SessionCookieHTTPOnly       bool   `json:"SESSION_COOKIE_HTTPONLY"`
	SessionCookieSameSite       string `json:"SESSION_COOKIE_SAMESITE"`
	SessionSaveEveryRequest     bool   `json:"SESSION_SAVE_EVERY_REQUEST"`
	SessionExpireAtBrowserClose bool   `json:"SESSION_EXPIRE_AT_BROWSER_CLOSE"`
	// DefaultHashingAlgorithm is a setting of Django 3.1 and 3.2.
	DefaultHashingAlgorithm string `json:"DEFAULT_HASHING_ALGORITHM,omitempty"`

	AuthenticationBackends []string `json:"AUTHENTICATION_BACKENDS"`
	LoginURL               string   `json:"LOGIN_URL"`
	AllowedHosts           []string `json:"ALLOWED_HOSTS"`
	SecureProxySSLHeader   []string `json:"SECURE_PROXY_SSL_HEADER"`
	UseXForwardedHost      bool     `json:"USE_X_FORWARDED_HOST"`

	CSRFUseSessions    bool   `json:"CSRF_USE_SESSIONS"`
	CSRFCookieName     string `json:"CSRF_COOKIE_NAME"`
	CSRFCookieAge      int64  `json:"CSRF_COOKIE_AGE"`
	CSRFCookieDomain   string `json:"CSRF_COOKIE_DOMAIN"`
	CSRFCookiePath     string `json:"CSRF_COOKIE_PATH"`
	CSRFCookieSecure   bool   `json:"CSRF_COOKIE_SECURE"`
	CSRFCookieHTTPOnly bool   `json:"CSRF_COOKIE_HTTPONLY"`
	CSRFCookieSameSite string `json:"CSRF_COOKIE_SAMESITE"`
}

// Store is where the sessions are: URLs without passwords. A URL is "" if djsess has none.
type Store struct {
	Engine string `json:"engine"` // DB, Cache, …; "" if djsess has no such store
	URL    string `json:"url"`    // of a cached_db: its database
	Cache  string `json:"cache"`  // of a cached_db
}

// The values of Store.Engine.
const (
	DB            = "db"
	Cache         = "cache"
	CachedDB      = "cached_db"
	Files         = "file"
	SignedCookies = "signed_cookies"
)

// The values of Users.IDType.
const (
	IntegerID = "integer"
	UUIDID    = "uuid"
	TextID    = "text"
)

// The values of Users.AuthHash.
const (
	DjangoHash = "django"
	OwnHash    = "own"
	NoHash     = "none"
)

// Users is the table of AUTH_USER_MODEL. The names are those of columns.
type Users struct {
	Model     string `json:"model"`
	URL       string `json:"url"` // of the database; "" if djsess has none
	Table     string `json:"table"`
	ID        string `json:"id"`
	IDType    string `json:"id_type"` // IntegerID, UUIDID or TextID
	Username  string `json:"username"`
	Password  string `json:"password"`
	IsActive  string `json:"is_active"`  // "": the model has none
	LastLogin string `json:"last_login"` // "": the model has none
	// AuthHash says whose get_session_auth_hash the model has: DjangoHash, OwnHash or NoHash.
	AuthHash string `json:"auth_hash"`
	// InheritsFallbackHash: an OwnHash, and Django's get_session_auth_fallback_hash.
	InheritsFallbackHash bool `json:"inherits_fallback_hash"`
}

// Read reads a settings file. The path must not be that of a pipe: a program reads its settings
// file several times.
func Read(path string) (*File, error) {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("settings file: %w: \"djsess settings -o FILE\" writes it in the site's folder", err)
	case err != nil:
		return nil, fmt.Errorf("settings file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("settings file %s: this is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	file, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("settings file %s: %w", path, err)
	}
	return file, nil
}

var errNotWhole = errors.New(`it is not the whole file that "djsess settings" writes`)

// Parse reads the text of a settings file. It accepts only a whole file of this version without
// secrets. No error holds a value of the file.
func Parse(data []byte) (*File, error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("it is larger than %d KiB", maxSize>>10)
	}
	var top map[string]any
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotWhole, err)
	}
	switch format, ok := top["djsess_settings"].(float64); {
	case !ok:
		return nil, fmt.Errorf("%w: it has no djsess_settings", errNotWhole)
	case format != Format:
		return nil, fmt.Errorf(`it has version %v of the format, and this djsess reads version %d: write it again with the "djsess settings" of this release`, format, Format)
	}
	if err := refuseSecrets("", top); err != nil {
		return nil, err
	}
	if err := refuseMissing("", top, reflect.TypeFor[File]()); err != nil {
		return nil, err
	}
	file := &File{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var wrongType *json.UnmarshalTypeError
	switch err := d.Decode(file); {
	case errors.As(err, &wrongType):
		return nil, fmt.Errorf("%s: this is no %s", wrongType.Field, wrongType.Type)
	case err != nil:
		return nil, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if err := file.check(); err != nil {
		return nil, err
	}
	return file, nil
}

// refuseMissing returns an error if a name of a struct is missing. A default in its place might be
// less safe than what the site has.
func refuseMissing(where string, values map[string]any, t reflect.Type) error {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		value, ok := values[name]
		if !ok && options == "" {
			return fmt.Errorf("%w: %s is missing", errNotWhole, where+name)
		}
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		object, isObject := value.(map[string]any)
		if inner.Kind() == reflect.Struct && isObject {
			if err := refuseMissing(where+name+".", object, inner); err != nil {
				return err
			}
		} else if value == nil && ok && !mayBeNull(field.Type.Kind(), name) {
			return fmt.Errorf("%s is null", where+name)
		}
	}
	return nil
}

// mayBeNull reports whether null has a meaning: Python's None.
func mayBeNull(kind reflect.Kind, name string) bool {
	switch kind {
	case reflect.Pointer, reflect.Slice, reflect.String:
		return true
	}
	return name == "CSRF_COOKIE_AGE"
}

// check returns an error if a value has no meaning.
func (f *File) check() error {
	const century = 100 * 365 * 24 * 60 * 60 // seconds; three would overflow a time.Duration
	if age := f.Site.SessionCookieAge; age < -century || age > century {
		return errors.New("settings.SESSION_COOKIE_AGE: want a number of seconds, of a century at most")
	}
	if age := f.Site.CSRFCookieAge; age < -century || age > century {
		return errors.New("settings.CSRF_COOKIE_AGE: want a number of seconds, of a century at most")
	}
	if n := len(f.Site.SecureProxySSLHeader); n != 0 && n != 2 {
		return errors.New("settings.SECURE_PROXY_SSL_HEADER: want the name of a header and a value")
	}
	switch f.Store.Engine {
	case "", DB, Cache, CachedDB, Files, SignedCookies:
	default:
		return errors.New("store.engine: unknown engine")
	}
	if f.Users == nil {
		return nil
	}
	switch f.Users.IDType {
	case IntegerID, UUIDID, TextID:
	default:
		return errors.New("users.id_type: want integer, uuid or text")
	}
	switch f.Users.AuthHash {
	case DjangoHash, OwnHash, NoHash:
		return nil
	}
	return errors.New("users.auth_hash: want django, own or none")
}
