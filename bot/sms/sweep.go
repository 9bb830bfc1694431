package sms

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	twilio "github.com/twilio/twilio-go/rest/api/v2010"

	"efterkurs/bot"
	"efterkurs/reminders"
)

var _ bot.Sweeper = (*Channel)(nil)

const (
	sweepPage = 1000        // messages fetched at a time; Twilio's greatest
	skew      = time.Minute // by how much clocks may disagree
	sweepMax  = 50          // pages of one listing: five bulks of 10,000
)

// Sweep reads Twilio's list: what people wrote to our number or messaging service since since, and what left
// through it where left asks for it, less a minute for clocks that disagree. It reads all of it and never sets More: the list is newest
// first and its page tokens are Twilio's, so that a part of it could not be gone on with. Beyond 50,000 messages
// it says so in its error and gives the newest ones. conversations is not called: one list holds everybody.
//
// Beside an error the newest texts are there and older ones may be missing: who takes them in goes by At, and
// asks again with the same since. How soon the list shows a text is undocumented, so that one sweep's since
// must lie some minutes before the last one's beginning.
//
// A text is the same as by the webhook in all but what Twilio tells there only: OptOutType, the country, the
// pictures' own addresses and which message it replies to.
func (c *Channel) Sweep(ctx context.Context, since time.Time, left bool, _ func(context.Context) ([]string, error)) (reminders.Seen, error) {
	var s sweep
	var err error
	if c.config.MessagingServiceSID != "" { // its numbers are kept by another Twilio product, so no filter names them
		err = c.sweep(ctx, &s, &twilio.ListMessageParams{}, since, c.oursByService)
	} else {
		inbound, outbound := &twilio.ListMessageParams{}, &twilio.ListMessageParams{}
		inbound.SetTo(c.config.From)
		outbound.SetFrom(c.config.From)
		if err = c.sweep(ctx, &s, inbound, since, isInbound); err == nil && left {
			err = c.sweep(ctx, &s, outbound, since, isOutbound)
		}
	}
	return c.seen(s), err
}

// sweep is what a sweep has read, in the order of the list.
type sweep []record

type record struct {
	twilio.ApiV2010Message
	created time.Time
}

func (c *Channel) sweep(ctx context.Context, s *sweep, params *twilio.ListMessageParams, since time.Time, ours func(twilio.ApiV2010Message) bool) error {
	params.SetPageSize(sweepPage)
	err := c.each(ctx, params, sweepMax, since.Add(-skew), func(m twilio.ApiV2010Message, created time.Time) {
		if ours(m) {
			*s = append(*s, record{m, created})
		}
	})
	if err != nil {
		return reminders.Errorf(reminders.EUNAVAILABLE, "read what came and left at Twilio since %s: %w", since.UTC().Format(time.RFC3339), err)
	}
	return nil
}

func isInbound(m twilio.ApiV2010Message) bool { return deref(m.Direction) == "inbound" }

// isOutbound leaves out what a voice call or a TwiML answer sent: we send neither.
func isOutbound(m twilio.ApiV2010Message) bool { return deref(m.Direction) == "outbound-api" }

// oursByService tells our messages from those of the account's other services. An inbound one that names no
// service is taken in: better a stranger's text in the inbox than a participant's lost.
func (c *Channel) oursByService(m twilio.ApiV2010Message) bool {
	service := deref(m.MessagingServiceSid)
	return service == c.config.MessagingServiceSID && (isInbound(m) || isOutbound(m)) || service == "" && isInbound(m)
}

// seen puts the records in order, oldest first. date_created has whole seconds; of several in one second the
// list has the last one first.
func (c *Channel) seen(s sweep) reminders.Seen {
	slices.Reverse(s)
	slices.SortStableFunc(s, func(a, b record) int { return a.created.Compare(b.created) })
	var seen reminders.Seen
	for _, m := range s {
		if isInbound(m.ApiV2010Message) {
			if in, err := ParseInbound(c.webhookForm(m.ApiV2010Message), m.created); err == nil { // else it has no sender: nobody wrote it
				seen.Inbound = append(seen.Inbound, in)
			}
			continue
		}
		text := strings.TrimPrefix(deref(m.Body), trialPrefix)
		if text == "" { // redacted: nothing is left to know it by
			continue
		}
		seen.Left = append(seen.Left, reminders.Left{Channel: reminders.SMS, Address: deref(m.To), Text: text, At: m.created.UTC(), Result: taken(m.ApiV2010Message)})
	}
	return seen
}

// webhookForm is a record in the webhook's words, so that one parser reads both. Of pictures the record has the
// number only; each gets the address of the list of all, which a number behind # tells apart.
func (c *Channel) webhookForm(m twilio.ApiV2010Message) url.Values {
	form := url.Values{"MessageSid": {deref(m.Sid)}, "From": {deref(m.From)}, "To": {deref(m.To)}, "Body": {deref(m.Body)},
		"NumSegments": {deref(m.NumSegments)}, "NumMedia": {deref(m.NumMedia)}, "MessagingServiceSid": {deref(m.MessagingServiceSid)}}
	media, _ := strconv.Atoi(deref(m.NumMedia))
	list := c.base.JoinPath("2010-04-01", "Accounts", c.config.AccountSID, "Messages", deref(m.Sid), "Media.json")
	for i := range min(media, maxMedia) {
		form.Set(fmt.Sprint("MediaUrl", i), fmt.Sprint(list, "#", i))
	}
	return form
}
