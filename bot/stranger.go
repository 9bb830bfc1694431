package bot

import (
	"fmt"
	"strconv"
	"strings"

	"efterkurs/bot/meaning"
	"efterkurs/reminders"
)

// stranger deals with who is nobody we know, or one of several with one phone. Whoever it is, STOP is honoured for the
// address.
func (t *turn) stranger(m meaning.Meaning) {
	t.effects.State = reminders.ReplyInbox
	if m.Kind == meaning.Stop {
		t.effects.OptOut = true
		return
	}
	t.effects.Kind, t.effects.Urgent = reminders.ReplyUnknown, m.Kind == meaning.Trouble
	switch {
	case len(t.rc.Sharers) > 1:
		t.shared()
	case t.rc.Reply.Channel != reminders.Email && t.rc.Strangers == 1 && m.Kind != meaning.Thanks:
		// Once; what they answer waits for a person. A mail's sender is not asked: it may be anybody's.
		t.sayTo("who-are-you", nil)
	}
}

// mostSharers is how many people of one phone can be told apart by a digit.
const mostSharers = 8

// shared asks which of those with one phone writes, and gives what they wrote to whom they say.
func (t *turn) shared() {
	if asked := t.rc.Asked; asked != nil {
		m := t.bot.Reader.Of(t.rc.Reply.Text, asked.Choices, "da")
		for _, c := range asked.Choices {
			_, id, _ := strings.Cut(c.Meaning, ":")
			person, err := strconv.ParseInt(id, 10, 64)
			if m.Kind != meaning.Answer || m.Digit != c.Digit || err != nil {
				continue
			}
			t.effects.State, t.effects.Kind, t.effects.Why = reminders.ReplyHandled, reminders.ReplyWho, "says who writes: "+c.Label
			t.effects.PersonID, t.effects.Reread = person, t.rc.Waiting
			return
		}
		return // it was asked: a person looks at it
	}
	if len(t.rc.Sharers) > mostSharers {
		return
	}
	var choices []reminders.Choice
	for i, p := range t.rc.Sharers {
		choices = append(choices, reminders.Choice{Digit: strconv.Itoa(i + 1), Label: p.Name, Meaning: fmt.Sprintf("who:%d", p.ID)})
	}
	t.sayTo("who-of-you", choices)
}

// sayTo answers an address of which nobody knows whose it is.
func (t *turn) sayTo(key string, choices []reminders.Choice) {
	in := t.rc.Reply
	t.effects.Say = append(t.effects.Say, reminders.Message{
		Subject: reminders.ReplySubject(in.ID), Step: "who", Kind: reminders.KindReply, Priority: reminders.PriorityReply, State: reminders.Planned,
		DueAt: t.written(), RunAt: t.now, Channel: in.Channel, Address: in.From, Params: map[string]string{"key": key}, Choices: choices,
	})
}
