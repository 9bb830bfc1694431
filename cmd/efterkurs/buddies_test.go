package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"efterkurs/bot/providertest"
	"efterkurs/bot/web"
	"efterkurs/reminders"
)

// buddyTown is a company whose course was yesterday: seven people on two shifts, their buddies drafted.
func buddyTown(t *testing.T) (a *app, clock *handClock, tw *providertest.Twilio, address string) {
	t.Helper()
	a, clock, tw, address = served(t)
	hash, err := web.HashPassword(inboxPassword)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.store.SaveUser(t.Context(), clock.Now(), reminders.User{Email: "mette@skolen.example", Name: "Mette Krogh", Role: reminders.Consultant, Language: "da", PasswordHash: hash}); err != nil {
		t.Fatal(err)
	}
	csv := "name,company,course,class,start,end,phone,team,shift,consultant\n"
	for i, name := range []string{"Ali Hassan", "Birgit Lund", "Carsten Bay", "Dorte Friis", "Emil Sand", "Fatima Noor", "Gorm Krag"} {
		csv += fmt.Sprintf("%s,Nordfald Metal A/S,5s,Hold 7,2031-09-01,2031-09-02,+4520116%03d,%s,%s,mette@skolen.example\n", name, i, []string{"Montage", "Lager"}[i/2%2], []string{"day", "day", "evening"}[i%3])
	}
	a.take(t, csv)
	a.ticks(t, clock, "2031-09-02 14:30")
	a.ticks(t, clock, "2031-09-03 15:00")
	return a, clock, tw, address
}

// draftOf is the drafts' people, by group, as the database has them.
func (a *app) draftOf(t *testing.T) (company int64, groups [][]string) {
	t.Helper()
	now := a.now()
	drafts, err := a.store.Drafts(t.Context(), 0, now.Add(reminders.DraftAhead), a.engine.Calendar.Over(now))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range drafts {
		if d.Company.Name != "Nordfald Metal A/S" {
			continue
		}
		company = d.Company.ID
		for _, g := range d.Groups {
			var names []string
			for _, m := range g.Members {
				names = append(names, d.Members[m.EnrolmentID].Person.FirstName())
			}
			groups = append(groups, names)
		}
	}
	return company, groups
}

// saidOfBuddies is what was last written to a phone about its buddies.
func saidOfBuddies(tw *providertest.Twilio, to string) (last string, texts int) {
	for _, m := range tw.Messages() {
		if m.To == to && (strings.Contains(m.Body, "makker")) {
			last = m.Body
			texts++
		}
	}
	return last, texts
}

// TestBuddiesFromDraftToGoodbye is a consultant at the keys the day after a course: sees who is to be whose buddy and why, swaps
// two, keeps two apart, publishes; the introductions name those and no others; and when one says STOP, those it touches are told.
func TestBuddiesFromDraftToGoodbye(t *testing.T) {
	t.Parallel()
	a, clock, tw, address := buddyTown(t)
	ctx := browser(t, 1440, 900)
	signIn(t, ctx, address, "mette@skolen.example")
	company, before := a.draftOf(t)
	draft := fmt.Sprintf("#c%d ", company)
	do(t, ctx, chromedp.Click(chromedp.CSS(fmt.Sprintf(`.needs a[href="/buddies#c%d"]`, company))), chromedp.WaitVisible(chromedp.CSS(draft+".pairs")))
	picture(t, ctx, "draft-1440")
	if len(before) != 3 {
		t.Fatalf("drafted %v", before)
	}
	// By keys alone: open "Ret", go to the list, take the first other, "Byt".
	do(t, ctx, chromedp.Focus(chromedp.CSS(draft+".pairs summary")), chromedp.KeyEvent("\r"), chromedp.WaitVisible(chromedp.CSS(draft+".pairs details[open] select")))
	picture(t, ctx, "draft-change-1440")
	do(t, ctx, chromedp.KeyEvent("\t"), chromedp.KeyEvent("\t"))
	if at := look[string](t, ctx, `document.activeElement.textContent`); at != "Byt" {
		t.Fatalf("after two tabs the focus is on %q", at)
	}
	version := look[string](t, ctx, fmt.Sprintf(`document.querySelector("%sinput[name=known]").value`, draft))
	do(t, ctx, chromedp.KeyEvent("\r"), chromedp.WaitReady(chromedp.CSS(fmt.Sprintf(`%s:not(:has(input[name=known][value=%q]))`, strings.TrimSpace(draft), version))))
	_, swapped := a.draftOf(t)
	if fmt.Sprint(swapped) == fmt.Sprint(before) {
		t.Fatalf("still %v", swapped)
	}
	// Two who are not to be buddies: the draft is made anew without them together.
	pair := slices.IndexFunc(swapped, func(g []string) bool { return len(g) == 2 })
	one, other := swapped[pair][0], swapped[pair][1]
	do(t, ctx, chromedp.Click(chromedp.Search(fmt.Sprintf(`//li[.//p[@class="pair"][contains(., %q) and contains(., %q)]]//summary`, one, other))),
		chromedp.Click(chromedp.Search(fmt.Sprintf(`//details[@open]//button[contains(., "%s og %s skal ikke")]`, one, other))), chromedp.WaitVisible(chromedp.CSS(draft+".block")))
	picture(t, ctx, "draft-blocked-1440")
	_, wanted := a.draftOf(t)
	for _, g := range wanted {
		if slices.Contains(g, one) && slices.Contains(g, other) {
			t.Errorf("%s and %s are together again", one, other)
		}
	}
	for _, width := range []int64{390, 1440} {
		do(t, ctx, chromedp.EmulateViewport(width, 900))
		if look[bool](t, ctx, `document.documentElement.scrollWidth > window.innerWidth + 1`) {
			t.Errorf("the draft is wider than a screen of %d", width)
		}
		picture(t, ctx, fmt.Sprintf("draft-%d", width))
	}
	do(t, ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
		return err
	}))
	picture(t, ctx, "draft-1440-dark")
	if _, texts := saidOfBuddies(tw, "+4520116000"); texts != 0 {
		t.Error("somebody has heard of the draft")
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(draft+".publish button")), chromedp.WaitVisible(chromedp.CSS(`section[aria-labelledby="running-0"]`)))
	picture(t, ctx, "published-1440")

	// Each hears of the buddies that were published, once.
	a.ticks(t, clock, "2031-09-09 12:20")
	a.ticks(t, clock, "2031-09-09 14:30")
	phone := map[string]string{}
	for i, name := range []string{"Ali", "Birgit", "Carsten", "Dorte", "Emil", "Fatima", "Gorm"} {
		phone[name] = fmt.Sprintf("+4520116%03d", i)
	}
	for _, g := range wanted {
		for _, name := range g {
			text, texts := saidOfBuddies(tw, phone[name])
			if texts != 1 {
				t.Errorf("%s has %d texts about buddies, the last %q", name, texts, text)
			}
			for _, buddy := range g {
				if buddy != name && !strings.Contains(text, buddy) {
					t.Errorf("%s is not told of %s: %q", name, buddy, text)
				}
			}
		}
	}
	// One of a pair says STOP: the other joins a pair, those three are told once, and nobody else hears anything.
	pair = slices.IndexFunc(wanted, func(g []string) bool { return len(g) == 2 })
	gone, left := wanted[pair][0], wanted[pair][1]
	a.writes(t, clock, tw, phone[gone], "STOP")
	a.ticks(t, clock, "2031-09-10 12:20")
	a.ticks(t, clock, "2031-09-10 14:30")
	text, texts := saidOfBuddies(tw, phone[left])
	if texts != 2 || !strings.Contains(text, "Du er nu makker med") || strings.Contains(text, gone) {
		t.Errorf("%s, who was left, has %d texts, the last %q", left, texts, text)
	}
	told := 0
	for _, g := range wanted {
		for _, name := range g {
			text, texts := saidOfBuddies(tw, phone[name])
			if name == gone || name == left || texts == 1 {
				continue
			}
			told++
			if texts != 2 || !strings.Contains(text, left+" kommer med") {
				t.Errorf("%s has %d texts, the last %q", name, texts, text)
			}
		}
	}
	if told != 2 {
		t.Errorf("%d of the pair that was joined were told", told)
	}
	do(t, ctx, chromedp.Navigate(address+"/buddies"), chromedp.WaitVisible(chromedp.CSS("main h1")))
	picture(t, ctx, "running-1440-dark")
}
