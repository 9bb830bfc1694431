package web

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"efterkurs/reminders"
)

// inboxPageSize is how many conversations a page of the inbox has.
const inboxPageSize = 50

// inboxData is a page of the inbox.
type inboxData struct {
	Now       time.Time
	Me        int64
	View      string
	Mine, All int // conversations that wait
	Talks     []reminders.Talk
	Next      string // the address of the next page; "" = this is the last one
	Stamp     string // of the lines: a page that has these needs no others. "" = a page that is not kept up to date
	Done      int64  // the reply that was just taken off the list, to put it back; 0 = none
}

// viewer is who looks, as the store knows it.
func (v *visitor) viewer(p *pages) reminders.Viewer {
	return reminders.Viewer{UserID: v.User.ID, Role: v.User.Role, All: v.sees(p) == reminders.Filter{}}
}

// mayAnswer says whether the visitor deals with what people write. Teachers read what their classes write; whoever
// answers is the company's consultant, or stands in for them.
func (v *visitor) mayAnswer() bool { return v.User.Role != reminders.Teacher }

// tasks is the part of the inbox that is the visitor's to do: a consultant's own, all of it for an administrator.
func (v *visitor) tasks(p *pages) string {
	if v.sees(p) == (reminders.Filter{}) {
		return reminders.TalksAll
	}
	return reminders.TalksMine
}

// inboxView is the part of the inbox that is asked for; "" = the visitor's own, and for a teacher all there is to read.
func (p *pages) inboxView(v *visitor, asked string) string {
	switch asked {
	case reminders.TalksMine, reminders.TalksAll, reminders.TalksHandled:
		return asked
	}
	if !v.mayAnswer() {
		return reminders.TalksAll
	}
	return v.tasks(p)
}

func (p *pages) inboxPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	data, err := p.inbox(r, v)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	p.show(w, r, v, http.StatusOK, "inbox", p.Texts.Page(v.Lang, "inbox-title"), data)
}

// inboxLive is what an open inbox asks for: the lines anew, or nothing where they are as they were.
func (p *pages) inboxLive(w http.ResponseWriter, r *http.Request, v *visitor) {
	data, err := p.inbox(r, v)
	switch {
	case err != nil:
		p.fail(w, r, v, err)
	case data.Stamp == r.URL.Query().Get("stamp"):
		w.WriteHeader(http.StatusNoContent)
	default:
		p.part(w, r, v, "inbox", "talks", data)
	}
}

func (p *pages) inbox(r *http.Request, v *visitor) (inboxData, error) {
	query := r.URL.Query()
	viewer := v.viewer(p)
	data := inboxData{Now: v.Now, Me: v.User.ID, View: p.inboxView(v, query.Get("view"))}
	data.Done, _ = strconv.ParseInt(query.Get("done"), 10, 64)
	var err error
	if data.Mine, data.All, err = p.Store.CountTalks(r.Context(), viewer); err != nil {
		return data, err
	}
	after := query.Get("after")
	data.Talks, err = p.Store.Talks(r.Context(), reminders.TalkFilter{Viewer: viewer, View: data.View, After: after, Limit: inboxPageSize + 1})
	if err != nil {
		return data, err
	}
	if len(data.Talks) > inboxPageSize {
		data.Talks = data.Talks[:inboxPageSize]
		data.Next = "/inbox?" + url.Values{"view": {data.View}, "after": {data.Talks[inboxPageSize-1].Cursor}}.Encode()
	}
	if after == "" {
		data.Stamp = stamp(data)
	}
	return data, nil
}

// stamp tells two states of a list apart. Waiting times belong to it, to five minutes.
func stamp(d inboxData) string {
	sum := fnv.New64a()
	fmt.Fprint(sum, d.Mine, d.All, d.Now.Unix()/300)
	for _, talk := range d.Talks {
		owner := int64(0)
		if talk.Owner != nil {
			owner = talk.Owner.ID
		}
		fmt.Fprint(sum, " ", talk.Reply.ID, talk.Reply.WithdrawnAt.Unix(), talk.Waiting, talk.Urgent, owner, talk.Taken)
	}
	return strconv.FormatUint(sum.Sum64(), 36)
}

// replyID is the reply in the address; 0 = none can have it.
func replyID(r *http.Request) int64 {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0
	}
	return id
}

// act does one thing to a conversation that the visitor may read and answer in, and goes where then says.
// What somebody else has changed meanwhile comes back as the page with the news on top.
func (p *pages) act(w http.ResponseWriter, r *http.Request, v *visitor, what, then string, do func(c reminders.Conversation) error) {
	id := replyID(r)
	c, err := p.Store.Conversation(r.Context(), v.Now, v.viewer(p), id)
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	if !v.mayAnswer() {
		http.Error(w, p.Texts.Page(v.Lang, "inbox-read-only"), http.StatusForbidden)
		return
	}
	switch err := do(c); reminders.ErrorCode(err) {
	case "":
		p.Log.Info("the inbox was worked on", "what", what, "reply", id, "user", v.User.ID)
		http.Redirect(w, r, then, http.StatusSeeOther)
	case reminders.ECONFLICT:
		p.Log.Info("somebody else was faster in the inbox", "what", what, "reply", id, "user", v.User.ID)
		p.comeBack(w, r, v, id)
	default:
		p.fail(w, r, v, err)
	}
}

// address is a conversation's, in the part of the inbox that the form was opened from.
func (p *pages) conversationAddress(r *http.Request, v *visitor, id int64) string {
	return fmt.Sprintf("/inbox/%d?view=%s", id, p.inboxView(v, r.FormValue("view")))
}

func (p *pages) takeReply(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.act(w, r, v, "take", p.conversationAddress(r, v, replyID(r)), func(reminders.Conversation) error {
		known, err := reminders.ParseKnown(r.PostFormValue("known"))
		if err != nil {
			return err
		}
		return p.Store.TakeReply(r.Context(), v.Now, v.User.ID, replyID(r), known.Owner)
	})
}

func (p *pages) releaseReply(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.act(w, r, v, "release", p.conversationAddress(r, v, replyID(r)), func(reminders.Conversation) error {
		return p.Store.ReleaseReply(r.Context(), v.User.ID, replyID(r))
	})
}

// settleReply takes a conversation off the list without a word, and goes on to the next one. What another person was
// faster with is gone already.
func (p *pages) settleReply(w http.ResponseWriter, r *http.Request, v *visitor) {
	id := replyID(r)
	then := fmt.Sprintf("/inbox?view=%s&done=%d", p.inboxView(v, r.PostFormValue("view")), id)
	if next, err := strconv.ParseInt(r.PostFormValue("next"), 10, 64); err == nil && next > 0 {
		then = fmt.Sprintf("%s&done=%d", p.conversationAddress(r, v, next), id)
	}
	p.act(w, r, v, "settle", then, func(reminders.Conversation) error {
		var knew *reminders.Known
		if text := r.PostFormValue("known"); text != "" {
			known, err := reminders.ParseKnown(text)
			if err != nil {
				return err
			}
			knew = &known
		}
		return p.Store.SettleReply(r.Context(), v.Now, v.User.ID, id, knew)
	})
}

func (p *pages) reopenReply(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.act(w, r, v, "reopen", p.conversationAddress(r, v, replyID(r)), func(reminders.Conversation) error {
		return p.Store.ReopenReply(r.Context(), v.Now, v.User.ID, replyID(r))
	})
}
