package sqltable

import "context"

// Outcome is what a ReplaceAll did to one of its rows.
type Outcome int

const (
	// Done: the row was written.
	Done Outcome = iota
	// Gone: there is no such row.
	Gone
	// Changed: another writer has changed the row.
	Changed
	// Unchanged: the row is as it was, and yet was not written. Change finds out why.
	Unchanged
	// Unknown: it is not known whether the row was written before another writer changed it.
	Unknown
)

// Outcomes returns what a ReplaceAll did to its rows, and the rows that it did not write. If it did not
// write all, it reads them.
func (t *Table) Outcomes(ctx context.Context, op string, rows []Written, r Replaced) (map[string]Outcome, map[string]Row, error) {
	outcomes := map[string]Outcome{} // Done, if nothing else is found
	if r.rows == len(rows) {
		return outcomes, nil, nil
	}
	var unsure []Written
	var keys []string
	for _, row := range rows {
		if !r.keys[row.Key] {
			unsure, keys = append(unsure, row), append(keys, row.Key)
		}
	}
	stored, err := t.ReadAll(ctx, op, keys)
	if err != nil {
		return nil, nil, err
	}
	for _, row := range unsure {
		outcomes[row.Key] = t.outcome(row, stored)
	}
	if r.keys == nil {
		t.count(unsure, stored, r.rows, outcomes)
	}
	return outcomes, stored, nil
}

// outcome returns what the stored row shows, if the row was not written.
func (t *Table) outcome(row Written, stored map[string]Row) Outcome {
	there, found := stored[row.Key]
	if !found {
		return Gone
	}
	current, err := t.Parse(there)
	switch {
	case err != nil || !t.Same(current, row.Old):
		return Changed
	case t.Dialect.ChangedRows && t.Same(row.Old, row.New):
		return Done // nothing was to be changed, and MySQL counts only rows that change
	}
	return Unchanged
}

// count finds the rows that were written, for MySQL, which returns only their number. A row with
// exactly the new data and time counts as written. If there are fewer of them than MySQL has counted,
// another writer has changed one that was written, and it is not known which.
func (t *Table) count(rows []Written, stored map[string]Row, counted int, outcomes map[string]Outcome) {
	written, same := 0, 0
	for _, row := range rows {
		current, err := t.Parse(stored[row.Key])
		switch {
		case counted > 0 && err == nil && t.holds(current, row.New) && !row.Old.Equal(row.New):
			outcomes[row.Key] = Done
			written++
		case outcomes[row.Key] == Done:
			same++ // which some connections count, too
		}
	}
	if counted <= written || counted == written+same {
		return
	}
	for key, outcome := range outcomes {
		if outcome == Changed || outcome == Unchanged {
			outcomes[key] = Unknown
		}
	}
}

// holds reports whether a row holds exactly what was written, up to the rounding of a column that has
// whole seconds.
func (t *Table) holds(current, written Version) bool {
	return current.Equal(written) || current.At.Nanosecond() == 0 && t.Same(current, written)
}

// Holds returns the keys of the rows that equal what was to be written.
func (t *Table) Holds(ctx context.Context, op string, rows []Written, equal func(there, written Version) bool) (map[string]bool, error) {
	keys := make([]string, len(rows))
	for i, row := range rows {
		keys[i] = row.Key
	}
	stored, err := t.ReadAll(ctx, op, keys)
	if err != nil {
		return nil, err
	}
	holds := map[string]bool{}
	for _, row := range rows {
		if there, found := stored[row.Key]; found {
			current, err := t.Parse(there)
			holds[row.Key] = err == nil && equal(current, row.New)
		}
	}
	return holds, nil
}
