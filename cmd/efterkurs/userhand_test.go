package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUserCalendarIsRenewed(t *testing.T) {
	dir := t.TempDir()
	once(t, dir, nil, "a long enough password\n", "user", "add", "anna@skolen.example", "--name", "Anna Krogh", "--role", "consultant", "--password-stdin")
	first, errs, code := once(t, dir, nil, "", "user", "calendar", "Anna@skolen.example")
	if code != 0 || !strings.Contains(first, "/calendar/") {
		t.Fatalf("exit %d: %s%s", code, first, errs)
	}
	renewed, _, code := once(t, dir, nil, "", "user", "calendar", "anna@skolen.example", "--renew")
	after, _, _ := once(t, dir, nil, "", "user", "calendar", "anna@skolen.example")
	if code != 0 || renewed == first || after != renewed || !strings.HasSuffix(strings.TrimSpace(renewed), ".ics") {
		t.Errorf("exit %d: %s, then %s, then %s", code, first, renewed, after)
	}
	if _, errs, code := once(t, dir, nil, "", "user", "calendar", "ingen@skolen.example", "--renew"); code == 0 || !strings.Contains(errs, "ingen@skolen.example") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestUserReplaceHandsCompaniesOver(t *testing.T) {
	dir := t.TempDir()
	for _, u := range [][2]string{{"anna@skolen.example", "consultant"}, {"bo@skolen.example", "consultant"}, {"eva@skolen.example", "teacher"}} {
		once(t, dir, nil, "a long enough password\n", "user", "add", u[0], "--name", "Navn Navnesen", "--role", u[1], "--password-stdin")
	}
	roster := filepath.Join(dir, "r.csv")
	if err := os.WriteFile(roster, []byte("navn;virksomhed;kursus;startdato;slutdato;mobil;konsulent\nAli Hassan;Nordfald;5s;01-09-2031;02-09-2031;20114001;anna@skolen.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := once(t, dir, nil, "", "import", roster); code != 0 {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	for _, c := range []struct{ old, next, says string }{
		{"anna@skolen.example", "ingen@skolen.example", "ingen@skolen.example"}, {"anna@skolen.example", "anna@skolen.example", "themselves"}, {"anna@skolen.example", "eva@skolen.example", "nothing is handed over"},
	} {
		if _, errs, code := once(t, dir, nil, "", "user", "replace", c.old, c.next); code == 0 || !strings.Contains(errs, c.says) {
			t.Errorf("%s to %s: exit %d: %s", c.old, c.next, code, errs)
		}
	}
	if out, errs, code := once(t, dir, nil, "", "user", "replace", "anna@skolen.example", "bo@skolen.example"); code != 0 || !strings.Contains(out, "bo@skolen.example takes over") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	var lines []struct {
		Company string `json:"company"`
	}
	out, _, _ := once(t, dir, nil, "", "status", "--format", "json")
	if err := json.Unmarshal([]byte(out), &lines); err != nil || len(lines) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
}
