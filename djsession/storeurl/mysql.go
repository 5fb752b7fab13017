package storeurl

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/djsess/djsess/internal/waitlimit"
)

// mysqlOptions are those of go-sql-driver/mysql that a session store can use.
var mysqlOptions = []string{
	"allowCleartextPasswords", "allowFallbackToPlaintext", "allowNativePasswords", "allowOldPasswords",
	"charset", "checkConnLiveness", "clientFoundRows", "collation", "compress", "connectionAttributes",
	"maxAllowedPacket", "readTimeout", "rejectReadOnly", "serverPubKey", "timeout", "tls", "writeTimeout",
}

func openMySQL(u *storeURL) (*sql.DB, time.Duration, error) {
	c, granted, err := u.mysqlConnector()
	if err != nil {
		return nil, 0, err
	}
	return sql.OpenDB(c), granted, nil
}

// mysqlConnector returns a connector to MySQL. Its limit is the driver's option timeout, and covers the handshake.
func (u *storeURL) mysqlConnector() (c *connector, granted time.Duration, err error) {
	config, err := u.mysqlConfig()
	if err != nil {
		return nil, 0, err
	}
	if _, err := mysql.NewConnector(config); err != nil {
		return nil, 0, err
	}
	c = &connector{
		open: func(ctx context.Context, l *transport, password string) (driver.Conn, error) {
			config := config.Clone()
			config.DialFunc, config.Passwd = l.dial, cmp.Or(password, config.Passwd)
			c, err := mysql.NewConnector(config)
			if err != nil {
				return nil, err
			}
			return c.Connect(ctx)
		},
		password: u.newPassword,
		driver:   &mysql.MySQLDriver{},
		limit:    config.Timeout,
		address:  config.Addr,
		question: "is it a MySQL or MariaDB? A PostgreSQL stays silent to MySQL's clients",
	}
	return c, max(config.Timeout, config.ReadTimeout), nil
}

func (u *storeURL) mysqlConfig() (*mysql.Config, error) {
	if u.path == "" {
		return nil, errNoDatabase
	}
	socket := u.take("unix_socket")
	if name := u.hosts[0].name; socket != "" && name != "" && name != "localhost" {
		return nil, fmt.Errorf("unix_socket %q: the URL names a host, too: leave the host out", socket)
	}
	tlsConfig, tlsMode, err := u.mysqlTLS()
	if err != nil {
		return nil, err
	}
	if tlsMode != "" {
		u.options.Set("tls", tlsMode)
	}
	if err := u.renameSeconds(map[string]string{"connect_timeout": "timeout", "read_timeout": "readTimeout", "write_timeout": "writeTimeout"}); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "utf8mb4", "utf8mb3", "utf8"}, u.options.Get("charset")) {
		return nil, errors.New("charset: want utf8mb4, utf8mb3 or utf8: in some others a quote can be part of a character, which is not safe here")
	}
	if u.options.Get("charset") == "" {
		u.options.Set("charset", "utf8mb4") // also where the server has another default
	}
	// Only the options go through the driver's text, so that the rest needs no escaping.
	config, err := mysql.ParseDSN("/?" + u.options.Encode())
	if err != nil {
		return nil, err
	}
	config.User, config.Passwd, config.DBName = u.user, u.password, u.path
	config.TLS = tlsConfig
	config.Net, config.Addr = "tcp", cmp.Or(socket, u.hosts[0].address("localhost", "3306"))
	if strings.HasPrefix(config.Addr, "/") {
		config.Net = "unix"
	}
	config.InterpolateParams = true // a query in one round trip
	if !u.options.Has("timeout") {
		config.Timeout = waitlimit.Default
	}
	// As Django does: on a server that has autocommit off, no change would be committed.
	config.Params = map[string]string{"autocommit": "1"}
	return config, nil
}

// renameSeconds gives the driver options of mysqlclient, which are whole seconds.
func (u *storeURL) renameSeconds(names map[string]string) error {
	for theirs, drivers := range names {
		d, err := u.seconds(theirs)
		if err != nil {
			return err
		}
		if d > 0 && !u.options.Has(drivers) {
			u.options.Set(drivers, d.String())
		}
	}
	return nil
}
