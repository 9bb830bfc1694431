package bot

import (
	"context"
	"log/slog"
	"time"

	"efterkurs/bot/calendar"
	"efterkurs/bot/meaning"
	"efterkurs/reminders"
	"efterkurs/templates"
)

// Store is what the conversation needs of a database.
type Store interface {
	reminders.Diary
	// SaveReply stores what a person wrote; fresh is false where the provider delivers it again.
	SaveReply(ctx context.Context, in Inbound) (id int64, fresh bool, err error)
	PendingReplies(ctx context.Context, after int64, limit int) ([]reminders.Reply, error)
	// EarlierReplies returns what a reply's sender wrote just before it that is stored and not interpreted, oldest first.
	EarlierReplies(ctx context.Context, replyID int64, limit int) ([]reminders.Reply, error)
	ReplyContext(ctx context.Context, replyID int64) (reminders.ReplyContext, error)
	// ApplyReply makes all effects in one transaction, once: applied is false where another was first.
	// ECONFLICT: the slot was taken meanwhile, nothing was applied.
	ApplyReply(ctx context.Context, now time.Time, effects reminders.Effects) (applied bool, err error)
}

// Bot writes every text and reads every reply. It is the reminders.Desk of the clockwork.
type Bot struct {
	Channels map[string]Channel       // by name; what is missing is off
	Rates    map[string]time.Duration // time between two messages; missing = no limit
	Texts    *templates.Texts
	Reader   *meaning.Reader
	Store    Store
	Calendar *reminders.Calendar
	School   string // the school's name as people know it
	// Organizer is who invites to visits: the address that mails come from. Zero = mails carry no invitations.
	Organizer calendar.Party
	Now       func() time.Time
	Log       *slog.Logger
	Wake      func() // called when something is to be said back; may be nil
}

var _ reminders.Desk = (*Bot)(nil)

// On says whether a channel is configured.
func (b *Bot) On(channel string) bool { return b.Channels[channel] != nil }

// Reaches says whether a channel writes into a workspace, "" = the single one.
func (b *Bot) Reaches(channel, workspace string) bool {
	if many, ok := b.Channels[channel].(Workspaced); ok {
		return many.Reaches(workspace)
	}
	return workspace == ""
}

// in is the channel into one workspace of channel.
func (b *Bot) in(ctx context.Context, channel, workspace string) (Channel, error) {
	if many, ok := b.Channels[channel].(Workspaced); ok {
		return many.In(ctx, workspace)
	}
	return b.Channels[channel], nil
}

// Every is the time between two messages on a channel.
func (b *Bot) Every(channel string) time.Duration { return b.Rates[channel] }

// Send makes one try on the message's channel.
func (b *Bot) Send(ctx context.Context, out reminders.Outgoing) reminders.Result {
	channel := b.Channels[out.Channel]
	if channel == nil {
		return reminders.Result{Outcome: reminders.OutcomeRetry, Code: "channel_off", Detail: "the channel " + out.Channel + " is not configured"}
	}
	return channel.Send(ctx, out)
}

// How often a provider is asked what people wrote, while all is well. Twilio calls once, and once more where no
// connection came about: what it could not bring is fetched within a minute. A mailbox brings nothing by itself, and is
// looked into as often. Slack repeats what is not acknowledged for six minutes and wants a request a person, so that it is
// asked only after nobody has listened for longer than Listens.
const (
	ListEvery = 50 * time.Second
	Listens   = 90 * time.Second
)

// Sweeps says whether a source's provider can be asked what people wrote, and how often it is.
func (b *Bot) Sweeps(source string) (every time.Duration, ok bool) {
	channel, workspace := reminders.CutSource(source)
	_, ok = b.Channels[channel].(Sweeper)
	if _, many := b.Channels[channel].(Workspaced); many {
		ok = b.Reaches(channel, workspace)
	}
	if channel == reminders.SMS || channel == reminders.Email {
		return ListEvery, ok
	}
	return Listens, ok
}

// Sweep asks it.
func (b *Bot) Sweep(ctx context.Context, source string, since time.Time, left bool, conversations func(context.Context) ([]string, error)) (reminders.Seen, error) {
	name, workspace := reminders.CutSource(source)
	channel, err := b.in(ctx, name, workspace)
	if err != nil {
		return reminders.Seen{}, err
	}
	sweeper, ok := channel.(Sweeper)
	if !ok {
		return reminders.Seen{}, reminders.ErrNoRecord
	}
	return sweeper.Sweep(ctx, since, left, conversations)
}

// Find asks the channel's provider what became of a message.
func (b *Bot) Find(ctx context.Context, out reminders.Outgoing, since time.Time, known func(string) bool) (reminders.Result, bool, error) {
	channel, err := b.in(ctx, out.Channel, out.Workspace)
	if err != nil {
		return reminders.Result{}, false, err
	}
	finder, ok := channel.(Finder)
	if !ok {
		return reminders.Result{}, false, reminders.ErrNoRecord
	}
	return finder.Find(ctx, out, since, known)
}

// Forget deletes the provider's copy of a text.
func (b *Bot) Forget(ctx context.Context, copied reminders.Erasure) error {
	channel, err := b.in(ctx, copied.Channel, copied.Workspace)
	if reminders.ErrorCode(err) == reminders.ENOTFOUND { // it may be installed again; and if not, its conversations are not ours to reach
		return reminders.Errorf(reminders.EUNAVAILABLE, "forget a copy: %w", err)
	}
	if err != nil {
		return err
	}
	forgetter, ok := channel.(Forgetter)
	if !ok {
		return reminders.ErrNoRecord
	}
	return forgetter.Forget(ctx, copied.Address, copied.ProviderID)
}

// Receive takes in what a person wrote: stored first, then interpreted. A nil error says that it is stored
// and may be acknowledged; what could not be interpreted now is interpreted by the next tick.
func (b *Bot) Receive(ctx context.Context, in Inbound) error {
	_, err := b.TakeIn(ctx, in, false)
	return err
}

// Kept is what a person wrote that is stored.
type Kept struct {
	Fresh bool
	Stop  bool // it asks to be left alone: it may be acknowledged only once that holds
	id    int64
	bot   *Bot
	in    Inbound
}

// Keep stores what a person wrote, for who must say so within seconds. It is to be interpreted at once, see Kept.Interpret;
// if nobody does, the next tick does it.
func (b *Bot) Keep(ctx context.Context, in Inbound) (Kept, error) {
	if in.At.IsZero() {
		in.At = b.Now()
	}
	id, fresh, err := b.Store.SaveReply(ctx, in)
	return Kept{Fresh: fresh, Stop: in.OptOut == "STOP" || b.Reader.Of(in.Text, nil, "da").Kind == meaning.Stop, id: id, bot: b, in: in}, err
}

// Interpret does what the text asks for. That it could not is logged: the next tick tries again.
func (k Kept) Interpret(ctx context.Context) {
	do := k.bot.interpret // it came again: whoever stored it may have died since
	if k.Fresh {
		do = k.bot.inOrder
	}
	if err := do(ctx, k.id); err != nil {
		k.bot.Log.Error("interpreting a reply; the next tick tries again", "reply", k.id, "channel", k.in.Channel, "error", err)
	}
	if k.Fresh && k.bot.Wake != nil {
		k.bot.Wake()
	}
}

// TakeIn is Receive, and says whether the text was a new one. With later all but a STOP is only stored.
func (b *Bot) TakeIn(ctx context.Context, in Inbound, later bool) (fresh bool, err error) {
	if in.At.IsZero() {
		in.At = b.Now()
	}
	id, fresh, err := b.Store.SaveReply(ctx, in)
	if err != nil {
		return false, err
	}
	if !fresh {
		// Who stored it may have died before it was interpreted: that it is taken in is only said when a STOP holds.
		if err := b.interpret(ctx, id); err != nil {
			b.Log.Error("interpreting a reply that came again; the next tick tries again", "reply", id, "channel", in.Channel, "error", err)
		}
		return false, nil
	}
	if later && in.OptOut != "STOP" && b.Reader.Of(in.Text, nil, "da").Kind != meaning.Stop {
		return true, nil
	}
	if err := b.inOrder(ctx, id); err != nil {
		b.Log.Error("interpreting a reply; the next tick tries again", "reply", id, "channel", in.Channel, "error", err)
	}
	if b.Wake != nil {
		b.Wake()
	}
	return true, nil
}

// inOrder interprets reply id after whatever the same sender wrote before it that could not be interpreted then: of
// two answers the last one counts, and a START is not to be undone by the STOP before it.
func (b *Bot) inOrder(ctx context.Context, id int64) error {
	waiting, err := b.Store.EarlierReplies(ctx, id, earlierReplies)
	if err != nil {
		return err
	}
	for _, r := range waiting {
		if err := b.interpret(ctx, r.ID); err != nil { // it does not keep the new one waiting: that may be a STOP
			b.Log.Error("interpreting an earlier reply", "reply", r.ID, "channel", r.Channel, "error", err)
		}
	}
	return b.interpret(ctx, id)
}

// earlierReplies is how many a new reply looks back to: nobody writes more while one of theirs is being interpreted, and
// what cannot be interpreted at all is not tried again by every text.
const earlierReplies = 5

// catchUpBatch is how many replies are interpreted in one look.
const catchUpBatch = 200

// CatchUp interprets what was stored but not interpreted, oldest first.
func (b *Bot) CatchUp(ctx context.Context) (done int, err error) {
	for after := int64(0); ; {
		replies, err := b.Store.PendingReplies(ctx, after, catchUpBatch)
		if err != nil || len(replies) == 0 {
			return done, err
		}
		for _, r := range replies {
			after = r.ID
			if ctx.Err() != nil {
				return done, ctx.Err()
			}
			if err := b.interpret(ctx, r.ID); err != nil {
				// One that cannot be interpreted stays, is shown as received, and keeps nobody else waiting.
				b.Log.Error("interpreting a reply", "reply", r.ID, "channel", r.Channel, "error", err)
				continue
			}
			done++
		}
	}
}
