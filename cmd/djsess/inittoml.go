package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// config returns the text of djsess.toml. It has what the settings file does not have.
func (p *initPlan) config() ([]byte, error) {
	t := &tomlText{}
	t.comment(`Written by "djsess init". When the site's settings change: djsess settings -o %s`, settingsName)
	t.set("settings_file", settingsName)
	t.settings(p)
	t.line("")
	t.comment("The settings file has the stores %s. What it leaves out of them is here.", strings.Join(p.storesOfFile(), ", "))
	for _, name := range p.storesOfFile() {
		t.store(p, foundStore{Name: name})
	}
	for _, store := range p.found.Stores {
		t.store(p, store)
	}
	if t.err != nil {
		return nil, t.err
	}
	c, err := parseConfig(configName, t.String())
	if err == nil && c.holdsSecrets() {
		err = errors.New("a URL of the site's settings holds a secret")
	}
	if err != nil {
		return nil, fmt.Errorf("%s was not written: %w", configName, err)
	}
	return []byte(t.String()), nil
}

func (p *initPlan) storesOfFile() []string {
	c := &config{stores: map[string]storeConfig{}}
	c.addStoresOf(p.found.file)
	return slices.DeleteFunc(slices.Clone(siteStores), func(name string) bool { _, ok := c.stores[name]; return !ok })
}

// tomlText is the text of a TOML file.
type tomlText struct {
	strings.Builder
	err error
}

func (t *tomlText) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

func (t *tomlText) comment(format string, args ...any) {
	t.line("# %s", oneLine(fmt.Sprintf(format, args...)))
}

// set writes a name and its value.
func (t *tomlText) set(name string, value any) { t.line("%s", t.pair(name, value)) }

// pair returns NAME = VALUE.
func (t *tomlText) pair(name string, value any) string {
	text, err := toml.Marshal(map[string]any{name: value})
	if err != nil && t.err == nil {
		t.err = err
	}
	return strings.TrimSuffix(string(text), "\n")
}

func (t *tomlText) settings(p *initPlan) {
	if p.secretKey.file == "" && p.secretKey.variable == "" && len(p.found.Serializer) == 0 {
		return
	}
	t.line("\n[settings]")
	switch {
	case p.secretKey.file != "":
		t.comment("A key a line: SECRET_KEY, then SECRET_KEY_FALLBACKS.")
		t.set("SECRET_KEY_FILE", p.secretKey.file)
	case p.secretKey.variable != "":
		t.comment("Of the environment, or of the .env beside manage.py.")
		t.set("SECRET_KEY_VARIABLE", p.secretKey.variable)
	}
	if len(p.found.Serializer) > 0 {
		t.comment("What %s writes, and what it reads besides.", p.found.file.Site.SessionSerializer)
		t.set("SESSION_SERIALIZER", p.found.Serializer)
	}
}

// store writes the table of a store, unless it has nothing to say.
func (t *tomlText) store(p *initPlan, store foundStore) {
	password, hasPassword := p.passwords[store.Name]
	hasColumns := store.Name == p.tableStore() && len(p.found.Columns)+len(p.found.UnknownColumns) > 0
	if store.URL == "" && !hasPassword && !hasColumns {
		return
	}
	name := "stores." + t.key(store.Name)
	if store.URL != "" || hasPassword {
		t.line("\n[%s]", name)
	}
	if store.URL != "" {
		t.comment("%s of the site, which has no sessions there.", store.Setting)
		t.set("url", store.URL)
	}
	switch {
	case password.file != "":
		t.set("password_file", password.file)
	case password.variable != "":
		t.comment("The variable holds the password, or a URL with it.")
		t.set("password_variable", password.variable)
	}
	if !hasColumns {
		return
	}
	t.line("\n[%s.columns]", name)
	t.comment("What create_model_instance of %s answered for a visitor and for a user.", p.found.file.Site.SessionEngine)
	for _, column := range slices.Sorted(maps.Keys(p.found.Columns)) {
		if description, ok := p.found.Columns[column].(map[string]any); ok {
			var fields []string
			for _, field := range slices.Sorted(maps.Keys(description)) {
				fields = append(fields, t.pair(field, whole(description[field])))
			}
			t.line("%s = { %s }", t.key(column), strings.Join(fields, ", "))
			continue
		}
		t.set(column, p.found.Columns[column])
	}
	for _, column := range p.found.UnknownColumns {
		t.line(`# %s = "null"`, t.key(column))
	}
}

// key returns a name as TOML spells it.
func (t *tomlText) key(name string) string {
	key, _, _ := strings.Cut(t.pair(name, 0), " = ")
	return key
}

// whole returns a number of JSON as a whole number, if it is one.
func whole(value any) any {
	if number, ok := value.(float64); ok && number == float64(int64(number)) {
		return int64(number)
	}
	return value
}
