package bot_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// people of a property: a pair on two courses, one on Slack, one by e-mail, and the leaders of both companies.
var people = []string{"Maja", "Bo", "Eva", "Ib", "Lis", "Tove"}

func populate(w *world) {
	smed := func(r *reminders.RosterRow) { r.Class.Course = "smed" }
	w.enrol(row("Maja"), row("Maja", smed), row("Bo", on(reminders.Slack)), row("Eva", on(reminders.Email)),
		row("Ib", at("Tand A/S", "Tove")), row("Lis", at("Tand A/S", "Tove")))
}

var (
	texts = rapid.OneOf(
		rapid.SampledFrom([]string{"1", "2", "3", "5", "0", "7", "ja", "nej", "JA TAK!!", "1️⃣", "2 vi havde travlt", "delvist", "👍", "tak", "ny", "STOP", "lad mig være",
			"start", "hjælp", "makker", "pause 1", "pause 12", "sprog engelsk", "slet", "?", "Hvem er I?", "vi mangler tape", "", "{school}", "\xff\xfe\x00"}),
		rapid.String())
	names = rapid.SampledFrom(people)
)

// state is what the properties are about.
type state struct {
	optedOut               bool
	left, said, understood int
}

func (w *world) states() map[string]state {
	w.Helper()
	out := map[string]state{}
	for _, name := range people {
		p := w.person(name)
		s := state{optedOut: !p.OptedOutAt.IsZero()}
		for _, m := range w.messages(name) {
			if m.State.HasLeft() {
				s.left++
			}
			if m.Kind == reminders.KindReply {
				s.said++
			}
		}
		replies, err := w.store.Replies(ctx, reminders.ReplyFilter{PersonID: p.ID})
		w.ok(err)
		for _, r := range replies {
			if r.State != reminders.ReplyReceived {
				s.understood++
			}
		}
		out[name] = s
	}
	return out
}

// write is one text, as odd as it can come: naming any message, twice, or in the moment a process ends.
func (w *world) write(t *rapid.T) {
	name := names.Draw(t, "who")
	in := w.inbound(name, texts.Draw(t, "text"))
	if messages := w.messages(name); len(messages) > 0 && rapid.IntRange(0, 3).Draw(t, "names a question") == 0 {
		in.QuestionID = rapid.SampledFrom(messages).Draw(t, "question").ID
	}
	in.OptOut = rapid.SampledFrom([]string{"", "", "", "", "STOP", "START", "HELP"}).Draw(t, "provider")
	if rapid.IntRange(0, 9).Draw(t, "picture") == 0 {
		in.Media = []string{"https://example.org/picture"}
	}
	if rapid.IntRange(0, 4).Draw(t, "interrupted") == 0 {
		dying, cancel := context.WithCancel(ctx)
		b, _ := w.machine("dying")
		b.Now = func() time.Time { cancel(); return w.clock.Now() }
		w.ok(b.Receive(dying, in))
	} else {
		w.ok(w.bot.Receive(ctx, in))
	}
	if rapid.Bool().Draw(t, "delivered twice") {
		w.ok(w.bot.Receive(ctx, in))
	}
}

// Whatever is written, whenever: nothing panics, no text is answered with two or lost, nobody who said STOP is
// written to, and a tick leaves no text waiting for the machine.
func TestWhateverIsWrittenAndWhenTheRulesHold(t *testing.T) {
	checkWorlds(t, func(rt *rapid.T, w *world) {
		populate(w)
		before := w.states()
		check := func(wrote bool) {
			now := w.states()
			for _, name := range people {
				old, s := before[name], now[name]
				if said, understood := s.said-old.said, s.understood-old.understood; said > understood {
					rt.Fatalf("%d texts of %s were answered with %d", understood, name, said)
				}
				if !wrote && old.optedOut && s.optedOut && s.left > old.left { // a START that was waiting takes it back
					rt.Fatalf("%s said STOP and was written to: %q", name, w.messages(name)[0].Body)
				}
			}
			before = now
		}
		rt.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) { w.write(t); check(true) },
			"again": func(t *rapid.T) { w.write(t); check(true) },
			"deliver": func(*rapid.T) {
				_, err := w.engine.DeliverReplies(ctx)
				w.ok(err)
				check(false)
			},
			"tick": func(*rapid.T) {
				w.tick()
				check(false)
				waiting, err := w.store.PendingReplies(ctx, 0, 10)
				w.ok(err)
				if len(waiting) != 0 {
					rt.Fatalf("%q is left", waiting[0].Text)
				}
			},
			"wait": func(t *rapid.T) {
				w.later(time.Duration(rapid.SampledFrom([]int{1, 60, 24 * 60, 3 * 24 * 60}).Draw(t, "minutes")) * time.Minute)
			},
			"week": func(t *rapid.T) { // with a tick a day
				for range 7 {
					w.later(24 * time.Hour)
					w.tick()
					check(false)
				}
			},
			"": func(*rapid.T) {
				replies, err := w.store.Replies(ctx, reminders.ReplyFilter{})
				w.ok(err)
				if len(replies) != w.texts {
					rt.Fatalf("%d texts were written and %d are kept", w.texts, len(replies))
				}
			},
		})
	})
}

// worlds is how many worlds a property is tried in, half a second each; -rapid.checks=N is for more of them.
const worlds = "6"

// checkWorlds checks a property, each time in a world of its own on SQLite.
func checkWorlds(t *testing.T, property func(*rapid.T, *world)) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set(worlds); err != nil {
			t.Fatal(err)
		}
	}
	folder, round := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		s, err := store.Open(ctx, store.Config{URL: fmt.Sprintf("sqlite:%s/%d.db", folder, round), Secret: storetest.Secret, Version: "test"})
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		if _, err := s.Migrate(ctx); err != nil {
			rt.Fatal(err)
		}
		property(rt, newWorld(rt, s))
	})
}
