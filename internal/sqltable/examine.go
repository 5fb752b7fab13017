package sqltable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/checkup"
	"github.com/djsess/djsess/internal/sqldialect"
)

// Examine checks the database server and the index of the times: see djsession.Examiner. now is the
// clock of this machine.
func (t *Table) Examine(ctx context.Context, now func() time.Time) []djsession.CheckResult {
	results := []djsession.CheckResult{t.checkVersion(ctx)}
	if results[0].Status == djsession.CheckFails {
		return results
	}
	if t.Dialect == sqldialect.PostgreSQL {
		results = append(results, t.checkPooler(ctx))
	}
	if query, ok := clocks[t.Dialect]; ok { // a SQLite file is on this machine
		results = append(results, checkup.CheckClock("the database", now, func() (at time.Time, err error) {
			var seconds float64
			err = t.ask(ctx, query, &seconds)
			return time.Unix(0, int64(seconds*1e9)), err
		}))
	}
	return append(results, t.checkIndex(ctx))
}

// ask runs a query that returns one value.
func (t *Table) ask(ctx context.Context, query string, answer any) error {
	ctx, cancel := t.Limit(ctx)
	defer cancel()
	if err := t.DB.QueryRowContext(ctx, query).Scan(answer); err != nil {
		return t.Fail(ctx, opExamine, "", err)
	}
	return nil
}

const opExamine = "examine"

// versions and clocks are queries for the server's version, and for its time in Unix seconds.
var (
	versions = map[*sqldialect.Dialect]string{
		sqldialect.PostgreSQL: "SELECT 'PostgreSQL ' || current_setting('server_version')",
		sqldialect.MySQL:      "SELECT CONCAT(IF(VERSION() LIKE '%MariaDB%', 'MariaDB ', 'MySQL '), SUBSTRING_INDEX(VERSION(), '-', 1))",
		sqldialect.SQLite:     "SELECT 'SQLite ' || sqlite_version()",
	}
	clocks = map[*sqldialect.Dialect]string{
		sqldialect.PostgreSQL: "SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8",
		sqldialect.MySQL:      "SELECT UNIX_TIMESTAMP(SYSDATE(6))",
	}
)

func (t *Table) checkVersion(ctx context.Context) djsession.CheckResult {
	const check = "server"
	var version string
	if err := t.ask(ctx, versions[t.Dialect], &version); err != nil {
		return djsession.ErrorResult(check, djsession.CheckFails, err)
	}
	return djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: "it is " + version}
}

func (t *Table) checkIndex(ctx context.Context) djsession.CheckResult {
	const check = "index"
	switch err := t.checkExpiryIndex(ctx, opExamine); {
	case errors.Is(err, djsession.ErrNoExpiryIndex):
		return djsession.ErrorResult(check, djsession.CheckWarns, err)
	case err != nil:
		return djsession.ErrorResult(check, djsession.CheckSkipped, err)
	}
	return djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: fmt.Sprintf("%s has an index, as Django makes it", t.config.Expires)}
}
