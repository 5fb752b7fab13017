// Package edit makes the changes that tests pass to djsession.Update and Session.Apply.
package edit

import "github.com/djsess/djsess/djsession"

// Change is the function that djsession.Update and Session.Apply take.
type Change = func(v *djsession.Values) error

// Set returns a change that sets a value.
func Set(name string, value any) Change {
	return func(v *djsession.Values) error { return v.Set(name, value) }
}

// SetJSON returns a change that sets a value given as JSON.
func SetJSON(name, json string) Change {
	return func(v *djsession.Values) error { return v.SetJSON(name, json) }
}

// Delete returns a change that removes values.
func Delete(names ...string) Change {
	return func(v *djsession.Values) error {
		v.Delete(names...)
		return nil
	}
}

// Add returns a change that adds n to a number, which is 0 if there is none. Every run of
// it counts, so a lost or repeated change shows in the sum.
func Add(name string, n int) Change {
	return func(v *djsession.Values) error {
		sum, err := djsession.GetOr(v, name, 0)
		if err != nil {
			return err
		}
		return v.Set(name, sum+n)
	}
}

// All returns the changes as one.
func All(changes ...Change) Change {
	return func(v *djsession.Values) error {
		for _, change := range changes {
			if err := change(v); err != nil {
				return err
			}
		}
		return nil
	}
}
