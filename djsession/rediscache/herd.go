package rediscache

import (
	"bytes"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pickle"
)

const herdModule = "django_redis.client.herd"

// herd returns an error for what django-redis's HerdClient wraps around a value: a
// tuple of a marker, the value, and a second timeout, which Django's session engines
// would go by and we could not.
func herd(data []byte) error {
	if !bytes.Contains(data, []byte(herdModule)) {
		return nil
	}
	o, err := pickle.Load(data, pickle.Limits{})
	if err != nil || o.Kind != pickle.Tuple || len(o.Items) != 3 || !isMarker(o.Items[0].Call) {
		return nil // whoever reads it will say what is wrong, if anything is
	}
	return fmt.Errorf("%w: %w", djsession.ErrMalformed, ErrHerdClient)
}

// isMarker tells whether an object was made of the class Marker: by it, or, in old
// protocols, by a function that is given it.
func isMarker(made *pickle.Call) bool {
	if made == nil {
		return false
	}
	from := []*pickle.Object{made.Callable}
	if made.Args != nil {
		from = append(from, made.Args.Items...)
	}
	for _, o := range from {
		if o == nil {
			continue
		}
		if module, name := o.Global(); module == herdModule && name == "Marker" {
			return true
		}
	}
	return false
}
