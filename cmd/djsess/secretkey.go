package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

var errNoSecretKey = errors.New("there is no SECRET_KEY, which signs the site's sessions: give it by --secret-key-file FILE, by $DJANGO_SECRET_KEY, " +
	"or as SECRET_KEY_FILE (or SECRET_KEY) under [settings] in " + configName)

// secretKeys finds the SECRET_KEY and its fallbacks, each in the first place that
// has it.
func (a *app) secretKeys(c *config) (key string, fallbacks []string, err error) {
	file, name := a.flags.secretKeyFile, "--secret-key-file"
	key = os.Getenv("DJANGO_SECRET_KEY")
	switch {
	case file != "":
	case key != "":
	case c.secretKey != nil && *c.secretKey != "":
		key = *c.secretKey
	case c.secretKeyFile != nil:
		file, name = c.path(*c.secretKeyFile), c.file+": settings.SECRET_KEY_FILE"
	default:
		return "", nil, &configError{errNoSecretKey}
	}
	if file != "" {
		keys, err := readSecrets(file)
		if err != nil {
			return "", nil, configf("%s: %w", name, err)
		}
		key, fallbacks = keys[0], keys[1:]
	}
	if file == "" && os.Getenv("DJANGO_SECRET_KEY") == key {
		name = "$DJANGO_SECRET_KEY"
	}
	a.oddSecret = oddSecret(name, key)
	if len(fallbacks) == 0 {
		if fallbacks, err = parseFallbacks(os.Getenv("DJANGO_SECRET_KEY_FALLBACKS")); err != nil {
			return "", nil, err
		}
	}
	if len(fallbacks) == 0 {
		fallbacks = c.secretKeyFallbacks
	}
	return key, fallbacks, nil
}

// readSecrets reads a file of secrets, one a line; there is at least one. Its
// errors do not name the file: who takes the flag for that of the secret itself
// would find that in the message.
func readSecrets(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("want the name of a file that holds the secret: %w", withoutPath(err))
	}
	defer f.Close()
	const most = 1 << 20 // /dev/zero is a file, too
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case len(data) > most:
		return nil, errors.New("this is no file of secrets: it is larger than 1 MiB")
	}
	var secrets []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			secrets = append(secrets, line)
		}
	}
	if len(secrets) == 0 {
		return nil, errors.New("the file is empty")
	}
	return secrets, nil
}

func withoutPath(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// parseFallbacks reads keys with commas between them or, since keys may hold
// commas, a JSON list.
func parseFallbacks(text string) ([]string, error) {
	var keys []string
	if strings.HasPrefix(text, "[") {
		if err := json.Unmarshal([]byte(text), &keys); err != nil {
			return nil, configf(`$DJANGO_SECRET_KEY_FALLBACKS begins with [ and is no JSON list of texts, such as ["older","oldest"]`)
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

// oddSecret says what is odd about a SECRET_KEY, for when it opens nothing. It may
// be right all the same.
func oddSecret(name, key string) string {
	first, last := key[0], key[len(key)-1]
	switch {
	case strings.TrimSpace(key) != key:
		return name + " begins or ends with white space: is that part of the key?"
	case len(key) > 1 && first == last && (first == '"' || first == '\''):
		return name + " stands in quotes: are they part of the key?"
	case strings.HasPrefix(key, "SECRET_KEY") || strings.HasPrefix(key, "import ") || strings.HasPrefix(key, `"""`):
		return name + " looks like a line of settings.py: it must hold the key alone"
	}
	return ""
}
