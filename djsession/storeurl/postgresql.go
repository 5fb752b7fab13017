package storeurl

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/djsess/djsess/internal/waitlimit"
)

// pqOptions are lib/pq's connection options, but for those that the URL has a
// place for.
var pqOptions = []string{
	"application_name", "connect_timeout", "hostaddr", "load_balance_hosts", "options", "passfile",
	"search_path", "service", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert",
	"sslinline", "sslkey", "sslmode", "sslnegotiation", "sslrootcert", "sslsni", "statement_timeout",
	"target_session_attrs",
}

func openPostgreSQL(u *storeURL) (*sql.DB, time.Duration, error) {
	c, granted, err := u.pqConnector()
	if err != nil {
		return nil, 0, err
	}
	return sql.OpenDB(c), granted, nil
}

// pqConnector returns a connector to PostgreSQL.
func (u *storeURL) pqConnector() (c *connector, granted time.Duration, err error) {
	if u.path == "" && u.options.Get("service") == "" {
		return nil, 0, errNoDatabase
	}
	if err := u.onlyKnown("lib/pq's", pqOptions); err != nil {
		return nil, 0, err
	}
	config, err := pq.NewConfig(u.pqDSN())
	if err != nil {
		// What lib/pq says of a connection string may quote parts of it.
		return nil, 0, errors.New(u.withoutSecrets(err.Error()))
	}
	if config.ConnectTimeout == 0 && !u.options.Has("connect_timeout") {
		config.ConnectTimeout = waitlimit.Default
	}
	addresses := pqAddresses(config)
	limit := config.ConnectTimeout * time.Duration(len(addresses)) // libpq has it for each host
	if len(addresses) == 1 {
		config.ConnectTimeout = 0 // the connector's limit covers all of it
	}
	c = &connector{
		open: func(ctx context.Context, l *line) (driver.Conn, error) {
			c, err := pq.NewConnectorConfig(config)
			if err != nil {
				return nil, err
			}
			dialer := &pqDialer{line: l}
			c.Dialer(dialer)
			stop := context.AfterFunc(ctx, l.cut) // lib/pq looks at the context only while it dials
			conn, err := c.Connect(ctx)
			if !stop() && err == nil {
				conn.Close()
				return nil, ctx.Err()
			}
			if err != nil {
				return nil, err
			}
			return newLiveConn(conn, dialer.conn.Load().Conn)
		},
		driver:  &pq.Driver{},
		limit:   limit,
		address: strings.Join(addresses, ", "),
		doubt:   "is it a PostgreSQL?",
		isForeign: func(err error) bool {
			return strings.HasPrefix(err.Error(), "pq: unknown response for startup")
		},
	}
	granted = limit
	if ms, err := strconv.ParseInt(config.Runtime["statement_timeout"], 10, 32); err == nil {
		granted = max(granted, time.Duration(ms)*time.Millisecond)
	}
	return c, granted, nil
}

// pqAddresses returns the hosts that lib/pq tries, also those from the environment and the
// service file.
func pqAddresses(c pq.Config) []string {
	address := func(host string, hostaddr netip.Addr, port uint16) string {
		if hostaddr.IsValid() {
			host = hostaddr.String()
		}
		return net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	addresses := []string{address(c.Host, c.Hostaddr, c.Port)}
	for _, m := range c.Multi {
		addresses = append(addresses, address(m.Host, m.Hostaddr, m.Port))
	}
	return addresses
}

// pqDSN spells the URL as lib/pq's key='value' list, with the defaults of
// libpq, and so of Django, where lib/pq has others.
func (u *storeURL) pqDSN() string {
	var b strings.Builder
	add := func(name, value string) {
		value = strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)
		b.WriteString(name + "='" + value + "' ")
	}
	addIf := func(name, value string) {
		if value != "" {
			add(name, value)
		}
	}
	add("binary_parameters", "yes") // a query in one round trip
	if u.readOnly {
		add("default_transaction_read_only", "on")
	}
	addIf("dbname", u.path)
	addIf("user", u.user)
	addIf("password", u.password)
	addIf("port", u.hosts[0].port)
	addIf("host", u.hosts[0].name)
	if u.hosts[0].name == "" && os.Getenv("PGHOST") == "" && u.options.Get("service") == "" {
		// libpq's default is the socket, where Debian and most others have it.
		const sockets = "/var/run/postgresql"
		if _, err := os.Stat(sockets); err == nil {
			add("host", sockets)
		}
	}
	defaults := map[string]string{"sslmode": "prefer", "fallback_application_name": "djsess"}
	if os.Getenv("PGSSLMODE") != "" || u.options.Get("service") != "" {
		delete(defaults, "sslmode")
	}
	for name := range u.options {
		delete(defaults, name)
		add(name, u.options.Get(name))
	}
	for name, value := range defaults {
		add(name, value)
	}
	return b.String()
}
