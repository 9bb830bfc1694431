package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"efterkurs/bot/calendar"
	"efterkurs/reminders"
)

// feedPast is how far back a feed goes: a consultant looks up last quarter's visit.
const feedPast = 90 * 24 * time.Hour

// calendarFeed is a consultant's or teacher's visits as an iCalendar file, at an address nobody can guess.
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
	var entries []calendar.Entry
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
		entry := calendar.Of(v, company.Name, title)
		if s.PublicURL != "" {
			entry.Details = s.PublicURL + "/visits/" + strconv.FormatInt(v.ID, 10)
		}
		entries = append(entries, entry)
	}
	return calendar.Feed(entries)
}
