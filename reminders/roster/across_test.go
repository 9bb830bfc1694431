package roster

import (
	"strings"
	"testing"
)

func TestRulesOverRows(t *testing.T) {
	bo := func(cells ...string) map[string]string {
		return but(append([]string{"name", "Bo Friis", "phone", "30112233"}, cells...)...)
	}
	for rule, tc := range map[string]struct {
		rows   []map[string]string
		column string // of the one fault, on the last row; "" = none
		says   string
	}{
		"two people on one class":                             {[]map[string]string{anna, bo()}, "", ""},
		"one person on two courses":                           {[]map[string]string{anna, but("course", "smed")}, "", ""},
		"one person on two classes of a course":               {[]map[string]string{but("class", "A"), but("class", "B")}, "", ""},
		"the same row twice":                                  {[]map[string]string{anna, anna}, "phone", "line 2"},
		"a phone in another spelling":                         {[]map[string]string{anna, but("phone", "0045 20123456", "name", "ANNA  holm")}, "phone", "line 2"},
		"known by e-mail where there is no phone":             {[]map[string]string{but("phone", "", "email", "a@b.dk"), but("phone", "", "email", "A@b.dk")}, "email", "line 2"},
		"known by Slack id where there is neither":            {[]map[string]string{but("phone", "", "slack", "U012AB3CD"), but("phone", "", "slack", "u012ab3cd")}, "slack", "line 2"},
		"a shared mailbox is two people if the phones differ": {[]map[string]string{but("email", "a@b.dk"), bo("email", "a@b.dk")}, "", ""},
		"one phone, two names":                                {[]map[string]string{anna, bo("phone", "20123456")}, "phone", "on line 2 it belongs to Anna Holm"},
		"one phone, two names, on two courses":                {[]map[string]string{anna, bo("phone", "20123456", "course", "smed")}, "phone", "line 2"},
		"a named class with two ends":                         {[]map[string]string{but("class", "A"), bo("class", "a", "end", "2026-11-25")}, "end", "2026-11-24, the end of this class on line 2"},
		"a named class with two starts":                       {[]map[string]string{but("class", "A"), bo("class", "A", "start", "2026-11-22")}, "start", "line 2"},
		"a nameless class with two ends":                      {[]map[string]string{anna, bo("end", "2026-11-25")}, "end", "line 2"},
		"two starts are two nameless classes":                 {[]map[string]string{anna, bo("start", "2026-11-22")}, "", ""},
		"classes 1.1 and 11 are two":                          {[]map[string]string{but("class", "1.1"), bo("class", "11", "end", "2026-11-25")}, "", ""},
		"the same name on two courses":                        {[]map[string]string{but("class", "A"), bo("class", "A", "course", "smed", "end", "2026-11-25")}, "", ""},
		"two weekdays in one class":                           {[]map[string]string{but("weekday", "mandag"), bo("weekday", "tirsdag")}, "weekday", "line 2"},
		"a weekday on one row only":                           {[]map[string]string{but("weekday", "mandag"), bo("weekday", "")}, "", ""},
	} {
		t.Run(rule, func(t *testing.T) {
			res := read(t, lines(tc.rows...))
			if tc.column == "" {
				if len(res.Faults) != 0 || len(res.Rows) != len(tc.rows) {
					t.Fatalf("faults %v", res.Faults)
				}
				return
			}
			if len(res.Faults) != 1 || len(res.Rows) != len(tc.rows)-1 {
				t.Fatalf("%d rows, faults %v", len(res.Rows), res.Faults)
			}
			f := res.Faults[0]
			if f.Line != len(tc.rows)+1 || f.Column != tc.column || !strings.Contains(f.Expected, tc.says) {
				t.Errorf("%v", f)
			}
		})
	}
}

// A duplicate is found although its first row has another fault.
func TestAFaultyRowStillCountsForTheOthers(t *testing.T) {
	res := read(t, lines(but("language", "klingon"), anna))
	if len(res.Faults) != 2 || res.Faults[1].Line != 3 || res.Faults[1].Column != "phone" {
		t.Errorf("%v", res.Faults)
	}
}
