package main

import (
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// dotenv is the .env beside the site's manage.py, with the variables of the site's environment. It
// counts after the command line, the environment and djsess.toml.
type dotenv struct {
	file      string // "" if there is none
	variables map[string]dotenvVariable
	warning   string // about its permissions
}

type dotenvVariable struct {
	line  int
	value string
	// unclear: python-dotenv, django-environ and python-decouple do not all read this value alike.
	unclear bool
}

// fromDotenv returns the first of the variables that the .env beside manage.py has, and where it is,
// for messages. It returns "" if the .env has none of them. It reads the file only once, and only if
// nobody has given the variable in another way: a file that cannot be trusted is an error.
func (a *app) fromDotenv(names ...string) (value, namedBy string, err error) {
	if a.dotenv == nil {
		if a.dotenv, err = readDotenv(); err != nil {
			return "", "", err
		}
	}
	for _, name := range names {
		v, ok := a.dotenv.variables[name]
		switch {
		case !ok || v.value == "" && !v.unclear:
		case v.unclear:
			return "", "", configf("%s: line %d: the readers of such files do not agree on this value of %s "+
				"(spaces or a comment behind it, a $ or a backslash in it, quotes in quotes, several lines, or a second one): give it by the environment or in %s", a.dotenv.file, v.line, name, configName)
		default:
			namedBy = name + " in " + a.dotenv.file
			a.complain("using %s", namedBy)
			a.warn(a.dotenv.file, a.dotenv.warning)
			a.dotenv.warning = ""
			return v.value, namedBy, nil
		}
	}
	return "", "", nil
}

// readDotenv reads the .env beside the manage.py in this folder or above, if there is one.
func readDotenv() (*dotenv, error) {
	manage, err := findUp("manage.py")
	if err != nil || manage == "" {
		return &dotenv{}, err
	}
	file := filepath.Join(filepath.Dir(manage), ".env")
	if _, err := os.Stat(file); os.IsNotExist(err) {
		return &dotenv{}, nil
	}
	data, info, err := readFile(file, fromSearch, 64<<10)
	if err != nil {
		return nil, configf("%s: %w", file, withoutPath(err))
	}
	return &dotenv{file, parseDotenv(string(data)), exposed(info)}, nil
}

// parseDotenv reads lines NAME=VALUE.
func parseDotenv(text string) map[string]dotenvVariable {
	variables := map[string]dotenvVariable{}
	number := 0
	openQuote := "" // of a value that began on a line before: for python-dotenv it may go on
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimLeft(strings.TrimRight(line, "\r\n"), " \t")
		inside := openQuote != ""
		if inside && strings.Contains(line, openQuote) {
			openQuote = ""
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		v := dotenvVariable{line: number}
		v.value, v.unclear = dotenvValue(value)
		// django-environ takes spaces around the value for a part of it, but reads no line that has
		// one before the =.
		plainName := strings.TrimSpace(name)
		isEnvirons := plainName == name
		v.unclear = v.unclear || inside || isEnvirons && value != strings.TrimSpace(value)
		plainName = strings.TrimSpace(strings.TrimPrefix(plainName, "export "))
		if before, twice := variables[plainName]; twice && before.value != v.value {
			v.unclear = true // the first one counts for some readers, the last one for others
		}
		variables[plainName] = v
		if value = strings.TrimSpace(value); !inside && !isClosed(value) {
			openQuote = quoteOf(value)
		}
	}
	return variables
}

// dotenvValue takes off the spaces and the quotes around a value. The value is unclear if
// python-dotenv, django-environ and python-decouple do not read it alike.
func dotenvValue(text string) (value string, unclear bool) {
	value = strings.Trim(text, " \t")
	switch quote := quoteOf(value); {
	case quote == "":
		before, _, comment := strings.Cut(text, "#")
		unclear = comment && before != strings.TrimRight(before, " \t")
	case !isClosed(value):
		return "", true
	default:
		value = value[1 : len(value)-1]
		unclear = strings.ContainsAny(value, quote+`\`)
	}
	odd := func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) } // each reader has white space and line ends of its own
	return value, unclear || strings.HasPrefix(value, "$") || strings.Contains(value, "${") || strings.ContainsFunc(value, odd)
}

// quoteOf returns the quote that a value begins with, or "".
func quoteOf(value string) string {
	if strings.HasPrefix(value, `'`) || strings.HasPrefix(value, `"`) {
		return value[:1]
	}
	return ""
}

// isClosed reports whether a value ends with the quote that it begins with, if it does.
func isClosed(value string) bool {
	quote := quoteOf(value)
	return quote == "" || len(value) > 1 && strings.HasSuffix(value, quote)
}
