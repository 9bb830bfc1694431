package roster

import (
	"slices"
	"strings"
	"testing"
)

// anna is a row in which nothing is wrong, by column.
var anna = map[string]string{
	"name": "Anna Holm", "company": "Fjordglas A/S", "course": "5s", "start": "2026-11-23", "end": "2026-11-24", "phone": "20123456",
}

// lines writes rows as a semicolon file whose header holds every column used.
func lines(rows ...map[string]string) string {
	var header []string
	for c := range columnCount {
		if slices.ContainsFunc(rows, func(r map[string]string) bool { _, ok := r[c.String()]; return ok }) {
			header = append(header, c.String())
		}
	}
	out := strings.Join(header, ";") + "\n"
	for _, row := range rows {
		var cells []string
		for _, c := range header {
			cells = append(cells, `"`+strings.ReplaceAll(row[c], `"`, `""`)+`"`)
		}
		out += strings.Join(cells, ";") + "\n"
	}
	return out
}

// but is anna with other cells: column, value, column, value …
func but(cells ...string) map[string]string {
	row := make(map[string]string)
	for c, v := range anna {
		row[c] = v
	}
	for i := 0; i < len(cells); i += 2 {
		row[cells[i]] = cells[i+1]
	}
	return row
}

func read(t *testing.T, text string) Result {
	t.Helper()
	res, err := Read(strings.NewReader(text), "hold.csv", Options{})
	if err != nil {
		t.Fatalf("Read: %v\n%s", err, text)
	}
	return res
}

func readOne(t *testing.T, text string) Row {
	t.Helper()
	res := read(t, text)
	if len(res.Faults) > 0 || len(res.Rows) != 1 {
		t.Fatalf("%d rows, faults %v\n%s", len(res.Rows), res.Faults, text)
	}
	return res.Rows[0]
}

// accepted and refused are cases of one column.
type accepted struct{ found, want string }
type refused struct{ found, says string }

func checkColumn(t *testing.T, column string, get func(Row) string, good []accepted, bad []refused, other ...string) {
	t.Helper()
	for _, tc := range good {
		row := readOne(t, lines(but(append(slices.Clone(other), column, tc.found)...)))
		if got := get(row); got != tc.want {
			t.Errorf("%s %q became %q, want %q", column, tc.found, got, tc.want)
		}
	}
	for _, tc := range bad {
		res := read(t, lines(but(append(slices.Clone(other), column, tc.found)...)))
		if len(res.Rows) != 0 || len(res.Faults) != 1 {
			t.Errorf("%s %q: %d rows, faults %v, want one fault", column, tc.found, len(res.Rows), res.Faults)
			continue
		}
		f := res.Faults[0]
		if f.Line != 2 || f.Column != column || !strings.Contains(f.Expected, tc.says) {
			t.Errorf("%s %q: fault %v, want line 2, column %s, saying %q", column, tc.found, f, column, tc.says)
		}
	}
}

func TestAFullRowIsNormalised(t *testing.T) {
	got := readOne(t, lines(map[string]string{
		"name": "  Søren  Ågård ", "company": "Fjordglas\u00a0A/S", "course": "Problemløsning", "start": "23-11-2026", "end": "24/11/2026",
		"class": "Hold 7", "phone": "0045 20 12 34 56", "email": "Soren@Fjordglas.DK", "slack": "u012ab3cd", "channel": "Slack",
		"language": "Polsk", "easy": "Ja", "shift": "aften", "window": "12.00 - 13.30", "team": "Pakkeri", "goal": "mindre\nspild",
		"basis": "samtykke", "contact": "Bo Friis", "contact_phone": "+45 30 11 22 33", "contact_email": "BO@fjordglas.dk",
		"consultant": "kim@skole.dk", "teacher": "lis@skole.dk", "postcode": "DK-7400", "closed_weeks": "uge 29-31, 52", "weekday": "Torsdag",
	}))
	want := Row{
		Line: 2, Name: "Søren Ågård", Company: "Fjordglas A/S", Course: "problemloesning", Start: "2026-11-23", End: "2026-11-24",
		Class: "Hold 7", Phone: "+4520123456", Email: "soren@fjordglas.dk", Slack: "U012AB3CD", Channel: "slack",
		Language: "pl", Easy: true, Shift: "evening", WindowFrom: 720, WindowTo: 810, Team: "Pakkeri", Goal: "mindre spild",
		Basis: "consent", Contact: "Bo Friis", ContactPhone: "+4530112233", ContactEmail: "bo@fjordglas.dk",
		Consultant: "kim@skole.dk", Teacher: "lis@skole.dk", ClosedWeeks: "29-31,52", Postcode: "7400", Weekday: 4,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
