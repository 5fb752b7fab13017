// Package middlewaretest holds djsession's middleware against Django's: every row of one table, a request and what the
// view does, is sent to a Django 5.2 and to a Go handler that does the same, over the same store in the same state, at the
// same standstill of the clock; and then all that a visitor or a store could notice must be equal.
//
// Where djsess keeps on purpose what Django would destroy, Differences says why, and what Go does instead.
//
// The table is run with an engine by its test: see Run. A new engine needs a class in testdata/middleware_peer.py, which
// says how Django's side of it is put into a state and looked at.
package middlewaretest
