package calendar

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-ical"
)

// Answer is what somebody's calendar program says to an invitation (METHOD:REPLY). Nothing in it is proven but that its
// writer has seen the UID, which stands in invitations and feeds only.
type Answer struct {
	UID      string
	Sequence int
	Attendee string // e-mail, in lower case
	Answer   string // one of the words below
	Comment  string // what its writer added
	Machine  bool   // the mail around it was written by a program: its text is nobody's words
}

// What can be answered (PARTSTAT), as it is stored.
const (
	Accepted  = "accepted"
	Declined  = "declined"
	Tentative = "tentative"
)

// maxAnswer is the largest calendar object that is read. The decoder's time grows with the square of a parameter's length.
const maxAnswer = 32 << 10

// decode reads a calendar object. The decoder panics on a line that ends within a parameter: a mail holds what its sender likes.
func decode(raw []byte) (cal *ical.Calendar, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("calendar object: %v", p)
		}
	}()
	return ical.NewDecoder(bytes.NewReader(raw)).Decode()
}

// ParseAnswer reads a calendar object that came in; ok is false for one that answers nothing.
func ParseAnswer(raw []byte) (a Answer, ok bool) {
	if len(raw) > maxAnswer || !bytes.Contains(raw, []byte("REPLY")) {
		return a, false
	}
	cal, err := decode(raw)
	if err != nil || !strings.EqualFold(value(cal.Props, ical.PropMethod), Reply) {
		return a, false
	}
	events := cal.Events()
	if len(events) != 1 {
		return a, false
	}
	props := events[0].Props
	attendees := props.Values(ical.PropAttendee)
	if len(attendees) != 1 { // a reply is of one (RFC 5546, 3.2.3)
		return a, false
	}
	address := strings.TrimSpace(attendees[0].Value)
	if len(address) > len("mailto:") && strings.EqualFold(address[:len("mailto:")], "mailto:") {
		address = address[len("mailto:"):]
	}
	switch strings.ToUpper(attendees[0].Params.Get(ical.ParamParticipationStatus)) {
	case "ACCEPTED":
		a.Answer = Accepted
	case "DECLINED":
		a.Answer = Declined
	case "TENTATIVE":
		a.Answer = Tentative
	default:
		return a, false
	}
	a.UID, a.Attendee = value(props, ical.PropUID), strings.ToLower(address)
	a.Sequence, _ = strconv.Atoi(value(props, ical.PropSequence))
	if p := props.Get(ical.PropComment); p != nil {
		if text, err := p.Text(); err == nil {
			a.Comment = strings.TrimSpace(text)
		}
	}
	a.Machine = strings.Contains(value(cal.Props, ical.PropProductID), "Google") // whose mails explain themselves at length
	return a, a.UID != "" && a.Attendee != ""
}

func value(props ical.Props, name string) string {
	if p := props.Get(name); p != nil {
		return strings.TrimSpace(p.Value)
	}
	return ""
}
