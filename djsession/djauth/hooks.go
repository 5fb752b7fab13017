package djauth

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// callHook calls a function that the program has set in Auth. A panic in it becomes an
// error: so User and Login return it as any other, and Check can report it.
func callHook[T any](hook func() (T, error)) (result T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it panicked at %s: %s", panicPlace(), panicText(v))
		}
	}()
	return hook()
}

// panicText describes the value of a panic. Only the text of Go's own errors is shown,
// because a function that is given a password and a secret may panic with them.
func panicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", v)
}

// panicPlace returns the file and line of a panic, for the function that recovers from it.
func panicPlace() string {
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers[:])]) // 3: from what called the recovering function
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

// userCanAuthenticate calls the hook of that name.
func (a *Auth) userCanAuthenticate(backend string, user *User) (bool, error) {
	if a.UserCanAuthenticate == nil {
		return UserCanAuthenticate(backend, user), nil
	}
	can, err := callHook(func() (bool, error) { return a.UserCanAuthenticate(backend, user), nil })
	if err != nil {
		return false, fmt.Errorf("UserCanAuthenticate of %v: %w", user, err)
	}
	return can, nil
}
