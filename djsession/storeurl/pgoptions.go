package storeurl

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// pqOptions are lib/pq's connection options, without those that have a place of their own
// in the URL.
var pqOptions = []string{
	"application_name", "connect_timeout", "hostaddr", "load_balance_hosts", "options", "passfile",
	"search_path", "service", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert",
	"sslinline", "sslkey", "sslmode", "sslnegotiation", "sslrootcert", "sslsni", "statement_timeout",
	"target_session_attrs",
}

// takePostgresOptions takes the options that Django passes to libpq. As in Django, a host, port,
// user and password of the URL itself go before those of the options, and the name goes behind.
func (u *storeURL) takePostgresOptions() error {
	dbname := u.take("dbname")
	if u.path == "" && u.options.Get("service") == "" {
		return errNoDatabase
	}
	u.path = cmp.Or(dbname, u.path)
	u.user = cmp.Or(u.user, u.take("user"))
	u.password = cmp.Or(u.password, u.take("password"))
	if schema := u.take("currentSchema"); schema != "" {
		u.options.Set("options", "-c search_path="+schema)
	}
	if u.take("gssencmode") == "require" { // it asks for safety, so it is not ignored
		return errors.New("gssencmode=require is not supported: leave it out, and write sslmode=verify-full")
	}
	if u.take("channel_binding") == "require" {
		if u.options.Get("sslmode") == "disable" {
			return errors.New("channel_binding=require needs TLS, and sslmode=disable has none: leave one of them out")
		}
		// lib/pq cannot bind the login to the TLS connection. Like that, a certificate for the host
		// keeps anybody between client and server from taking part in the login.
		u.options.Set("sslmode", "verify-full")
	}
	return u.takeHosts(u.take("host"), u.take("port"))
}

// takeHosts takes hosts and ports as libpq's options have them, with commas between several.
func (u *storeURL) takeHosts(names, ports string) error {
	if names != "" && !slices.ContainsFunc(u.hosts, func(h host) bool { return h.name != "" }) {
		port := u.hosts[0].port
		u.hosts = nil
		for name := range strings.SplitSeq(names, ",") {
			u.hosts = append(u.hosts, host{name, port})
		}
	}
	if ports == "" || slices.ContainsFunc(u.hosts, func(h host) bool { return h.port != "" }) {
		return nil
	}
	several := strings.Split(ports, ",")
	if len(several) != len(u.hosts) && len(several) > 1 {
		return fmt.Errorf("port: there are %d ports for %d hosts", len(several), len(u.hosts))
	}
	for i := range u.hosts {
		port := several[min(i, len(several)-1)]
		if !isPort(port) {
			return fmt.Errorf("port %q: want a number from 1 to 65535", port)
		}
		u.hosts[i].port = port
	}
	return nil
}

// hostLists returns the hosts and the ports as libpq's options have them. If there are several hosts,
// those without a port have defaultPort.
func (u *storeURL) hostLists(defaultPort string) (names, ports string) {
	if len(u.hosts) == 1 {
		return u.hosts[0].name, u.hosts[0].port
	}
	var allNames, allPorts []string
	for _, h := range u.hosts {
		allNames = append(allNames, h.name)
		allPorts = append(allPorts, cmp.Or(h.port, defaultPort))
	}
	return strings.Join(allNames, ","), strings.Join(allPorts, ",")
}

// pqDSN returns the URL as lib/pq's key='value' list. Where lib/pq has other defaults than
// libpq, it sets those of libpq, which are Django's.
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
	addIf("dbname", u.path)
	addIf("user", u.user)
	addIf("password", u.password)
	names, ports := u.hostLists("5432")
	addIf("port", ports)
	addIf("host", names)
	if names == "" && os.Getenv("PGHOST") == "" && u.options.Get("service") == "" {
		// libpq's default is the socket. This is its place on Debian and most other systems.
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
