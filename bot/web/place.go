package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"efterkurs/reminders"
)

// moveReply says which question a reply answers, and with which choice: "12:1", "12:" for words about it, "none".
func (p *pages) moveReply(w http.ResponseWriter, r *http.Request, v *visitor) {
	then := p.conversationAddress(r, v, replyID(r))
	if next := r.PostFormValue("then"); next != "" {
		then = localPath(next)
	}
	p.act(w, r, v, "move", then+"#r"+strconv.FormatInt(replyID(r), 10), func(reminders.Conversation) error {
		move := reminders.Move{ReplyID: replyID(r), UserID: v.User.ID}
		if target := r.PostFormValue("to"); target != "none" {
			question, digit, ok := strings.Cut(target, ":")
			id, err := strconv.ParseInt(question, 10, 64)
			if !ok || err != nil || id <= 0 {
				return reminders.Errorf(reminders.EINVALID, "%q is no question", target)
			}
			move.QuestionID, move.Digit = id, digit
		}
		return p.Store.MoveReply(r.Context(), v.Now, move)
	})
}

// attachSender says whose number an unknown one is. Only people whom the visitor sees can be meant.
func (p *pages) attachSender(w http.ResponseWriter, r *http.Request, v *visitor) {
	p.act(w, r, v, "attach", p.conversationAddress(r, v, replyID(r)), func(reminders.Conversation) error {
		person, err := strconv.ParseInt(r.PostFormValue("person"), 10, 64)
		if err != nil {
			return reminders.Errorf(reminders.EINVALID, "the form names no person")
		}
		seen, err := p.Store.Sees(r.Context(), v.viewer(p), person)
		if err != nil {
			return err
		}
		if !seen {
			return reminders.Errorf(reminders.ENOTFOUND, "person %d is not for user %d to see", person, v.User.ID)
		}
		return p.Store.AttachSender(r.Context(), v.Now, v.User.ID, replyID(r), person)
	})
}

// movable says whether a reply can be an answer: a STOP is none, whoever says so.
func movable(r reminders.Reply) bool {
	return r.PersonID != 0 && r.Kind != reminders.ReplyStop && r.Kind != reminders.ReplyStart
}

// countedAs is what a reply counts as now, as moveReply reads it.
func countedAs(placed []reminders.Placed) string {
	for _, p := range placed {
		if p.MovedAt.IsZero() {
			return strconv.FormatInt(p.QuestionID, 10) + ":" + p.Digit
		}
	}
	return "none"
}

// Urgent says whether something that waits cannot wait.
func (d conversationData) Urgent() bool {
	return slices.ContainsFunc(d.Waiting(), func(r reminders.Reply) bool { return r.Urgent })
}

// Phone is the number to call; "" = none is known.
func (d conversationData) Phone() string {
	if d.Reply.Channel == reminders.SMS {
		return d.Reply.From
	}
	if d.Person != nil {
		return d.Person.Phone
	}
	return ""
}

// Old is the address on the sender's channel that an unknown one takes the place of; "" = they have none.
func (d conversationData) Old(person reminders.Person) string {
	switch d.Reply.Channel {
	case reminders.SMS:
		return person.Phone
	case reminders.Slack:
		return person.SlackID
	}
	return person.Email
}

// Shared says whether others have the unknown sender's address, so that it stays theirs.
func (d conversationData) Shared(person reminders.Person) bool {
	return slices.ContainsFunc(d.Sharers, func(o reminders.Person) bool { return o.ID != person.ID })
}
