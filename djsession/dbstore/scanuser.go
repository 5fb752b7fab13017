package dbstore

import (
	"context"
	"iter"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/fieldvalue"
	"github.com/djsess/djsess/internal/sqltable"
)

// userValue is the session value that holds the primary key of the user.
const userValue = "_auth_user_id"

// userColumn returns the column of the model that holds the user, or nil.
func (s *Store) userColumn() *Column {
	for i, c := range s.model.Columns {
		if c.kind == kindValue && c.value == userValue {
			return &s.model.Columns[i]
		}
	}
	return nil
}

// UserColumn returns the name of the column of Config.Model that holds the user. It is empty if the
// model has none.
func (s *Store) UserColumn() string {
	if c := s.userColumn(); c != nil {
		return c.name
	}
	return ""
}

// ScanUser yields the sessions of a range whose column says that they are the user's. A row that was
// written by a program which does not fill the column is not found.
func (s *Store) ScanUser(ctx context.Context, id string, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	c := s.userColumn()
	if c == nil {
		return func(func(*djsession.Record, error) bool) {}
	}
	field := fieldvalue.Type(c.as)
	text, ok := field.Convert(id)
	if !ok {
		return func(func(*djsession.Record, error) bool) {}
	}
	return s.scan(ctx, r, sqltable.Range{Column: c.name, Value: field.Param(text)})
}
