// Djsess reads and writes the sessions of a Django site. See djsess --help.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	_ "time/tzdata" // TIME_ZONE on machines that have no zone files

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession/storeurl"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, time.Now))
}

// run is the whole command. It returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, now func() time.Time) int {
	a := &app{stdin: stdin, stdout: output{stdout}, stderr: stderr, now: now}
	a.showWarnings()
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return a.report(root.ExecuteContext(context.Background()))
}

// app holds the streams, the clock and the flags that all subcommands use.
type app struct {
	stdin        io.Reader
	stdout       output
	stderr       io.Writer
	now          func() time.Time
	storeNamedBy string    // the flag, variable or file that names the store, once it is known
	noSecretKey  bool      // the store needs none, and there is none
	keyHint      string    // about a SECRET_KEY that looks wrong, or ""
	dotenv       *dotenv   // nil until it was looked for
	counts       []counter // of a job, for its metrics
	flags        struct {
		store         string
		secretKeyFile string
		config        string
		settings      string
		readOnly      bool
		acceptNewKey  bool
		fromDjango    string // of convert
	}
}

const about = `Djsess reads and writes the sessions of a live Django site, as that Django does.

Run "djsess init" in the site's folder first. Then the other commands need no flags there.`

// setupHelp follows the commands in the help of djsess itself.
var setupHelp = `Djsess needs two things, each from the first of these places that has it:

  store         --store, $DJSESS_STORE, $DATABASE_URL, "store" in djsess.toml,
                the settings file, DATABASE_URL in the .env beside manage.py,
                ./db.sqlite3
  SECRET_KEY    --secret-key-file, $DJANGO_SECRET_KEY, djsess.toml,
                DJANGO_SECRET_KEY or SECRET_KEY in the .env
  (older keys   further lines of that file, $DJANGO_SECRET_KEY_FALLBACKS with
                commas between or as a JSON list, djsess.toml, the .env)

The settings file is djsess-settings.json, which "djsess init" writes: it has the store
and all settings but the keys. Whatever djsess.toml has wins over it.

A store is the name of one in djsess.toml, or a URL:

` + storeURLs() + `
A path is relative behind three slashes, and absolute behind four. The URLs of
caches may have ?prefix= and ?version=, and a cache needs no SECRET_KEY. Passwords
and keys are refused on the command line, where every user of the machine can
read them.

djsess.toml and manage.py are looked for in this folder and those above it. A
djsess.toml or .env found this way must belong to you or root, and no other user
may be able to write to it or to its folder. Otherwise pass djsess.toml by --config,
or, in a container, set $DJSESS_TRUST_CONFIG to the file or its folder. An example of
a djsess.toml:

  store = "main"

  [settings]                       # as in the site's settings.py
  DJANGO_VERSION = "5.2"           # the default
  SECRET_KEY_FILE = "secret.txt"   # a key a line; or SECRET_KEY = "…",
                                   # SECRET_KEY_FALLBACKS = ["…"]; or a program that
                                   # prints them, SECRET_KEY_COMMAND = ["pass", "key"];
                                   # or a variable, also of the .env,
                                   # SECRET_KEY_VARIABLE = "SHOP_KEY"
  USE_TZ = true                    # also TIME_ZONE, SESSION_COOKIE_AGE,
                                   # SESSION_COOKIE_NAME (files begin so),
                                   # DEFAULT_HASHING_ALGORITHM,
                                   # SESSION_STORE_CLASS (the class's name),
                                   # SESSION_SERIALIZER: "json", "pickle", or a
                                   # list that reads several and writes the first
  [stores.main]
  url = "postgres://djsess@db.example/site"
  password_file = "pg.txt"         # or a password in the URL; or a program that prints
                                   # it, password_command = ["pass", "db"]; or
                                   # password_variable = "DB_PASSWORD"
                                   # also table, time_zone
  [stores.both]
  engine = "cached_db"             # of two: each a URL, or the name of a store
  cache = "redis://cache.example/1"
  database = "main"
  [stores.old.settings]            # settings that only this store has
  DJANGO_VERSION = "3.2"
  [users]                          # for --username, revoke --inactive, convert, rotate
  table = "auth_user"              # also id, username, password, is_active ("-": there
                                   # is none), backends, store (if the users are in
                                   # another database), primary_key: "integer", "uuid"
                                   # or "text"; hash_salt and hash_columns for a
                                   # get_session_auth_hash of the site's own

Exit status:
  0  done
  1  failed: the store is down, locked, read-only, …
  2  wrong usage or configuration
  3  no such live session, or no such user
  4  a payload is not to be trusted: bad signature, malformed`

// storeURLs lists the URLs of stores, with what they open.
func storeURLs() string {
	var b strings.Builder
	for _, scheme := range storeurl.Schemes() {
		fmt.Fprintf(&b, "  %-55s %s\n", scheme.Example, scheme.Description)
	}
	return b.String()
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "djsess",
		Short:         "Read and write the sessions of a Django site",
		Long:          about,
		Version:       buildVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		// Cobra's own message quotes an unknown command, which may be a session key.
		Args: cobra.ArbitraryArgs,
		// If a flag's value is an unset variable, the command must not use the default store.
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"store", "secret-key-file", "config", "settings"} {
				if f := cmd.Flags().Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
					return usagef(cmd, "--%s is empty", name)
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpTemplate(root.HelpTemplate() + "{{if not .HasParent}}\n" + setupHelp + "\n{{end}}")
	f := root.PersistentFlags()
	f.StringVar(&a.flags.store, "store", "", "`URL` of the sessions' store, or its name in djsess.toml")
	f.StringVar(&a.flags.secretKeyFile, "secret-key-file", "", "`FILE` of the SECRET_KEY; further lines are fallbacks; may be a pipe")
	f.StringVar(&a.flags.config, "config", "", "configuration `FILE` (default: djsess.toml here or above)")
	f.StringVar(&a.flags.settings, "settings", "", "`FILE` that djsess settings wrote in the site")
	f.BoolVar(&a.flags.readOnly, "read-only", false, "refuse every command that writes")
	addGroup(root, "To begin:", a.initCommand(), a.settingsCommand(), a.doctorCommand())
	addGroup(root, "A session, or a few:", a.getCommand(), a.listCommand(), a.createCommand(), a.setCommand(), a.unsetCommand(), a.deleteCommand())
	addGroup(root, "All sessions, or those of a user:", a.statsCommand(), a.verifyCommand(), a.revokeCommand(), a.clearExpiredCommand())
	addGroup(root, "To move sessions:", a.migrateCommand(), a.exportCommand(), a.importCommand(), a.convertCommand(), a.rotateCommand())
	addGroup(root, "Payloads and signed values, without a store:", a.decodeCommand(), a.encodeCommand(), a.signCommand(), a.unsignCommand())
	for _, cmd := range root.Commands() {
		cmd.DisableFlagsInUseLine = true
	}
	a.measureJobs(root)
	a.addCompletions(root)
	root.SetHelpCommand(helpCommand())
	root.InitDefaultCompletionCmd()
	quietCompletion(root)
	return root
}

// addGroup adds commands that the help shows together.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, cmd := range commands {
		cmd.GroupID = title
	}
	root.AddCommand(commands...)
}

// helpCommand replaces cobra's help command, which quotes an unknown argument.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about a command",

		ValidArgsFunction: completeCommand,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(cmd.Root(), args[len(args)-1])
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// quietCompletion keeps cobra's completion commands from quoting arguments.
func quietCompletion(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Args, cmd.RunE = exactly(0, "want the name of a shell"), nil
		cmd.Run = func(cmd *cobra.Command, _ []string) { cmd.Help() }
		for _, shell := range cmd.Commands() {
			shell.Args = exactly(0, "want no arguments")
		}
	}
}
