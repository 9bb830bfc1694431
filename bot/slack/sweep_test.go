package slack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"efterkurs/bot/providertest"
	"efterkurs/bot/slack"
	"efterkurs/reminders"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// workspace is a Slack with so many people besides user, and a channel; both on one clock that the test sets.
func workspace(t *testing.T, people int) (fake *providertest.Slack, c *slack.Channel, now *time.Time, everybody []string) {
	t.Helper()
	fake = providertest.NewSlack(t)
	fake.AddUser(user, email)
	everybody = []string{user}
	for i := range people {
		everybody = append(everybody, fmt.Sprintf("U%04d", i))
		fake.AddUser(everybody[i+1], "")
	}
	at := noon
	fake.SetNow(func() time.Time { return at })
	return fake, channel(t, fake, func(config *slack.Config) { config.Now = func() time.Time { return at } }), &at, everybody
}

func with(addresses ...string) func(context.Context) ([]string, error) {
	return func(context.Context) ([]string, error) { return addresses, nil }
}

func swept(t *testing.T, c *slack.Channel, since time.Time, addresses ...string) reminders.Seen {
	t.Helper()
	seen, err := c.Sweep(t.Context(), since, true, with(addresses...))
	if err != nil || seen.More {
		t.Fatalf("Sweep: more %v, %v", seen.More, err)
	}
	return seen
}

func texts(in []reminders.Inbound) []string {
	all := []string{}
	for _, i := range in {
		all = append(all, i.Text)
	}
	return all
}

// TestSweepTakesInWhatCameAndWhatLeft fails where somebody's conversation is left out, where what a bot, a notice or
// an older text says is taken in, or where ours is not known by its metadata.
func TestSweepTakesInWhatCameAndWhatLeft(t *testing.T) {
	fake, c, now, _ := workspace(t, 1)
	*now = noon.Add(-2 * time.Minute)
	c.Send(t.Context(), outgoing)
	fake.Write(user, "for længst læst", "")
	*now = noon.Add(-30 * time.Second) // within the minute that clocks may disagree
	stop := fake.Write("U0000", "STOP &amp; tak", "")
	*now = noon.Add(time.Minute)
	sent := c.Send(t.Context(), outgoing)
	fake.Keep(providertest.SlackMessage{User: user, Text: "en anden robot", BotID: "B0OTHER"})
	fake.Keep(providertest.SlackMessage{User: user, Text: "er kommet til", Subtype: "channel_join"})
	fake.Keep(providertest.SlackMessage{User: user, Text: "uden id", FromBot: true})
	fake.Remove(fake.Write(user, "fortrudt", ""))
	fake.Rewrite(fake.Write(user, "rettte", ""), "rettet")
	fake.Keep(providertest.SlackMessage{User: user, Text: "se her", Subtype: "file_share", Files: []string{"https://x.slack.com/files/1", "https://x.slack.com/files/2"}})

	seen := swept(t, c, noon, user, "U0000")
	if got := texts(seen.Inbound); !slices.Equal(got, []string{"STOP & tak", "rettet", "se her"}) {
		t.Fatalf("came: %q", got)
	}
	if in := seen.Inbound[0]; in.Channel != reminders.Slack || in.ProviderID != fake.TeamID+":"+stop.Channel+":"+stop.TS || in.From != "U0000" || in.To != stop.Channel ||
		!in.At.Equal(noon.Add(-30*time.Second)) || in.At.Location() != time.UTC {
		t.Errorf("STOP = %+v", in)
	}
	if in := seen.Inbound[2]; !slices.Equal(in.Media, []string{"https://x.slack.com/files/1", "https://x.slack.com/files/2"}) {
		t.Errorf("pictures = %+v", in)
	}
	if len(seen.Left) != 1 {
		t.Fatalf("left: %+v", seen.Left)
	}
	if left := seen.Left[0]; left.Channel != reminders.Slack || left.Address != user || left.MessageID != outgoing.MessageID || left.Text != text ||
		left.Result != sent || left.At.Sub(noon.Add(time.Minute)).Abs() > time.Second {
		t.Errorf("left = %+v, want %+v", left, sent)
	}
}

// TestSweepReadsThreads: what stands in a thread is in no conversation's history, and the exercise above it may be from
// last week. It fails where only messages since since are looked under, where a thread nobody wrote in is asked for,
// or where what was sent to the conversation too comes twice.
func TestSweepReadsThreads(t *testing.T) {
	fake, c, now, _ := workspace(t, 0)
	*now = noon.AddDate(0, 0, -7)
	c.Send(t.Context(), outgoing)
	exercise := fake.Messages()[0]
	own := fake.Write(user, "min egen", "")
	gone := fake.Write(user, "fortrudt", "")
	quiet := fake.Write(user, "uden svar siden", "")
	fake.Write(user, "for længst læst", exercise.TS)
	fake.Write(user, "for længst læst", quiet.TS)
	*now = noon
	first := fake.Write(user, "1", exercise.TS)
	fake.Write(user, "under min egen", own.TS)
	fake.Write(user, "under den slettede", gone.TS)
	fake.Remove(gone)
	fake.Keep(providertest.SlackMessage{User: user, Text: "til alle", ThreadTS: exercise.TS, Subtype: "thread_broadcast"})
	fake.Write(user, "3", exercise.TS)

	seen := swept(t, c, noon, user)
	if got := texts(seen.Inbound); !slices.Equal(got, []string{"1", "under min egen", "under den slettede", "til alle", "3"}) {
		t.Errorf("came: %q", got)
	}
	if in := seen.Inbound[0]; in.Attributes["thread_ts"] != exercise.TS || in.Attributes["ts"] != first.TS {
		t.Errorf("in a thread: %+v", in)
	}
	if len(seen.Left) != 0 {
		t.Errorf("left: %+v", seen.Left)
	}
	if n := fake.Calls("conversations.replies"); n != 3 {
		t.Errorf("%d threads were asked for", n)
	}
}

// TestSweepGoesOnWhereItStood: forty pages a call, and a 429 in the middle. It fails where a conversation is asked for
// twice, where Slack is asked before it wants to be, or where what an earlier call gave is not in the last answer:
// its caller may not have been able to store it.
func TestSweepGoesOnWhereItStood(t *testing.T) {
	fake, c, now, everybody := workspace(t, 59)
	for i, u := range everybody {
		*now = noon.Add(time.Duration(len(everybody)-i) * time.Second) // the last one asked wrote first
		fake.Write(u, fmt.Sprint(i), "")
	}
	histories := 0
	fake.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
		if method == "conversations.history" {
			if histories++; histories == 11 {
				return providertest.Throttled("ratelimited", "30")
			}
		}
		return providertest.Behaviour{}
	})
	start := *now
	for i, step := range []struct {
		after      time.Duration // since the start
		want       int           // texts
		asked      int           // histories, the refused one with them
		code       string
		more, read bool
	}{
		{0, 10, 11, reminders.EUNAVAILABLE, true, true},
		{29 * time.Second, 10, 11, reminders.EUNAVAILABLE, true, false},
		{30 * time.Second, 50, 51, "", true, true},
		{31 * time.Second, 60, 61, "", false, true},
	} {
		*now = start.Add(step.after)
		seen, err := c.Sweep(t.Context(), noon, true, with(everybody...))
		if reminders.ErrorCode(err) != step.code || seen.More != step.more || len(seen.Inbound) != step.want || fake.Calls("conversations.history") != step.asked {
			t.Errorf("call %d: %d texts, more %v, %d asked, %v", i, len(seen.Inbound), seen.More, fake.Calls("conversations.history"), err)
		}
		if !slices.IsSortedFunc(seen.Inbound, func(a, b reminders.Inbound) int { return a.At.Compare(b.At) }) {
			t.Errorf("call %d: not in order", i)
		}
		if err != nil {
			silent(t, fake, err.Error())
		}
	}
	if n := fake.Calls("auth.test"); n != 1 {
		t.Errorf("%d times asked whose the token is", n)
	}
	// It is over: the same since again reads everything again, another since too.
	swept(t, c, noon, everybody[:5]...)
	swept(t, c, noon.Add(time.Hour), everybody[:5]...)
	if n := fake.Calls("conversations.history"); n != 71 {
		t.Errorf("%d histories", n)
	}
}

// TestSweepReadsPageByPageHoweverFewSlackGives: one page a minute of 15 messages, as for some apps. It fails where a
// page is lost at the 429, or the conversation is begun again each time and never ends.
func TestSweepReadsPageByPageHoweverFewSlackGives(t *testing.T) {
	fake, c, now, _ := workspace(t, 0)
	fake.SetMaxLimit(15)
	above := fake.Write(user, "0", "")
	want := []string{"0"}
	for i := range 40 {
		want = append(want, fmt.Sprint(i+1))
		fake.Write(user, want[i+1], map[bool]string{true: above.TS}[i%2 == 0])
	}
	asked := 0
	fake.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
		if method == "conversations.history" || method == "conversations.replies" {
			if asked++; asked%2 == 0 {
				return providertest.Throttled("ratelimited", "60")
			}
		}
		return providertest.Behaviour{}
	})
	for calls := 1; ; calls++ {
		seen, err := c.Sweep(t.Context(), noon, true, with(user))
		if !seen.More {
			if err != nil || !slices.Equal(texts(seen.Inbound), want) {
				t.Errorf("%q, %v", texts(seen.Inbound), err)
			}
			break
		}
		if calls > 10 {
			t.Fatal("it does not come to an end")
		}
		*now = now.Add(time.Minute)
	}
	if asked != 7 { // two pages each of 21 messages and of 20 replies with the one above, and three refusals
		t.Errorf("asked %d times", asked)
	}
}

// TestSweepOfASlackOutOfOrder: whatever is answered is EUNAVAILABLE, says nothing secret, and what was read before it is
// there. It fails where an answer without messages passes for an empty conversation.
func TestSweepOfASlackOutOfOrder(t *testing.T) {
	for name, behaviour := range map[string]providertest.Behaviour{
		"500":            {Refuse: true, Status: 500},
		"reset":          {Reset: true},
		"garbage":        {Garbage: true},
		"internal_error": providertest.Refused("internal_error", 200),
		"throttled":      providertest.Throttled("ratelimited", ""),
		"token revoked":  providertest.Refused("token_revoked", 200),
		"no scope":       providertest.Refused("missing_scope", 200),
	} {
		for _, method := range []string{"auth.test", "users.lookupByEmail", "conversations.open", "conversations.history", "conversations.replies"} {
			t.Run(name+" at "+method, func(t *testing.T) {
				fake, c, now, _ := workspace(t, 1)
				fake.Write("U0000", "før", "")
				fake.Write(user, "1", fake.Write(user, "over", "").TS)
				fake.Script(func(_ int, called string, form url.Values) providertest.Behaviour {
					other := form.Get("users") == "U0000" || called == "conversations.history" && form.Get("channel") == fake.Messages()[0].Channel
					if called == method && !other {
						return behaviour
					}
					return providertest.Behaviour{}
				})
				seen, err := c.Sweep(t.Context(), noon, true, with("U0000", email))
				if reminders.ErrorCode(err) != reminders.EUNAVAILABLE || !seen.More {
					t.Fatalf("more %v, %v", seen.More, err)
				}
				silent(t, fake, err.Error())
				want := map[string]int{"users.lookupByEmail": 1, "conversations.open": 1, "conversations.history": 1, "conversations.replies": 2}
				if len(seen.Inbound) != want[method] {
					t.Errorf("read before it: %q", texts(seen.Inbound))
				}
				fake.Script(nil)
				*now = now.Add(time.Minute)
				if seen := swept(t, c, noon, "U0000", email); len(seen.Inbound) != 3 {
					t.Errorf("after it: %q", texts(seen.Inbound))
				}
			})
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"ok":true,"team_id":"T1","user_id":"U1","channel":{"id":"D1"}}`))
	}))
	t.Cleanup(server.Close)
	c := channel(t, providertest.NewSlack(t), func(config *slack.Config) { config.BaseURL = server.URL })
	if _, err := c.Sweep(t.Context(), noon, true, with(user)); reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("no messages: %v", err)
	}
	if _, found, err := c.Find(t.Context(), outgoing, noon, nil); found || reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("Find, no messages: %v, %v", found, err)
	}
	lost := errors.New("the database is away")
	_, err := c.Sweep(t.Context(), noon.Add(time.Hour), true, func(context.Context) ([]string, error) { return nil, lost })
	if reminders.ErrorCode(err) != reminders.EUNAVAILABLE || !errors.Is(err, lost) {
		t.Errorf("no list of conversations: %v", err)
	}
}

// TestOneConversationDoesNotHoldUpTheOthers: Slack refuses one with a word nobody knows, or fails at it each time. It
// fails where the others wait for it, where it is left out in silence, or where a sweep that never ends keeps
// what people write from being read.
func TestOneConversationDoesNotHoldUpTheOthers(t *testing.T) {
	for _, word := range []string{"invalid_mood", "fatal_error"} {
		t.Run(word, func(t *testing.T) {
			fake, c, now, everybody := workspace(t, 2)
			for _, u := range everybody {
				fake.Write(u, "1", "")
			}
			bad := fake.Messages()[0].Channel
			fake.Script(func(_ int, method string, form url.Values) providertest.Behaviour {
				if method == "conversations.history" && form.Get("channel") == bad {
					return providertest.Refused(word, 200)
				}
				return providertest.Behaviour{}
			})
			var seen reminders.Seen
			var err error
			for range 3 {
				seen, err = c.Sweep(t.Context(), noon, true, with(everybody...))
				if reminders.ErrorCode(err) != reminders.EUNAVAILABLE || !seen.More {
					t.Fatalf("more %v, %v", seen.More, err)
				}
				silent(t, fake, err.Error())
			}
			if len(seen.Inbound) != 2 {
				t.Errorf("read: %q", texts(seen.Inbound))
			}
			fake.Write(everybody[2], "STOP", "")
			*now = now.Add(11 * time.Minute)
			for range 2 {
				seen, _ = c.Sweep(t.Context(), noon, true, with(everybody...))
			}
			if !slices.Contains(texts(seen.Inbound), "STOP") {
				t.Errorf("read later: %q", texts(seen.Inbound))
			}
			fake.Script(nil)
			for seen.More {
				if seen, err = c.Sweep(t.Context(), noon, true, with(everybody...)); err != nil {
					t.Fatal(err)
				}
			}
			if len(seen.Inbound) != 4 {
				t.Errorf("read in the end: %q", texts(seen.Inbound))
			}
		})
	}
}

// TestSweepPassesOverWhoIsGone fails where a closed account stops the sweep, a closed conversation is not opened again,
// or one person under two addresses is read twice.
func TestSweepPassesOverWhoIsGone(t *testing.T) {
	fake, c, _, _ := workspace(t, 1)
	c.Send(t.Context(), outgoing)
	fake.Write(user, "1", "")
	fake.Write("U0000", "2", "")
	closed, histories := "", 0
	fake.Script(func(_ int, method string, form url.Values) providertest.Behaviour {
		if method == "conversations.history" {
			if histories++; histories == 1 { // it was open when it was written to
				return providertest.Refused("channel_not_found", 200)
			}
		}
		if form.Get("users") == "U0CLOSED" {
			return providertest.Refused("user_disabled", 200)
		}
		if method == "conversations.history" && form.Get("channel") == closed {
			return providertest.Refused("is_archived", 200)
		}
		return providertest.Behaviour{}
	})
	seen := swept(t, c, noon, "U0NOBODY", "ingen@fabrik.example", "U0CLOSED", email, user, "U0000")
	if got := texts(seen.Inbound); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("read: %q", got)
	}
	if mail := seen.Inbound[0].Attributes["email"]; mail != email {
		t.Errorf("who is known by e-mail only has the e-mail %q", mail)
	}
	if _, there := seen.Inbound[1].Attributes["email"]; there {
		t.Error("an e-mail out of nowhere")
	}
	if n := fake.Calls("conversations.history"); n != 3 { // two of them for the closed conversation
		t.Errorf("%d tries", n)
	}
	before := fake.Calls("conversations.history")
	if closed = seen.Inbound[1].To; len(swept(t, c, noon, "U0000", user).Inbound) != 1 {
		t.Error("what is archived for good was read, or kept the other from being read")
	}
	if n := fake.Calls("conversations.history") - before; n != 3 {
		t.Errorf("%d tries", n)
	}
}

// TestOneSweepAtATime fails where two share what one of them has read: either would end with a part of it.
func TestOneSweepAtATime(t *testing.T) {
	fake, c, _, _ := workspace(t, 0)
	fake.Write(user, "1", "")
	begun, hold := make(chan struct{}), make(chan struct{})
	fake.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
		if method == "conversations.history" {
			close(begun)
			return providertest.Behaviour{Hold: hold}
		}
		return providertest.Behaviour{}
	})
	first := make(chan reminders.Seen)
	go func() {
		seen, _ := c.Sweep(t.Context(), noon, true, with(user))
		first <- seen
	}()
	<-begun
	if seen, err := c.Sweep(t.Context(), noon, true, with(user)); reminders.ErrorCode(err) != reminders.EUNAVAILABLE || !seen.More {
		t.Errorf("the second: %+v, %v", seen, err)
	}
	close(hold)
	if seen := <-first; len(seen.Inbound) != 1 || seen.More {
		t.Errorf("the first: %+v", seen)
	}
}

// TestSweepBeginsAConversationAgainThatWasClosedHalfRead fails where it then counts as one already read.
func TestSweepBeginsAConversationAgainThatWasClosedHalfRead(t *testing.T) {
	fake, c, _, _ := workspace(t, 0)
	fake.SetMaxLimit(15)
	for i := range 20 {
		fake.Write(user, fmt.Sprint(i), "")
	}
	asked := 0
	fake.Script(func(_ int, method string, _ url.Values) providertest.Behaviour {
		if method == "conversations.history" {
			if asked++; asked == 2 {
				return providertest.Refused("channel_not_found", 200)
			}
		}
		return providertest.Behaviour{}
	})
	if seen := swept(t, c, noon, user); len(seen.Inbound) != 20 {
		t.Errorf("read: %q", texts(seen.Inbound))
	}
}

// TestATextIsTheSameByWebhookAndBySweep: however webhooks (with their retries) and sweeps are interleaved, the ids are
// those of the texts, and a text has the same fields by both. It fails where one of the two reads a field the
// other does not, or where a sweep leaves a text out.
func TestATextIsTheSameByWebhookAndBySweep(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fake := providertest.NewSlack(nil)
		defer fake.Close()
		now := time.Now() // the webhook's signature is fresh
		since := now
		fake.SetNow(func() time.Time { return now })
		fake.SetMaxLimit(rapid.IntRange(2, 200).Draw(rt, "a page's messages"))
		people := []string{"U1", "U2", "U3"}
		for _, u := range people {
			fake.AddUser(u, "")
		}
		c := channel(t, fake, nil)
		bodies := make(chan []byte, 1)
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			bodies <- body
		}))
		defer server.Close()

		known := map[string]reminders.Inbound{}
		take := func(in reminders.Inbound) {
			if before, again := known[in.ProviderID]; again && fmt.Sprint(before) != fmt.Sprint(in) {
				rt.Fatalf("one text twice:\n%+v\n%+v", before, in)
			}
			known[in.ProviderID] = in
		}
		sweep := func() {
			for more := true; more; {
				seen, err := c.Sweep(t.Context(), since, true, with(people...))
				if err != nil {
					rt.Fatal(err)
				}
				ids := map[string]bool{}
				for _, in := range seen.Inbound {
					if ids[in.ProviderID] {
						rt.Fatalf("%s is there twice", in.ProviderID)
					}
					ids[in.ProviderID] = true
					take(in)
				}
				more = seen.More
			}
		}
		var written []providertest.SlackMessage
		rt.Repeat(map[string]func(*rapid.T){
			"write": func(rt *rapid.T) {
				m := providertest.SlackMessage{User: rapid.SampledFrom(people).Draw(rt, "who"),
					Text: rapid.OneOf(rapid.SampledFrom([]string{"", "1", "STOP", "1 &lt; 2 &amp;amp; 3", "<@U0EFTERBOT> hej"}), rapid.StringN(0, 20, -1)).Draw(rt, "text")}
				var own []providertest.SlackMessage
				for _, other := range fake.Messages() {
					if other.User == m.User && (other.ThreadTS == "" || other.ThreadTS == other.TS) {
						own = append(own, other)
					}
				}
				if len(own) > 0 && rapid.Bool().Draw(rt, "in a thread") {
					m.ThreadTS = rapid.SampledFrom(own).Draw(rt, "under").TS
					m.Subtype = rapid.SampledFrom([]string{"", "thread_broadcast"}).Draw(rt, "broadcast")
				} else if rapid.Bool().Draw(rt, "a picture") {
					m.Subtype, m.Files = "file_share", []string{"https://x.slack.com/files/1", ""}
				}
				written = append(written, fake.Keep(m))
			},
			"tell": func(rt *rapid.T) {
				if len(written) == 0 {
					rt.Skip("nothing to tell")
				}
				resp, err := fake.Tell(t.Context(), server.URL, "", rapid.SampledFrom(written).Draw(rt, "which"))
				if err != nil {
					rt.Fatal(err)
				}
				resp.Body.Close()
				take(*event(t, <-bodies).Inbound)
			},
			"send": func(rt *rapid.T) {
				out := outgoing
				out.To = rapid.SampledFrom(people).Draw(rt, "to")
				c.Send(t.Context(), out)
			},
			"sweep": func(*rapid.T) { sweep() },
		})
		sweep()
		want := map[string]bool{}
		for _, m := range written {
			want[fake.TeamID+":"+m.Channel+":"+m.TS] = true
		}
		if !maps.EqualFunc(known, want, func(reminders.Inbound, bool) bool { return true }) {
			rt.Fatalf("%d texts are known, %d were written", len(known), len(want))
		}
	})
}
