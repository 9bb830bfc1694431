package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"efterkurs/reminders"
)

// once runs a command in this process on an embedded database in dir, with env on top of nothing.
func once(t *testing.T, dir string, env map[string]string, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	get := func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		if name == "DATABASE_URL" {
			return "sqlite:" + filepath.Join(dir, "efterkurs.db")
		}
		return ""
	}
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	code = Run(ctx, args, get, strings.NewReader(stdin), &out, &errs)
	return out.String(), errs.String(), code
}

const smallRoster = `navn;virksomhed;kursus;startdato;slutdato;mobil;kontaktperson;kontakt_mobil;konsulent
Ali Hassan;Nordfald;5s;01-09-2031;02-09-2031;20 11 40 01;Kirsten Holm;20 11 40 91;mette@skolen.example
Bo Lund;Nordfald;5s;01-09-2031;02-09-2031;+45 20 11 40 02;Kirsten Holm;20 11 40 91;mette@skolen.example
`

// Every wrong use is answered with one sentence that names what is wrong, and a non-zero exit.
func TestWrongUseGetsOneSentence(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
		says string
	}{
		{"no such command", nil, []string{"sned"}, `unknown command "sned"`},
		{"no such flag", nil, []string{"tick", "--dry"}, "unknown flag: --dry"},
		{"half of Twilio", map[string]string{"TWILIO_ACCOUNT_SID": "AC1"}, []string{"tick"}, "TWILIO_AUTH_TOKEN"},
		{"half of Slack", map[string]string{"SLACK_BOT_TOKEN": "xoxb"}, []string{"serve"}, "SLACK_SIGNING_SECRET"},
		{"half of e-mail", map[string]string{"SMTP_URL": "smtp://localhost"}, []string{"tick"}, "MAIL_FROM"},
		{"a mailbox and no mail", map[string]string{"MAIL_IMAP_URL": "imaps://u:p@localhost"}, []string{"tick"}, "SMTP_URL"},
		{"no such mailbox", map[string]string{"SMTP_URL": "smtp://localhost", "MAIL_FROM": "a@b.example", "MAIL_IMAP_URL": "pop3://u:p@localhost"}, []string{"tick"}, "MAIL_IMAP_URL"},
		{"no such database", map[string]string{"DATABASE_URL": "mysql://x"}, []string{"tick"}, "DATABASE_URL"},
		{"PostgreSQL without a secret", map[string]string{"DATABASE_URL": "postgres://127.0.0.1:1/x"}, []string{"tick"}, "EFTERKURS_SECRET"},
		{"a short secret", map[string]string{"EFTERKURS_SECRET": "abc"}, []string{"tick"}, "EFTERKURS_SECRET"},
		{"a secret's file is not there", map[string]string{"TWILIO_AUTH_TOKEN_FILE": "/nowhere/token"}, []string{"tick"}, "TWILIO_AUTH_TOKEN_FILE"},
		{"a secret twice", map[string]string{"EFTERKURS_SECRET": "a", "EFTERKURS_SECRET_FILE": "/b"}, []string{"tick"}, "keep one"},
		{"no such zone", map[string]string{"EFTERKURS_TIMEZONE": "Mars"}, []string{"tick"}, "EFTERKURS_TIMEZONE"},
		{"no such rate", map[string]string{"TWILIO_RATE": "fast"}, []string{"tick"}, "TWILIO_RATE"},
		{"no such level", map[string]string{"EFTERKURS_LOG": "loud"}, []string{"tick"}, "EFTERKURS_LOG"},
		{"an underscore in the host", map[string]string{"PUBLIC_URL": "https://my_host.example"}, []string{"tick"}, "underscore"},
		{"no such folder of texts", map[string]string{"EFTERKURS_TEMPLATES": "/nowhere"}, []string{"tick"}, "/nowhere"},
		{"an instant that is none", nil, []string{"tick", "--as-of", "tomorrow"}, "--as-of"},
		{"time travel to real people", map[string]string{"SMTP_URL": "smtp://mail.example", "MAIL_FROM": "a@b.example"}, []string{"tick", "--as-of", "2031-09-02T14:00:00Z"}, "--dry-run"},
		{"time travel to a real mailbox", map[string]string{"SMTP_URL": "smtp://localhost", "MAIL_FROM": "a@b.example", "MAIL_IMAP_URL": "imaps://u:p@mail.example"}, []string{"tick", "--as-of", "2031-09-02T14:00:00Z"}, "--dry-run"},
		{"the port is taken", map[string]string{"LISTEN_ADDR": busy.Addr().String()}, []string{"serve"}, busy.Addr().String()},
		{"nothing left to serve", nil, []string{"serve", "--no-web", "--no-worker"}, "nothing to do"},
		{"no file to import", nil, []string{"import"}, "one file"},
		{"a file that is not there", nil, []string{"import", "/nowhere.csv"}, "no such file"},
		{"no such format", nil, []string{"status", "--format", "xml"}, "--format"},
		{"no such course", nil, []string{"preview", "yoga"}, "yoga"},
		{"no folder to lint", nil, []string{"lint", "/nowhere"}, "/nowhere"},
		{"a role that is none", nil, []string{"user", "add", "a@b.dk", "--name", "A", "--role", "king"}, "--role"},
		{"an address that is none", nil, []string{"user", "add", "anna", "--name", "A", "--role", "admin"}, "anna"},
		{"no password where one was promised", nil, []string{"user", "add", "a@b.dk", "--name", "A", "--role", "admin", "--password-stdin"}, "--password-stdin"},
		{"disabling nobody", nil, []string{"user", "disable", "x@y.dk"}, "x@y.dk"},
		{"exporting nobody", nil, []string{"export", "Ingen Alsen"}, "Ingen Alsen"},
		{"erasing nobody", nil, []string{"erase", "+4520000000"}, "+4520000000"},
		{"resuming no channel", nil, []string{"resume", "fax"}, "fax"},
		{"an unreachable database", map[string]string{"DATABASE_URL": "postgres://user:hush@127.0.0.1:1/x?connect_timeout=1", "EFTERKURS_SECRET": worldSecret}, []string{"migrate", "up"}, "127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := once(t, t.TempDir(), c.env, "", c.args...)
			if code != exitFailed {
				t.Errorf("exit %d", code)
			}
			lines := strings.Split(strings.TrimSpace(errs), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, c.says) || !strings.HasPrefix(last, "efterkurs: ") || strings.Contains(errs, "panic") {
				t.Errorf("says %q, expected %q in it\n%s", errs, c.says, out)
			}
			if strings.Contains(errs+out, "hush") {
				t.Error("a password is told")
			}
		})
	}
}

func TestImportRefusesWholeFilesAndWritesNothing(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bad := write("bad.csv", smallRoster+"Carl;Nordfald;yoga;01-09-2031;02-09-2031;33 12 34 56;;;\n")
	out, errs, code := once(t, dir, nil, "", "import", bad)
	if code != exitFaults || !strings.Contains(errs, "line 4") || !strings.Contains(errs, "yoga") || !strings.Contains(errs, "nothing was written") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	out, _, code = once(t, dir, nil, "", "import", bad, "--json")
	var result struct {
		Created int `json:"created"`
		Faults  []struct {
			Line                    int
			Column, Found, Expected string
		}
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || code != exitFaults || len(result.Faults) < 2 {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	for _, f := range result.Faults {
		if f.Line != 4 || f.Column == "" || f.Found == "" || f.Expected == "" {
			t.Errorf("a fault that does not say where and what: %+v", f)
		}
	}
	for name, content := range map[string]string{
		"empty.csv": "", "picture.csv": "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "broken.xlsx": "PK\x03\x04 not a workbook", "header.csv": "navn;virksomhed\n",
	} {
		if out, errs, code := once(t, dir, nil, "", "import", write(name, content)); code != exitFailed || strings.Count(strings.TrimSpace(errs), "\n") != 0 {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, errs)
		}
	}
	if out, _, _ := once(t, dir, nil, "", "status", "--format", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("something was written: %s", out)
	}
	good := write("good.csv", smallRoster)
	if out, errs, code := once(t, dir, nil, "", "import", good, "--dry-run"); code != 0 || !strings.Contains(out, "nothing was written") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if out, _, _ := once(t, dir, nil, "", "status", "--format", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("a dry run wrote: %s", out)
	}
	if out, _, code := once(t, dir, nil, "", "import", good); code != 0 || !strings.Contains(out, "2 rows in: 2 new") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if out, _, code := once(t, dir, nil, "", "import", good); code != 0 || !strings.Contains(out, "2 as they were") {
		t.Errorf("again: exit %d\n%s", code, out)
	}
}

// The dry run says what a tick would do, and does none of it.
func TestDryRunWritesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "roster.csv")
	if err := os.WriteFile(path, []byte(smallRoster), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"SMTP_URL": "smtp://127.0.0.1:1", "MAIL_FROM": "a@b.example",
		"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM": "+4591000000", "PUBLIC_URL": "http://127.0.0.1:9", "TWILIO_BASE_URL": "http://127.0.0.1:1"}
	if _, errs, code := once(t, dir, env, "", "import", path); code != 0 {
		t.Fatal(errs)
	}
	before, _, _ := once(t, dir, env, "", "status", "--format", "json")
	out, errs, code := once(t, dir, env, "", "tick", "--dry-run", "--as-of", "2031-09-02T12:30:00+02:00", "--json")
	var result struct {
		Counts   reminders.Counts
		Messages []dryLine
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || code != 0 {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	if len(result.Messages) != 2 || result.Counts.Sent != 2 || result.Messages[0].Do != "send" || result.Messages[0].Step != "welcome" || result.Messages[0].Text == "" {
		t.Errorf("%s", out)
	}
	if out, _, _ := once(t, dir, env, "", "tick", "--dry-run", "--as-of", "2031-09-02T12:30:00+02:00"); !strings.Contains(out, "Ali Hassan") {
		t.Errorf("the table does not name who: %s", out)
	}
	if after, _, _ := once(t, dir, env, "", "status", "--format", "json"); after != before {
		t.Errorf("a dry run changed the status:\n%s\n%s", before, after)
	}
}

func TestExportAndErase(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "roster.csv")
	if err := os.WriteFile(path, []byte(smallRoster), 0o600); err != nil {
		t.Fatal(err)
	}
	once(t, dir, nil, "", "import", path)
	out, errs, code := once(t, dir, nil, "", "export", "20 11 40 01")
	if code != 0 || !strings.Contains(out, "Ali Hassan") || !strings.Contains(out, "+4520114001") || !json.Valid([]byte(out)) {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if out, errs, code := once(t, dir, nil, "", "erase", "Ali Hassan"); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if out, _, code := once(t, dir, nil, "", "export", "+4520114001"); code == 0 {
		t.Errorf("an erased person is still known: %s", out)
	}
	status, _, _ := once(t, dir, nil, "", "status", "--format", "json")
	if strings.Contains(status, "Ali Hassan") {
		t.Errorf("an erased person is in the status: %s", status)
	}
}

func TestUserAddListDisable(t *testing.T) {
	dir := t.TempDir()
	out, errs, code := once(t, dir, nil, "a long enough password\n", "user", "add", "Anna@Skolen.example", "--name", "Anna Krogh", "--role", "admin", "--password-stdin")
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if _, errs, code := once(t, dir, nil, "short\n", "user", "add", "b@skolen.example", "--name", "B", "--role", "teacher", "--password-stdin"); code == 0 {
		t.Errorf("a short password is taken: %s", errs)
	}
	var users []userLine
	out, _, _ = once(t, dir, nil, "", "user", "list", "--json")
	if err := json.Unmarshal([]byte(out), &users); err != nil || len(users) != 1 || users[0].Email != "anna@skolen.example" || users[0].Role != "admin" ||
		!strings.Contains(users[0].Calendar, "/calendar/") || !strings.HasSuffix(users[0].Calendar, ".ics") {
		t.Errorf("%v: %s", err, out)
	}
	if _, errs, code := once(t, dir, nil, "", "user", "disable", "anna@skolen.example"); code != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestUserDiaryChangesWhatIsGivenAndNothingOnBadInput(t *testing.T) {
	dir := t.TempDir()
	once(t, dir, nil, "", "user", "add", "mette@skolen.example", "--name", "Mette Holm", "--role", "consultant")
	user := func() (u userLine) {
		t.Helper()
		out, errs, _ := once(t, dir, nil, "", "user", "list", "--json")
		var users []userLine
		if err := json.Unmarshal([]byte(out), &users); err != nil || len(users) != 1 {
			t.Fatalf("%v: %s%s", err, out, errs)
		}
		return users[0]
	}
	if u := user(); u.Hours != reminders.DefaultHours.String() || u.Postcode != "" {
		t.Errorf("at first: %+v", u)
	}
	if _, errs, code := once(t, dir, nil, "", "user", "diary", "Mette@skolen.example", "--hours", "man-ons 9-14", "--postcode", "DK-7400"); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	const hours = "mon 09:00-14:00,tue 09:00-14:00,wed 09:00-14:00"
	if u := user(); u.Hours != hours || u.Postcode != "7400" {
		t.Errorf("then: %+v", u)
	}
	for _, bad := range [][]string{{"--hours", "man 25-26", "--postcode", "8000"}, {"--hours", "man 8-12", "--postcode", "740"}} {
		if _, errs, code := once(t, dir, nil, "", append([]string{"user", "diary", "mette@skolen.example"}, bad...)...); code == 0 || strings.Count(strings.TrimSpace(errs), "\n") != 0 {
			t.Errorf("%v: exit %d: %s", bad, code, errs)
		}
	}
	if _, errs, code := once(t, dir, nil, "", "user", "diary", "nobody@skolen.example", "--postcode", "8000"); code == 0 || !strings.Contains(errs, "nobody@skolen.example") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if u := user(); u.Hours != hours || u.Postcode != "7400" {
		t.Errorf("bad input changed it: %+v", u)
	}
}

// The address is checked before anything is changed, the next tick asks for it, and what is wrong with it is said where people look.
func TestUserDiaryBusy(t *testing.T) {
	dir := t.TempDir()
	once(t, dir, nil, "", "user", "add", "mette@skolen.example", "--name", "Mette Holm", "--role", "consultant")
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "no", http.StatusNotFound)
	}))
	defer server.Close()
	address := server.URL + "/mette.ics"
	diary := func(args ...string) (string, int) {
		_, errs, code := once(t, dir, nil, "", append([]string{"user", "diary", "mette@skolen.example"}, args...)...)
		return errs, code
	}
	user := func(busy, fault string) {
		t.Helper()
		out, errs, _ := once(t, dir, nil, "", "user", "list", "--json")
		var users []userLine
		if err := json.Unmarshal([]byte(out), &users); err != nil || len(users) != 1 || users[0].Busy != busy || !strings.Contains(users[0].BusyError, fault) ||
			(fault == "") != (users[0].BusyError == "") || !strings.Contains(out, `"busy_error":`) {
			t.Errorf("%v: %s%s", err, out, errs)
		}
		table, _, _ := once(t, dir, nil, "", "user", "list")
		if strings.Contains(table, "cannot be read") != (fault != "") || !strings.Contains(table, fault) {
			t.Errorf("table: %s", table)
		}
	}
	user("", "")
	if errs, code := diary("--busy", address); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	user(address, "")
	for _, bad := range []string{"my calendar", "file:///etc/passwd", "https://"} {
		if errs, code := diary("--busy", bad, "--postcode", "8000"); code == 0 || strings.Count(strings.TrimSpace(errs), "\n") != 0 || !strings.Contains(errs, "calendar address") {
			t.Errorf("%s: exit %d: %s", bad, code, errs)
		}
	}
	user(address, "")
	once(t, dir, nil, "", "tick", "--dry-run")
	if n := asked.Load(); n != 0 {
		t.Errorf("a dry run asked %d times", n)
	}
	for range 2 { // the second within half an hour
		if _, errs, code := once(t, dir, nil, "", "tick"); code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	user(address, "answers 404")
	if errs, code := diary("--busy", "none"); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	user("", "")
	// Where anything real is configured, this machine is not asked.
	if errs, code := diary("--busy", address); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	real := map[string]string{"SMTP_URL": "smtp://mail.invalid:25", "MAIL_FROM": "a@skolen.example"}
	if _, errs, code := once(t, dir, real, "", "tick"); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	user(address, "private network")
}

func TestBackupOfARunningDatabase(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "roster.csv")
	if err := os.WriteFile(path, []byte(smallRoster), 0o600); err != nil {
		t.Fatal(err)
	}
	once(t, dir, nil, "", "import", path)
	before, _, _ := once(t, dir, nil, "", "status", "--format", "json")
	copied := filepath.Join(t.TempDir(), "efterkurs.db")
	if out, errs, code := once(t, dir, nil, "", "backup", copied); code != 0 {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if _, errs, code := once(t, dir, nil, "", "backup", copied); code == 0 {
		t.Errorf("a backup was written over: %s", errs)
	}
	after, _, _ := once(t, filepath.Dir(copied), nil, "", "status", "--format", "json")
	if after != before || !strings.Contains(after, "Ali Hassan") {
		t.Errorf("the copy differs:\n%s\n%s", before, after)
	}
}

func TestPreviewAndLint(t *testing.T) {
	out, errs, code := once(t, t.TempDir(), nil, "", "preview", "smed", "--json")
	var previews []struct{ Step, Channel, Text string }
	if err := json.Unmarshal([]byte(out), &previews); err != nil || code != 0 || len(previews) < 50 {
		t.Errorf("exit %d, %v, %d texts: %s", code, err, len(previews), errs)
	}
	if out, errs, code := once(t, t.TempDir(), nil, "", "lint"); code != 0 || !strings.Contains(out, "0 errors") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "courses", "5s"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "courses", "5s", "da.md"), []byte("# 5S\n\n## 2. Forkert uge\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := once(t, t.TempDir(), nil, "", "lint", dir); code == 0 || !strings.Contains(errs, "courses/5s/da.md, line 3") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestDoctorSaysWhatIsMissing(t *testing.T) {
	out, _, code := once(t, t.TempDir(), nil, "", "doctor")
	if code != 0 || !strings.Contains(out, "SMS is off: to use it, set TWILIO_ACCOUNT_SID") || !strings.Contains(out, "The program has not begun to send yet") {
		t.Errorf("exit %d\n%s", code, out)
	}
	out, _, code = once(t, t.TempDir(), map[string]string{"SMTP_URL": "smtp://127.0.0.1:1", "MAIL_FROM": "a@b.example"}, "", "doctor")
	if code == 0 || !strings.Contains(out, "FAULT e-mail") {
		t.Errorf("exit %d\n%s", code, out)
	}
}
