package store

import (
	"database/sql/driver"
	"fmt"
	"time"

	"efterkurs/reminders"
)

// millis is an instant as both databases keep it: Unix milliseconds, 0 = the zero time.
type millis int64

func ms(t time.Time) millis {
	if t.IsZero() {
		return 0
	}
	return millis(t.UnixMilli())
}

// Time is the instant in UTC.
func (m millis) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// ref is a reference to a row: NULL in the database is 0 in Go.
type ref int64

func (r *ref) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*r = 0
	case int64:
		*r = ref(v)
	default:
		return fmt.Errorf("a reference cannot be a %T", v)
	}
	return nil
}

func (r ref) Value() (driver.Value, error) {
	if r == 0 {
		return nil, nil
	}
	return int64(r), nil
}

// date is a day as text, ” = none.
type date reminders.Date

func (d *date) Scan(v any) error {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("a day cannot be a %T", v)
	}
	if text == "" {
		*d = date{}
		return nil
	}
	parsed, err := reminders.ParseDate(text)
	*d = date(parsed)
	return err
}

func (d date) Value() (driver.Value, error) { return reminders.Date(d).String(), nil }

func window(from, to int) reminders.Window {
	return reminders.Window{From: reminders.Minute(from), To: reminders.Minute(to)}
}
