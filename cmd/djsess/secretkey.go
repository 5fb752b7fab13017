package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var errNoSecretKey = errors.New("there is no SECRET_KEY, which signs the site's sessions: give it by --secret-key-file FILE, by $DJANGO_SECRET_KEY, " +
	"as SECRET_KEY_FILE (or SECRET_KEY) under [settings] in " + configName + ", or in the .env beside manage.py")

// secretKeys returns the SECRET_KEY and its fallbacks, each from the first place that has it. If
// unsigned is true, the store needs none, and the site's .env is left alone.
func (a *app) secretKeys(c *config, unsigned bool) (key string, fallbacks []string, err error) {
	file, name, from := a.flags.secretKeyFile, "--secret-key-file", fromCommandLine
	var command *secretCommand
	inDotenv := false
	if c.ownKey {
		file = ""
	}
	switch {
	case file != "":
	case !c.ownKey && os.Getenv("DJANGO_SECRET_KEY") != "":
		key, name = os.Getenv("DJANGO_SECRET_KEY"), "$DJANGO_SECRET_KEY"
	case c.secretKey != nil && *c.secretKey != "":
		key, name = *c.secretKey, c.file+": settings.SECRET_KEY"
	case c.secretKeyFile != nil:
		file, name, from = c.path(*c.secretKeyFile), c.file+": settings.SECRET_KEY_FILE", fromConfig
	case c.secretKeyCommand != nil:
		name = c.file + ": settings.SECRET_KEY_COMMAND"
		command = c.command(c.secretKeyCommand)
	case c.secretKeyVariable != nil:
		if key, name, err = a.secretFrom(*c.secretKeyVariable, false); err != nil {
			return "", nil, configf("%s: settings.SECRET_KEY_VARIABLE: %w", c.file, err)
		}
		inDotenv = !c.ownKey
	case unsigned:
		return "", nil, errNoSecretKey
	default:
		if key, name, err = a.dotenvKey(); err != nil {
			return "", nil, err
		}
		inDotenv = true
	}
	if file != "" || command != nil {
		lines, err := a.readKeys(name, file, from, command)
		if err != nil {
			return "", nil, err
		}
		key = lines[0].text
		for _, line := range lines[1:] {
			fallbacks = append(fallbacks, line.text)
		}
	}
	a.keyHint = keyHint(name, key)
	if len(fallbacks) == 0 && !c.ownKey {
		if fallbacks, err = parseFallbacks("$DJANGO_SECRET_KEY_FALLBACKS", os.Getenv("DJANGO_SECRET_KEY_FALLBACKS")); err != nil {
			return "", nil, err
		}
	}
	if len(fallbacks) == 0 {
		fallbacks = c.secretKeyFallbacks
	}
	if len(fallbacks) == 0 && inDotenv {
		text, name, err := a.fromDotenv("DJANGO_SECRET_KEY_FALLBACKS", "SECRET_KEY_FALLBACKS")
		if err != nil {
			return "", nil, err
		}
		if fallbacks, err = parseFallbacks(name, text); err != nil {
			return "", nil, err
		}
	}
	return key, fallbacks, nil
}

// readKeys reads the keys that a file has or, if command is not nil, that a command prints.
func (a *app) readKeys(name, file string, from source, command *secretCommand) (lines []secretLine, err error) {
	if command != nil {
		lines, err = command.lines(context.Background())
	} else {
		var info fs.FileInfo
		lines, info, err = readSecrets(file, from)
		a.warn(name, exposed(info))
	}
	if err == nil {
		err = checkKeys(lines)
	}
	if err != nil {
		return nil, configAt(name, err)
	}
	return lines, nil
}

// dotenvKey returns the SECRET_KEY in the .env beside manage.py, and its name for messages. There
// SECRET_KEY is the site's. In the environment any program may have a variable of that name, so it is
// only mentioned.
func (a *app) dotenvKey() (key, name string, err error) {
	key, name, err = a.fromDotenv("DJANGO_SECRET_KEY", "SECRET_KEY")
	if err == nil && key == "" {
		err = &configError{errNoSecretKey}
		if os.Getenv("SECRET_KEY") != "" {
			err = &hinted{err, `$SECRET_KEY is set, but any program may have set it: if it is the site's, export DJANGO_SECRET_KEY="$SECRET_KEY"`}
		}
	}
	return key, name, err
}

// secretLine is a line of a file of secrets.
type secretLine struct {
	number int
	text   string
}

// readSecrets reads a file of secrets, one a line, and skips empty lines. If the file has no
// secrets, it returns an error. Errors do not show the path: a user may have passed the secret
// itself as the path.
func readSecrets(file string, from source) (secrets []secretLine, info fs.FileInfo, err error) {
	data, info, err := readFile(file, from, 1<<20)
	if path := (*fs.PathError)(nil); errors.As(err, &path) && path.Op == "open" {
		err = fmt.Errorf("want the name of a file that holds the secret: %w", path.Err)
		if errors.Is(path.Err, fs.ErrNotExist) && from == fromConfig && isNamedByInit(file) {
			err = &hinted{err, filepath.Base(file) + ` is still to be made: "djsess init --force" writes djsess.toml again and prints the command for it`}
		}
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	if secrets, err = secretLines(data); err == nil && len(secrets) == 0 {
		err = errors.New("the file is empty")
	}
	return secrets, info, err
}

// secretLines returns the lines that are not empty.
func secretLines(data []byte) (secrets []secretLine, err error) {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		if strings.HasPrefix(string(data), mark) {
			return nil, errors.New("it begins with a byte order mark (BOM), which would be part of the secret: save it as UTF-8 without a BOM")
		}
	}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			secrets = append(secrets, secretLine{number, line})
		}
	}
	return secrets, nil
}

// checkKeys returns an error if one of the keys looks like a comment. The first line
// signs the sessions, so after a comment the site's own key would only be a fallback. One in
// fifty keys of Django's get_random_secret_key begins with #, and none has white space. So a
// file whose only line begins with # is accepted if it has no white space.
func checkKeys(lines []secretLine) error {
	for _, line := range lines {
		if strings.HasPrefix(line.text, "#") && (len(lines) > 1 || strings.ContainsAny(line.text, " \t")) {
			return fmt.Errorf("line %d begins with #, and there can be no comments: each line is a key; "+
				"put a key that begins with # into $DJANGO_SECRET_KEY or $DJANGO_SECRET_KEY_FALLBACKS", line.number)
		}
	}
	return nil
}

func withoutPath(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// parseFallbacks reads keys with commas between them, or a JSON list, since keys may have
// commas.
func parseFallbacks(name, text string) ([]string, error) {
	var keys []string
	if strings.HasPrefix(text, "[") {
		if err := json.Unmarshal([]byte(text), &keys); err != nil {
			return nil, configf(`%s begins with [ but is no JSON list of texts, such as ["older","oldest"]`, name)
		}
		return keys, nil
	}
	for key := range strings.SplitSeq(text, ",") {
		if key = strings.TrimSpace(key); key != "" {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// keyHint returns a hint for a SECRET_KEY that looks wrong, or "". The key may still be right, so
// the hint is printed only when a signature is bad.
func keyHint(name, key string) string {
	first, last := key[0], key[len(key)-1]
	switch {
	case key[0] == '#':
		return name + " begins with #: is it a comment?"
	case strings.TrimSpace(key) != key:
		return name + " begins or ends with white space: is that part of the key?"
	case len(key) > 1 && first == last && (first == '"' || first == '\''):
		return name + " stands in quotes: are they part of the key?"
	case strings.HasPrefix(key, "SECRET_KEY") || strings.HasPrefix(key, "import ") || strings.HasPrefix(key, `"""`):
		return name + " looks like a line of settings.py: it must hold the key alone"
	}
	return ""
}
