package templates

import (
	"fmt"
	"time"
)

// FormatDate is a day as people say it: “tirsdag 2. februar”, “Tuesday 2 February”. when is in the zone of its reader.
func (t *Texts) FormatDate(lang string, when time.Time) string {
	day := t.Word(lang, fmt.Sprintf("weekday-%d", when.Weekday()))
	month := t.Word(lang, fmt.Sprintf("month-%d", when.Month()))
	return fmt.Sprintf(t.Word(lang, "date"), day, when.Day(), month)
}

// FormatTime is a time of day as people say it: “kl. 9.00”, “9:00”.
func (t *Texts) FormatTime(lang string, when time.Time) string {
	return fmt.Sprintf(t.Word(lang, "time"), when.Hour(), when.Minute())
}
