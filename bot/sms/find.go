package sms

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	twilio "github.com/twilio/twilio-go/rest/api/v2010"

	"efterkurs/reminders"
)

const (
	findPage = 100 // messages to one person fetched at a time
	findMax  = 20  // pages; a person gets about twenty messages in a whole programme

	// findSkew is how wrong our clock may have been at the try. One that is a day ahead and set back would have us look
	// only at what came after the message that we are looking for, and send it again.
	findSkew = 25 * time.Hour

	// trialPrefix is what a trial account puts before every text.
	trialPrefix = "Sent from your Twilio trial account - "
)

// Find looks for out among what Twilio made for its recipient since since, less a day and an hour for clocks
// that disagree. Twilio's list bears no id of ours: the text decides, and of several with the same text the one
// made nearest to since, those after it first. One whose SID is known belongs to another message of ours
// with the same text and is passed over. The list filters on To only; DateSent would miss what is still
// queued, and a messaging service chooses the From.
func (c *Channel) Find(ctx context.Context, out reminders.Outgoing, since time.Time, known func(providerID string) bool) (reminders.Result, bool, error) {
	params := &twilio.ListMessageParams{}
	params.SetTo(out.To).SetPageSize(findPage)
	var best twilio.ApiV2010Message
	var bestAt time.Time
	err := c.each(ctx, params, findMax, since.Add(-findSkew), func(m twilio.ApiV2010Message, created time.Time) {
		if matches(m, out) && (known == nil || !known(deref(m.Sid))) && (bestAt.IsZero() || nearer(created, bestAt, since)) {
			best, bestAt = m, created
		}
	})
	if err != nil {
		return reminders.Result{}, false, reminders.Errorf(reminders.EUNAVAILABLE, "find message %d at Twilio: %w", out.MessageID, err)
	}
	if bestAt.IsZero() {
		return reminders.Result{}, false, nil
	}
	return taken(best), true, nil
}

func matches(m twilio.ApiV2010Message, out reminders.Outgoing) bool {
	body := strings.TrimPrefix(deref(m.Body), trialPrefix)
	return deref(m.Direction) == "outbound-api" && deref(m.To) == out.To && strings.TrimSpace(body) == strings.TrimSpace(out.Text)
}

// nearer says whether a is a better match than b for a try begun at since. date_created has whole seconds.
func nearer(a, b, since time.Time) bool {
	since = since.Truncate(time.Second)
	if a.Before(since) != b.Before(since) {
		return b.Before(since)
	}
	return a.Sub(since).Abs() < b.Sub(since).Abs()
}

// each calls f with every message of a listing that was made at or after oldest, in the order of the list, each
// once, on at most so many pages. Its error has words of ours only; f has seen what was read until then.
//
// The list is sorted by the instant at which a message was *sent*, newest first, while we count from the one at
// which it was made: the first is the later by as long as the message stood in Twilio's queue, up to ten hours.
// So an old date_created ends nothing, or what was made after it and sent before it were never seen. An old
// date_sent ends it, since nothing is sent before it is made; what is not sent yet ends nothing either.
func (c *Channel) each(ctx context.Context, params *twilio.ListMessageParams, pages int, oldest time.Time, f func(m twilio.ApiV2010Message, created time.Time)) error {
	seen := map[string]bool{}
	token, number := "", ""
	for range pages {
		call := c.call(ctx)
		page, err := call.api().PageMessage(params, token, number)
		if err != nil {
			return errors.New(call.unread(err))
		}
		if page.Messages == nil { // an empty list is [], and what holds none at all proves nothing absent
			return errors.New("the answer holds no list")
		}
		for _, m := range page.Messages {
			created, err := time.Parse(time.RFC1123Z, deref(m.DateCreated))
			if err != nil || deref(m.Sid) == "" {
				return errors.New("a record's sid or date_created cannot be read")
			}
			if sent, err := time.Parse(time.RFC1123Z, deref(m.DateSent)); err == nil && sent.Before(oldest) {
				return nil
			}
			if created.Before(oldest) || seen[*m.Sid] {
				continue
			}
			seen[*m.Sid] = true
			f(m, created)
		}
		if token, number = next(page.NextPageUri); token == "" && number == "" {
			return nil
		}
	}
	return fmt.Errorf("there are more than %d messages since %s", pages*size(params), oldest.UTC().Format(time.RFC3339))
}

func size(params *twilio.ListMessageParams) int {
	if params.PageSize == nil {
		return 50 // Twilio's default
	}
	return *params.PageSize
}

// next is the page after this one, from Twilio's own address of it; "" and "" = there is none.
func next(uri *string) (token, number string) {
	u, err := url.Parse(deref(uri))
	if err != nil {
		return "", ""
	}
	return u.Query().Get("PageToken"), u.Query().Get("Page")
}
