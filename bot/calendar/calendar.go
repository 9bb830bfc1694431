// Package calendar makes what calendar programs read of visits: feeds, and the invitations that go along with mails (iTIP,
// RFC 5546, in a mail as RFC 6047 has it). One function makes the event of both, so that a visit is the same
// entry wherever it is looked at: its UID never changes, its SEQUENCE rises with every change.
//
// Times are in UTC. A visit is a single event, and a single instant in UTC is right across daylight saving in every program
// without a VTIMEZONE; only what recurs needs the zone's rules.
//
// What the programs ask for, each where it was found:
//
//   - Outlook takes a part for an invitation only where its type is text/calendar, and looks for it within the first child of a
//     multipart/mixed; METHOD in the object decides, and the type's parameter should say the same (MS-STANOICAL V0341–V0343:
//     msdn.microsoft.com/en-us/library/ee624811). It is the last of multipart/alternative, in base64 or quoted-printable
//     (MS-OXCMAIL 2.1.3.3.8.2). Without DTSTAMP, UID or ORGANIZER it shows "not supported calendar message.ics"
//     (ical4j/ical4j#529, markuspoerschke/iCal#109).
//   - Gmail shows its buttons only with METHOD:REQUEST (PUBLISH gets none: olivierlambert/calrs#36), an ATTENDEE that is the
//     reader's own address with RSVP=TRUE (icalendar/icalendar#229, mangstadt/biweekly#102), and ORGANIZER and ATTENDEE
//     as bare mailto addresses (markuspoerschke/iCal#109).
//   - Apple's Mail takes an update only with a SEQUENCE above the last one's (PHPMailer/PHPMailer#1880: iOS 13 and later), and
//     programs that show attachments only need the same file once more as invite.ics.
package calendar

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-ical"

	"efterkurs/reminders"
)

// Methods of an invitation.
const (
	Request = "REQUEST"
	Cancel  = "CANCEL"
	Reply   = "REPLY"
)

const productID = "-//efterkurs//visits//DA"

// Entry is a visit as a calendar shows it. It never holds what anybody wrote: the company reads it.
type Entry struct {
	UID        string
	Sequence   int
	Start, End time.Time
	Changed    time.Time // when it became what it is
	Cancelled  bool
	Company    string
	Course     string // its title
	Details    string // a sentence, an address; "" = none
}

// Of is the entry of a visit.
func Of(v reminders.Visit, company, course string) Entry {
	return Entry{UID: v.UID, Sequence: v.Sequence, Start: v.Start, End: v.End, Changed: v.UpdatedAt,
		Cancelled: v.State == reminders.VisitCancelled, Company: company, Course: course}
}

// event is the one place where UID, SEQUENCE and SUMMARY of a visit are made.
func (e Entry) event() *ical.Event {
	event := ical.NewEvent()
	event.Props.SetText(ical.PropUID, e.UID)
	event.Props.SetDateTime(ical.PropDateTimeStamp, e.Changed.UTC())
	event.Props.SetDateTime(ical.PropLastModified, e.Changed.UTC())
	event.Props.SetDateTime(ical.PropDateTimeStart, e.Start.UTC())
	event.Props.SetDateTime(ical.PropDateTimeEnd, e.End.UTC())
	sequence := ical.NewProp(ical.PropSequence)
	sequence.SetValueType(ical.ValueInt)
	sequence.Value = strconv.Itoa(e.Sequence)
	event.Props.Set(sequence)
	event.Props.SetText(ical.PropSummary, tame(e.Company+": "+e.Course))
	event.Props.SetText(ical.PropLocation, tame(e.Company))
	state := "CONFIRMED"
	if e.Cancelled {
		state = "CANCELLED"
	}
	event.Props.SetText(ical.PropStatus, state)
	if e.Details != "" {
		event.Props.SetText(ical.PropDescription, tame(e.Details))
	}
	return event
}

// Feed is a calendar of entries, which programs ask for again and again.
func Feed(entries []Entry) ([]byte, error) {
	if len(entries) == 0 {
		// RFC 5545 wants a component, and the encoder insists; calendar programs read an empty feed as what it is.
		return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:" + productID + "\r\nX-WR-CALNAME:efterkurs\r\nEND:VCALENDAR\r\n"), nil
	}
	cal := object()
	cal.Props.SetText("X-WR-CALNAME", "efterkurs")
	cal.Props.SetText("REFRESH-INTERVAL", "PT1H")
	cal.Props.Get("REFRESH-INTERVAL").SetValueType(ical.ValueDuration)
	for _, e := range entries {
		cal.Children = append(cal.Children, e.event().Component)
	}
	return encode(cal)
}

// Party is somebody named in an invitation.
type Party struct{ Name, Email string }

// Invitation is an entry as it is sent to those who are to come. method is Request or Cancel.
func Invitation(method string, e Entry, organizer Party, attendees []Party) ([]byte, error) {
	e.Cancelled = method == Cancel
	event := e.event()
	event.Props.Set(address(ical.PropOrganizer, organizer))
	for _, a := range attendees {
		p := address(ical.PropAttendee, a)
		p.Params.Set("CUTYPE", "INDIVIDUAL")
		p.Params.Set("ROLE", "REQ-PARTICIPANT")
		if method == Request { // to be answered anew: the time, or who comes, is another one (RFC 5546, 3.2.2)
			p.Params.Set("PARTSTAT", "NEEDS-ACTION")
			p.Params.Set("RSVP", "TRUE")
		}
		event.Props.Add(p)
	}
	event.Props.SetText(ical.PropTransparency, "OPAQUE")
	cal := object()
	cal.Props.SetText(ical.PropMethod, method)
	cal.Children = append(cal.Children, event.Component)
	return encode(cal)
}

func object() *ical.Calendar {
	cal := ical.NewCalendar()
	cal.Props.SetText(ical.PropVersion, "2.0")
	cal.Props.SetText(ical.PropProductID, productID)
	cal.Props.SetText(ical.PropCalendarScale, "GREGORIAN")
	return cal
}

func address(name string, p Party) *ical.Prop {
	prop := ical.NewProp(name)
	prop.Value = "mailto:" + tame(p.Email)
	if cn := strings.ReplaceAll(tame(p.Name), `"`, "'"); cn != "" { // a parameter can hold no quotation mark
		prop.Params.Set("CN", strings.ReplaceAll(cn, "\n", " "))
	}
	return prop
}

func encode(cal *ical.Calendar) ([]byte, error) {
	var out bytes.Buffer
	if err := ical.NewEncoder(&out).Encode(cal); err != nil {
		return nil, err
	}
	return fold(out.Bytes()), nil
}

// foldAt is how many octets a line has at most (RFC 5545, 3.1).
const foldAt = 75

// fold breaks long lines, which the encoder does not, and never within a character.
func fold(raw []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.SplitAfterSeq(raw, []byte("\r\n")) {
		text := bytes.TrimSuffix(line, []byte("\r\n"))
		for room := foldAt; len(text) > room; room = foldAt - 1 { // what goes on begins with a space
			cut := room
			for cut > 0 && !utf8.RuneStart(text[cut]) {
				cut--
			}
			out.Write(text[:cut])
			out.WriteString("\r\n ")
			text = text[cut:]
		}
		out.Write(text)
		if len(line) > 0 {
			out.WriteString("\r\n")
		}
	}
	return out.Bytes()
}

// tame takes out what cannot stand in a calendar file: a company's name comes from a roster that somebody typed.
func tame(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text))
}
