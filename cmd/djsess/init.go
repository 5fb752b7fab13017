package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/internal/printable"
	"github.com/djsess/djsess/internal/sitefile"
)

// settingsName is the name of the settings file that init writes.
const settingsName = "djsess-settings.json"

func (a *app) initCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init [flags]",
		Short: "Write djsess.toml and the site's settings, for this folder",
		Long: `Init asks the site what its sessions are like, and writes two files into this folder:
djsess-settings.json, as "djsess settings" does, and a djsess.toml that refers to it.
After that the other commands need no flags in this folder and below.

Neither file has a secret. djsess.toml says where the secrets are: in the variables
of the environment or of the .env beside manage.py that the site itself reads, in
--secret-key-file, or else in files that init names, with the commands that make them.

Init prints what it found, what it could not take over, and what is left to do. After that
"djsess doctor" tries it all against the store. When the site's settings change,
"djsess settings -o djsess-settings.json" is enough.`,
		Example: `  djsess init
  djsess init --python venv/bin/python --secret-key-file /etc/shop/secret-key`,
		Args: exactly(0, "want no arguments"),
	}
	where := addSiteFlags(cmd)
	force := cmd.Flags().Bool("force", false, "replace a djsess.toml that exists")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		files, err := initFiles(*force)
		if err != nil {
			return err
		}
		s, err := where.find()
		if err != nil {
			return err
		}
		ctx, stop := untilInterrupted(cmd)
		defer stop()
		found, err := a.askSite(ctx, s)
		if err != nil {
			return err
		}
		plan, err := a.plan(s, found)
		if err != nil {
			return err
		}
		files[0].data = found.text
		if files[1].data, err = plan.config(); err != nil {
			return err
		}
		if err := writeTogether(files); err != nil {
			return err
		}
		if _, err := (&app{stderr: a.stderr}).readConfig(); err != nil { // what the next command will do
			plan.do("%s", message(err))
		}
		return plan.print(a.stdout)
	}
	return cmd
}

// initFiles returns the files to write, or an error if one of them would replace a file that it should not.
func initFiles(force bool) ([]*newFile, error) {
	settings := &newFile{wholeFile: wholeFile{path: settingsName, force: force}}
	if data, err := os.ReadFile(settingsName); err == nil {
		_, err = sitefile.Parse(data)
		settings.force = force || err == nil // "djsess settings" replaces it, too
	}
	files := []*newFile{settings, {wholeFile: wholeFile{path: configName, force: force}}}
	for _, f := range slices.Backward(files) {
		if err := f.check(); err != nil {
			return nil, &hinted{err, `if the site's settings have changed, "djsess settings -o ` + settingsName + `" is enough, and ` + configName + ` stays`}
		}
	}
	return files, nil
}

// initPlan is what init will write and say.
type initPlan struct {
	site      djangoSite
	found     *foundSite
	secretKey secretPlace
	passwords map[string]secretPlace // by the name of the store
	todo      []string               // each a line, or two of which the second is a command
}

func (p *initPlan) do(format string, args ...any) {
	p.todo = append(p.todo, fmt.Sprintf(format, args...))
}

// plan finds out where the secrets are, and what is left to do.
func (a *app) plan(s djangoSite, found *foundSite) (*initPlan, error) {
	p := &initPlan{site: s, found: found, passwords: map[string]secretPlace{}}
	if err := p.findSecrets(a); err != nil {
		return nil, err
	}
	file := found.file
	if file.Store.URL == "" && file.Store.Engine != sitefile.SignedCookies || file.Store.Engine == sitefile.CachedDB && file.Store.Cache == "" {
		remedy := "describe the store under [stores] in djsess.toml, and name it by store: see docs/stores.md"
		if file.Store.Engine == "" {
			remedy = engineRemedy(file.Site.SessionEngine)
		}
		p.do("djsess has no store for %s: %s", file.Site.SessionEngine, remedy)
	}
	for _, column := range found.UnknownColumns {
		p.do("the session table's column %s: say under [stores.%s.columns] in djsess.toml what the site writes into it", column, p.tableStore())
	}
	if own := file.Site.SessionSerializer; serializers[own] == nil && len(found.Serializer) == 0 {
		p.do("SESSION_SERIALIZER is %s: %s", own, unknownSerializer(own))
	}
	if file.Users != nil && file.Users.AuthHash == sitefile.OwnHash {
		p.do("%s has a get_session_auth_hash of its own: rotate, convert and revoke --inactive need its hash_salt and hash_columns under [users]", file.Users.Model)
	}
	for _, variable := range []string{"DJSESS_STORE", "DATABASE_URL"} {
		isSame := variable == "DATABASE_URL" && file.Store.Engine == sitefile.DB && !strings.Contains(file.Store.URL, "table=") && !strings.Contains(file.Store.URL, "model=") && len(found.Columns) == 0
		if os.Getenv(variable) != "" && !isSame {
			p.do("unset %s, or give --store site: the variable comes before djsess.toml", variable)
		}
	}
	return p, nil
}

// tableStore returns the name of the store whose table has the sessions.
func (p *initPlan) tableStore() string {
	if p.found.file.Store.Engine == sitefile.CachedDB {
		return siteDatabase
	}
	return siteStore
}

// print says what was found and written, and what is left to do.
func (p *initPlan) print(out output) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, oneLine(fmt.Sprintf(format, args...)))
	}
	file := p.found.file
	row("site", "%s, %s, Django %s", cmp.Or(p.site.manage, "$DJANGO_SETTINGS_MODULE"), p.found.SettingsModule, file.Django)
	row("sessions", "%s", describeStore(file))
	if file.Users == nil {
		row("users", "none that djsess can read")
	} else {
		row("users", "%s, table %s", file.Users.Model, file.Users.Table)
	}
	row("cookie", "%s, for %s", file.Site.SessionCookieName, describeAge(file.Site.SessionCookieAge))
	zone := "on"
	if !file.Site.UseTZ {
		zone = "off"
	}
	row("time zone", "%s, USE_TZ is %s", file.Site.TimeZone, zone)
	row("serializer", "%s", p.serializer())
	row("SECRET_KEY", "%s", p.secretKey.found)
	for _, password := range p.found.Passwords {
		if place, ok := p.passwords[password.Store]; ok {
			row("password", "%s: %s", password.Setting, place.found)
		}
	}
	for _, store := range p.found.Stores {
		row("other store", "%s, of %s", store.Name, store.Setting)
	}
	w.Flush()
	fmt.Fprintf(&b, "\nWrote %s and %s.\n", settingsName, configName)
	list := func(title string, items []string) {
		if len(items) > 0 {
			fmt.Fprintf(&b, "\n%s:\n", title)
		}
		for _, item := range items {
			text, command, _ := strings.Cut(item, "\n")
			fmt.Fprintf(&b, "  %s\n", oneLine(text))
			if command != "" {
				fmt.Fprintf(&b, "    %s\n", oneLine(command))
			}
		}
	}
	list("Left out", p.leftOut())
	list("To do", p.todo)
	next := "Next:"
	if len(p.todo) > 0 {
		next = "Then:"
	}
	fmt.Fprintf(&b, "\n%s djsess doctor, which checks it all against the store.\n", next)
	_, err := fmt.Fprint(out, printable.Text(b.String()))
	return err
}

func describeStore(file *sitefile.File) string {
	s := file.Store
	switch {
	case s.Engine == sitefile.SignedCookies:
		return s.Engine + ": " + engineRemedy(s.Engine)
	case s.Engine == sitefile.CachedDB && s.URL != "" && s.Cache != "":
		return s.Engine + ", " + s.Cache + " over " + s.URL
	case s.URL != "" && s.Engine != sitefile.CachedDB:
		return s.Engine + ", " + s.URL
	}
	return file.Site.SessionEngine + ", for which djsess has no store"
}

func describeAge(seconds int64) string {
	if days := seconds / (24 * 60 * 60); days > 1 && seconds%(24*60*60) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return (time.Duration(seconds) * time.Second).String()
}

func (p *initPlan) serializer() string {
	own := p.found.file.Site.SessionSerializer
	if len(p.found.Serializer) > 0 {
		return own + ", which writes " + strings.Join(p.found.Serializer, " and reads ")
	}
	return own
}

// leftOut returns what the site has and djsess did not take over. The secrets have rows of their own.
func (p *initPlan) leftOut() (items []string) {
	hasOwnRow := []string{"SECRET_KEY", "SECRET_KEY_FALLBACKS"}
	for _, password := range p.found.Passwords {
		hasOwnRow = append(hasOwnRow, password.Setting)
	}
	for _, item := range slices.Concat(p.found.file.LeftOut, p.found.LeftOut) {
		name, _, _ := strings.Cut(item, ": ")
		described := len(p.found.Columns) > 0 && len(p.found.UnknownColumns) == 0 && name == "store"
		if !slices.Contains(hasOwnRow, name) && !slices.Contains(items, item) && !described {
			items = append(items, item)
		}
	}
	return items
}
