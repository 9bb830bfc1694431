package main

import (
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/store/storetest"
)

// mailWorld is an installation with a mailbox, and a class of people who are written to by e-mail.
type mailWorld struct {
	*world
	box     *providertest.IMAP
	now     time.Time
	written int // mails, to tell them apart
}

func newMailWorld(t *testing.T, database string, people ...string) *mailWorld {
	w := &mailWorld{world: newWorld(t, database), box: providertest.NewIMAP(t)}
	// Mail alone: what another channel does to its own is no matter here.
	w.env = slices.DeleteFunc(w.env, func(v string) bool { return strings.HasPrefix(v, "TWILIO_") || strings.HasPrefix(v, "SLACK_") })
	w.env = append(w.env, "MAIL_IMAP_URL_FILE="+w.file("imap-url", w.box.URL+"\n"))
	csv := "name,company,course,start,end,email,shift,channel\n"
	for _, name := range people {
		csv += fmt.Sprintf("%s Holm,Nordfald,5s,2031-09-01,2031-09-02,%s@nordfald.example,day,email\n", name, strings.ToLower(name))
	}
	w.run("import", w.file("roster.csv", csv))
	return w
}

// eachMailWorld runs a test on both databases.
func eachMailWorld(t *testing.T, people []string, test func(t *testing.T, w *mailWorld)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newMailWorld(t, "sqlite:efterkurs.db", people...)) })
	t.Run("postgres", func(t *testing.T) { test(t, newMailWorld(t, storetest.Postgres(t), people...)) })
}

// tick is a tick of the real binary at an hour in Denmark.
func (w *mailWorld) tick(at string) {
	w.t.Helper()
	w.at(at)
	w.run("tick", "--as-of", w.now.Format(time.RFC3339))
}

func (w *mailWorld) at(at string) {
	w.t.Helper()
	now, err := time.ParseInLocation("2006-01-02 15:04", at, danish)
	if err != nil {
		w.t.Fatal(err)
	}
	w.now = now
}

// got are the mails that came to name.
func (w *mailWorld) got(name string) (mails []providertest.Mail) {
	for _, m := range w.smtp.Messages() {
		if slices.Contains(m.To, strings.ToLower(name)+"@nordfald.example") {
			mails = append(mails, m)
		}
	}
	return mails
}

// last is the mail that came to name last.
func (w *mailWorld) last(name string) providertest.Mail {
	w.t.Helper()
	all := w.got(name)
	if len(all) == 0 {
		w.t.Fatalf("%s got no mail", name)
	}
	return all[len(all)-1]
}

// answers is name pressing "reply" in their mail program, which writes text above what it quotes; to the address that it is
// told to answer to, unless to is another.
func (w *mailWorld) answers(name string, m providertest.Mail, to, text string, headers ...string) {
	w.t.Helper()
	if to == "" {
		reply, err := mail.ParseAddress(m.Header.Get("Reply-To"))
		if err != nil {
			w.t.Fatal(err)
		}
		to = reply.Address
	}
	quoted := "> " + strings.ReplaceAll(strings.ReplaceAll(m.Text, "\r\n", "\n"), "\n", "\n> ")
	w.write(name, append([]string{"To: " + to, "Subject: SV: " + m.Subject, "In-Reply-To: " + m.Header.Get("Message-Id"), "References: " + m.Header.Get("Message-Id")}, headers...),
		text+"\n\nMed venlig hilsen\n"+name+" Holm\nOperatør\n\nDen 9. sep. 2031 kl. 12.31 skrev Fjordens Skole <"+to+">:\n\n"+quoted)
}

// write puts a mail of name's into the mailbox.
func (w *mailWorld) write(name string, headers []string, text string) {
	w.t.Helper()
	w.written++
	raw := fmt.Sprintf("From: %s Holm <%s@nordfald.example>\r\nDate: %s\r\nMessage-ID: <%s.%d@nordfald.example>\r\nContent-Type: text/plain; charset=utf-8\r\n%s\r\n\r\n%s", name, strings.ToLower(name),
		w.now.Format(time.RFC1123Z), strings.ToLower(name), w.written, strings.Join(headers, "\r\n"), strings.ReplaceAll(text, "\n", "\r\n"))
	w.box.Deliver([]byte(raw), w.now)
}

// line is what status says of name.
func (w *mailWorld) line(name string) statusLine {
	w.t.Helper()
	for _, line := range w.statusOf() {
		if strings.HasPrefix(line.Name, name+" ") {
			return line
		}
	}
	w.t.Fatalf("status knows no %s", name)
	return statusLine{}
}

func (w *mailWorld) step(name, step string) statusStep {
	w.t.Helper()
	for _, s := range w.line(name).Steps {
		if s.Step == step {
			return s
		}
	}
	w.t.Fatalf("%s has no %s", name, step)
	return statusStep{}
}

func (s statusStep) answered(digit string) bool { return s.Answer != nil && *s.Answer == digit }

// An answer written by pressing "reply" counts, once, and is thanked for; one that somebody writes in another's name does
// nothing but wait for a person.
func TestAnAnswerByReplyCounts(t *testing.T) {
	eachMailWorld(t, []string{"Maja", "Per"}, func(t *testing.T, w *mailWorld) {
		w.tick("2031-09-02 14:30")
		w.tick("2031-09-09 14:30")
		mails := w.got("Maja")
		exercise := mails[slices.IndexFunc(mails, func(m providertest.Mail) bool { return strings.Contains(m.HTML, "?v=1") })]
		before := len(mails)
		w.at("2031-09-09 15:00")
		w.answers("Maja", exercise, "", "2 vi nåede det ikke")
		w.answers("Per", exercise, "efterkurs@skolen.example", "ja", "X-Spare: 1") // to the bare address, with what it answers
		w.write("Per", []string{"To: efterkurs+m1@skolen.example", "Subject: Re: x"}, "1")
		w.tick("2031-09-09 15:01")
		w.tick("2031-09-09 15:02")
		if s := w.step("Maja", "exercise-1"); !s.answered("1") { // Per has her mail: whoever has it answers for her, and the last one counts
			t.Errorf("Maja's exercise is %+v", s)
		}
		if s := w.step("Per", "exercise-1"); s.Answer != nil {
			t.Errorf("a forged answer counts: %+v", s)
		}
		if said := w.got("Maja")[before:]; len(said) == 0 || len(said) > 2 {
			t.Errorf("Maja heard %d mails", len(said))
		}
		export := w.run("export", "maja@nordfald.example")
		if strings.Count(export, "2 vi nåede det ikke") != 1 || strings.Contains(export, "venlig hilsen") {
			t.Errorf("what is kept: %s", export)
		}
		if all, unseen := w.box.Unseen(); all != 3 || unseen != 3 {
			t.Errorf("of %d mails %d are unread", all, unseen)
		}
	})
}

// STOP by mail that came while the server was down is honoured before anything is sent. It fails where the mailbox is read
// after the sending, or not at all at the start.
func TestAStopByMailWrittenWhileTheServerWasDownIsHonouredFirst(t *testing.T) {
	eachMailWorld(t, []string{"Ali", "Maja"}, func(t *testing.T, w *mailWorld) {
		w.tick("2031-09-02 14:30")
		w.tick("2031-09-09 14:30")
		had := len(w.got("Ali"))
		w.at("2031-09-12 03:00")
		w.answers("Ali", w.last("Ali"), "", "Stop")
		w.tick("2031-09-16 14:30")
		if got := w.got("Ali"); len(got) != had {
			t.Errorf("after STOP came %q", got[had:])
		}
		if l := w.line("Ali"); l.State != "opted_out" {
			t.Errorf("Ali is %s", l.State)
		}
		if s := w.step("Maja", "exercise-2"); s.State != "accepted" {
			t.Errorf("Maja's exercise is %+v", s)
		}
	})
}

// While the mailbox cannot be read no mail leaves, since a STOP may lie in it; afterwards all goes on.
func TestNoMailLeavesWhileTheMailboxCannotBeRead(t *testing.T) {
	w := newMailWorld(t, "sqlite:efterkurs.db", "Ali", "Maja")
	w.box.Shut()
	w.tick("2031-09-02 14:30")
	if sent := w.smtp.Messages(); len(sent) != 0 {
		t.Fatalf("%d mails left", len(sent))
	}
	if out, _, code := w.try("", "doctor"); code == 0 || !strings.Contains(out, "mailbox") || strings.Contains(out, w.box.Password) {
		t.Errorf("doctor says %d %s", code, out)
	}
	w.box.Open()
	w.write("Ali", []string{"To: efterkurs@skolen.example", "Subject: STOP"}, "")
	w.tick("2031-09-02 14:35")
	if got := w.got("Ali"); len(got) != 0 || len(w.got("Maja")) != 1 {
		t.Errorf("Ali got %d, Maja %d", len(got), len(w.got("Maja")))
	}
	if out, _, code := w.try("", "doctor"); code != 0 {
		t.Errorf("doctor says %d %s", code, out)
	}
}

// A mail that comes back stops its address and shows on its step and on the pages; an answer from a machine is kept, answers
// nothing and is not answered.
func TestWhatMachinesSendBackIsNoAnswer(t *testing.T) {
	eachMailWorld(t, []string{"Bo", "Eva", "Maja"}, func(t *testing.T, w *mailWorld) {
		w.tick("2031-09-02 14:30")
		w.tick("2031-09-09 14:30")
		ofExercise := func(name string) providertest.Mail {
			mails := w.got(name)
			return mails[slices.IndexFunc(mails, func(m providertest.Mail) bool { return strings.Contains(m.HTML, "?v=1") })]
		}
		bounce, err := os.ReadFile(filepath.Join("..", "..", "bot", "email", "testdata", "mails", "bounce-postfix.eml"))
		if err != nil {
			t.Fatal(err)
		}
		w.at("2031-09-09 14:31")
		returned := strings.ReplaceAll(string(bounce), "<m4711.abcdefghijklmnop@skolen.example>", ofExercise("Bo").Header.Get("Message-Id"))
		w.box.Deliver([]byte(returned), w.now)
		w.box.Deliver([]byte(strings.ReplaceAll(string(bounce), "20310909100100.1@", "forged@")), w.now) // nobody's signature
		w.answers("Eva", ofExercise("Eva"), "", "Jeg holder ferie. Ring 1 for vagten.", "Auto-Submitted: auto-replied")
		had := map[string]int{"Bo": len(w.got("Bo")), "Eva": len(w.got("Eva"))}
		w.tick("2031-09-09 14:32")
		w.tick("2031-09-09 14:33")
		if s := w.step("Bo", "exercise-1"); s.State != "undelivered" || s.Reason != "5.1.1" {
			t.Errorf("Bo's exercise is %+v", s)
		}
		if s := w.step("Eva", "exercise-1"); s.State != "accepted" || s.Answer != nil {
			t.Errorf("Eva's exercise is %+v", s)
		}
		export := w.run("export", "eva@nordfald.example")
		if !regexp.MustCompile(`(?s)"Kind": "auto".*|"kind": "auto".*`).MatchString(export) || !strings.Contains(export, "Ring 1 for vagten") {
			t.Errorf("Eva's answer is not kept as a machine's: %s", export)
		}
		w.tick("2031-09-16 14:30")
		if got := w.got("Bo"); len(got) != had["Bo"] {
			t.Errorf("after the mail came back %d more left", len(got)-had["Bo"])
		}
		for _, m := range w.got("Eva")[had["Eva"]:] {
			if !strings.Contains(m.HTML, "?v=") && !strings.Contains(m.Subject, "akker") {
				t.Errorf("the machine was answered: %q", m.Subject)
			}
		}
		if s := w.step("Bo", "exercise-2"); s.State != "skipped" {
			t.Errorf("Bo's next exercise is %+v", s)
		}
		if s := w.step("Maja", "exercise-2"); s.State != "accepted" {
			t.Errorf("Maja's next exercise is %+v", s)
		}
		// As its own mails say, so that machines do not answer them in turn.
		if m := w.last("Maja"); m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("X-Auto-Response-Suppress") != "All" {
			t.Errorf("our mails bear %v", m.Header)
		}
	})
}

var inAngles = regexp.MustCompile(`<([^>]+)>`)

// The button that a mail program shows ends it: by one POST, as RFC 8058 has it, or by a mail that says nothing.
func TestUnsubscribeByTheMailProgramsButton(t *testing.T) {
	eachMailWorld(t, []string{"Ida", "Ole", "Maja"}, func(t *testing.T, w *mailWorld) {
		w.tick("2031-09-02 14:30")
		w.serve("--no-worker")
		ways := func(name string) (page, box string) {
			m := w.last(name)
			found := inAngles.FindAllStringSubmatch(m.Header.Get("List-Unsubscribe"), -1)
			if len(found) != 2 || m.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" || !strings.HasPrefix(found[1][1], "mailto:") {
				t.Fatalf("the ways out are %q", m.Header.Get("List-Unsubscribe"))
			}
			box, _, _ = strings.Cut(strings.TrimPrefix(found[1][1], "mailto:"), "?")
			return found[0][1], box
		}
		page, _ := ways("Ida")
		for range 2 {
			res, err := http.Post(page, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != 200 {
				t.Fatalf("%s: %s", res.Status, body)
			}
		}
		_, box := ways("Ole")
		w.at("2031-09-04 03:00")
		w.write("Ole", []string{"To: " + box, "Subject: STOP", "Auto-Submitted: auto-generated"}, "This message was automatically generated.")
		w.tick("2031-09-09 14:30")
		for _, name := range []string{"Ida", "Ole"} {
			if l := w.line(name); l.State != "opted_out" || len(w.got(name)) != 1 {
				t.Errorf("%s is %s and got %d mails", name, l.State, len(w.got(name)))
			}
		}
		if l := w.line("Maja"); l.State != "active" || len(w.got("Maja")) < 2 {
			t.Errorf("Maja is %s and got %d mails", l.State, len(w.got("Maja")))
		}
	})
}
