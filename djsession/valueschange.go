package djsession

import "errors"

// SetDefault sets a value unless there is one of this name: Python's setdefault.
func (v *Values) SetDefault(name string, value any) error {
	if v.Has(name) {
		return nil
	}
	return v.Set(name, value)
}

// Pop decodes a value into what dst points to, and removes it. Without such a value the
// error is ErrNoValue. A value that does not fit dst is an error and stays.
func (v *Values) Pop(name string, dst any) error {
	if err := v.Get(name, dst); err != nil {
		return err
	}
	v.Delete(name)
	return nil
}

// GetOr returns a value of a *Session or a *Values, or fallback if there is no such value:
// Django's session.get(name, fallback). A value that is not a T is an error.
//
// A Go map loses the order of a dict. A struct loses the members that it has no field for.
// A T of Values keeps both.
func GetOr[T any](from interface {
	Get(name string, dst any) error
}, name string, fallback T) (T, error) {
	var value T
	err := from.Get(name, &value)
	if errors.Is(err, ErrNoValue) {
		return fallback, nil
	}
	return value, err
}
