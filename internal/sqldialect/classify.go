package sqldialect

import (
	"errors"
	"reflect"
	"strings"
)

// Class is what an error of the database means to a store.
type Class int

const (
	Other Class = iota
	// Unique: the key is taken.
	Unique
	// Integrity: the row breaks another rule of the table. What the driver
	// says of it may hold the whole row.
	Integrity
	// Conflict: the statement lost against somebody else's and may be tried
	// again.
	Conflict
	// ReadOnly: the database or this connection takes no writes.
	ReadOnly
	// Busy: a lock was not free in time.
	Busy
	// NoTable: there is no such table.
	NoTable
	// Lost: the statement was sent, and no answer came. It may have been done, or
	// may still be. Only the errors of a Writer are of this class.
	Lost
)

// Classify tells what a driver's error means. It imports no driver: it asks for
// the methods and fields that the drivers' errors are known to have.
func (d *Dialect) Classify(err error) Class {
	if errors.As(err, new(lostError)) {
		return Lost // even if the server has said why it closed the connection
	}
	return d.classify(err)
}

// classifyPostgreSQL goes by SQLSTATE, for which lib/pq's and pgx's errors have
// a method.
func classifyPostgreSQL(err error) Class {
	var e interface{ SQLState() string }
	if !errors.As(err, &e) {
		return Other
	}
	state := e.SQLState()
	switch state {
	case "23505": // unique_violation
		return Unique
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return Conflict
	case "25006": // read_only_sql_transaction
		return ReadOnly
	case "55P03": // lock_not_available
		return Busy
	case "42P01", "3F000": // undefined_table, invalid_schema_name
		return NoTable
	}
	if strings.HasPrefix(state, "23") { // integrity_constraint_violation
		return Integrity
	}
	return Other
}

// answeredPostgreSQL reports whether an error is the answer to a statement, and not the end
// of the connection. That has a SQLSTATE, too, if the server says why.
func answeredPostgreSQL(err error) bool {
	var e interface{ SQLState() string }
	return errors.As(err, &e) &&
		!strings.HasPrefix(e.SQLState(), "57P") && // operator_intervention: admin_shutdown, …
		!strings.HasPrefix(e.SQLState(), "08") // connection_exception
}

// classifyMySQL goes by the server's error number, which go-sql-driver keeps in
// a field.
func classifyMySQL(err error) Class {
	switch mysqlNumber(err) {
	case 1062: // ER_DUP_ENTRY
		return Unique
	case 1213, 1020: // ER_LOCK_DEADLOCK, ER_CHECKREAD
		return Conflict
	case 1290, 1792, 1836: // ER_OPTION_PREVENTS_STATEMENT, …_READ_ONLY_TRANSACTION, ER_READ_ONLY_MODE
		return ReadOnly
	case 1205: // ER_LOCK_WAIT_TIMEOUT
		return Busy
	case 1146: // ER_NO_SUCH_TABLE
		return NoTable
	}
	return Other
}

// answeredMySQL reports whether an error is the answer to a statement, and not the end of
// the connection. That has a number, too, if the server says why.
func answeredMySQL(err error) bool {
	switch mysqlNumber(err) {
	case 0, 1053, 1152, 1927: // none; ER_SERVER_SHUTDOWN, ER_ABORTING_CONNECTION, ER_CONNECTION_KILLED
		return false
	}
	return true
}

func mysqlNumber(err error) uint64 {
	for ; err != nil; err = errors.Unwrap(err) {
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

// answeredSQLite reports whether an error comes from SQLite. There is no connection that
// could break, but a context may end during a statement.
func answeredSQLite(err error) bool {
	var e interface{ Code() int }
	return errors.As(err, &e)
}

// classifySQLite goes by SQLite's result code, for which modernc's errors have a
// method; the low byte is the code, the rest its details.
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
		if e.Code() == 1555 || e.Code() == 2067 { // …_PRIMARYKEY, …_UNIQUE
			return Unique
		}
	case 1: // SQLITE_ERROR: a missing table has no code of its own
		if strings.Contains(err.Error(), "no such table") {
			return NoTable
		}
	}
	return Other
}
