package djangotest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// socket is the name of a server's Unix socket in its folder.
const socket = "s"

func (r *RedisServer) recipe(o RedisOptions) recipe {
	made := redisRecipe("redis", func(dir string, port int) []string { return redisConf(o, r.certificate, dir, port) })
	made.answers = func(s *server) error {
		c, err := dialRESP(hostPort(s.port), r.Password, r.TLS)
		if err != nil {
			return err
		}
		defer c.Close()
		return c.awake(s.pid)
	}
	if o.cluster {
		made.ports = clusterPort
	}
	return made
}

// redisRecipe is a recipe for a Redis, or a sentinel, which is one by another name.
func redisRecipe(name string, conf func(dir string, port int) []string, args ...string) recipe {
	return recipe{
		name:     name,
		accounts: []string{"redis", "nobody"},
		signal:   "KILL",
		programs: func() map[string]string {
			return map[string]string{"redis-server": find("redis-server", "/usr/sbin", "/usr/local/sbin")}
		},
		run: func(programs map[string]string, dir string, port int) []string {
			file := filepath.Join(dir, "redis.conf")
			os.WriteFile(file, []byte(strings.Join(conf(dir, port), "\n")+"\n"), 0o666) // If that fails, the server says so.
			os.Chmod(file, 0o666)                                                       // A sentinel writes what it learns there.
			return append([]string{programs["redis-server"], file}, args...)
		},
	}
}

func redisConf(o RedisOptions, cert certificate, dir string, port int) []string {
	lines := []string{
		"bind " + localhost,
		"dir " + dir,
		"unixsocket " + filepath.Join(dir, socket),
		"unixsocketperm 777", // Whoever may enter the folder may use it.
		`save ""`,
		"repl-diskless-sync no", // Else a replica gets no writes before its first report, a second later.
	}
	if o.TLS {
		lines = append(lines, "port 0", "tls-port "+strconv.Itoa(port), "tls-auth-clients no")
		lines = append(lines, cert.install(dir)...)
	} else {
		lines = append(lines, "port "+strconv.Itoa(port))
	}
	if o.Password != "" {
		lines = append(lines, "requirepass "+strconv.Quote(o.Password), "masterauth "+strconv.Quote(o.Password))
	}
	if master := o.ReplicaOf; master != nil {
		host, masterPort, _ := strings.Cut(master.Addr, ":")
		lines = append(lines, "replicaof "+host+" "+masterPort)
		if master.Password != "" {
			lines = append(lines, "masterauth "+strconv.Quote(master.Password))
		}
		if master.TLS != nil {
			lines = append(lines, "tls-replication yes")
		}
	}
	if o.MaxMemory != "" {
		lines = append(lines, "maxmemory "+o.MaxMemory)
	}
	if o.cluster {
		lines = append(lines, "cluster-enabled yes")
	}
	return append(lines, o.Config...)
}

// awake tells whether this is the process that was started (if its port was taken, another answers) and can be used: a
// replica is of use when it has its copy.
func (c *respConn) awake(pid int) error {
	text, err := c.do("INFO")
	if err != nil {
		return err
	}
	info := redisInfo(text)
	switch {
	case info["process_id"] != strconv.Itoa(pid):
		return fmt.Errorf("another server answers, process %s", info["process_id"])
	case info["role"] == "slave" && info["master_link_status"] != "up":
		return errors.New("replica without its master")
	}
	return nil
}

// redisInfo reads the "name:value" lines that INFO and CLUSTER INFO answer with.
func redisInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}
