package bot_test

import (
	"bytes"
	"fmt"
	"mime"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"

	"efterkurs/bot"
	"efterkurs/bot/calendar"
	"efterkurs/bot/email"
	"efterkurs/bot/providertest"
	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// post gives the world a mail server, and makes its bot invite from the address that its mails come from.
func (w *world) post(t *testing.T) *providertest.SMTP {
	w.Helper()
	server := providertest.NewSMTP(t)
	w.mailing(email.Config{SMTPURL: server.URL})
	return server
}

func (w *world) mailing(c email.Config) {
	w.Helper()
	c.From, c.Words, c.Now, c.Tokens = "Kursusskolen <kursus@skolen.example>", w.bot.Texts.Page, w.clock.Now, bot.Tokens{Key: storetest.Secret}
	channel, err := email.New(c)
	w.ok(err)
	w.bot.Channels[reminders.Email] = channel
	if box, ok := channel.Mailbox(); ok {
		w.bot.Channels[reminders.Email] = box
	}
	w.bot.Organizer = calendar.Party{Name: "Kursusskolen", Email: "kursus@skolen.example"}
}

func withMail(r *reminders.RosterRow) { r.Contact.Email = "lis@smed.example" }

// invited are the invitations that address has been sent, in order.
func invited(server *providertest.SMTP, address string) (out []providertest.Mail) {
	for _, m := range server.Messages() {
		if m.Calendar != nil && slices.Contains(m.To, address) {
			out = append(out, m)
		}
	}
	return out
}

func opened(t *testing.T, raw []byte) (*ical.Calendar, ical.Event) {
	t.Helper()
	cal, err := ical.NewDecoder(bytes.NewReader(raw)).Decode()
	if err != nil || len(cal.Events()) != 1 {
		t.Fatalf("not one event: %v\n%s", err, raw)
	}
	return cal, cal.Events()[0]
}

func prop(props ical.Props, name string) string {
	if p := props.Get(name); p != nil {
		return p.Value
	}
	return ""
}

type changing func(now time.Time, v reminders.Visit) (reminders.VisitChange, error)

// change makes a change of the visit at Smed & Søn as the pages do.
func (w *world) change(do changing) reminders.Visit {
	w.Helper()
	return w.changeOf("Smed & Søn", do)
}

func (w *world) changeOf(name string, do changing) reminders.Visit {
	w.Helper()
	v := w.visit(name)
	now := w.clock.Now()
	c, err := do(now, v)
	w.ok(err)
	company, err := w.store.Company(ctx, v.CompanyID)
	w.ok(err)
	contact, err := w.store.Person(ctx, company.ContactID)
	w.ok(err)
	w.bot.Calendar.Tell(now, &c, company, &contact)
	w.ok(w.store.ChangeVisits(ctx, now, c))
	return w.visit(name)
}

// It fails where an invitation loses its UID, its SEQUENCE does not rise, or somebody is left out or told twice.
func TestInvitationsFollowAVisitFromBookingToCancellation(t *testing.T) {
	each(t, func(w *world) {
		server := w.post(w.tb.(*testing.T))
		w.enrol(row("Maja", withMail), row("Bo", withMail))
		w.until("2026-09-29")
		w.writes("Lis", "2")
		w.until("2026-09-30")
		booked := w.visit("Smed & Søn")
		moved := w.change(func(now time.Time, v reminders.Visit) (reminders.VisitChange, error) {
			return reminders.MoveVisit(now, v, w.local("2026-11-10 10:30"))
		})
		w.until("2026-10-01")
		called := w.change(func(now time.Time, v reminders.Visit) (reminders.VisitChange, error) {
			return reminders.CancelVisit(now, v, "Maja er syg, og det skal ingen vide")
		})
		w.until("2026-10-02")
		w.until("2026-10-05")
		for _, to := range []string{"lis@smed.example", "karen@skole.dk", "frits@skole.dk"} {
			got := invited(server, to)
			if len(got) != 3 {
				t.Fatalf("%s has %d invitations of 3", to, len(got))
			}
			for i, want := range []struct {
				method, status string
				start          time.Time
				sequence       int
			}{{"REQUEST", "CONFIRMED", booked.Start, booked.Sequence}, {"REQUEST", "CONFIRMED", moved.Start, moved.Sequence}, {"CANCEL", "CANCELLED", moved.Start, called.Sequence}} {
				m := got[i]
				kind, params, err := mime.ParseMediaType(m.CalendarType)
				if err != nil || kind != "text/calendar" || params["method"] != want.method || !strings.EqualFold(params["charset"], "utf-8") {
					t.Errorf("%s: the part is %q", to, m.CalendarType)
				}
				if !bytes.Equal(m.Attachments["invite.ics"], m.Calendar) {
					t.Errorf("%s: invite.ics is not the invitation", to)
				}
				cal, event := opened(t, m.Calendar)
				start, err := event.DateTimeStart(time.UTC)
				if err != nil || !start.Equal(want.start) {
					t.Errorf("%s %d: it begins %s, want %s", to, i, start, want.start)
				}
				if prop(cal.Props, "METHOD") != want.method || prop(event.Props, "UID") != booked.UID || prop(event.Props, "SEQUENCE") != fmt.Sprint(want.sequence) ||
					prop(event.Props, "STATUS") != want.status || prop(event.Props, "ORGANIZER") != "mailto:kursus@skolen.example" || prop(event.Props, "DTSTAMP") == "" {
					t.Errorf("%s %d:\n%s", to, i, m.Calendar)
				}
				if !strings.Contains(string(m.Calendar), "mailto:"+strings.ToLower(to)) && !strings.Contains(strings.ReplaceAll(string(m.Calendar), "\r\n ", ""), "mailto:"+to) {
					t.Errorf("%s %d: the reader is not among those who come", to, i)
				}
				if strings.Contains(string(m.Raw)+m.Text+string(m.Calendar), "syg") {
					t.Errorf("%s reads why it was called off", to)
				}
				for line := range strings.SplitSeq(string(m.Calendar), "\r\n") {
					if len(line) > 75 || strings.Contains(line, "\n") {
						t.Errorf("a line of %d octets: %q", len(line), line)
					}
				}
			}
			if booked.Sequence >= moved.Sequence || moved.Sequence >= called.Sequence {
				t.Fatalf("sequences %d, %d, %d", booked.Sequence, moved.Sequence, called.Sequence)
			}
		}
		// On her phone she hears each change once.
		for step, want := range map[string]int{"visit-moved": 1, "visit-cancelled": 1} {
			n := 0
			for _, m := range w.messages("Lis") {
				if strings.HasPrefix(m.Step, step) && m.State.HasLeft() && m.Channel == reminders.SMS {
					n++
				}
			}
			if n != want {
				t.Errorf("%s was sent %d times", step, n)
			}
		}
		// And nothing about the visit is still to come.
		for _, m := range w.messages("Lis") {
			if m.VisitID == booked.ID && m.State.HasLeft() && strings.HasPrefix(m.Step, "visit-reminder") {
				t.Errorf("%s was sent of a visit that was called off", m.Step)
			}
		}
	})
}

// A contact without an e-mail address gets the text on her phone, and the invitation says why it did not come.
func TestAnInvitationToNobodysMailIsSkippedWithItsReason(t *testing.T) {
	each(t, func(w *world) {
		server := w.post(w.tb.(*testing.T))
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-29")
		w.writes("Lis", "1")
		w.until("2026-09-30")
		if m := w.message("Lis", "visit-invitation-1-contact"); m.State != reminders.Skipped || m.Reason != reminders.ReasonNoAddress {
			t.Fatalf("it is %s (%s)", m.State, m.Reason)
		}
		if n := len(invited(server, "karen@skole.dk")); n != 1 {
			t.Fatalf("the consultant has %d invitations", n)
		}
		w.enrol(row("Maja", withMail), row("Bo", withMail)) // the roster comes again, with her address
		w.until("2026-10-01")
		if n := len(invited(server, "lis@smed.example")); n != 1 {
			t.Fatalf("with an address she has %d invitations", n)
		}
	})
}

// Given back, a visit leaves the calendars, and the contact chooses anew; the next invitation has the same UID.
func TestAVisitGivenBackIsChosenAnew(t *testing.T) {
	each(t, func(w *world) {
		server := w.post(w.tb.(*testing.T))
		w.enrol(row("Maja", withMail), row("Bo", withMail))
		w.until("2026-09-29")
		w.writes("Lis", "1")
		w.until("2026-09-30")
		before := w.visit("Smed & Søn")
		w.unread("Lis")
		after := w.change(func(now time.Time, v reminders.Visit) (reminders.VisitChange, error) {
			slots, err := reminders.FindSlots(ctx, w.store, w.bot.Calendar, now, v, nil, 2)
			w.ok(err)
			return reminders.ReleaseVisit(now, v, slots)
		})
		if after.State != reminders.VisitProposed || after.UID != before.UID || !after.Start.IsZero() {
			t.Fatalf("after it: %+v", after)
		}
		w.until("2026-10-01")
		asked := w.message("Lis", fmt.Sprintf("visit-proposal-%d-contact", after.Sequence))
		if !asked.State.HasLeft() || !strings.Contains(asked.Body, w.moment(before.Start)) || !strings.Contains(asked.Body, "3 = "+w.moment(after.Slots[2])) {
			t.Fatalf("%s: %q", asked.State, asked.Body)
		}
		w.hears("Lis", "3", w.booked(after.Slots[2]))
		w.until("2026-10-02")
		for _, to := range []string{"lis@smed.example", "karen@skole.dk"} {
			var methods, sequences []string
			for _, m := range invited(server, to) {
				cal, event := opened(t, m.Calendar)
				methods, sequences = append(methods, prop(cal.Props, "METHOD")), append(sequences, prop(event.Props, "SEQUENCE"))
				if prop(event.Props, "UID") != before.UID {
					t.Errorf("%s: another UID", to)
				}
			}
			if got := strings.Join(methods, " ") + " " + strings.Join(sequences, " "); got != "REQUEST CANCEL REQUEST 1 2 3" {
				t.Errorf("%s: %s", to, got)
			}
		}
	})
}

// Who does not choose among the new times is reminded once, and may answer the reminder.
func TestWhoDoesNotChooseAnewIsRemindedOnce(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-29")
		w.writes("Lis", "1")
		w.until("2026-09-30")
		after := w.change(func(now time.Time, v reminders.Visit) (reminders.VisitChange, error) {
			slots, err := reminders.FindSlots(ctx, w.store, w.bot.Calendar, now, v, nil, 2)
			w.ok(err)
			return reminders.ReleaseVisit(now, v, slots)
		})
		w.until("2026-10-02")
		w.unread("Lis")
		w.until("2026-10-13")
		var got []string
		for _, m := range w.unread("Lis") {
			if m.Kind == reminders.KindVisitAgain {
				got = append(got, m.Step+" "+m.SentAt.In(copenhagen(w)).Format("2006-01-02"))
			}
		}
		w.equal("reminders", got, fmt.Sprintf("visit-proposal-again-%d-contact 2026-10-05", after.Sequence))
		w.hears("Lis", "2", w.booked(after.Slots[1]))
	})
}

// A reminder that was sent of an earlier time counts no more: the new time has its own.
func TestAMovedVisitIsRemindedOfAnew(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-29")
		w.writes("Lis", "1")
		v := w.visit("Smed & Søn")
		w.until(v.Start.AddDate(0, 0, -5).Format("2006-01-02"))
		if m := w.message("Lis", "visit-reminder-7-contact"); !m.State.HasLeft() {
			t.Fatalf("the first reminder is %s", m.State)
		}
		moved := w.change(func(now time.Time, v reminders.Visit) (reminders.VisitChange, error) {
			return reminders.MoveVisit(now, v, w.local("2026-12-08 09:00"))
		})
		w.tick()
		if m := w.message("Lis", fmt.Sprintf("visit-reminder-7-contact-%d", moved.Sequence)); m.State != reminders.Planned || !m.DueAt.Equal(w.local("2026-12-01 12:00")) {
			t.Fatalf("the second is %s for %s", m.State, m.DueAt)
		}
		if m := w.message("Lis", "visit-reminder-1-contact"); m.State != reminders.Planned || !m.DueAt.Equal(w.local("2026-12-07 12:00")) {
			t.Fatalf("the day before: %s for %s", m.State, m.DueAt)
		}
	})
}

// answer puts into the mailbox what a mail program sends where somebody presses accept or decline.
func (w *world) answer(box *providertest.IMAP, from, uid string, sequence int, partstat, text string, headers ...string) {
	w.Helper()
	w.texts++
	object := fmt.Sprintf("BEGIN:VCALENDAR\r\nPRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:%s\r\nSEQUENCE:%d\r\nDTSTAMP:20261001T080000Z\r\n"+
		"ATTENDEE;PARTSTAT=%s;CN=x:mailto:%s\r\nSUMMARY:Afvist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", uid, sequence, partstat, from)
	raw := fmt.Sprintf("From: X <%s>\r\nTo: kursus@skolen.example\r\nSubject: Afvist: besoeg\r\nMessage-ID: <svar.%d@smed.example>\r\n%sMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"+
		"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n--b\r\nContent-Type: text/calendar; charset=utf-8; method=REPLY\r\n\r\n%s\r\n--b--\r\n",
		from, w.texts, strings.Join(headers, ""), text, object)
	box.Deliver([]byte(raw), w.clock.Now())
}

// It fails where a calendar's answer is taken for words, is not written on the visit, or a refusal reaches nobody.
func TestWhatACalendarAnswersIsWrittenOnTheVisit(t *testing.T) {
	each(t, func(w *world) {
		server, box := providertest.NewSMTP(w.tb.(*testing.T)), providertest.NewIMAP(w.tb.(*testing.T))
		w.mailing(email.Config{SMTPURL: server.URL, IMAPURL: box.URL, TLSConfig: box.TLS})
		w.enrol(row("Maja", withMail), row("Bo", withMail))
		w.until("2026-09-29")
		w.writes("Lis", "1")
		w.until("2026-09-30")
		v := w.visit("Smed & Søn")
		answers := func() (out []string) {
			all, err := w.store.VisitAnswers(ctx, []int64{v.ID})
			w.ok(err)
			for _, a := range all[v.ID] {
				out = append(out, a.Name+" "+a.Answer)
			}
			return out
		}
		urgent := func() (n int) {
			for _, m := range server.Messages() {
				if m.Calendar == nil && slices.Contains(m.To, "karen@skole.dk") && strings.HasPrefix(m.Subject, "Afbud") {
					n++
				}
			}
			return n
		}
		sent := len(server.Messages())
		step := func() { w.later(2 * time.Minute); w.tick(); w.tick() }
		w.answer(box, "lis@smed.example", v.UID, v.Sequence, "ACCEPTED", "", "Auto-Submitted: auto-generated\r\n")
		w.answer(box, "frits@skole.dk", v.UID, v.Sequence, "TENTATIVE", "")
		w.answer(box, "karen@skole.dk", v.UID, v.Sequence, "DECLINED", "") // the consultant knows
		step()
		if got := answers(); len(got) != 3 || !slices.Contains(got, "Lis accepted") || !slices.Contains(got, "Frits tentative") || !slices.Contains(got, "Karen declined") {
			t.Fatalf("answers: %q", got)
		}
		w.filed("Lis", reminders.ReplyHandled, reminders.ReplyCalendar)
		if n := len(server.Messages()) - sent; n != 0 {
			t.Errorf("%d mails were sent for what needs none", n)
		}
		w.answer(box, "lis@smed.example", v.UID, v.Sequence, "DECLINED", "Vi har lukket den dag.")
		w.answer(box, "lis@smed.example", v.UID, v.Sequence-1, "DECLINED", "") // of an invitation of before: it says nothing of this one
		step()
		if got := answers(); len(got) != 3 || !slices.Contains(got, "Lis declined") {
			t.Errorf("answers: %q", got)
		}
		if n := urgent(); n != 1 {
			t.Errorf("the consultant was mailed %d times of a refusal", n)
		}
		replies, err := w.store.Replies(ctx, reminders.ReplyFilter{PersonID: w.person("Lis").ID, Limit: 2})
		w.ok(err)
		if r := replies[1]; r.State != reminders.ReplyInbox || !r.Urgent || r.Text != "Vi har lukket den dag." {
			t.Errorf("the refusal is %+v", r)
		}
		// Whoever was not invited, or knows no invitation, answers for nobody; it waits for a person.
		w.answer(box, "fremmed@x.example", v.UID, v.Sequence, "DECLINED", "")
		w.answer(box, "lis@smed.example", "visit-0@efterkurs", v.Sequence, "DECLINED", "")
		step()
		if got := answers(); len(got) != 3 || urgent() != 1 {
			t.Errorf("answers: %q, mailed %d times", got, urgent())
		}
		if now := w.visit("Smed & Søn"); now.State != reminders.VisitBooked || now.Sequence != v.Sequence {
			t.Errorf("an answer changed the visit: %+v", now)
		}
		w.ok(w.store.Erase(ctx, w.clock.Now(), w.person("Lis").ID))
		if got := answers(); len(got) != 2 {
			t.Errorf("after she was erased: %q", got)
		}
	})
}

// A contact who cannot after all reaches the consultant at once, whatever words they choose; nothing is moved by them, and
// they are not asked whether they want to hear from us no more.
func TestAContactWhoCannotAfterAllReachesTheConsultant(t *testing.T) {
	each(t, func(w *world) {
		server := w.post(w.tb.(*testing.T))
		w.enrol(row("Maja", withMail), row("Bo", withMail))
		w.until("2026-09-29")
		if w.writes("Lis", "ny"); w.reply("Lis").Urgent { // before it is booked, it asks for other times
			t.Error("a choice that is open is urgent")
		}
		w.writes("Lis", "1")
		w.until("2026-09-30")
		v := w.visit("Smed & Søn")
		for i, text := range []string{"flyt", "Vi må desværre aflyse besøget", "move", "Please cancel the visit", "ny tid", "Det passer ikke alligevel"} {
			w.later(11 * time.Minute)
			w.hears("Lis", text, w.said("contact-thanks"))
			if r := w.reply("Lis"); r.State != reminders.ReplyInbox || !r.Urgent || r.Kind != reminders.ReplyText {
				t.Errorf("%q is %s in %s (%s)", text, r.Kind, r.State, r.Why)
			}
			n := 0
			for _, m := range server.Messages() {
				if slices.Contains(m.To, "karen@skole.dk") && strings.HasPrefix(m.Subject, "Afbud") {
					n++
				}
			}
			if n != i+1 {
				t.Errorf("%q: the consultant has %d mails", text, n)
			}
		}
		w.later(11 * time.Minute)
		w.writes("Lis", "Tak, vi glæder os")
		if r := w.reply("Lis"); r.Urgent {
			t.Errorf("thanks are urgent: %+v", r)
		}
		if now := w.visit("Smed & Søn"); now.Sequence != v.Sequence || now.State != reminders.VisitBooked {
			t.Errorf("words moved the visit: %+v", now)
		}
	})
}

// What another has made of the files is printed as "UID SEQUENCE METHOD STATUS local start".
const parsers = `
import sys, zoneinfo, icalendar, vobject
danish = zoneinfo.ZoneInfo("Europe/Copenhagen")
for path in sys.argv[1:]:
    raw = open(path, "rb").read()
    cal = icalendar.Calendar.from_ical(raw)
    event = [c for c in cal.walk("VEVENT")][0]
    assert event["ORGANIZER"].startswith("mailto:") and event["DTSTAMP"].dt.tzinfo is not None
    attendees = event["ATTENDEE"] if isinstance(event["ATTENDEE"], list) else [event["ATTENDEE"]]
    assert all(a.params["ROLE"] == "REQ-PARTICIPANT" for a in attendees)
    if cal["METHOD"] == "REQUEST":
        assert all(a.params["RSVP"] == "TRUE" and a.params["PARTSTAT"] == "NEEDS-ACTION" for a in attendees)
    print(event["UID"], event["SEQUENCE"], cal["METHOD"], event["STATUS"], event["DTSTART"].dt.astimezone(danish).strftime("%Y-%m-%dT%H:%M"), event["SUMMARY"])
    other = vobject.readOne(raw.decode("utf-8"))
    other.validate(raiseException=True)
    v = other.vevent
    print(v.uid.value, v.sequence.value, other.method.value, v.status.value, v.dtstart.value.astimezone(danish).strftime("%Y-%m-%dT%H:%M"), v.summary.value)
`

// Both read every file alike, also where the clocks have changed between the invitation and the visit.
func TestInvitationsAreReadByParsersOfAnotherLanguage(t *testing.T) {
	python := storetest.Python(t)
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	server := w.post(t)
	folded := "Smed & Søn; Åbenrå, \"Æbleø\" Maskinfabrik og Jernstøberi med et langt navn på åål ø æ å"
	rename := func(r *reminders.RosterRow) { withMail(r); r.Company = folded; r.Contact.Name = "Lis" }
	w.enrol(row("Maja", rename), row("Bo", rename))
	w.until("2026-09-29")
	w.writes("Lis", "1")
	w.until("2026-09-30")
	v := w.visit(folded)
	first := v.Start.In(copenhagen(w)).Format("2006-01-02T15:04")
	starts := []string{first, "2026-10-26T09:00", "2027-03-29T09:00"} // the Mondays after the clocks change
	for i, at := range starts[1:] {
		start := w.local(strings.Replace(at, "T", " ", 1))
		w.changeOf(folded, func(now time.Time, v reminders.Visit) (reminders.VisitChange, error) {
			return reminders.MoveVisit(now, v, start)
		})
		w.until(fmt.Sprintf("2026-10-0%d", i+1))
	}
	w.changeOf(folded, func(now time.Time, v reminders.Visit) (reminders.VisitChange, error) {
		return reminders.CancelVisit(now, v, "flytning")
	})
	w.until("2026-10-05")
	mails := invited(server, "lis@smed.example")
	if len(mails) != 4 {
		t.Fatalf("%d invitations of 4", len(mails))
	}
	dir := t.TempDir()
	args := []string{"-c", parsers}
	var lines []string
	for i, m := range mails {
		path := filepath.Join(dir, fmt.Sprintf("%d.ics", i))
		w.ok(os.WriteFile(path, m.Attachments["invite.ics"], 0o600))
		args = append(args, path)
		method, status, start := "REQUEST", "CONFIRMED", ""
		if i == 3 {
			method, status, start = "CANCEL", "CANCELLED", starts[2]
		} else {
			start = starts[i]
		}
		line := fmt.Sprintf("%s %d %s %s %s %s: %s", v.UID, v.Sequence+i, method, status, start, folded, "5S")
		lines = append(lines, line, line)
	}
	out, err := exec.Command(python, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != strings.Join(lines, "\n") {
		t.Errorf("read\n%s\nwant\n%s", got, strings.Join(lines, "\n"))
	}
}
