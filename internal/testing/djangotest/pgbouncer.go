package djangotest

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Pooler is a PgBouncer in transaction mode, of one test, in front of this test binary's PostgreSQL server.
type Pooler struct {
	*Server
}

// PgBouncer returns a pooler for all databases of the server. It takes further lines of its configuration, such as
// "ignore_startup_parameters = default_transaction_read_only".
func PgBouncer(t testing.TB, config ...string) *Pooler {
	t.Helper()
	server := postgres.get(t)
	return &Pooler{newServer(t, pgbouncer(server.port, config))}
}

// Through returns the same database behind the pooler.
func (p *Pooler) Through(t testing.TB, db Database) Database {
	t.Helper()
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.Addr
	db.URL = u.String()
	through := map[string]any{"PORT": p.port, "DISABLE_SERVER_SIDE_CURSORS": true}
	for name, value := range db.Django {
		if _, ok := through[name]; !ok {
			through[name] = value
		}
	}
	db.Django = through
	return db
}

func pgbouncer(serverPort int, config []string) recipe {
	return recipe{
		name:     "pgbouncer",
		accounts: []string{"postgres", "nobody"},
		signal:   "KILL",
		programs: func() map[string]string {
			return map[string]string{
				"pgbouncer": find("pgbouncer", "/usr/sbin", "/usr/local/sbin"),
				"psql":      find("psql", "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin"),
			}
		},
		run: func(programs map[string]string, dir string, port int) []string {
			file := filepath.Join(dir, "pgbouncer.ini")
			lines := append([]string{
				"[databases]",
				fmt.Sprintf("* = host=%s port=%d user=%s", localhost, serverPort, dbUser),
				"[pgbouncer]",
				"listen_addr = " + localhost,
				"listen_port = " + strconv.Itoa(port),
				"unix_socket_dir =",
				"pidfile = " + filepath.Join(dir, "pid"),
				"auth_type = any",
				"admin_users = " + dbUser,
				"pool_mode = transaction",
			}, config...)
			os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644) // If that fails, the pooler says so.
			return []string{programs["pgbouncer"], file}
		},
		client: func(programs map[string]string, port int) []string {
			return []string{programs["psql"], "--no-psqlrc", "--quiet", "--no-password",
				fmt.Sprintf("postgresql://%s@%s:%d/pgbouncer?connect_timeout=5", dbUser, localhost, port), "--command"}
		},
		answers: pgbouncerAnswers,
	}
}

// pgbouncerAnswers asks the pooler's console. If the port was taken, another pooler may answer. Then there is no pid file,
// which a pooler writes when it listens.
func pgbouncerAnswers(s *server) error {
	if pid, err := os.ReadFile(filepath.Join(s.dir, "pid")); err != nil {
		return err
	} else if string(bytes.TrimSpace(pid)) != strconv.Itoa(s.pid) {
		return fmt.Errorf("the pid file names process %s", bytes.TrimSpace(pid))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args := append(s.query[1:len(s.query):len(s.query)], "SHOW VERSION")
	if out, err := exec.CommandContext(ctx, s.query[0], args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
