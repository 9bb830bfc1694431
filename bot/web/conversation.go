package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"efterkurs/reminders"
	"efterkurs/templates"
)

// conversationData is all that was said with one person, and what can be done about it.
type conversationData struct {
	reminders.Conversation
	Now        time.Time
	Me         int64
	View       string // the part of the inbox it was opened from
	Name       string // of the person, or the address of somebody unknown
	Week       int    // of the newest class's programme; 0 = none runs
	Earlier    []spoken
	Recent     []spoken // from a few texts before what waits
	Prev, Next int64    // the conversations beside it on the list; 0 = none
	Done       int64    // the one that was just taken off the list

	May    bool   // answer
	Mute   string // why nobody can be written to: the last part of a text's key; "" = they can
	Draft  string
	Fault  string // what is wrong with the draft: a text's key
	When   string // whenNow or whenWindow
	Window reminders.Window
	Opens  time.Time // when their window opens; zero = it is open
	Canned []string

	News    []spoken // what was said since the visitor looked
	NewsOf  bool     // there is news, which may also be who has taken it
	Moving  int64    // the reply whose question is being chosen
	Find    string   // who was looked for
	Found   []reminders.Found
	Looking bool
}

// spoken is one text of a conversation.
type spoken struct {
	At      time.Time
	Reply   *reminders.Reply
	Message *reminders.Message
	Author  string // of a message that a person wrote
	Handler string // who dealt with a reply
	Placed  []reminders.Placed
	Moving  bool
}

const (
	whenNow    = "now"
	whenWindow = "window"
)

// recentTexts is how many texts before the first that waits are shown at once; the others are one press away.
const recentTexts = 2

func (p *pages) conversationPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	data, err := p.conversation(r, v, replyID(r))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	p.showConversation(w, r, v, http.StatusOK, data)
}

func (p *pages) showConversation(w http.ResponseWriter, r *http.Request, v *visitor, status int, data conversationData) {
	p.show(w, r, v, status, "conversation", data.Name+" · "+p.Texts.Page(v.Lang, "inbox-title"), data)
}

func (p *pages) conversation(r *http.Request, v *visitor, id int64) (conversationData, error) {
	ctx := r.Context()
	c, err := p.Store.Conversation(ctx, v.Now, v.viewer(p), id)
	if err != nil {
		return conversationData{}, err
	}
	data := conversationData{Conversation: c, Now: v.Now, Me: v.User.ID, View: p.inboxView(v, r.FormValue("view")), Name: phoneNumber(c.Reply.From), May: v.mayAnswer()}
	if c.Person != nil {
		data.Name = c.Person.Name
	}
	if len(c.Participations) > 0 {
		data.Week = programmeWeek(c.Participations[0].Class, p.Calendar.Today(v.Now))
	}
	data.Done, _ = strconv.ParseInt(r.FormValue("done"), 10, 64)
	data.Moving, _ = strconv.ParseInt(r.FormValue("move"), 10, 64)
	data.thread()
	data.Mute = p.mute(data)
	p.hours(&data)
	data.Canned = p.canned(v, data)
	if err := p.neighbours(ctx, v, &data); err != nil {
		return data, err
	}
	if data.Person == nil && data.May {
		data.Find = strings.TrimSpace(r.FormValue("find"))
		if data.Looking = data.Find != ""; data.Looking {
			data.Found, err = p.Store.SearchPersons(ctx, v.viewer(p), data.Find, 12)
		}
	}
	return data, err
}

// programmeWeek is which of the six weeks after a class today is in; 0 outside of them.
func programmeWeek(c reminders.Class, today reminders.Date) int {
	days := today.Sub(c.End)
	if days < 0 || days > 7*reminders.Exercises {
		return 0
	}
	return max(1, (days+6)/7)
}

// mute says why nobody can be written to here.
func (p *pages) mute(d conversationData) string {
	switch {
	case d.Stopped:
		return "stopped"
	case d.Reply.From == "":
		return "erased"
	case !p.Bot.On(d.Reply.Channel):
		return "channel-off"
	}
	return ""
}

// thread puts what was said in order, and what is worth reading now apart from what was before.
func (d *conversationData) thread() {
	var all []spoken
	for i := range d.Replies {
		r := &d.Replies[i]
		s := spoken{At: r.At, Reply: r, Placed: d.Placed[r.ID], Moving: r.ID == d.Moving}
		if r.State == reminders.ReplyHandled {
			s.Handler = d.Users[r.AssignedID].Name
		}
		all = append(all, s)
	}
	for i := range d.Messages {
		m := &d.Messages[i]
		at := m.SentAt
		if at.IsZero() || m.Kind == reminders.KindNote { // a note stands where it was written
			at = m.DueAt
		}
		all = append(all, spoken{At: at, Message: m, Author: d.Users[m.AuthorID].Name})
	}
	slices.SortStableFunc(all, func(a, b spoken) int { return a.At.Compare(b.At) })
	from := len(all)
	for i, s := range all {
		if s.Reply != nil && (s.Reply.State == reminders.ReplyInbox || s.Moving) {
			from = i
			break
		}
	}
	from = max(0, min(from, len(all)-1)-recentTexts)
	if from <= 1 { // not worth a press
		from = 0
	}
	d.Earlier, d.Recent = all[:from], all[from:]
}

// hours says when a text would reach them at a decent hour, and what is proposed: a person's own answer leaves at once,
// unless it would wake somebody who has not just written and is in no trouble.
func (p *pages) hours(d *conversationData) {
	d.When = whenNow
	if d.Person == nil {
		return
	}
	var company reminders.Company
	if d.Company != nil {
		company = *d.Company
	}
	d.Window = reminders.WindowOf(*d.Person, company)
	from, _ := p.Calendar.NextSpan(d.Now, d.Window, company.ClosedWeeks)
	if !d.Now.Before(from) {
		return
	}
	d.Opens = from
	waiting := d.Waiting()
	awake := len(waiting) > 0 && d.Now.Sub(waiting[len(waiting)-1].At) < time.Hour
	hour := d.Now.In(p.Calendar.Location).Hour()
	if !awake && !d.Urgent() && (d.Person.Shift == reminders.NightShift || hour < 7 || hour >= 20) {
		d.When = whenWindow
	}
}

// cannedSentences are the sentences to begin with. They are in the person's language where the pages have it.
const cannedSentences = 6

func (p *pages) canned(v *visitor, d conversationData) (out []string) {
	lang, name := v.Lang, ""
	if d.Person != nil {
		name = d.Person.FirstName()
		if slices.Contains(languages, d.Person.Language) {
			lang = d.Person.Language
		}
	}
	f := words{p, lang}
	for i := range cannedSentences {
		key := "canned-" + strconv.Itoa(i+1)
		if i == 0 && name == "" {
			key = "canned-unknown"
		}
		out = append(out, f.text(key, "name", name, "me", v.User.Name, "school", p.School))
	}
	return out
}

// neighbours finds the conversations before and after this one on the list it was opened from.
func (p *pages) neighbours(ctx context.Context, v *visitor, d *conversationData) error {
	talks, err := p.Store.Talks(ctx, reminders.TalkFilter{Viewer: v.viewer(p), View: d.View, Limit: 200})
	if err != nil {
		return err
	}
	here := slices.IndexFunc(talks, func(t reminders.Talk) bool {
		return slices.ContainsFunc(d.Replies, func(r reminders.Reply) bool { return r.ID == t.Reply.ID })
	})
	if here > 0 {
		d.Prev = talks[here-1].Reply.ID
	}
	if here+1 < len(talks) { // one that is off the list goes on to its first
		d.Next = talks[here+1].Reply.ID
	}
	return nil
}

// since marks what was said after the visitor looked. A text that came in late has an older id: then all that waits is new.
func (d *conversationData) since(known reminders.Known) {
	d.NewsOf = known.Stale(d.Known, d.Me)
	found := 0
	for _, s := range slices.Concat(d.Earlier, d.Recent) {
		if s.Reply != nil && s.Reply.ID > known.Reply {
			found++
			d.News = append(d.News, s)
		}
		if s.Message != nil && s.Message.Kind == reminders.KindNote && s.Message.ID > known.Note {
			d.News = append(d.News, s)
		}
	}
	if found < d.Known.Replies-known.Replies {
		for _, s := range d.Recent {
			if s.Reply != nil && s.Reply.ID <= known.Reply && s.Reply.State == reminders.ReplyInbox {
				d.News = append(d.News, s)
			}
		}
	}
}

// comeBack shows the conversation as it is now, with the news on top and the typed text kept: the same button then does
// what it says.
func (p *pages) comeBack(w http.ResponseWriter, r *http.Request, v *visitor, id int64) {
	data, err := p.conversation(r, v, id)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	if known, err := reminders.ParseKnown(r.PostFormValue("known")); err == nil {
		data.since(known)
	}
	data.Draft, data.When = r.PostFormValue("text"), cmp.Or(when(r), data.When)
	p.showConversation(w, r, v, http.StatusConflict, data)
}

// when is the hour that was chosen for a text; "" = none.
func when(r *http.Request) string {
	switch chosen := r.PostFormValue("when"); chosen {
	case whenNow, whenWindow:
		return chosen
	}
	return ""
}

// answerReply writes back. What is typed is sent as it is.
func (p *pages) answerReply(w http.ResponseWriter, r *http.Request, v *visitor) {
	data, err := p.conversation(r, v, replyID(r))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	data.Draft, data.When = r.PostFormValue("text"), cmp.Or(when(r), data.When)
	text := strings.TrimSpace(strings.ReplaceAll(data.Draft, "\r\n", "\n"))
	if data.Fault = measure(data.Reply.Channel, text).Fault; data.Fault != "" && v.mayAnswer() {
		p.showConversation(w, r, v, http.StatusBadRequest, data)
		return
	}
	p.act(w, r, v, "answer", p.conversationAddress(r, v, replyID(r))+"#last", func(c reminders.Conversation) error {
		known, err := reminders.ParseKnown(r.PostFormValue("known"))
		if err != nil {
			return err
		}
		written := reminders.Written{ReplyID: replyID(r), AuthorID: v.User.ID, Text: text, Known: known, RunAt: v.Now}
		if data.When == whenWindow && !data.Opens.IsZero() {
			written.RunAt, written.ValidUntil = p.Calendar.NextSpan(v.Now, data.Window, closedWeeks(c))
		}
		if c.Reply.Channel == reminders.Email {
			written.Subject = p.Texts.Page(v.Lang, "note-subject")
			if subject := c.Reply.Attributes["subject"]; subject != "" {
				written.Subject = "Re: " + strings.TrimPrefix(subject, "Re: ")
			}
		}
		if err := p.Store.AnswerReply(r.Context(), v.Now, written); err != nil {
			return err
		}
		if p.Bot.Wake != nil { // it leaves now, not at the next tick
			p.Bot.Wake()
		}
		return nil
	})
}

func closedWeeks(c reminders.Conversation) reminders.ClosedWeeks {
	if c.Company == nil {
		return nil
	}
	return c.Company.ClosedWeeks
}

// draft puts a ready-made sentence behind what is typed, where no script does it.
func (p *pages) draft(w http.ResponseWriter, r *http.Request, v *visitor) {
	data, err := p.conversation(r, v, replyID(r))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	if known, err := reminders.ParseKnown(r.PostFormValue("known")); err == nil {
		data.since(known)
	}
	data.Draft, data.When = strings.TrimSpace(r.PostFormValue("text")), cmp.Or(when(r), data.When)
	if i, err := strconv.Atoi(r.PostFormValue("canned")); err == nil && i >= 0 && i < len(data.Canned) {
		data.Draft = strings.TrimSpace(data.Draft + " " + data.Canned[i])
	}
	p.showConversation(w, r, v, http.StatusOK, data)
}

// Limits of an answer: ten segments are what a provider takes of an SMS.
const (
	maxSegments = 10
	maxAnswer   = 4000
)

// measured is how long an answer is.
type measured struct {
	Channel string
	templates.Segments
	Odd   string // the characters that make an SMS as dear as it is
	Fault string // a text's key
}

func measure(channel, text string) measured {
	m := measured{Channel: channel}
	switch {
	case text == "":
		m.Fault = "answer-fault-empty"
	case len(text) > maxAnswer:
		m.Fault = "answer-fault-long"
	}
	if channel != reminders.SMS {
		return m
	}
	m.Segments = templates.CountSegments(templates.NormaliseSMS(text))
	if m.Segments.Segments > maxSegments {
		m.Fault = "answer-fault-long"
	}
	slices.Sort(m.Offending)
	odd := slices.Compact(m.Offending)
	m.Odd = string(odd[:min(len(odd), 5)])
	return m
}

// Measure is for the page's counter.
func (d conversationData) Measure() measured { return measure(d.Reply.Channel, d.Draft) }

// countText says how long a text is while it is being typed.
func (p *pages) countText(w http.ResponseWriter, r *http.Request, v *visitor) {
	c, err := p.Store.Conversation(r.Context(), v.Now, v.viewer(p), replyID(r))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	p.part(w, r, v, "conversation", "count", measure(c.Reply.Channel, strings.TrimSpace(r.PostFormValue("text"))))
}

// conversationNews is what an open conversation asks for: what is new, or nothing.
func (p *pages) conversationNews(w http.ResponseWriter, r *http.Request, v *visitor) {
	known, err := reminders.ParseKnown(r.URL.Query().Get("known"))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	data, err := p.conversation(r, v, replyID(r))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	data.since(known)
	told, _ := strconv.ParseBool(r.URL.Query().Get("told"))
	if !data.NewsOf || told && fmt.Sprint(data.Known) == r.URL.Query().Get("last") {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p.part(w, r, v, "conversation", "news", newsData{data, known})
}

// newsData is news for a page that knew of known and shows it still.
type newsData struct {
	conversationData
	Knew reminders.Known
}
