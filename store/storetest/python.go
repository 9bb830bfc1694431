package storetest

import (
	"os/exec"
	"testing"
)

// Python is a Python with the calendar parsers icalendar and vobject; the test is skipped where there is none. The system's
// own comes first: Debian's packages are for it.
func Python(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if path, err := exec.LookPath(name); err == nil && exec.Command(path, "-c", "import icalendar, vobject, zoneinfo").Run() == nil {
			return path
		}
	}
	missing(t, "python-ical", "no python3 with icalendar and vobject (Debian: python3-icalendar, python3-vobject)")
	return ""
}
