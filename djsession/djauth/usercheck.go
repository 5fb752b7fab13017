package djauth

import (
	"context"
	"fmt"
	"strings"

	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Check reads a user. It returns an error if the table or a column of UserModel does not
// exist, or if the primary key is of another type than UserModel.PrimaryKey. An empty table
// is no error. Auth.Check calls it.
func (u *SQLUsers) Check(ctx context.Context) error {
	if err := u.check(ctx); err != nil {
		return fmt.Errorf("users: %w", err)
	}
	return nil
}

func (u *SQLUsers) check(ctx context.Context) error {
	ctx, cancel := waitlimit.Context(ctx, waitlimit.Default)
	defer cancel()
	if err := u.locate(ctx); err != nil {
		return err
	}
	rows, err := u.db.QueryContext(ctx, u.anyUser.SQL)
	if err != nil {
		return u.explain(sqldialect.Ended(ctx, u.db, err))
	}
	defer rows.Close()
	if types, err := rows.ColumnTypes(); err == nil {
		if err := u.checkKey(types[0].DatabaseTypeName()); err != nil {
			return err
		}
	}
	if rows.Next() {
		row := u.newRow()
		err := rows.Scan(row.dst(&u.model)...)
		if err == nil {
			_, err = u.user(row)
		}
		if err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return u.explain(sqldialect.Ended(ctx, u.db, err))
	}
	return nil
}

// checkKey returns an error if the column of the primary key has the type of another
// PrimaryKey. For char, it may be any: where the database has no type for them, Django keeps
// UUIDs there.
func (u *SQLUsers) checkKey(databaseType string) error {
	is := u.model.PrimaryKey
	name := strings.ToUpper(databaseType)
	switch {
	case name == "UUID":
		is = UUID
	case strings.HasSuffix(strings.TrimRight(name, "0123456789"), "INT"), name == "INTEGER": // INT8, BIGINT, UNSIGNED INT, …
		is = Integer
	case u.model.PrimaryKey == Integer && (strings.HasPrefix(name, "VARCHAR") || strings.HasPrefix(name, "TEXT")):
		is = Text
	}
	if is != u.model.PrimaryKey {
		return fmt.Errorf("column %q of table %q is of the type %q: set UserModel.PrimaryKey to djauth.%v, not to %v",
			u.model.ID, u.model.Table, databaseType, is, u.model.PrimaryKey)
	}
	return nil
}
