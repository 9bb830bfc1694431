package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// eachSchool runs a test over real HTTP on both databases.
func eachSchool(t *testing.T, test func(t *testing.T, s *school)) {
	t.Run("sqlite", func(t *testing.T) { test(t, openSchool(t, nil)) })
	t.Run("postgres", func(t *testing.T) { test(t, openSchoolOn(t, nil, storetest.Postgres(t))) })
}

// waits is the reply with these words, which waits for a person.
func (s *school) waits(words string) reminders.Reply {
	s.t.Helper()
	all, err := s.store.Replies(s.t.Context(), reminders.ReplyFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range all {
		if strings.Contains(r.Text, words) {
			return r
		}
	}
	s.t.Fatalf("nobody wrote %q", words)
	return reminders.Reply{}
}

// notes are the texts that people of the school wrote, oldest first.
func (s *school) notes() (out []reminders.Message) {
	s.t.Helper()
	all, err := s.store.Messages(s.t.Context(), reminders.MessageFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range slices.Backward(all) {
		if m.Kind == reminders.KindNote {
			out = append(out, m)
		}
	}
	return out
}

var hiddenKnown = regexp.MustCompile(`name="known" id="known" value="([^"]+)"`)

// opened reads a conversation, and returns the form to answer with.
func (b *browser) opened(reply reminders.Reply) (form url.Values, page string) {
	b.s.t.Helper()
	resp, page := b.get(fmt.Sprintf("/inbox/%d", reply.ID))
	if resp.StatusCode != http.StatusOK {
		b.s.t.Fatalf("the conversation: %s", resp.Status)
	}
	return knownIn(page), page
}

func knownIn(page string) url.Values {
	form := url.Values{}
	if m := hiddenKnown.FindStringSubmatch(page); m != nil {
		form.Set("known", m[1])
	}
	return form
}

func (b *browser) answers(reply reminders.Reply, form url.Values, text string) (*http.Response, string) {
	b.s.t.Helper()
	form.Set("text", text)
	return b.post(fmt.Sprintf("/inbox/%d/answer", reply.ID), form)
}

func TestInboxAnAnswerGoesOutAsTyped(t *testing.T) {
	eachSchool(t, func(t *testing.T, s *school) {
		s.pass(8)
		s.write("+4520100001", "Må vi male gulvet?")
		reply := s.waits("male gulvet")
		mette := s.signedIn("mette@skolen.example")
		if _, body := mette.get("/"); !strings.Contains(body, fmt.Sprintf(`href="/inbox/%d"`, reply.ID)) {
			t.Fatal("the overview does not lead to the conversation")
		}
		form, page := mette.opened(reply)
		for _, want := range []string{"Må vi male gulvet?", "Ali Hassan", "Nordfald Metal", "Den er til dig", "Hej Ali. Tak for din besked."} {
			if !strings.Contains(page, want) {
				t.Errorf("the conversation does not show %q", want)
			}
		}
		if resp, body := mette.answers(reply, form, "  "); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "Skriv noget") {
			t.Errorf("nothing typed: %s", resp.Status)
		}
		if resp, body := mette.answers(reply, form, strings.Repeat("langt ", 300)); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "for lang") || !strings.Contains(body, "langt langt") {
			t.Errorf("far too long: %s", resp.Status)
		}
		s.now = s.now.Add(2 * time.Hour)
		text := "Ja – gør det. {first_name} må “bestemme” farven."
		resp, _ := mette.answers(reply, form, text)
		if resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("answering: %s", resp.Status)
		}
		if _, err := s.engine.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		notes := s.notes()
		if len(notes) != 1 || notes[0].State != reminders.Delivered || notes[0].Body != `Ja - gør det. {first_name} må "bestemme" farven.` || notes[0].Address != "+4520100001" {
			t.Fatalf("sent: %+v", notes)
		}
		_, page = mette.opened(reply)
		for _, want := range []string{"besvaret efter 2 timer", "må &#34;bestemme&#34; farven", "<b>Mette Krogh</b>", "nået frem"} {
			if !strings.Contains(page, want) {
				t.Errorf("the answered conversation does not show %q", want)
			}
		}
		for path, gone := range map[string]bool{"/": true, "/inbox": true, "/inbox?view=all": true, "/inbox?view=handled": false} {
			if _, body := mette.get(path); strings.Contains(body, "male gulvet") == gone {
				t.Errorf("%s, shown: %v", path, !gone)
			}
		}
	})
}

// Two people who look at the same text and press at the same time: one answer goes out, the other's comes back with
// the news on top and its words kept, and a second press sends it.
func TestInboxTwoPressAtOnce(t *testing.T) {
	eachSchool(t, func(t *testing.T, s *school) {
		s.pass(8)
		s.write("+4520100001", "Må vi male gulvet?")
		reply := s.waits("male gulvet")
		names := []string{"Mette Krogh", "Anne Admin"}
		browsers := []*browser{s.signedIn("mette@skolen.example"), s.signedIn("admin@skolen.example")}
		for round := range 5 {
			forms := make([]url.Values, 2)
			for i, b := range browsers {
				forms[i], _ = b.opened(reply)
			}
			type result struct {
				status int
				body   string
			}
			results := make([]result, 2)
			var wg sync.WaitGroup
			for i, b := range browsers {
				wg.Go(func() {
					resp, body := b.answers(reply, forms[i], fmt.Sprintf("svar %d fra %d", round, i))
					results[i] = result{resp.StatusCode, body}
				})
			}
			wg.Wait()
			first := slices.IndexFunc(results, func(r result) bool { return r.status == http.StatusSeeOther })
			if first < 0 || results[1-first].status != http.StatusConflict {
				t.Fatalf("answered %d and %d", results[0].status, results[1].status)
			}
			second := 1 - first
			if got := len(s.notes()); got != 2*round+1 {
				t.Fatalf("%d answers are planned in round %d", got, round)
			}
			body := results[second].body
			for _, want := range []string{names[first] + " svarede", fmt.Sprintf("svar %d fra %d", round, first), fmt.Sprintf("svar %d fra %d</textarea>", round, second), "Send alligevel"} {
				if !strings.Contains(body, want) {
					t.Errorf("what comes back does not show %q", want)
				}
			}
			if resp, _ := browsers[second].answers(reply, knownIn(body), fmt.Sprintf("svar %d fra %d", round, second)); resp.StatusCode != http.StatusSeeOther {
				t.Fatalf("the second press: %s", resp.Status)
			}
		}
	})
}

func TestInboxATextThatCameInMeanwhileIsShownFirst(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Må vi male gulvet?")
	reply := s.waits("male gulvet")
	mette := s.signedIn("mette@skolen.example")
	form, _ := mette.opened(reply)
	s.now = s.now.Add(time.Minute)
	s.write("+4520100001", "Glem det, vi har spurgt chefen?")
	resp, body := mette.answers(reply, form, "Det må I gerne")
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, "Ali Hassan skrev <q>Glem det") || !strings.Contains(body, "Det må I gerne</textarea>") || len(s.notes()) != 0 {
		t.Fatalf("answering what is no longer asked: %s, %d sent", resp.Status, len(s.notes()))
	}
	form.Set("next", "0")
	if resp, _ := mette.post(fmt.Sprintf("/inbox/%d/handled", reply.ID), form); resp.StatusCode != http.StatusConflict {
		t.Errorf("done with what was not read: %s", resp.Status)
	}
	if resp, _ := mette.get(fmt.Sprintf("/inbox/%d/answer", reply.ID)); resp.Header.Get("Location") != fmt.Sprintf("/inbox/%d", reply.ID) {
		t.Errorf("what came back, asked for anew: %s to %q", resp.Status, resp.Header.Get("Location"))
	}
	if resp, _ := mette.answers(reply, knownIn(body), "Godt at høre"); resp.StatusCode != http.StatusSeeOther || len(s.notes()) != 1 {
		t.Errorf("after reading it: %s", resp.Status)
	}
	if resp, _ := mette.answers(reply, url.Values{}, "uden at have set noget"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a form that knows nothing: %s", resp.Status)
	}
}

func TestInboxWhoIsOnItIsSeen(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Må vi male gulvet?")
	reply := s.waits("male gulvet")
	mette, anne := s.signedIn("mette@skolen.example"), s.signedIn("admin@skolen.example")
	known, _ := mette.opened(reply)
	old, _ := anne.opened(reply)
	take := fmt.Sprintf("/inbox/%d/take", reply.ID)
	if resp, _ := anne.post(take, old); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("taking it: %s", resp.Status)
	}
	if _, body := mette.get("/inbox?view=all"); !strings.Contains(body, "Anne Admin har taget den") {
		t.Error("the list does not say who is on it")
	}
	if _, body := mette.get("/inbox"); strings.Contains(body, "male gulvet") {
		t.Error("it is still among Mette's")
	}
	// She did not know: neither an answer nor taking it happens behind Anne's back.
	if resp, body := mette.answers(reply, known, "Ja"); resp.StatusCode != http.StatusConflict || !strings.Contains(body, "Anne Admin har taget den") {
		t.Errorf("answering what another has taken: %s", resp.Status)
	}
	resp, body := mette.post(take, known)
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, "Overtag den") {
		t.Errorf("taking what another has taken: %s", resp.Status)
	}
	if resp, _ := mette.post(take, knownIn(body)); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("taking it over: %s", resp.Status)
	}
	if _, body := mette.opened(reply); !strings.Contains(body, "Du har taget den") {
		t.Error("it is not hers")
	}
	if resp, _ := mette.post(fmt.Sprintf("/inbox/%d/release", reply.ID), nil); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("releasing it: %s", resp.Status)
	}
	if _, body := mette.opened(reply); !strings.Contains(body, "Den er til dig") {
		t.Error("it is not free")
	}
}

func TestInboxIsNotForEverybody(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Må vi male gulvet?")
	reply := s.waits("male gulvet")
	hash, err := passwordHash()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.SaveUser(t.Context(), s.now, reminders.User{Email: "frits@skolen.example", Name: "Frits Lærer", Role: reminders.Teacher, Language: "da", PasswordHash: hash}); err != nil {
		t.Fatal(err)
	}
	row := reminders.RosterRow{Line: 2, Person: reminders.Person{Name: "Ali Hassan", Phone: "+4520100001"}, Company: "Nordfald Metal", TeacherEmail: "frits@skolen.example",
		Class: reminders.Class{Course: "5s", Name: "5s september", Start: lastDay.AddDays(-1), End: lastDay}, Basis: "consent", ConsultantEmail: "mette@skolen.example"}
	if _, err := s.store.Import(t.Context(), s.now, []reminders.RosterRow{row}); err != nil {
		t.Fatal(err)
	}
	bent, frits, stranger := s.signedIn("bent@skolen.example"), s.signedIn("frits@skolen.example"), s.browser()
	mette := s.signedIn("mette@skolen.example")
	form, _ := mette.opened(reply)
	form.Set("text", "Hej")
	form.Set("to", "none")
	form.Set("person", "1")
	here := fmt.Sprintf("/inbox/%d", reply.ID)
	for _, path := range []string{here, here + "/news?known=1.1.0.0"} {
		if resp, body := bent.get(path); resp.StatusCode != http.StatusNotFound || strings.Contains(body, "male gulvet") {
			t.Errorf("another consultant, %s: %s", path, resp.Status)
		}
	}
	if _, body := frits.get("/inbox"); !strings.Contains(body, "male gulvet") {
		t.Error("the teacher cannot read along")
	}
	if resp, body := frits.get(here); resp.StatusCode != http.StatusOK || strings.Contains(body, "<textarea") || strings.Contains(body, "Jeg tager den") || strings.Contains(body, "Flyt svaret") {
		t.Errorf("the teacher's conversation: %s", resp.Status)
	}
	for _, what := range []string{"answer", "take", "release", "handled", "reopen", "move", "attach"} {
		if resp, _ := frits.post(here+"/"+what, form); resp.StatusCode != http.StatusForbidden {
			t.Errorf("a teacher, %s: %s", what, resp.Status)
		}
		if resp, _ := bent.post(here+"/"+what, form); resp.StatusCode != http.StatusNotFound {
			t.Errorf("another consultant, %s: %s", what, resp.Status)
		}
		if resp, _ := stranger.post(here+"/"+what, form); resp.Header.Get("Location") != "/login" {
			t.Errorf("nobody, %s: %s to %s", what, resp.Status, resp.Header.Get("Location"))
		}
		if resp, _ := mette.post(here+"/"+what, form, "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusForbidden {
			t.Errorf("another site, %s: %s", what, resp.Status)
		}
	}
	for _, path := range []string{"/inbox/live", here + "/news?known=1.1.0.0"} {
		if resp, body := stranger.get(path); resp.StatusCode != http.StatusUnauthorized || strings.Contains(body, "<form") {
			t.Errorf("nobody, %s: %s", path, resp.Status)
		}
	}
	if len(s.notes()) != 0 || s.waits("male gulvet").State != reminders.ReplyInbox {
		t.Error("somebody got through")
	}
	// What sounds like trouble is not for the teacher, in the inbox or beside the timeline.
	ali := reply.PersonID
	in := reminders.Inbound{Channel: reminders.SMS, ProviderID: "T1", From: "+4520100001", Text: "Jeg bliver mobbet", At: s.now}
	id, _, err := s.store.SaveReply(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.ApplyReply(t.Context(), s.now, reminders.Effects{ReplyID: id, Kind: reminders.ReplyTrouble, State: reminders.ReplyInbox, PersonID: ali, Urgent: true}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/inbox", here, fmt.Sprintf("/participants/%d", ali)} {
		if _, body := frits.get(path); strings.Contains(body, "mobbet") {
			t.Errorf("the teacher reads trouble on %s", path)
		}
		if _, body := mette.get(path); !strings.Contains(body, "mobbet") {
			t.Errorf("the consultant does not on %s", path)
		}
	}
	if _, body := mette.get("/"); !strings.Contains(body, "Haster") {
		t.Error("the overview does not say that it is urgent")
	}
}

func TestInboxNobodyWhoSaidStopIsWrittenTo(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Må vi male gulvet?")
	reply := s.waits("male gulvet")
	mette := s.signedIn("mette@skolen.example")
	form, _ := mette.opened(reply)
	s.now = s.now.Add(time.Minute)
	s.write("+4520100001", "STOP")
	if resp, body := mette.answers(reply, form, "Hej Ali"); resp.StatusCode != http.StatusConflict || !strings.Contains(body, "Ali har skrevet STOP") || !strings.Contains(body, "Hej Ali") || strings.Contains(body, "<textarea") {
		t.Errorf("answering after STOP: %s", resp.Status)
	}
	if len(s.notes()) != 0 {
		t.Error("it was sent")
	}
}

// Outside of somebody's hours the page says so; a night worker who sleeps is not woken unless somebody means to.
func TestInboxAnAnswerMayWaitForTheirHours(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Må vi male gulvet?")
	reply := s.waits("male gulvet")
	mette := s.signedIn("mette@skolen.example")
	s.now = s.now.Add(20 * time.Hour) // somewhere in a night or a morning
	for h := s.now.In(s.cal.Location).Hour(); h != 22; h = s.now.In(s.cal.Location).Hour() {
		s.now = s.now.Add(time.Hour)
	}
	form, page := mette.opened(reply)
	if !strings.Contains(page, `value="window" checked`) || !strings.Contains(page, "får normalt beskeder kl. 14.00–16.00") {
		t.Error("late in the evening it is not proposed to wait")
	}
	if resp, _ := mette.answers(reply, form, "Ja"); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("answering: %s", resp.Status)
	}
	if _, err := s.engine.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	note := s.notes()[0]
	if local := note.RunAt.In(s.cal.Location); note.State != reminders.Planned || local.Hour() != 14 {
		t.Fatalf("it is %s at %s", note.State, local)
	}
	form, _ = mette.opened(reply)
	form.Set("when", "now")
	if resp, _ := mette.answers(reply, form, "Haster"); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("answering at once: %s", resp.Status)
	}
	if _, err := s.engine.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if note := s.notes()[1]; note.State != reminders.Delivered {
		t.Fatalf("at once it is %s", note.State)
	}
	s.now = note.RunAt.Add(time.Minute)
	if _, err := s.engine.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if note := s.notes()[0]; note.State != reminders.Delivered {
		t.Fatalf("in their hours it is %s", note.State)
	}
}

func TestInboxAReplyIsMovedToAnotherQuestion(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Den grønne tavle ved vinduet")
	reply := s.waits("tavle ved")
	mette := s.signedIn("mette@skolen.example")
	exercise := func() reminders.StepStatus {
		for _, e := range s.status(reminders.Filter{PersonID: reply.PersonID}) {
			for _, step := range e.Steps {
				if step.Step == "exercise-1" {
					return step
				}
			}
		}
		t.Fatal("no exercise")
		return reminders.StepStatus{}
	}
	if exercise().Answer != "" {
		t.Fatal("it counts already: nothing is proven")
	}
	person := fmt.Sprintf("/participants/%d", reply.PersonID)
	for _, page := range []string{fmt.Sprintf("/inbox/%d?view=all&move=%[1]d", reply.ID), fmt.Sprintf("%s?move=%d", person, reply.ID)} {
		_, body := mette.get(page)
		if !strings.Contains(body, fmt.Sprintf(`value="%d:1"`, exercise().MessageID)) || !strings.Contains(body, "Det er ikke et svar") {
			t.Errorf("%s does not offer the exercise", page)
		}
	}
	move := func(to string) *http.Response {
		resp, _ := mette.post(fmt.Sprintf("/inbox/%d/move", reply.ID), url.Values{"to": {to}, "then": {person}})
		return resp
	}
	if resp := move(fmt.Sprintf("%d:1", exercise().MessageID)); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != fmt.Sprintf("%s#r%d", person, reply.ID) {
		t.Fatalf("moving: %s to %s", resp.Status, resp.Header.Get("Location"))
	}
	if exercise().Answer != "1" {
		t.Error("it does not count")
	}
	if _, body := mette.get(person); !strings.Contains(body, "flyttet af Mette Krogh") || !strings.Contains(body, "tæller som Øvelse 1") {
		t.Error("the timeline does not say who moved it")
	}
	for _, to := range []string{"", "x:1", "0:1", fmt.Sprintf("%d:7", exercise().MessageID), "999999:1"} {
		if resp := move(to); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("moved to %q: %s", to, resp.Status)
		}
	}
	if resp := move("none"); resp.StatusCode != http.StatusSeeOther || exercise().Answer != "" {
		t.Errorf("no answer: %s, counts %q", resp.Status, exercise().Answer)
	}
}

func TestInboxAnUnknownNumberIsGivenToAPerson(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4561111111", "Det er Birgit, nyt nummer")
	reply := s.waits("nyt nummer")
	mette := s.signedIn("mette@skolen.example")
	here := fmt.Sprintf("/inbox/%d", reply.ID)
	_, body := mette.get(here + "?find=birgit")
	if !strings.Contains(body, "Det er Birgit Lund") || !strings.Contains(body, "61 11 11 11 bliver gemt i stedet for 20 10 00 02") {
		t.Error("the page does not say what is saved")
	}
	if _, body := mette.get(here + "?find=hanne"); strings.Contains(body, "Hanne Toft") {
		t.Error("somebody of another consultant is found")
	}
	var birgit, hanne int64
	for _, e := range s.status(reminders.Filter{}) {
		switch e.Person.Name {
		case "Birgit Lund":
			birgit = e.Person.ID
		case "Hanne Toft":
			hanne = e.Person.ID
		}
	}
	if resp, _ := mette.post(here+"/attach", url.Values{"person": {fmt.Sprint(hanne)}}); resp.StatusCode != http.StatusNotFound {
		t.Errorf("given to somebody of another consultant: %s", resp.Status)
	}
	if resp, _ := mette.post(here+"/attach", url.Values{"person": {fmt.Sprint(birgit)}}); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("given to Birgit: %s", resp.Status)
	}
	p, err := s.store.Person(t.Context(), birgit)
	if err != nil || p.Phone != "+4561111111" {
		t.Errorf("her number is %s, %v", p.Phone, err)
	}
	if _, body := mette.get(here); !strings.Contains(body, "<h1>Birgit Lund</h1>") || !strings.Contains(body, "Velkomst") {
		t.Error("the conversation is not hers")
	}
	s.now = s.now.Add(time.Minute)
	s.write("+4561111111", "1")
	if r := s.waits("1"); r.PersonID != birgit {
		t.Error("the next text from there is not hers")
	}
}

func TestInboxSaysWhatIsNewAndNothingElse(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Må vi male gulvet?")
	reply := s.waits("male gulvet")
	mette, anne := s.signedIn("mette@skolen.example"), s.signedIn("admin@skolen.example")
	_, list := mette.get("/inbox")
	live := regexp.MustCompile(`hx-get="(/inbox/live[^"]+)"`).FindStringSubmatch(list)
	_, page := mette.opened(reply)
	news := regexp.MustCompile(`hx-get="(/inbox/\d+/news[^"]+)"`).FindStringSubmatch(page)
	if live == nil || news == nil {
		t.Fatal("the pages ask for nothing")
	}
	unescape := func(s string) string { return strings.ReplaceAll(s, "&amp;", "&") }
	for _, address := range []string{live[1], news[1]} {
		if resp, body := mette.get(unescape(address)); resp.StatusCode != http.StatusNoContent || body != "" {
			t.Errorf("%s, and nothing has happened: %s", address, resp.Status)
		}
	}
	form, _ := anne.opened(reply)
	if resp, _ := anne.answers(reply, form, "Ja, gør det"); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("Anne answers: %s", resp.Status)
	}
	s.now = s.now.Add(time.Minute)
	s.write("+4520100002", "Får vi et bevis for kurset?")
	resp, body := mette.get(unescape(live[1]))
	if resp.StatusCode != http.StatusOK || strings.Contains(body, "male gulvet") || !strings.Contains(body, "bevis for kurset") || strings.Contains(body, "<html") {
		t.Errorf("the list anew: %s", resp.Status)
	}
	resp, body = mette.get(unescape(news[1]))
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "Anne Admin svarede") || !strings.Contains(body, "Ja, gør det") || strings.Contains(body, "<html") {
		t.Fatalf("the news: %s", resp.Status)
	}
	// Once told it is not told again, until there is more.
	again := regexp.MustCompile(`hx-get="(/inbox/\d+/news[^"]+)"`).FindStringSubmatch(body)
	if resp, _ := mette.get(unescape(again[1])); resp.StatusCode != http.StatusNoContent {
		t.Errorf("told twice: %s", resp.Status)
	}
}

func TestInboxCountsSegmentsAndTakesSentencesWithoutAScript(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Må vi male gulvet?")
	reply := s.waits("male gulvet")
	mette := s.signedIn("mette@skolen.example")
	count := fmt.Sprintf("/inbox/%d/count", reply.ID)
	for text, want := range map[string]string{"æøå": "3 tegn · 1 SMS", strings.Repeat("a", 161): "161 tegn · 2 SMS", "👍": "2 tegn · 1 SMS · 👍", "„Hej“": "5 tegn · 1 SMS<", strings.Repeat("a", 1531): "for lang"} {
		if _, body := mette.post(count, url.Values{"text": {text}}); !strings.Contains(body, want) {
			t.Errorf("%.10q is counted as %s", text, body)
		}
	}
	form, _ := mette.opened(reply)
	form.Set("text", "Hej.")
	form.Set("canned", "1")
	if _, body := mette.post(fmt.Sprintf("/inbox/%d/draft", reply.ID), form); !strings.Contains(body, ">Hej. Jeg ringer til dig i dag.</textarea>") {
		t.Error("the sentence is not in the field")
	}
	if len(s.notes()) != 0 {
		t.Error("a sentence was sent")
	}
}

func TestInboxDoneGoesOnToTheNextAndCanBeUndone(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Må vi male gulvet?")
	s.now = s.now.Add(time.Minute)
	s.write("+4520100002", "Hvornår kommer I?")
	first, second := s.waits("male gulvet"), s.waits("Hvornår")
	mette := s.signedIn("mette@skolen.example")
	_, page := mette.opened(first)
	form := knownIn(page)
	form.Set("view", "mine")
	form.Set("next", fmt.Sprint(second.ID))
	resp, _ := mette.post(fmt.Sprintf("/inbox/%d/handled", first.ID), form)
	location := resp.Header.Get("Location")
	if !strings.HasPrefix(location, fmt.Sprintf("/inbox/%d?", second.ID)) {
		t.Fatalf("done leads to %q", location)
	}
	if _, body := mette.get(location); !strings.Contains(body, fmt.Sprintf(`action="/inbox/%d/reopen"`, first.ID)) || !strings.Contains(body, "Hvornår kommer I?") {
		t.Error("the next one does not offer to undo")
	}
	if _, body := mette.get("/health"); !strings.Contains(body, `href="/inbox?view=all">1</a>`) || !strings.Contains(body, "den ældste fra") {
		t.Error("the health page does not show the oldest that waits")
	}
	if resp, _ := mette.post(fmt.Sprintf("/inbox/%d/reopen", first.ID), nil); resp.StatusCode != http.StatusSeeOther || s.waits("male gulvet").State != reminders.ReplyInbox {
		t.Errorf("undone: %s", resp.Status)
	}
}

// A consultant who wrote back believes that it was read: where it did not arrive, that is a task.
func TestInboxAnAnswerThatDoesNotArriveIsATask(t *testing.T) {
	s := openSchool(t, nil)
	s.pass(8)
	s.write("+4520100001", "Må vi male gulvet?")
	reply := s.waits("male gulvet")
	mette := s.signedIn("mette@skolen.example")
	form, _ := mette.opened(reply)
	if resp, _ := mette.answers(reply, form, "Ja"); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("answering: %s", resp.Status)
	}
	note := s.notes()[0]
	claims, _, err := s.store.Claim(t.Context(), reminders.ClaimQuery{Worker: "test", Now: s.now, Lease: time.Minute, Limit: 10})
	if err != nil || len(claims) == 0 {
		t.Fatalf("%d claimed, %v", len(claims), err)
	}
	if err := s.store.Record(t.Context(), s.now, []reminders.Change{{ID: note.ID, Worker: "test", From: reminders.Claimed, To: reminders.Failed, Result: reminders.Result{Code: "30006"}}}); err != nil {
		t.Fatal(err)
	}
	if _, body := mette.get("/"); !strings.Contains(body, fmt.Sprintf(`href="/participants/%d#m%d"`, reply.PersonID, note.ID)) || !strings.Contains(body, "Svar fra en konsulent") {
		t.Error("the overview does not say that the answer did not arrive")
	}
	if _, body := mette.opened(reply); !strings.Contains(body, "kunne ikke sendes") {
		t.Error("neither does the conversation")
	}
}
