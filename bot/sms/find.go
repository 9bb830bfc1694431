package sms

import (
	"context"
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

	// skew is how wrong our clock may have been at the try. One that is a day ahead and set back would have us look
	// only at what came after the message that we are looking for, and send it again.
	skew = 25 * time.Hour

	// trialPrefix is what a trial account puts before every text.
	trialPrefix = "Sent from your Twilio trial account - "
)

// Find looks for out among what Twilio made for its recipient since since, less a day and an hour for
// clocks that disagree. Twilio's list bears no id of ours: the text decides, and of several with the same text the one
// made nearest to since, those after it first. The list filters on To only; DateSent would miss what is
// still queued, and a messaging service chooses the From.
func (c *Channel) Find(ctx context.Context, out reminders.Outgoing, since time.Time) (reminders.Result, bool, error) {
	params := &twilio.ListMessageParams{}
	params.SetTo(out.To).SetPageSize(findPage)
	oldest := since.Add(-skew)
	var best twilio.ApiV2010Message
	var bestAt time.Time
	token, number := "", ""
	for range findMax {
		call := c.call(ctx)
		page, err := call.api().PageMessage(params, token, number)
		if err != nil {
			return reminders.Result{}, false, reminders.Errorf(reminders.EUNAVAILABLE, "find message %d at Twilio: %s", out.MessageID, call.result(err).Detail)
		}
		for _, m := range page.Messages {
			created, err := time.Parse(time.RFC1123Z, deref(m.DateCreated))
			if err != nil {
				return reminders.Result{}, false, fmt.Errorf("find message %d at Twilio: a date_created cannot be read", out.MessageID)
			}
			if created.Before(oldest) {
				// Newest first: everything after this one is older still.
				return found(best, bestAt)
			}
			if matches(m, out) && (bestAt.IsZero() || nearer(created, bestAt, since)) {
				best, bestAt = m, created
			}
		}
		if token, number = next(page.NextPageUri); token == "" && number == "" {
			break
		}
	}
	return found(best, bestAt)
}

func found(m twilio.ApiV2010Message, at time.Time) (reminders.Result, bool, error) {
	if at.IsZero() {
		return reminders.Result{}, false, nil
	}
	return taken(m), true, nil
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

// next is the page after this one, from Twilio's own address of it; "" and "" = there is none.
func next(uri *string) (token, number string) {
	u, err := url.Parse(deref(uri))
	if err != nil {
		return "", ""
	}
	return u.Query().Get("PageToken"), u.Query().Get("Page")
}
