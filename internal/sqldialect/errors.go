package sqldialect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/djsess/djsess/internal/waitlimit"
)

// Class is what an error of the database means to a store.
type Class int

const (
	Other Class = iota
	// Unique: the key is taken.
	Unique
	// ForeignKey: a row of another table points at the row that is to be deleted. Or the row
	// that is to be written points at a row that does not exist.
	ForeignKey
	// NotNull: a column without a default was given no value.
	NotNull
	// Unfit: a value does not fit the type of its column. The driver's text may quote the value.
	Unfit
	// Integrity: the row breaks another rule of the table. The driver's text may hold the
	// whole row.
	Integrity
	// Conflict: the database rolled the statement back because of another one, such as after
	// a deadlock. It had no effect and may be sent again.
	Conflict
	// ReadOnly: the database or this connection takes no writes.
	ReadOnly
	// Busy: the wait for a lock timed out.
	Busy
	// NoTable: there is no such table.
	NoTable
	// NoColumn: the table has no such column.
	NoColumn
	// Denied: the database user lacks the right to run the statement.
	Denied
	// Lost: the statement was sent, but no answer came. The database may have executed it, or
	// may still execute it. Only errors of a Writer are of this class.
	Lost
)

// Classify returns the class of a driver's error. This package imports no driver: Classify looks
// for the methods and fields that the drivers' errors are known to have.
func (d *Dialect) Classify(err error) Class {
	if errors.As(err, new(lostError)) {
		return Lost // even if the server gave a reason for closing the connection
	}
	return d.classify(err)
}

// Answered reports whether an error is the database's answer to a statement, and not a failure of the
// connection.
func (d *Dialect) Answered(err error) bool { return d.answered(err) }

// classifyPostgreSQL uses SQLSTATE. The errors of lib/pq and pgx have a method for it.
func classifyPostgreSQL(err error) Class {
	var e interface{ SQLState() string }
	if !errors.As(err, &e) {
		return Other
	}
	state := e.SQLState()
	switch state {
	case "23505": // unique_violation
		return Unique
	case "23503", "23001": // foreign_key_violation, restrict_violation
		return ForeignKey
	case "23502": // not_null_violation
		return NotNull
	// string_data_right_truncation, numeric_value_out_of_range, invalid_datetime_format,
	// invalid_text_representation
	case "22001", "22003", "22007", "22P02":
		return Unfit
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return Conflict
	case "25006": // read_only_sql_transaction
		return ReadOnly
	case "55P03": // lock_not_available
		return Busy
	case "42P01", "3F000": // undefined_table, invalid_schema_name
		return NoTable
	case "42703": // undefined_column
		return NoColumn
	case "42501": // insufficient_privilege
		return Denied
	}
	if strings.HasPrefix(state, "23") { // integrity_constraint_violation
		return Integrity
	}
	return Other
}

// answeredPostgreSQL reports whether an error is the answer to a statement. An error about the
// end of the connection is not an answer, even if it has a SQLSTATE.
func answeredPostgreSQL(err error) bool {
	var e interface{ SQLState() string }
	return errors.As(err, &e) &&
		!strings.HasPrefix(e.SQLState(), "57P") && // operator_intervention: admin_shutdown, …
		!strings.HasPrefix(e.SQLState(), "08") // connection_exception
}

// classifyMySQL uses the server's error number. The errors of go-sql-driver have a field for
// it.
func classifyMySQL(err error) Class {
	switch mysqlNumber(err) {
	case 1062: // ER_DUP_ENTRY
		return Unique
	// ER_ROW_IS_REFERENCED_2, ER_NO_REFERENCED_ROW_2; and the same without details, for a user
	// without rights on the other table: ER_ROW_IS_REFERENCED, ER_NO_REFERENCED_ROW
	case 1451, 1452, 1217, 1216:
		return ForeignKey
	case 1364, 1048: // ER_NO_DEFAULT_FOR_FIELD, ER_BAD_NULL_ERROR
		return NotNull
	// ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, ER_TRUNCATED_WRONG_VALUE, ER_WARN_DATA_OUT_OF_RANGE,
	// WARN_DATA_TRUNCATED, ER_DATA_TOO_LONG
	case 1366, 1292, 1264, 1265, 1406:
		return Unfit
	case 1213, 1020: // ER_LOCK_DEADLOCK, ER_CHECKREAD
		return Conflict
	case 1290, 1792, 1836: // ER_OPTION_PREVENTS_STATEMENT, …_READ_ONLY_TRANSACTION, ER_READ_ONLY_MODE
		return ReadOnly
	case 1205: // ER_LOCK_WAIT_TIMEOUT
		return Busy
	case 1146: // ER_NO_SUCH_TABLE
		return NoTable
	case 1054: // ER_BAD_FIELD_ERROR
		return NoColumn
	case 1142, 1143: // ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR
		return Denied
	}
	return Other
}

// answeredMySQL reports whether an error is the answer to a statement. An error about the end of
// the connection is not an answer, even if it has a number.
func answeredMySQL(err error) bool {
	switch mysqlNumber(err) {
	case 0, 1053, 1152, 1927: // none; ER_SERVER_SHUTDOWN, ER_ABORTING_CONNECTION, ER_CONNECTION_KILLED
		return false
	}
	return true
}

func mysqlNumber(err error) uint64 {
	for ; err != nil; err = errors.Unwrap(err) {
		if hidden, ok := err.(*keyless); ok {
			err = hidden.err()
		}
		v := reflect.Indirect(reflect.ValueOf(err))
		if v.Kind() != reflect.Struct {
			continue
		}
		if n := v.FieldByName("Number"); n.IsValid() && n.CanUint() {
			return n.Uint()
		}
	}
	return 0
}

// answeredSQLite reports whether an error comes from SQLite. There is no connection that could
// break, but a context may end during a statement.
func answeredSQLite(err error) bool {
	var e interface{ Code() int }
	return errors.As(err, &e)
}

// classifySQLite uses SQLite's result code. The errors of modernc.org/sqlite have a method
// for it. The low byte is the code, the rest its details.
func classifySQLite(err error) Class {
	var e interface{ Code() int }
	if !errors.As(err, &e) {
		return Other
	}
	switch e.Code() & 0xff {
	case 5, 6: // SQLITE_BUSY, SQLITE_LOCKED
		return Busy
	case 8: // SQLITE_READONLY
		return ReadOnly
	case 19: // SQLITE_CONSTRAINT
		switch e.Code() {
		case 1555, 2067: // …_PRIMARYKEY, …_UNIQUE
			return Unique
		case 787: // …_FOREIGNKEY
			return ForeignKey
		case 1811: // …_TRIGGER: a foreign key with ON DELETE RESTRICT, or a trigger of the site's
			if strings.Contains(err.Error(), "FOREIGN KEY constraint failed") {
				return ForeignKey
			}
		case 1299: // …_NOTNULL
			return NotNull
		}
	case 1: // SQLITE_ERROR: a missing table or column has no code of its own
		switch text := err.Error(); {
		case strings.Contains(text, "no such table"):
			return NoTable
		case strings.Contains(text, "no such column"), strings.Contains(text, "has no column named"):
			return NoColumn
		}
	}
	return Other
}

// quotedValue finds a value in the text of an error of the Class Unfit.
var quotedValue = regexp.MustCompile(`(?s): ["'].*["']`)

// WithoutValue returns the text of an error of the Class Unfit without the value.
func WithoutValue(err error) string { return quotedValue.ReplaceAllString(err.Error(), "") }

// HideKey returns an error whose text has short in place of a key. errors.Is and errors.As
// still find what is in it.
func HideKey(err error, key, short string) error {
	if err == nil || key == "" || !strings.Contains(err.Error(), key) {
		return err
	}
	return &keyless{strings.ReplaceAll(err.Error(), key, short), func() error { return err }}
}

// keyless is an error of the driver whose text quoted a key. It has no Unwrap, since that
// would show the text.
type keyless struct {
	text string
	err  func() error // a func, so that fmt prints no key
}

func (e *keyless) Error() string        { return e.text }
func (e *keyless) Is(target error) bool { return errors.Is(e.err(), target) }
func (e *keyless) As(target any) bool   { return errors.As(e.err(), target) }

// Ended adds to an error that ctx has ended, because drivers do not always say so. If the
// statement may have been waiting for a connection, Ended adds that all connections were busy.
func Ended(ctx context.Context, db *sql.DB, err error) error {
	ended := waitlimit.Ended(ctx)
	if ended == nil {
		return err
	}
	// After a wait for a connection, database/sql returns this error unwrapped. A
	// driver may return it for a statement, too.
	bare := err == ctx.Err()
	if !bare && errors.Is(err, ctx.Err()) {
		return err
	}
	if stats := db.Stats(); bare && stats.MaxOpenConnections > 0 && stats.InUse >= stats.MaxOpenConnections {
		ended = fmt.Errorf("all %d connections are busy: %w", stats.MaxOpenConnections, ended)
	}
	if bare {
		return ended
	}
	return fmt.Errorf("%w: %w", ended, err)
}
