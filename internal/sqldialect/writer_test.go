package sqldialect

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"testing"
	"time"
)

// said is what a database was told, and how it answers.
type said struct {
	words []string
	exec  func() error // what becomes of a statement
	dead  int          // so many connections of the pool have ended
}

func (s *said) Connect(context.Context) (driver.Conn, error) { return &saidConn{said: s}, nil }
func (s *said) Driver() driver.Driver                        { return nil }

func (s *said) take() []string {
	words := s.words
	s.words = nil
	return words
}

type saidConn struct {
	driver.Conn // nothing else is asked
	*said
}

func (c *saidConn) Close() error { return nil }

func (c *saidConn) Ping(context.Context) error {
	c.words = append(c.words, "ping")
	if c.dead > 0 {
		c.dead--
		return driver.ErrBadConn
	}
	return nil
}

func (c *saidConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	c.words = append(c.words, "write")
	if c.exec == nil {
		return driver.RowsAffected(1), nil
	}
	return driver.RowsAffected(1), c.exec()
}

// sqlState is an answer of PostgreSQL's.
type sqlState string

func (s sqlState) Error() string    { return string(s) }
func (s sqlState) SQLState() string { return string(s) }

// answers has statements end in these errors, one after the other.
func answers(errs ...error) func() error {
	return func() error {
		err := errs[0]
		errs = errs[1:]
		return err
	}
}

func newWriter(t *testing.T) (*said, *Writer) {
	s := new(said)
	db := sql.OpenDB(s)
	t.Cleanup(func() { db.Close() })
	w := PostgreSQL.NewWriter(db)
	w.Answered()
	return s, w
}

// A statement is sent once; only what changes nothing when it is done twice is sent
// again, and then what the database says is told from an answer to the first.
func TestWriterSendsOnce(t *testing.T) {
	bad, unique := driver.ErrBadConn, sqlState("23505")
	write := []string{"write"}
	for _, test := range []struct {
		name   string
		again  bool
		errs   []error
		writes int
		class  Class
		isNil  bool
		repeat bool
	}{
		{"done", false, []error{nil}, 1, Other, true, false},
		{"lost", false, []error{bad}, 1, Lost, false, false},
		{"refused", false, []error{unique}, 1, Unique, false, false},
		{"conflict", false, []error{sqlState("40001")}, 1, Conflict, false, false},
		{"last words", false, []error{sqlState("57P01")}, 1, Lost, false, false},
		{"again: done", true, []error{nil}, 1, Other, true, false},
		{"again: refused", true, []error{unique}, 1, Unique, false, false},
		{"again: conflict", true, []error{sqlState("40001"), nil}, 2, Other, true, false},
		{"again: lost, done", true, []error{bad, nil}, 2, Other, true, true},
		{"again: lost, there", true, []error{bad, unique}, 2, Unique, false, true},
		{"again: lost, refused", true, []error{bad, sqlState("25006")}, 2, Lost, false, true},
		{"again: always lost", true, []error{bad, bad, bad}, 3, Lost, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, w := newWriter(t)
			s.exec = answers(test.errs...)
			var repeat bool
			var err error
			if test.again {
				_, repeat, err = w.ExecAgain(t.Context(), Statement{}, nil)
			} else {
				_, err = w.Exec(t.Context(), Statement{}, nil)
			}
			if (err == nil) != test.isNil || PostgreSQL.Classify(err) != test.class || repeat != test.repeat {
				t.Errorf("%v (class %d), again %v", err, PostgreSQL.Classify(err), repeat)
			}
			words := slices.DeleteFunc(s.take(), func(word string) bool { return word == "ping" })
			if !slices.Equal(words, slices.Repeat(write, test.writes)) {
				t.Errorf("said %q", words)
			}
		})
	}
}

// No write costs a ping while the database answers; after a silence, and after a
// connection has broken, it does, until one is found that works.
func TestWriterPings(t *testing.T) {
	s, w := newWriter(t)
	say := func(what string, want ...string) {
		t.Helper()
		_, err := w.Exec(t.Context(), Statement{}, nil)
		if got := s.take(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", what, got, err, want)
		}
	}
	for range 3 {
		say("in traffic", "write")
	}
	w.answered.Add(-int64(2 * time.Second))
	say("after a silence", "ping", "write")
	say("and then", "write")
	w.answered.Add(-int64(2 * time.Second))
	w.Answered()
	say("after a read", "write")

	s.dead = 1
	w.answered.Add(-int64(2 * time.Second))
	say("a connection that has ended", "ping", "ping", "write")
	say("and then", "write")

	s.exec = answers(driver.ErrBadConn)
	if _, err := w.Exec(t.Context(), Statement{}, nil); PostgreSQL.Classify(err) != Lost {
		t.Error(err)
	}
	s.exec = nil
	s.take()
	say("after one has broken", "ping", "write")

	// Nothing was sent, so that nothing can be lost.
	s.dead = 1000
	if _, err := w.Exec(t.Context(), Statement{}, nil); err == nil || PostgreSQL.Classify(err) == Lost || slices.Contains(s.take(), "write") {
		t.Errorf("without a connection: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Exec(ctx, Statement{}, nil); !errors.Is(err, context.Canceled) || PostgreSQL.Classify(err) == Lost {
		t.Errorf("after the context: %v", err)
	}
}
