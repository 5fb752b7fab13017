package sqldialect

import "strings"

// retries is how often a statement is tried again that lost against another one,
// as it may where transactions are serializable. It has no effect then.
const retries = 5

// Retry runs a statement again while it loses against somebody else's.
func (d *Dialect) Retry(statement func() error) error {
	for attempt := 0; ; attempt++ {
		err := statement()
		if err == nil || attempt == retries || d.Classify(err) != Conflict {
			return err
		}
	}
}

// keyless is an error of the driver whose text quoted a key.
type keyless struct {
	error
	key, short string
}

// HideKey keeps a key out of an error's text, where it is short instead, and the
// error findable.
func HideKey(err error, key, short string) error {
	if err == nil || key == "" || !strings.Contains(err.Error(), key) {
		return err
	}
	return keyless{err, key, short}
}

func (e keyless) Error() string { return strings.ReplaceAll(e.error.Error(), e.key, e.short) }

func (e keyless) Unwrap() error { return e.error }
