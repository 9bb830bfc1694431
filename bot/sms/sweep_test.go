package sms_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"efterkurs/bot/providertest"
	"efterkurs/bot/sms"
	"efterkurs/reminders"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// at makes a Twilio whose clock the test sets.
func at(t *testing.T, start time.Time) (*providertest.Twilio, *time.Time) {
	t.Helper()
	tw, now := providertest.NewTwilio(t), start
	tw.SetNow(func() time.Time { return now })
	return tw, &now
}

func swept(t *testing.T, c *sms.Channel, since time.Time) reminders.Seen {
	t.Helper()
	seen, err := c.Sweep(t.Context(), since, true, nil)
	if err != nil || seen.More {
		t.Fatalf("Sweep: more %v, %v", seen.More, err)
	}
	return seen
}

func texts(in []reminders.Inbound) []string {
	var all []string
	for _, i := range in {
		all = append(all, i.Text)
	}
	return all
}

// TestSweepTakesInWhatCameAndWhatLeft, by our number and by a messaging service alike. It fails where a listing is
// not sorted by direction and service, where what is redacted or older is shown, or where a text has other fields
// than by the webhook.
func TestSweepTakesInWhatCameAndWhatLeft(t *testing.T) {
	for name, service := range map[string]string{"by number": "", "by service": "MG0123"} {
		t.Run(name, func(t *testing.T) {
			tw, now := at(t, noon.Add(-2*time.Minute))
			c := channel(t, tw, func(config *sms.Config) { config.MessagingServiceSID = service })
			other := channel(t, tw, func(config *sms.Config) { config.MessagingServiceSID = "MG9999" })
			tw.Receive("SMold", phone, tw.Number, "for længst læst")
			*now = noon.Add(-30 * time.Second) // within the minute that clocks may disagree
			tw.Arrive(providertest.TwilioMessage{SID: "SM1", From: phone, To: tw.Number, Body: "STOP", NumSegments: 2, MessagingServiceSID: service})
			*now = noon.Add(time.Minute)
			first := c.Send(t.Context(), outgoing).ProviderID
			redacted := c.Send(t.Context(), outgoing).ProviderID
			tw.Redact(redacted)
			*now = now.Add(time.Second)
			second := c.Send(t.Context(), outgoing).ProviderID
			tw.SetStatus(second, "undelivered", 30005)
			*now = now.Add(time.Second)
			tw.Arrive(providertest.TwilioMessage{SID: "MM2", From: phone, To: tw.Number, Body: "se her", NumMedia: 2, MessagingServiceSID: service})
			if service != "" {
				other.Send(t.Context(), outgoing)
				tw.Arrive(providertest.TwilioMessage{SID: "SM3", From: phone, To: "+4552599999", Body: "til en anden", MessagingServiceSID: "MG9999"})
				tw.Receive("SM4", phone, tw.Number, "uden tjeneste")
			} else {
				tw.Receive("SM3", phone, "+4552599999", "til et andet nummer")
			}

			seen := swept(t, c, noon)
			want := []string{"STOP", "se her"}
			if service != "" {
				want = append(want, "uden tjeneste")
			}
			if !slices.Equal(texts(seen.Inbound), want) {
				t.Fatalf("came: %q, want %q", texts(seen.Inbound), want)
			}
			stop, picture := seen.Inbound[0], seen.Inbound[1]
			if stop.ProviderID != "SM1" || stop.Channel != reminders.SMS || stop.From != phone || stop.To != tw.Number || stop.Attributes["num_segments"] != "2" ||
				stop.Attributes["messaging_service_sid"] != service || !stop.At.Equal(noon.Add(-30*time.Second)) || stop.At.Location() != time.UTC || len(stop.Media) != 0 {
				t.Errorf("STOP = %+v", stop)
			}
			if picture.Attributes["num_media"] != "2" || len(picture.Media) != 2 || picture.Media[0] == picture.Media[1] ||
				!strings.HasPrefix(picture.Media[0], tw.URL+"/2010-04-01/Accounts/"+tw.AccountSID+"/Messages/MM2/Media.json") {
				t.Errorf("picture = %+v", picture)
			}
			if len(seen.Left) != 2 {
				t.Fatalf("left: %+v", seen.Left)
			}
			accepted, undelivered := seen.Left[0], seen.Left[1]
			if accepted.Channel != reminders.SMS || accepted.Address != phone || accepted.Text != text || accepted.MessageID != 0 || !accepted.At.Equal(noon.Add(time.Minute)) ||
				accepted.Result.Outcome != reminders.OutcomeAccepted || accepted.Result.ProviderID != first {
				t.Errorf("accepted = %+v", accepted)
			}
			if r := undelivered.Result; r.Outcome != reminders.OutcomeFailed || r.ProviderID != second || r.Code != "30005" || !r.BadAddress {
				t.Errorf("undelivered = %+v", undelivered)
			}
		})
	}
}

// TestSweepKnowsATrialAccountsText fails where Twilio's prefix stays: the text is then not known for ours.
func TestSweepKnowsATrialAccountsText(t *testing.T) {
	tw, _ := at(t, noon)
	out := outgoing
	out.Text = "Sent from your Twilio trial account - " + text
	c := channel(t, tw, nil)
	c.Send(t.Context(), out)
	if left := swept(t, c, noon).Left; len(left) != 1 || left[0].Text != text {
		t.Errorf("left = %+v", left)
	}
}

// TestSweepKeepsTheOrderOfOneSecondOverPages: a page holds 1000, the list is newest first and shows whole seconds, and
// more comes while it is read. It fails where a page is dropped or read twice, or where texts of one second are
// turned round: "1" and then "2" would count as 1.
func TestSweepKeepsTheOrderOfOneSecondOverPages(t *testing.T) {
	tw, now := at(t, noon)
	var want []string
	for i := range 2300 {
		*now = noon.Add(time.Duration(i/7) * time.Second)
		want = append(want, fmt.Sprint(i))
		tw.Receive(fmt.Sprintf("SM%04d", i), phone, tw.Number, want[i])
	}
	late := 0
	tw.ScriptFetch(func(int, *http.Request) providertest.Behaviour {
		late++
		tw.Receive(fmt.Sprintf("SMlate%d", late), phone, tw.Number, "imens")
		return providertest.Behaviour{}
	})
	seen := swept(t, channel(t, tw, nil), noon)
	if got := slices.DeleteFunc(texts(seen.Inbound), func(s string) bool { return s == "imens" }); !slices.Equal(got, want) {
		t.Errorf("%d texts, want %d in their order", len(got), len(want))
	}
	if late != 4 { // three pages of what came, one of what left
		t.Errorf("%d requests", late)
	}
}

// TestSweepIsNotEndedByWhatWasMadeBeforeAndSentAfter: the list is sorted by the sent date. It fails where the first old
// date_created ends it: what people wrote while a bulk stood in the queue is then lost.
func TestSweepIsNotEndedByWhatWasMadeBeforeAndSentAfter(t *testing.T) {
	tw, now := at(t, noon.Add(-time.Hour))
	c := channel(t, tw, func(config *sms.Config) { config.MessagingServiceSID = "MG0123" })
	queued := c.Send(t.Context(), outgoing).ProviderID
	c.Send(t.Context(), outgoing) // never leaves the queue
	*now = noon.Add(time.Minute)
	tw.Receive("SM1", phone, tw.Number, "STOP")
	*now = noon.Add(2 * time.Minute)
	tw.SetStatus(queued, "sent", 0)
	if seen := swept(t, c, noon); !slices.Equal(texts(seen.Inbound), []string{"STOP"}) || len(seen.Left) != 0 {
		t.Errorf("seen = %+v", seen)
	}
}

// TestSweepCountsOnceWhatLeavesTheQueueWhileItIsRead: it was on one page and stands on the next one as well. It fails
// where pages are only put one behind the other.
func TestSweepCountsOnceWhatLeavesTheQueueWhileItIsRead(t *testing.T) {
	tw, _ := at(t, noon)
	c := channel(t, tw, nil)
	var sids []string
	for range 1001 {
		sids = append(sids, c.Send(t.Context(), outgoing).ProviderID)
	}
	tw.ScriptFetch(func(n int, r *http.Request) providertest.Behaviour {
		if r.URL.Query().Has("PageToken") {
			tw.SetStatus(sids[500], "sent", 0)
		}
		return providertest.Behaviour{}
	})
	var got []string
	for _, left := range swept(t, c, noon).Left {
		got = append(got, left.Result.ProviderID)
	}
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(sids))) {
		t.Errorf("%d left, want %d", len(got), len(sids))
	}
}

// TestSweepSeesWhatTheListShowsLate: asked again with the same since, the list shows what it did not. It fails where
// anything but since decides what is read.
func TestSweepSeesWhatTheListShowsLate(t *testing.T) {
	tw, now := at(t, noon.Add(time.Second))
	c := channel(t, tw, nil)
	tw.SetLag(time.Minute)
	tw.Receive("SM1", phone, tw.Number, "1")
	c.Send(t.Context(), outgoing)
	if seen := swept(t, c, noon); len(seen.Inbound) != 0 || len(seen.Left) != 0 {
		t.Errorf("at once: %+v", seen)
	}
	*now = now.Add(time.Minute)
	if seen := swept(t, c, noon); len(seen.Inbound) != 1 || len(seen.Left) != 1 {
		t.Errorf("a minute later: %+v", seen)
	}
}

// TestSweepOfATwilioOutOfOrder: whatever is answered is EUNAVAILABLE, says nothing secret, and what was read before it
// is there. It fails where an answer that is no list passes for an empty one: since then moves on over the outage.
func TestSweepOfATwilioOutOfOrder(t *testing.T) {
	for name, behaviour := range map[string]providertest.Behaviour{
		"500":            providertest.Refused("20500", 500),
		"503, a page":    {Refuse: true, Garbage: true, Status: 503},
		"reset":          {Reset: true},
		"garbage":        {Garbage: true},
		"a redirect":     {Refuse: true, Garbage: true, Status: 307},
		"throttled":      providertest.Throttled("20429", "5"),
		"wrong password": providertest.Refused("20003", 401),
	} {
		t.Run(name, func(t *testing.T) {
			tw, _ := at(t, noon)
			for i := range 1001 {
				tw.Receive(fmt.Sprintf("SM%04d", i), phone, tw.Number, text)
			}
			c := channel(t, tw, nil)
			for good, want := range []int{0, 1000, 1001} { // so many answers are good
				tw.ScriptFetch(func(n int, _ *http.Request) providertest.Behaviour {
					if n < good {
						return providertest.Behaviour{}
					}
					return behaviour
				})
				seen, err := c.Sweep(t.Context(), noon, true, nil)
				if reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
					t.Fatalf("after %d: %v", good, err)
				}
				if len(seen.Inbound) != want {
					t.Errorf("after %d: %d texts were read, want %d", good, len(seen.Inbound), want)
				}
				silent(t, tw, err.Error())
			}
		})
	}
	for name, answer := range map[string]string{"no list": `{"page":0}`, "no date": `{"messages":[{"sid":"SM1"}]}`,
		"no sid": `{"messages":[{"date_created":"Mon, 23 Nov 2026 12:00:00 +0000"}]}`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
		t.Cleanup(server.Close)
		c := channel(t, providertest.NewTwilio(t), func(config *sms.Config) { config.BaseURL = server.URL })
		if _, err := c.Sweep(t.Context(), noon, true, nil); reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSweepSaysWhereThereIsMoreThanItReads fails where the end of what is read passes for the end of what there is.
func TestSweepSaysWhereThereIsMoreThanItReads(t *testing.T) {
	page := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page++
		fmt.Fprintf(w, `{"messages":[{"sid":"SM%d","from":%q,"direction":"inbound","body":"hej","date_created":"Mon, 23 Nov 2026 12:00:00 +0000"}],
			"next_page_uri":"%s?Page=%d&PageToken=PASM%d"}`, page, phone, r.URL.Path, page, page)
	}))
	t.Cleanup(server.Close)
	c := channel(t, providertest.NewTwilio(t), func(config *sms.Config) { config.BaseURL = server.URL })
	seen, err := c.Sweep(t.Context(), noon, true, nil)
	if reminders.ErrorCode(err) != reminders.EUNAVAILABLE || !strings.Contains(err.Error(), "more than 50000 messages") || len(seen.Inbound) != 50 || page != 50 {
		t.Errorf("%d texts of %d pages, %v", len(seen.Inbound), page, err)
	}
}

// TestATextIsTheSameByWebhookAndBySweep: however webhooks (with their retries) and sweeps are interleaved, the ids are
// those of the texts, and a text has the same fields by both. It fails where one of the two reads a field the
// other does not, or where a sweep leaves a text out.
func TestATextIsTheSameByWebhookAndBySweep(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tw := providertest.NewTwilio(nil)
		defer tw.Close()
		now := noon
		tw.SetNow(func() time.Time { return now })
		service := rapid.SampledFrom([]string{"", "MG0123"}).Draw(rt, "service")
		c := channel(t, tw, func(config *sms.Config) { config.MessagingServiceSID = service })
		forms := make(chan url.Values, 1)
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			forms <- r.PostForm
		}))
		defer server.Close()

		known := map[string]reminders.Inbound{}
		take := func(in reminders.Inbound) {
			in.At = time.Time{}
			in.Media = make([]string, len(in.Media)) // the list has no pictures' own addresses
			maps.DeleteFunc(in.Attributes, func(name, _ string) bool { return name == "from_country" || name == "media_type" })
			before, again := known[in.ProviderID]
			if again && fmt.Sprint(before) != fmt.Sprint(in) {
				rt.Fatalf("one text twice:\n%+v\n%+v", before, in)
			}
			known[in.ProviderID] = in
		}
		sweep := func() {
			seen, err := c.Sweep(t.Context(), noon, true, nil)
			if err != nil || seen.More {
				rt.Fatalf("more %v, %v", seen.More, err)
			}
			ids := map[string]bool{}
			for _, in := range seen.Inbound {
				if ids[in.ProviderID] {
					rt.Fatalf("%s is there twice", in.ProviderID)
				}
				ids[in.ProviderID] = true
				take(in)
			}
		}
		var arrived []providertest.TwilioMessage
		rt.Repeat(map[string]func(*rapid.T){
			"arrive": func(rt *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(rt, "milliseconds")) * time.Millisecond)
				arrived = append(arrived, tw.Arrive(providertest.TwilioMessage{From: rapid.SampledFrom([]string{phone, "+4520112299", "22777"}).Draw(rt, "from"), To: tw.Number,
					Body:     rapid.OneOf(rapid.SampledFrom([]string{"", "1", "STOP", "aGVqIGhlag==", " ja \r\n", "æøå+%&="}), rapid.StringN(0, 20, -1)).Draw(rt, "body"),
					NumMedia: rapid.IntRange(0, 2).Draw(rt, "pictures"), NumSegments: rapid.IntRange(1, 3).Draw(rt, "segments"), MessagingServiceSID: service}))
			},
			"tell": func(rt *rapid.T) {
				if len(arrived) == 0 {
					rt.Skip("nothing to tell")
				}
				m := arrived[rapid.IntRange(0, len(arrived)-1).Draw(rt, "which")]
				resp, err := tw.Tell(t.Context(), server.URL+"/webhooks/twilio/inbound", "", m, nil)
				if err != nil {
					rt.Fatal(err)
				}
				resp.Body.Close()
				in, err := sms.ParseInbound(<-forms, now)
				if err != nil {
					rt.Fatal(err)
				}
				take(in)
			},
			"send":  func(*rapid.T) { c.Send(t.Context(), outgoing) },
			"sweep": func(*rapid.T) { sweep() },
		})
		sweep()
		if len(known) != len(arrived) {
			rt.Fatalf("%d texts are known, %d came", len(known), len(arrived))
		}
		for _, m := range arrived {
			if in := known[m.SID]; in.Text != m.Body || in.From != m.From || in.To != tw.Number || len(in.Media) != m.NumMedia {
				rt.Fatalf("%+v became %+v", m, in)
			}
		}
	})
}
