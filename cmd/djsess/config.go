package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/sitefile"
)

// configName is the name of the configuration file in the current folder or one above.
const configName = "djsess.toml"

// config is the content of a djsess.toml. It is the zero config if there is no file.
type config struct {
	file  string
	store string
	// settingsFile is what "djsess settings" wrote: a path, or "".
	settingsFile string
	site         *sitefile.File // its content, or nil
	stores       map[string]storeConfig
	users        *usersConfig // nil: the file has no [users]
	warn         func(name, warning string)
	stderr       io.Writer // of the programs that print secrets
	secretFrom   func(variable string, inURL bool) (secret, namedBy string, err error)
	siteSettings
	// ownKey says that the settings are those of one store, so that their SECRET_KEY wins over the environment's.
	ownKey bool
}

// siteSettings are settings by Django's names. A nil is a setting that the file does not have.
type siteSettings struct {
	djangoVersion           *string
	secretKey               *string
	secretKeyFile           *string
	secretKeyCommand        []string // a program and its arguments
	secretKeyVariable       *string
	secretKeyFallbacks      []string
	useTZ                   *bool
	timeZone                *string
	sessionCookieAge        *int64
	sessionCookieName       *string
	defaultHashingAlgorithm *string
	sessionStoreClass       *string
	sessionSerializers      []string // the first one writes
}

// storeConfig is a table below [stores].
type storeConfig struct {
	url             string
	passwordFile    string
	passwordCommand []string // a program and its arguments
	// passwordVariable is the name of a variable with the password, or with a URL that has it.
	passwordVariable string
	table            string
	timeZone         string
	// sessionPrefix is cache_key_prefix of the site's SessionStore, for a cache.
	sessionPrefix string
	model         *dbstore.Model // nil if the file does not describe one
	settings      siteSettings   // that the store has in place of those of the file
	// engine is "cached_db", or "" for a store of one URL. The cache and the database of a
	// cached_db are URLs or names of other stores.
	engine   string
	cache    string
	database string
}

// readConfig reads the configuration file, if there is one.
func (a *app) readConfig() (*config, error) {
	file, from := a.flags.config, fromCommandLine
	if file == "" {
		from = fromSearch
		var err error
		if file, err = findUp(configName); err != nil || file == "" {
			if err != nil {
				return nil, err
			}
			c := &config{settingsFile: a.flags.settings, stores: map[string]storeConfig{}, warn: a.warn, secretFrom: a.secretFrom}
			return c, c.addSiteStores()
		}
	}
	data, info, err := readFile(file, from, 64<<10)
	switch path := (*fs.PathError)(nil); {
	case errors.As(err, &path): // the error names the file
		return nil, configf("configuration: %w", err)
	case err != nil:
		return nil, configf("configuration: %s: %w", file, err)
	}
	c, err := parseConfig(file, string(data))
	if err != nil {
		return nil, err
	}
	c.warn, c.secretFrom, c.stderr = a.warn, a.secretFrom, a.stderr
	if a.flags.settings != "" {
		c.settingsFile = a.flags.settings
	}
	if c.holdsSecrets() {
		c.warn(file, exposed(info))
	}
	return c, c.addSiteStores()
}

// warn prints a warning about a file, if there is one.
func (a *app) warn(name, warning string) {
	if warning != "" {
		a.complain("warning: %s: %s", name, warning)
	}
}

// findUp returns the path of the file of this name in the current folder or in the nearest folder
// above it, and "" if there is none. readFile checks whether the file may be read.
func findUp(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", configf("configuration: %w", err)
	}
	for {
		file := filepath.Join(dir, name)
		switch _, err := os.Stat(file); {
		case err == nil:
			return file, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", configf("configuration: %w", err)
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", nil
		}
		dir = above
	}
}

// holdsSecrets reports whether the file itself contains keys or passwords.
func (c *config) holdsSecrets() bool {
	secret := c.secretKey != nil || len(c.secretKeyFallbacks) > 0 || storeurl.HasSecret(c.store)
	for _, s := range c.stores {
		secret = secret || s.settings.secretKey != nil || len(s.settings.secretKeyFallbacks) > 0 || storeurl.HasSecret(s.url) || storeurl.HasSecret(s.cache) || storeurl.HasSecret(s.database)
	}
	secret = secret || c.users != nil && storeurl.HasSecret(c.users.store)
	return secret
}

func parseConfig(file, text string) (*config, error) {
	if line := tooDeep(text); line > 0 {
		return nil, configf("%s: line %d nests deeper than anything in a %s", file, line, configName)
	}
	var values map[string]any
	if _, err := toml.Decode(text, &values); err != nil {
		// The library's own message may quote a part of the file, which may be a secret.
		var syntax toml.ParseError
		if errors.As(err, &syntax) && strings.Contains(syntax.Message, "already been defined") {
			return nil, configf("%s: line %d gives a name or a [table] for the second time", file, syntax.Position.Line)
		}
		if errors.As(err, &syntax) {
			return nil, configf(`%s: line %d is not TOML: it takes NAME = "text", true, false or a number`, file, syntax.Position.Line)
		}
		return nil, configf("%s: not TOML", file)
	}
	c := &config{file: file, stores: map[string]storeConfig{}}
	var firstMistake error
	top := &table{file: file, values: values, err: &firstMistake}
	if store := take[string](top, "store"); store != nil {
		c.store = *store
	}
	if file := take[string](top, "settings_file"); file != nil {
		c.settingsFile = c.path(*file)
	}
	c.siteSettings = parseSettings(top.sub("settings"))
	c.users = parseUsers(top)
	stores := top.sub("stores")
	for name := range stores.values {
		c.stores[name] = c.parseStore(name, stores.sub(name))
	}
	top.refuseUnknown()
	return c, firstMistake
}

func parseSettings(t *table) (s siteSettings) {
	s.djangoVersion = take[string](t, "DJANGO_VERSION")
	s.secretKey = take[string](t, "SECRET_KEY")
	s.secretKeyFile = take[string](t, "SECRET_KEY_FILE")
	s.secretKeyCommand = t.command("SECRET_KEY_COMMAND")
	s.secretKeyVariable = take[string](t, "SECRET_KEY_VARIABLE")
	s.secretKeyFallbacks = t.texts("SECRET_KEY_FALLBACKS")
	s.useTZ = take[bool](t, "USE_TZ")
	s.timeZone = take[string](t, "TIME_ZONE")
	s.sessionCookieAge = take[int64](t, "SESSION_COOKIE_AGE")
	s.sessionCookieName = take[string](t, "SESSION_COOKIE_NAME")
	s.defaultHashingAlgorithm = take[string](t, "DEFAULT_HASHING_ALGORITHM")
	s.sessionStoreClass = take[string](t, "SESSION_STORE_CLASS")
	s.sessionSerializers = t.oneOrMore("SESSION_SERIALIZER")
	if engine := take[string](t, "SESSION_ENGINE"); engine != nil {
		t.fail("SESSION_ENGINE", "it is not a setting here but a store's below [stores]: "+engineRemedy(*engine))
	}
	t.refuseUnknown()
	switch {
	case s.secretKey != nil && s.secretKeyFile != nil:
		t.fail("SECRET_KEY", "SECRET_KEY_FILE is given, too: choose one")
	case s.secretKeyCommand != nil && (s.secretKey != nil || s.secretKeyFile != nil):
		t.fail("SECRET_KEY_COMMAND", "SECRET_KEY or SECRET_KEY_FILE is given, too: choose one")
	case s.secretKeyVariable != nil && (s.secretKey != nil || s.secretKeyFile != nil || s.secretKeyCommand != nil):
		t.fail("SECRET_KEY_VARIABLE", "SECRET_KEY, SECRET_KEY_FILE or SECRET_KEY_COMMAND is given, too: choose one")
	}
	return s
}

// withSettings returns the configuration with a store's own settings in place of the file's.
func (c *config) withSettings(own siteSettings) *config {
	copied := *c
	s := &copied.siteSettings
	if own.secretKey != nil || own.secretKeyFile != nil || own.secretKeyVariable != nil || own.secretKeyCommand != nil {
		s.secretKey, s.secretKeyFile, s.secretKeyFallbacks = own.secretKey, own.secretKeyFile, nil
		s.secretKeyVariable, s.secretKeyCommand = own.secretKeyVariable, own.secretKeyCommand
		copied.ownKey = true
	}
	if own.secretKeyFallbacks != nil {
		s.secretKeyFallbacks = own.secretKeyFallbacks
	}
	if own.sessionSerializers != nil {
		s.sessionSerializers = own.sessionSerializers
	}
	if own.djangoVersion != nil {
		s.djangoVersion = own.djangoVersion
	}
	if own.useTZ != nil {
		s.useTZ = own.useTZ
	}
	for _, setting := range []struct{ value, own **string }{
		{&s.timeZone, &own.timeZone}, {&s.sessionCookieName, &own.sessionCookieName},
		{&s.defaultHashingAlgorithm, &own.defaultHashingAlgorithm}, {&s.sessionStoreClass, &own.sessionStoreClass},
	} {
		if *setting.own != nil {
			*setting.value = *setting.own
		}
	}
	if own.sessionCookieAge != nil {
		s.sessionCookieAge = own.sessionCookieAge
	}
	return &copied
}

func (c *config) parseStore(name string, t *table) storeConfig {
	var s storeConfig
	for _, field := range []struct {
		name  string
		value *string
	}{{"url", &s.url}, {"password_file", &s.passwordFile}, {"password_variable", &s.passwordVariable}, {"table", &s.table}, {"time_zone", &s.timeZone}, {"session_prefix", &s.sessionPrefix},
		{"engine", &s.engine}, {"cache", &s.cache}, {"database", &s.database}} {
		if text := take[string](t, field.name); text != nil {
			*field.value = *text
		}
	}
	s.passwordCommand = t.command("password_command")
	s.model = parseModel(t)
	s.settings = parseSettings(t.sub("settings"))
	t.refuseUnknown()
	switch cached := s.engine == cachedDB; {
	case s.engine != "" && !cached:
		t.fail("engine", engineRemedy(s.engine))
	case cached && (s.cache == "" || s.database == ""):
		t.fail("engine", "cached_db wants a cache and a database, each a URL or the name of another store")
	case cached && (s.url != "" || s.passwordFile != "" || s.passwordVariable != "" || s.passwordCommand != nil || s.table != "" || s.timeZone != "" || s.sessionPrefix != "" || s.model != nil):
		t.fail("engine", "cached_db has a cache and a database only: url, password_file, password_variable, password_command, table, time_zone, session_prefix, model and columns belong to the stores that these name")
	case !cached && (s.cache != "" || s.database != ""):
		t.fail("engine", "it is missing: only a store with engine = \"cached_db\" has a cache and a database")
	case s.passwordFile != "" && s.passwordCommand != nil:
		t.fail("password_command", "password_file is given, too: choose one")
	case s.passwordVariable != "" && (s.passwordFile != "" || s.passwordCommand != nil):
		t.fail("password_variable", "password_file or password_command is given, too: choose one")
	case !cached && s.url == "" && !slices.Contains(siteStores, name): // the settings file may have it
		t.fail("url", "it is missing")
	}
	return s
}

// cachedDB is the name of the engine with two stores.
const cachedDB = "cached_db"

// path returns a path in the configuration file, which is relative to that file's folder.
func (c *config) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(c.file), name)
}
