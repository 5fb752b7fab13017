// Package ops has the long jobs on the sessions of a store: it moves them to another store,
// writes them to a file and back, rewrites them in place, finds, counts and verifies them, deletes those of a
// user, and clears what has expired. Examine checks a store and its settings.
//
//	report, err := ops.Migrate(ctx, from, to, ops.Migration{})
//
// The jobs run beside a live site. They change a session only if it is still what they read,
// so they lose no write of Django's. Each can be stopped and run again: what is done is not done twice. They keep
// a few hundred sessions in memory, whatever the size of the store.
//
// If ctx ends, a job finishes the batches that it has begun and returns ctx's error, with a
// report of what it has done.
package ops
