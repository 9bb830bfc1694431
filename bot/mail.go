package bot

import (
	"strings"

	"efterkurs/bot/meaning"
	"efterkurs/reminders"
)

// What an e-mail channel says of a mail that it took in, in Inbound.Attributes.
const (
	AttributeAuto    = "auto"    // what a machine made it for; "" = a person wrote it
	AttributeProof   = "proof"   // "none": nothing in it shows that it answers a mail of ours
	AttributeSubject = "subject" // as its writer wrote it; not where it is the subject of what they answer

	// Of a mail in which a calendar program answers an invitation:
	AttributeInvitation = "invitation" // its UID
	AttributeAttendee   = "attendee"   // the address that was invited
	AttributeAnswer     = "answer"     // accepted, declined, tentative
	AttributeSequence   = "sequence"   // of the invitation
)

// autoPerhaps is an AttributeAuto that goes by nothing but the subject.
const autoPerhaps = "perhaps"

// post is what holds for mails alone; done says that no more is to be made of this one.
//
// A machine's mail is kept, shown, and never answered: two machines that answer each other do not end. A STOP that is written
// in what only looks like one is a STOP.
//
// Whoever sends a mail writes its From. One that names its question by our signature was written by somebody who got the
// question; any other may be a stranger's in the name of a participant, and does nothing but wait for a person. Except
// STOP: who is silenced by a stranger can START, and who is not heard by us cannot make us stop.
func (t *turn) post(m meaning.Meaning) (done bool) {
	in := t.rc.Reply
	if in.Channel != reminders.Email || in.OptOut == "STOP" {
		return false
	}
	auto, unproven := in.Attributes[AttributeAuto], in.Attributes[AttributeProof] == "none"
	stop := m.Kind == meaning.Stop && (auto == "" || auto == autoPerhaps)
	if t.rc.Person != nil {
		t.effects.PersonID = t.rc.Person.ID
	}
	switch {
	case stop:
		t.effects.PersonID = 0
		return false
	case in.Attributes[AttributeAnswer] != "":
		t.invited()
		return true
	case auto != "":
		t.effects.Kind, t.effects.Why = reminders.ReplyAuto, autoWhy[auto]
		return true
	case unproven:
		// Shown with the person it names, and nobody's words until somebody has looked: no brief holds them.
		t.effects.State = reminders.ReplyInbox
		t.effects.Kind, t.effects.Why = reminders.ReplyUnknown, "a mail that answers none of ours: its sender may be forged"
		return true
	}
	return false
}

var autoWhy = map[string]string{
	"bounce": "a mail that came back", "reply": "a machine's answer", autoPerhaps: "a machine's answer, by its subject", "receipt": "a receipt", "bulk": "sent to many",
}

// subjectStop says whether the subject of a mail asks to stop: there it stands where somebody writes a mail of their own.
func (b *Bot) subjectStop(in reminders.Reply) bool {
	return in.Channel == reminders.Email && in.Attributes[AttributeSubject] != "" &&
		b.Reader.Of(in.Attributes[AttributeSubject], nil, "da").Kind == meaning.Stop
}

// backTo is the address that an answer goes to. A mail's From is what its sender wrote there: who is known is answered at
// the address that they are known by.
func (t *turn) backTo() string {
	in := t.rc.Reply
	if in.Channel == reminders.Email && t.rc.Person != nil && t.rc.Person.Email != "" && !strings.EqualFold(in.From, t.rc.Person.Email) {
		return t.rc.Person.Email
	}
	return in.From
}
