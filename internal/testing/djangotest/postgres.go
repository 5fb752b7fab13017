package djangotest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
)

var postgres = &once{recipe: recipe{
	name:     "postgres",
	accounts: []string{"postgres", "nobody"},
	signal:   "QUIT",
	programs: func() map[string]string {
		// initdb and postgres must be of one version, and only one of them may be on PATH.
		initdb := find("initdb", "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
		if path, err := filepath.EvalSymlinks(initdb); err == nil {
			initdb = path
		}
		bin := filepath.Dir(initdb)
		return map[string]string{
			"initdb":   initdb,
			"postgres": find(filepath.Join(bin, "postgres")),
			"psql":     find("psql", bin),
		}
	},
	prepare: func(programs map[string]string, dir string) *exec.Cmd {
		return exec.Command(programs["initdb"], "--pgdata", filepath.Join(dir, "data"), "--no-sync",
			"--auth=trust", "--username="+dbUser, "--encoding=UTF8", "--no-locale")
	},
	run: func(programs map[string]string, dir string, port int) []string {
		return []string{programs["postgres"], "-D", filepath.Join(dir, "data"), "-p", strconv.Itoa(port),
			"-c", "listen_addresses=" + localhost, "-c", "unix_socket_directories=",
			"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"}
	},
	client: func(programs map[string]string, port int) []string {
		return []string{programs["psql"], "--no-psqlrc", "--quiet", "--no-password",
			fmt.Sprintf("postgresql://%s@%s:%d/postgres?connect_timeout=5", dbUser, localhost, port), "--command"}
	},
}}
