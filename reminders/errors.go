package reminders

import (
	"errors"
	"fmt"
)

// Error codes. They are mapped to an HTTP status and an exit code once, at the edge.
const (
	EINVALID     = "invalid"     // the caller's input is wrong; the message says how
	ENOTFOUND    = "not_found"   // there is no such thing
	ECONFLICT    = "conflict"    // somebody else was first
	EUNAVAILABLE = "unavailable" // the database or a provider cannot be reached now
	EINTERNAL    = "internal"    // everything else
)

// Error is an error with a code that a machine reads; its text is one sentence that a person reads.
type Error struct {
	Code string
	err  error
}

func (e *Error) Error() string { return e.err.Error() }
func (e *Error) Unwrap() error { return errors.Unwrap(e.err) }

// Errorf makes an Error. With %w in the format the wrapped error stays reachable.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, err: fmt.Errorf(format, args...)}
}

// ErrorCode is the code of err: "" for nil, EINTERNAL where none was given.
func ErrorCode(err error) string {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return EINTERNAL
}
