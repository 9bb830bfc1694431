package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-ical"

	"efterkurs/reminders"
)

// feedPast is how far back a feed goes: a consultant looks up last quarter's visit.
const feedPast = 90 * 24 * time.Hour

// calendarFeed is a consultant's or teacher's visits as an iCalendar file, at an address nobody can guess.
// Times are in UTC, which every calendar shows right across daylight saving without a VTIMEZONE.
func (s *Server) calendarFeed(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutSuffix(r.PathValue("file"), ".ics")
	if !ok || token == "" {
		http.NotFound(w, r)
		return
	}
	user, err := s.Store.UserByCalendarToken(r.Context(), token)
	if err != nil {
		if reminders.ErrorCode(err) == reminders.ENOTFOUND {
			http.NotFound(w, r)
			return
		}
		s.refuse(w, r, err)
		return
	}
	feed, err := s.feed(r, user)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("Content-Disposition", `inline; filename="efterkurs.ics"`)
	w.Header().Set("Cache-Control", "private, max-age=300")
	_, _ = w.Write(feed)
}

func (s *Server) feed(r *http.Request, user reminders.User) ([]byte, error) {
	ctx, now := r.Context(), s.Now()
	visits, err := s.Store.Visits(ctx, reminders.VisitFilter{UserID: user.ID, From: now.Add(-feedPast),
		States: []string{reminders.VisitBooked, reminders.VisitHeld, reminders.VisitCancelled}})
	if err != nil {
		return nil, err
	}
	cal := ical.NewCalendar()
	cal.Props.SetText(ical.PropVersion, "2.0")
	cal.Props.SetText(ical.PropProductID, "-//efterkurs//visits//DA")
	cal.Props.SetText("X-WR-CALNAME", "efterkurs")
	cal.Props.SetText("REFRESH-INTERVAL", "PT1H")
	cal.Props.Get("REFRESH-INTERVAL").SetValueType(ical.ValueDuration)
	for _, v := range visits {
		if v.Start.IsZero() {
			continue
		}
		company, err := s.Store.Company(ctx, v.CompanyID)
		if err != nil {
			return nil, err
		}
		class, err := s.Store.Class(ctx, v.ClassID)
		if err != nil {
			return nil, err
		}
		title := class.Course
		if course, err := s.Texts.Course(class.Course, user.Language); err == nil {
			title = course.Title
		}
		event := ical.NewEvent()
		event.Props.SetText(ical.PropUID, v.UID)
		event.Props.SetDateTime(ical.PropDateTimeStamp, v.UpdatedAt.UTC())
		event.Props.SetDateTime(ical.PropDateTimeStart, v.Start.UTC())
		event.Props.SetDateTime(ical.PropDateTimeEnd, v.End.UTC())
		sequence := ical.NewProp(ical.PropSequence)
		sequence.SetValueType(ical.ValueInt)
		sequence.Value = strconv.Itoa(v.Sequence)
		event.Props.Set(sequence)
		event.Props.SetText(ical.PropSummary, company.Name+": "+title)
		event.Props.SetText(ical.PropLocation, company.Name)
		confirmed := "CONFIRMED"
		if v.State == reminders.VisitCancelled {
			confirmed = "CANCELLED"
		}
		event.Props.SetText(ical.PropStatus, confirmed)
		if s.PublicURL != "" {
			event.Props.SetText(ical.PropDescription, s.PublicURL+"/visits/"+strconv.Itoa(int(v.ID)))
		}
		cal.Children = append(cal.Children, event.Component)
	}
	if len(cal.Children) == 0 {
		// RFC 5545 wants a component, and the encoder insists; calendar programs read an empty feed as what it is.
		return []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//efterkurs//visits//DA\r\nX-WR-CALNAME:efterkurs\r\nEND:VCALENDAR\r\n"), nil
	}
	var out bytes.Buffer
	if err := ical.NewEncoder(&out).Encode(cal); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
