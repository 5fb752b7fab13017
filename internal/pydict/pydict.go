// Package pydict converts between a *djsession.Values and the Python dict that it stands for.
//
// The serializers of package rediscache and the jobs of package ops need the Python objects. The types of package pickle are
// internal, so they cannot be in djsession's exported API. Package djsession sets these functions when it is initialized.
package pydict

import "github.com/djsess/djsess/internal/pickle"

var (
	// Of returns the dict of a *djsession.Values. It is the dict that the values were loaded as if nothing has changed,
	// else a dict with the same objects for the unchanged values.
	Of func(values any) (*pickle.Object, error)

	// IsPython reports whether a *djsession.Values holds Python objects, and not JSON alone.
	IsPython func(values any) bool

	// Values returns a *djsession.Values with the keys and values of a dict. What is no dict is a
	// djsession.ErrMalformed.
	Values func(dict *pickle.Object) (any, error)
)
