package storeurl

import (
	"database/sql"
	"errors"
	"os"
	"strings"

	"github.com/lib/pq"
)

// pqOptions are lib/pq's connection options, but for those that the URL has a
// place for.
var pqOptions = []string{
	"application_name", "connect_timeout", "hostaddr", "load_balance_hosts", "options", "passfile",
	"search_path", "service", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert",
	"sslinline", "sslkey", "sslmode", "sslnegotiation", "sslrootcert", "sslsni", "statement_timeout",
	"target_session_attrs",
}

func openPostgreSQL(u *storeURL) (*sql.DB, error) {
	if u.path == "" && u.options.Get("service") == "" {
		return nil, errNoDatabase
	}
	if err := u.onlyKnown("lib/pq's", pqOptions); err != nil {
		return nil, err
	}
	connector, err := pq.NewConnector(u.pqDSN())
	if err != nil {
		// What lib/pq says of a connection string may quote parts of it.
		return nil, errors.New(strings.ReplaceAll(err.Error(), u.passwordOr("\x00"), "…"))
	}
	return sql.OpenDB(newLivePQ(connector)), nil
}

// passwordOr is the password, or a text that occurs nowhere.
func (u *storeURL) passwordOr(none string) string {
	if u.password == "" {
		return none
	}
	return u.password
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
	defaults := map[string]string{"sslmode": "prefer", "connect_timeout": "10", "fallback_application_name": "djsess"}
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
