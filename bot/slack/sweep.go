package slack

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"efterkurs/reminders"
)

const (
	// sweepAsks is how many pages of conversations one sweep asks for: history and replies are Tier 3 each, 50 a
	// minute and more. An app that is distributed commercially outside Slack's Marketplace has one a minute, of 15
	// messages: it is told so by 429 and goes on where it stood, a page at a time.
	sweepAsks = 40
	sweepPage = 200
	skew      = time.Minute

	// threadsBack is how long before since a message may have been written under which somebody answers in a
	// thread: as long as its question is open.
	threadsBack = 90 * 24 * time.Hour

	// stale is after how long without a page read a sweep is begun anew: what it has read may be out of date, and
	// one conversation that cannot be read does not keep the others from being read again.
	stale = 10 * time.Minute

	pause = time.Minute // after a 429 that does not say for how long
)

// sweep is how far the reading of everybody's conversation has come. It is kept in memory only: another process
// begins its own.
type sweep struct {
	since time.Time
	asks  []ask // still to be made
	rooms map[string]bool
	taken map[string]bool // room:ts
	seen  reminders.Seen
	last  time.Time // when it last got on
	fault string    // why a conversation was left out; "" = none was
}

// ask is one page of one conversation or thread.
type ask struct {
	address  string // as conversations has it
	room     string // "" = not opened yet
	user     string
	thread   string // the ts of the message above it; "" = the conversation itself
	cursor   string
	reopened bool // the conversation was found closed and opened again
}

// identity is whose the token is.
type identity struct {
	team, user string
}

// Sweep reads the direct messages with everybody in conversations (user ids or e-mails): what people wrote since
// since and what was sent in our name, less a minute for clocks that disagree. Slack has no list over all of
// them, so that forty pages are read at a time; where More is set, asking again with the same since goes on
// after the last of them. Each answer holds all that was read since the first: an answer that could not be
// stored is not lost with it, and the last one is the whole, in order. While a sweep takes several calls, people
// write on; the next since must therefore not lie after the beginning of the *first* call with this one.
//
// EUNAVAILABLE, beside what was read until then: Slack cannot be reached, asks to wait (and is not asked again
// before), another sweep is under way, or a conversation cannot be read. The same since goes on, or begins anew.
//
// A text is the same as by the webhook. One that was edited before it was read has its new words; a reply in a
// thread is found where what stands above it is at most 90 days older than since. Buttons that were pressed
// while nobody listened are not here: Slack keeps no record of a press, and its three tries are all there is. Nor
// is what somebody wrote whom the bot has never written to: no list of those conversations is within its scopes.
func (c *Channel) Sweep(ctx context.Context, since time.Time, _ bool, conversations func(context.Context) ([]string, error)) (reminders.Seen, error) {
	if !c.sweeping.TryLock() {
		return reminders.Seen{More: true}, reminders.Errorf(reminders.EUNAVAILABLE, "another sweep of Slack is under way")
	}
	defer c.sweeping.Unlock()
	now := c.config.Now()
	if c.sweep == nil || !c.sweep.since.Equal(since) || now.Sub(c.sweep.last) > stale {
		addresses, err := conversations(ctx)
		if err != nil {
			return reminders.Seen{More: true}, reminders.Errorf(reminders.EUNAVAILABLE, "list the conversations to read in Slack: %w", err)
		}
		c.sweep = &sweep{since: since, last: now, rooms: map[string]bool{}, taken: map[string]bool{}}
		for _, address := range addresses {
			c.sweep.asks = append(c.sweep.asks, ask{address: address})
		}
	}
	s := c.sweep
	if now.Before(c.rest) {
		return s.answer(), reminders.Errorf(reminders.EUNAVAILABLE, "read conversations in Slack: it asks to wait until %s", c.rest.UTC().Format(time.RFC3339))
	}
	if len(s.asks) > 0 {
		if failure := c.identify(ctx); failure != nil {
			return s.answer(), c.sweepStopped(s, failure)
		}
	}
	for asked := 0; asked < sweepAsks && len(s.asks) > 0; asked++ {
		first := s.asks[0]
		follow, failure := c.read(ctx, s, first)
		switch {
		case failure == nil:
			s.asks, s.last = append(follow, s.asks[1:]...), c.config.Now()
		case failure.Outcome == reminders.OutcomeFailed:
			s.asks, s.fault = s.asks[1:], failure.Detail
		default:
			if !failure.ThrottleAll { // this one may be the only one that fails: the others go first
				s.asks = append(s.asks[1:], first)
			}
			return s.answer(), c.sweepStopped(s, failure)
		}
	}
	answer := s.answer()
	if answer.More {
		return answer, nil
	}
	c.sweep = nil
	if s.fault != "" {
		answer.More = true // of what was left out; and from the beginning, since more may have come meanwhile
		return answer, reminders.Errorf(reminders.EUNAVAILABLE, "read conversations in Slack: one was left out: %s", s.fault)
	}
	return answer, nil
}

// answer is all that was read so far, oldest first.
func (s *sweep) answer() reminders.Seen {
	seen := reminders.Seen{Inbound: slices.Clone(s.seen.Inbound), Left: slices.Clone(s.seen.Left), More: len(s.asks) > 0}
	slices.SortStableFunc(seen.Inbound, func(a, b reminders.Inbound) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(seen.Left, func(a, b reminders.Left) int { return a.At.Compare(b.At) })
	return seen
}

// sweepStopped is the error where a sweep cannot go on now.
func (c *Channel) sweepStopped(s *sweep, failure *reminders.Result) error {
	wait := failure.RetryAfter
	if failure.ThrottleAll && wait == 0 {
		wait = pause
	}
	if wait > 0 {
		c.rest = c.config.Now().Add(wait)
		s.last = c.rest // waiting as told is no standing still
	}
	return reminders.Errorf(reminders.EUNAVAILABLE, "read conversations in Slack: %s", failure.Detail)
}

// identify asks once whose the token is: the team is part of a text's id.
func (c *Channel) identify(ctx context.Context) *reminders.Result {
	c.mu.Lock()
	known := c.me != nil
	c.mu.Unlock()
	if known {
		return nil
	}
	call := c.call(ctx)
	who, err := call.api().AuthTestContext(ctx)
	if err != nil || who.TeamID == "" || who.UserID == "" {
		return call.unsent(err)
	}
	c.mu.Lock()
	c.me = &identity{team: who.TeamID, user: who.UserID}
	c.mu.Unlock()
	return nil
}

// read makes one ask and returns those that follow from it. Somebody whose account is gone has nothing to read.
func (c *Channel) read(ctx context.Context, s *sweep, a ask) ([]ask, *reminders.Result) {
	if a.room == "" {
		failure := c.open(ctx, &a)
		if failure != nil && failure.BadAddress {
			return nil, nil
		}
		if failure != nil {
			return nil, failure
		}
		if s.rooms[a.room] { // the same person by another address
			return nil, nil
		}
	}
	messages, cursor, failure := c.page(ctx, s, a)
	if failure != nil {
		switch failure.Code {
		case "channel_not_found", "is_archived":
			c.forgetRoom(a.room)
			delete(s.rooms, a.room)
			if a.reopened {
				return nil, nil // closed for good
			}
			return []ask{{address: a.address, reopened: true}}, nil
		case "thread_not_found", "message_not_found":
			return nil, nil
		}
		return nil, failure
	}
	s.rooms[a.room] = true
	var follow []ask
	oldest := s.since.Add(-skew)
	for _, m := range messages {
		if m.ReplyCount > 0 && a.thread == "" && (m.LatestReply == "" || !moment(m.LatestReply).Before(oldest)) {
			follow = append(follow, ask{address: a.address, room: a.room, user: a.user, thread: m.Timestamp})
		}
		if key := a.room + ":" + m.Timestamp; !moment(m.Timestamp).Before(oldest) && !s.taken[key] {
			s.taken[key] = true
			c.take(s, a, m)
		}
	}
	if cursor != "" {
		a.cursor = cursor
		follow = append(follow, a)
	}
	return follow, nil
}

func (c *Channel) open(ctx context.Context, a *ask) (failure *reminders.Result) {
	if a.user, failure = c.user(ctx, a.address); failure != nil {
		return failure
	}
	a.room, failure = c.room(ctx, a.address)
	return failure
}

// page is one page of a conversation, newest first, or of a thread, oldest first.
func (c *Channel) page(ctx context.Context, s *sweep, a ask) (messages []slackapi.Message, cursor string, failure *reminders.Result) {
	call := c.call(ctx)
	var err error
	if a.thread != "" {
		messages, _, cursor, err = call.api().GetConversationRepliesContext(ctx, &slackapi.GetConversationRepliesParameters{ChannelID: a.room,
			Timestamp: a.thread, Cursor: a.cursor, Inclusive: true, Limit: sweepPage, IncludeAllMetadata: true, Oldest: stamp(s.since.Add(-skew))})
	} else {
		var page *slackapi.GetConversationHistoryResponse
		page, err = call.api().GetConversationHistoryContext(ctx, &slackapi.GetConversationHistoryParameters{ChannelID: a.room,
			Cursor: a.cursor, Inclusive: true, Limit: sweepPage, IncludeAllMetadata: true, Oldest: stamp(s.since.Add(-threadsBack))})
		if err == nil {
			messages, cursor = page.Messages, page.ResponseMetaData.NextCursor
		}
	}
	if err != nil {
		result := call.result(err)
		return nil, "", &result
	}
	if messages == nil { // an empty page is [], and what holds none at all proves nothing absent
		return nil, "", &reminders.Result{Outcome: reminders.OutcomeUnknown, Detail: "Slack's answer holds no messages"}
	}
	return messages, cursor, nil
}

// stamp is an instant as a ts.
func stamp(at time.Time) string { return strconv.FormatInt(max(at.Unix(), 0), 10) + ".000000" }

// take keeps one message: ours by its metadata, else a person's. What is neither is left out, as the webhook does.
func (c *Channel) take(s *sweep, a ask, m slackapi.Message) {
	if m.Metadata.EventType == eventType {
		said, _ := m.Metadata.EventPayload[payloadKey].(string)
		if id, err := strconv.ParseInt(said, 10, 64); err == nil && id > 0 {
			s.seen.Left = append(s.seen.Left, reminders.Left{Channel: reminders.Slack, Address: a.user, MessageID: id,
				Text: unescape(m.Text), At: moment(m.Timestamp), Result: accepted(a.room, m.Timestamp)})
		}
		return
	}
	text := written{Subtype: m.SubType, User: m.User, BotID: m.BotID, Text: m.Text, TS: m.Timestamp, ThreadTS: m.ThreadTimestamp}
	if m.Edited != nil {
		text.Edited.User, text.Edited.TS = m.Edited.User, m.Edited.Timestamp
	}
	for _, f := range m.Files {
		text.Files = append(text.Files, file{Permalink: f.Permalink})
	}
	c.mu.Lock()
	me := *c.me
	c.mu.Unlock()
	if !text.byPerson([]string{me.user}) {
		return
	}
	in := text.inbound(me.team, a.room)
	if strings.Contains(a.address, "@") { // who is known by e-mail only is found by it, as where the webhook came
		in.Attributes["email"] = a.address
	}
	s.seen.Inbound = append(s.seen.Inbound, *in)
}
