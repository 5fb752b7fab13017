package djangotest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// grants makes a user that may do everything. A server reads its init file by lines, one statement each.
const grants = "CREATE USER '" + dbUser + "'@'%' IDENTIFIED BY '" + password + "';\n" +
	"GRANT ALL ON *.* TO '" + dbUser + "'@'%' WITH GRANT OPTION;\n"

var mariadb = &once{recipe: recipe{
	name:     "mariadb",
	accounts: []string{"mysql", "nobody"},
	signal:   "KILL",
	programs: func() map[string]string {
		return map[string]string{
			"mariadb-install-db": find("mariadb-install-db"),
			"mariadbd":           find("mariadbd", "/usr/sbin", "/usr/local/sbin", "/usr/libexec"),
			"mariadb":            find("mariadb"),
		}
	},
	prepare: func(programs map[string]string, dir string) *exec.Cmd {
		return exec.Command(programs["mariadb-install-db"], "--no-defaults", "--datadir="+filepath.Join(dir, "data"),
			"--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=8M")
	},
	run: func(programs map[string]string, dir string, port int) []string {
		init := filepath.Join(dir, "init.sql")
		os.WriteFile(init, []byte(grants), 0o644) // If that fails, the server says so.
		return []string{programs["mariadbd"], "--no-defaults", "--datadir=" + filepath.Join(dir, "data"),
			"--bind-address=" + localhost, fmt.Sprint("--port=", strconv.Itoa(port)),
			"--socket=" + filepath.Join(dir, "s"), "--pid-file=" + filepath.Join(dir, "pid"), "--init-file=" + init,
			"--character-set-server=utf8mb4", "--skip-name-resolve",
			"--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"}
	},
	client: func(programs map[string]string, port int) []string {
		return []string{programs["mariadb"], "--no-defaults", "--protocol=tcp", "--host=" + localhost,
			"--port=" + strconv.Itoa(port), "--user=" + dbUser, "--password=" + password, "--connect-timeout=5", "--execute"}
	},
}}
