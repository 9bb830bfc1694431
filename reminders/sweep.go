package reminders

import "time"

// Seen is what a provider's own record shows since some instant.
type Seen struct {
	Inbound []Inbound // what people wrote to us, oldest first; ids and fields as the webhook gives them, so that the same text is known again
	Left    []Left    // what left in our name, oldest first
	More    bool      // not everything was read: ask again, with the same since
}

// Left is a text that a provider took from us, as its own record has it.
type Left struct {
	Channel   string
	Address   string // as the provider has it: E.164, Slack user id
	MessageID int64  // ours, where the record bears it (Slack's metadata); 0 = it does not
	Text      string // what the person reads
	At        time.Time
	Result    Result // as for a message that was just accepted, or refused since
}
