package storeurl

import (
	"database/sql"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/go-sql-driver/mysql"
)

// mysqlOptions are those of go-sql-driver/mysql that a session store can use.
var mysqlOptions = []string{
	"allowCleartextPasswords", "allowFallbackToPlaintext", "allowNativePasswords", "allowOldPasswords",
	"charset", "checkConnLiveness", "clientFoundRows", "collation", "compress", "connectionAttributes",
	"maxAllowedPacket", "readTimeout", "rejectReadOnly", "serverPubKey", "timeout", "tls", "writeTimeout",
}

func openMySQL(u *storeURL, c dbstore.Config) (Store, error) {
	if err := u.onlyKnown("go-sql-driver/mysql", mysqlOptions); err != nil {
		return nil, err
	}
	base := mysql.NewConfig()
	base.User, base.Passwd, base.DBName = u.user, u.password, u.path
	base.Net, base.Addr = "tcp", net.JoinHostPort(or(u.host, "localhost"), or(u.port, "3306"))
	if strings.HasPrefix(u.host, "/") {
		base.Net, base.Addr = "unix", u.host
	}
	base.InterpolateParams = true // a query in one round trip
	base.Timeout = 10 * time.Second
	dsn := base.FormatDSN()
	if len(u.options) > 0 {
		dsn += "&" + u.options.Encode()
	}
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		// What the driver says of a connection string may quote parts of it.
		return nil, errors.New(strings.ReplaceAll(err.Error(), u.passwordOr("\x00"), "…"))
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	c.Dialect = dbstore.MySQL
	return dbstore.New(sql.OpenDB(connector), c)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
