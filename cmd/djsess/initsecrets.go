package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession/storeurl"
)

// secretPlace is where a secret is: a file, a variable, or a place that needs no line in djsess.toml.
type secretPlace struct {
	file     string
	variable string
	found    string // for people
}

// secretKeyFile is the file that the operator makes if SECRET_KEY is nowhere else.
const secretKeyFile = "djsess-secret-key"

// toGoInto stands before the name of a file that is to be made.
const toGoInto = "to go into "

// passwordFile is the same for the password of a store. The name of the store may have the site's own words in it, such as
// an alias of CACHES, and these may be a path.
func passwordFile(store string) string {
	return "djsess-" + strings.NewReplacer("/", "-", `\`, "-").Replace(store) + "-password"
}

// isNamedByInit reports whether a file of secrets has a name that init gives, so that the name is no secret.
func isNamedByInit(file string) bool {
	name := filepath.Base(file)
	store, isPassword := strings.CutSuffix(strings.TrimPrefix(name, "djsess-"), "-password")
	return name == secretKeyFile || isPassword && name == passwordFile(store)
}

// findSecrets finds out where the SECRET_KEY and the passwords are. It looks in the places where the next command would.
func (p *initPlan) findSecrets(a *app) error {
	quiet := *a
	quiet.stderr = io.Discard
	var err error
	if p.secretKey, err = p.findSecretKey(&quiet); err != nil {
		return err
	}
	files := map[fingerprint]string{} // that the operator is to make
	for _, password := range p.found.Passwords {
		if password.Store == siteUsers && sharesDatabase(p.found.file) {
			continue // nobody asks for it
		}
		isIt := func(text string) bool { return password.Fingerprint.isOf(text, p.found.randomText) }
		place := secretPlace{file: passwordFile(password.Store)}
		if made := files[password.Fingerprint]; made != "" {
			place.file = made
		}
		secrets, _, err := readSecrets(place.file, fromConfig)
		if err == nil && isIt(secrets[0].text) {
			place.found = "in " + place.file
		} else if name, at := quiet.variableWith(isIt, true); name != "" {
			place = secretPlace{variable: name, found: at}
		} else {
			place.found = toGoInto + place.file
			if files[password.Fingerprint] == "" {
				files[password.Fingerprint] = place.file
				p.do("write the password of %s into %s:\n%s", password.Setting, place.file, p.makeFile(place.file, "print("+password.Python+")", 1))
			}
		}
		p.passwords[password.Store] = place
	}
	return nil
}

func (p *initPlan) findSecretKey(a *app) (secretPlace, error) {
	const variable = "DJANGO_SECRET_KEY"
	if file := a.flags.secretKeyFile; file != "" {
		info, err := os.Stat(file)
		switch {
		case err == nil && !info.Mode().IsRegular():
			return secretPlace{}, configf("--secret-key-file: this is not a regular file, and the next commands could not read it")
		case !p.opens(a, siteSettings{}):
			_, _, err := a.secretKeys(&config{}, false)
			if err == nil {
				err = configf("--secret-key-file: it does not hold the site's SECRET_KEY, with all of SECRET_KEY_FALLBACKS")
			}
			return secretPlace{}, err
		}
		return secretPlace{file: file, found: "in " + file}, nil
	}
	if key := os.Getenv(variable); key != "" && !p.found.SecretKey.isOf(key, p.found.randomText) {
		p.do("unset %s, which is not the site's SECRET_KEY: the variable comes before djsess.toml", variable)
		os.Unsetenv(variable) // for the rest of the search
	}
	if p.opens(a, siteSettings{}) {
		if os.Getenv(variable) != "" {
			return secretPlace{found: "in $" + variable + ", which the next commands need"}, nil
		}
		_, at, err := a.dotenvKey()
		return secretPlace{found: "in " + at}, err
	}
	if file := secretKeyFile; p.opens(a, siteSettings{secretKeyFile: &file}) {
		return secretPlace{file: file, found: "in " + file}, nil
	}
	isIt := func(text string) bool { return p.found.SecretKey.isOf(text, p.found.randomText) }
	if name, at := a.variableWith(isIt, false); name != "" && p.opens(a, siteSettings{secretKeyVariable: &name}) {
		return secretPlace{variable: name, found: at}, nil
	}
	code, what := "print(settings.SECRET_KEY)", "SECRET_KEY"
	if len(p.found.Fallbacks) > 0 {
		code, what = `print(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS, sep="\n")`, "SECRET_KEY and SECRET_KEY_FALLBACKS"
	}
	p.do("write %s into %s, and keep that file out of version control:\n%s", what, secretKeyFile, p.makeFile(secretKeyFile, code, 1+len(p.found.Fallbacks)))
	return secretPlace{file: secretKeyFile, found: toGoInto + secretKeyFile}, nil
}

// opens reports whether the next command would find the site's SECRET_KEY and its fallbacks, with these settings in
// djsess.toml.
func (p *initPlan) opens(a *app, s siteSettings) bool {
	folder, err := os.Getwd()
	if err != nil {
		return false
	}
	c := &config{file: filepath.Join(folder, configName), siteSettings: s}
	key, fallbacks, err := a.secretKeys(c, false)
	isFound := err == nil && p.found.SecretKey.isOf(key, p.found.randomText)
	for _, fallback := range p.found.Fallbacks {
		isFound = isFound && slices.ContainsFunc(fallbacks, func(text string) bool { return fallback.isOf(text, p.found.randomText) })
	}
	return isFound
}

// holdsSecret matches the names of variables that may hold a secret. A short password such as "shop" may also be the
// value of a variable that means something else.
var holdsSecret = regexp.MustCompile(`(?i)KEY|SECRET|PASS|PWD|TOKEN|AUTH`)

// variableWith returns the name of a variable that holds a secret, and where it is. A variable in the .env beside manage.py
// is better than one in the environment, which the next shell may lack.
func (a *app) variableWith(isIt func(string) bool, inURL bool) (name, at string) {
	if _, _, err := a.fromDotenv(); err != nil { // it reads the file
		a.dotenv = &dotenv{}
	}
	inFile := slices.Sorted(maps.Keys(a.dotenv.variables))
	var environment []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		environment = append(environment, name)
	}
	slices.Sort(environment)
	for _, name := range slices.Concat(inFile, environment) {
		if name == "" {
			continue
		}
		secret, at, err := a.variable(name)
		isURL := inURL && storeurl.IsURL(secret)
		if isURL && err == nil {
			secret, err = storeurl.Password(secret)
		}
		if err == nil && secret != "" && isIt(secret) && (isURL || holdsSecret.MatchString(name)) {
			return name, "in " + at
		}
	}
	return "", ""
}

// makeFile returns the shell command that writes secrets of the site into a file, which only its owner can read. The site may
// print something before them.
func (p *initPlan) makeFile(file, code string, lines int) string {
	python, program := here(p.site.python), "-m django"
	if filepath.Base(python) == python && python != p.site.python {
		python = "./" + python // a shell looks for a bare name elsewhere
	}
	if p.site.manage != "" {
		program = shellWord(here(p.site.manage))
	}
	return fmt.Sprintf("(umask 077; %s %s shell -v 0 -c %s | tail -n %d >%s)",
		shellWord(python), program, shellWord("from django.conf import settings; "+code), lines, shellWord(file))
}

// here returns a path relative to this folder, if it is below it.
func here(path string) string {
	folder, err := os.Getwd()
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(folder, path); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return path
}

// shellWord quotes a text for a shell.
func shellWord(text string) string {
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/._-+", r))
	}) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
