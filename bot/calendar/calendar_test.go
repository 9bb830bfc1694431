package calendar_test

import (
	"strings"
	"testing"
	"time"

	"efterkurs/bot/calendar"
)

func object(lines ...string) []byte {
	return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n")
}

func reply(attendee string, more ...string) []byte {
	lines := append([]string{"METHOD:REPLY", "BEGIN:VEVENT", "UID:visit-1@efterkurs", "DTSTAMP:20260101T000000Z", attendee}, more...)
	return object(append(lines, "END:VEVENT")...)
}

// The attendee's line as Outlook, Google and Apple write it.
func TestAnswersAreReadAsProgramsWriteThem(t *testing.T) {
	for name, c := range map[string]struct {
		raw  []byte
		want calendar.Answer
	}{
		"Outlook": {reply("ATTENDEE;PARTSTAT=ACCEPTED;CN=Lis Leder:mailto:Lis@Smed.example", "SEQUENCE:2"),
			calendar.Answer{UID: "visit-1@efterkurs", Sequence: 2, Attendee: "lis@smed.example", Answer: calendar.Accepted}},
		"Google": {reply("ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=DECLINED;CN=lis@smed.example;X-NUM-GUESTS=0:mailto:lis@smed.example", "SEQUENCE:1", `COMMENT:vi er lukket\, desværre`),
			calendar.Answer{UID: "visit-1@efterkurs", Sequence: 1, Attendee: "lis@smed.example", Answer: calendar.Declined, Comment: "vi er lukket, desværre"}},
		"Apple": {reply(`ATTENDEE;CN="Leder, Lis";CUTYPE=INDIVIDUAL;EMAIL="lis@smed.example";PARTSTAT=TENTATIVE:MAILTO:lis@smed.example`),
			calendar.Answer{UID: "visit-1@efterkurs", Attendee: "lis@smed.example", Answer: calendar.Tentative}},
		"folded": {reply("ATTENDEE;PARTSTAT=ACC\r\n EPTED:mailto:lis@smed.ex\r\n ample"),
			calendar.Answer{UID: "visit-1@efterkurs", Attendee: "lis@smed.example", Answer: calendar.Accepted}},
	} {
		if got, ok := calendar.ParseAnswer(c.raw); !ok || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
	for name, raw := range map[string][]byte{
		"a request":    object("METHOD:REQUEST", "BEGIN:VEVENT", "UID:visit-1@efterkurs", "DTSTAMP:20260101T000000Z", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example", "END:VEVENT"),
		"of two":       reply("ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example", "ATTENDEE;PARTSTAT=DECLINED:mailto:c@b.example"),
		"of nobody":    reply("SUMMARY:x"),
		"no answer":    reply("ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:a@b.example"),
		"nothing":      nil,
		"no calendar":  []byte("METHOD:REPLY"),
		"cut off":      reply("ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example")[:90],
		"without UID":  object("METHOD:REPLY", "BEGIN:VEVENT", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example", "END:VEVENT"),
		"without whom": reply("ATTENDEE;PARTSTAT=ACCEPTED:"),
		"a large one":  reply("ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b.example", "COMMENT:"+strings.Repeat("x", 40<<10)),
	} {
		if a, ok := calendar.ParseAnswer(raw); ok {
			t.Errorf("%s is taken for %+v", name, a)
		}
	}
}

// A name that somebody typed cannot end a line, add a property or tear a character apart.
func TestAnInvitationHoldsWhateverACompanyIsCalled(t *testing.T) {
	at := time.Date(2026, 11, 4, 8, 0, 0, 0, time.UTC)
	for _, name := range []string{"Smed; Søn, \\ og \"Co\"", "A\r\nATTENDEE:mailto:evil@x.example", strings.Repeat("æøå€😀", 40), "\x00\x1b[31m", "\xff\xfe", ""} {
		e := calendar.Entry{UID: "visit-1@efterkurs", Sequence: 3, Start: at, End: at.Add(time.Hour), Changed: at, Company: name, Course: "5S", Details: name}
		raw, err := calendar.Invitation(calendar.Request, e, calendar.Party{Name: name, Email: "kursus@skolen.example"}, []calendar.Party{{Name: name, Email: "lis@smed.example"}})
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		for line := range strings.SplitSeq(string(raw), "\r\n") {
			if len(line) > 75 || strings.ContainsAny(line, "\r\n\x00") || strings.HasPrefix(line, "ATTENDEE:mailto:evil") || strings.ToValidUTF8(line, "?") != line {
				t.Errorf("%q: the line %q", name, line)
			}
		}
		if n := strings.Count(string(raw), "\r\nATTENDEE;"); n != 1 {
			t.Errorf("%q: %d attendees", name, n)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add(reply("ATTENDEE;PARTSTAT=ACCEPTED;CN=Lis:mailto:lis@smed.example", "SEQUENCE:2", "COMMENT:x"))
	f.Add([]byte("BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if a, ok := calendar.ParseAnswer(raw); ok && (a.UID == "" || a.Attendee == "" || a.Answer != calendar.Accepted && a.Answer != calendar.Declined && a.Answer != calendar.Tentative) {
			t.Errorf("%+v", a)
		}
	})
}
