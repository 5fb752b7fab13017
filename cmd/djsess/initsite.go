package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/djsess/djsess/internal/sitefile"
)

// foundSite is what the site answered to init: its settings file, and what djsess.toml needs besides.
type foundSite struct {
	text       []byte // of the settings file
	file       *sitefile.File
	randomText string

	SettingsModule string          `json:"settings_module"`
	SecretKey      fingerprint     `json:"secret_key"`
	Fallbacks      []fingerprint   `json:"fallbacks"`
	Stores         []foundStore    `json:"stores"` // that could hold sessions, and do not
	Passwords      []foundPassword `json:"passwords"`
	// Columns of the session table that are the site's own, as djsess.toml describes them.
	Columns        map[string]any `json:"columns"`
	UnknownColumns []string       `json:"unknown_columns"`
	Serializer     []string       `json:"serializer"` // words for a class of the site's own: the first writes
	LeftOut        []string       `json:"left_out"`
}

type foundStore struct {
	Name    string `json:"name"`
	Setting string `json:"setting"`
	URL     string `json:"url"`
}

type foundPassword struct {
	Store       string      `json:"store"`
	Setting     string      `json:"setting"`
	Python      string      `json:"python"` // an expression that is the password
	Fingerprint fingerprint `json:"fingerprint"`
}

// fingerprint is the HMAC of a secret under the random text of one run. The secret itself stays in the site.
type fingerprint string

// isOf reports whether a text is the secret.
func (f fingerprint) isOf(secret, randomText string) bool {
	mac := hmac.New(sha256.New, []byte(randomText))
	mac.Write([]byte(secret))
	return hmac.Equal([]byte(f), []byte(hex.EncodeToString(mac.Sum(nil))))
}

// askSite runs the program in the site and returns its answer.
func (a *app) askSite(ctx context.Context, s djangoSite) (*foundSite, error) {
	found := &foundSite{randomText: rand.Text()}
	data, err := a.runInSite(ctx, s, found.randomText)
	if err != nil {
		return nil, err
	}
	line, text, _ := bytes.Cut(data, []byte("\n"))
	found.text = text
	if found.file, err = sitefile.Parse(text); err == nil {
		err = json.Unmarshal(line, found)
	}
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		err = fmt.Errorf("%s: this is no %s", wrong.Field, wrong.Type)
		fallthrough
	case err != nil:
		return nil, fmt.Errorf("what %s wrote is not used: %w", s.python, err)
	}
	return found, nil
}
