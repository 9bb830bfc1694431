package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// schoolDiaries are the consultants' hours and where they set out from. The third and the fourth have one day a week, and look
// after twice as many companies as the others: there the times run short.
var schoolDiaries = [10]struct{ hours, home string }{
	{"", "7400"}, {"man-tor 8-16, fre 8-13", "8000"}, {"tir 8-15:30", "7400"}, {"ons 8-16", "9000"}, {"man-fre 7-15", "7430"},
	{"man-ons 9-17, fre 9-14", "8600"}, {"tir-fre 8-15:30", ""}, {"man-tor 10-18", "7100"}, {"man-fre 8-14", "8800"}, {"", ""},
}

var schoolPostcodes = []string{"7400", "7400", "7430", "8000", "9000", "8600", "7100", "8800", ""}

// noWork are the Danish holidays on a weekday in the year that is played, and the two eves.
var noWork = []string{"2031-12-24", "2031-12-25", "2031-12-26", "2031-12-31", "2032-01-01", "2032-03-25", "2032-03-26", "2032-03-29", "2032-05-06", "2032-05-17"}

// What a contact does about the times that are offered.
const (
	answersAtOnce  = "at once"
	answersNew     = "NY first"
	answersLate    = "after the reminder"
	answersBusy    = "NY on the day before the last of the times"
	answersNothing = "never answers"
	answersWords   = "free text"
)

type schoolCompany struct {
	name, phone, postcode string
	closed                reminders.ClosedWeeks
	consultant            int
}

// schoolVisit is a visit as the database has it.
type schoolVisit struct {
	id                      int64
	consultant, company     string
	state, earliest         string
	round                   int
	start, end, lastOffered int64
}

// schoolYear is the school, its companies, and what their contacts did, in their own memory.
type schoolYear struct {
	*app
	t         *testing.T
	clock     *handClock
	twilio    *providertest.Twilio
	db        *sql.DB
	rng       *rand.Rand
	companies []schoolCompany
	read      int                  // texts of the provider's record that their readers have seen
	instants  map[string]time.Time // what a label of a choice means
	habit     map[int64]string     // by visit
	offers    map[int64][]schoolOffer
	chosen    map[int64][]time.Time // by visit, in order
	news      map[int64]int         // how often NY was written, by visit
	mistaken  map[int64]bool        // visits whose contact's answer counted for another visit
	stopped   map[int]bool          // companies whose participant said STOP
	pending   map[int64]time.Time   // visits whose contact writes NY at that time
}

// schoolOffer is a text about a visit that reached its contact.
type schoolOffer struct {
	key   string // of the text
	slots []time.Time
}

// TestASchoolYear plays a year of a school: classes, their companies and consultants, and contacts who choose a time for
// their visit, or do not. The rules of visits are then read from the database and the provider's record alone.
//
// The participants say STOP on the first day: what is sent to them is played elsewhere (TestSeasons), and a visit
// belongs to the company, which has it all the same. One participant a company is on all its classes; their shift counts.
// E-mail is off: nobody is invited, and staff are not told. The clock stands only at 9:10 and 14:30 of working days, when the companies'
// window is open; contacts write at once, or between.
//
// It fails where Slots steps over weekends alone and not holidays, where it forgets the closed weeks, where Clashes forgets
// the drive, and where book does not look into the diary again. It does not show that Bookable forgets the two a day: no consultant's day is that full here.
func TestASchoolYear(t *testing.T) {
	t.Parallel()
	classes, companies := storetest.Size(t, 133, 400, 400), storetest.Size(t, 20, 60, 60)
	if raceDetector { // it takes its time
		classes, companies = 26, 10
	}
	y := newSchoolYear(t, companies)
	first, err := reminders.ParseDate("2031-08-12")
	if err != nil {
		t.Fatal(err)
	}
	rosters := y.rosters(first, classes)
	for day := first.AddDays(-1); day.Before(first.AddDays(365 + 115)); day = day.AddDays(1) {
		if !y.calendar.Working(day) {
			continue
		}
		if csv := rosters[week(day.AddDays(5))]; csv != "" {
			y.clock.set(day.At(8*60, danish))
			y.enrol(csv)
			delete(rosters, week(day.AddDays(5)))
		}
		for _, at := range []reminders.Minute{9*60 + 10, 14*60 + 30} {
			y.clock.set(day.At(at, danish))
			y.live()
		}
	}
	y.check()
}

func newSchoolYear(t *testing.T, companies int) *schoolYear {
	t.Helper()
	database := "sqlite:" + filepath.Join(t.TempDir(), "efterkurs.db")
	y := &schoolYear{t: t, rng: rand.New(rand.NewPCG(7, 2031)), instants: map[string]time.Time{}, habit: map[int64]string{}, offers: map[int64][]schoolOffer{},
		chosen: map[int64][]time.Time{}, news: map[int64]int{}, pending: map[int64]time.Time{}, mistaken: map[int64]bool{}, stopped: map[int]bool{}}
	y.app, y.clock, y.twilio = twilioApp(t, database, 0)
	y.clock.set(time.Date(2031, 8, 10, 12, 0, 0, 0, danish))
	y.answers(t, y.twilio)
	y.db = storetest.SQL(t, database)
	for i, d := range schoolDiaries {
		u := reminders.User{Email: schoolConsultant(i), Name: fmt.Sprintf("Konsulent%d Krogh", i), Role: reminders.Consultant, Language: "da"}
		if _, err := y.store.SaveUser(t.Context(), y.now(), u); err != nil {
			t.Fatal(err)
		}
		hours, err := reminders.ParseHours(d.hours)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := y.store.SetDiary(t.Context(), y.now(), u.Email, &hours, &d.home, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i := range companies {
		c := schoolCompany{name: fmt.Sprintf("Fabrik%02d", i), phone: fmt.Sprintf("+4520119%03d", i), postcode: schoolPostcodes[i%len(schoolPostcodes)],
			closed: []reminders.ClosedWeeks{{29, 30, 31}, {7, 29, 30, 42}, {28, 29, 30, 52}}[i%3], consultant: i % 12}
		if c.consultant >= 10 { // the two who are part-time
			c.consultant -= 8
		}
		if c.consultant == 2 || c.consultant == 3 { // theirs are neighbours: three visits would fit into one day
			c.postcode = schoolDiaries[c.consultant].home
		}
		y.companies = append(y.companies, c)
	}
	for day := time.Date(2031, 8, 1, 0, 0, 0, 0, danish); day.Year() < 2033; day = day.AddDate(0, 0, 1) {
		for minute := 7 * 60; minute < 18*60; minute += 30 {
			at := time.Date(day.Year(), day.Month(), day.Day(), minute/60, minute%60, 0, 0, danish)
			if label := y.label(at); y.instants[label].IsZero() { // the first autumn's, where the second has the same
				y.instants[label] = at
			}
		}
	}
	return y
}

func schoolConsultant(i int) string { return fmt.Sprintf("konsulent%d@skolen.example", i) }

func (y *schoolYear) label(at time.Time) string {
	return y.bot.Texts.FormatDate("da", at) + " " + y.bot.Texts.FormatTime("da", at)
}

// rosters are the year's classes by the week in which they end: of one company or two, and of every fifth class three of one
// consultant's. No company has two on one day.
func (y *schoolYear) rosters(first reminders.Date, classes int) map[string]string {
	out := map[string]string{}
	last := map[int]reminders.Date{}
	for i := range classes {
		end := y.calendar.NextWorking(first.AddDays(i*365/classes), reminders.ClosedWeeks{29, 30, 31})
		most := []int{3, 1, 1, 2, 1}[i%5]
		var of []int
		for _, c := range y.turns(i%5 == 0, last) {
			if together := i%5 != 0 || len(of) == 0 || y.companies[of[0]].consultant == y.companies[c].consultant; together && len(of) < most && last[c].Before(end) {
				of, last[c] = append(of, c), end
			}
		}
		for _, c := range of {
			co := y.companies[c]
			shift := "day"
			if c%4 == 3 {
				shift = "evening"
			}
			out[week(end)] += fmt.Sprintf("Person%d Dahl,%s,5s,Hold %d,%s,%s,%s,%s,%s,\"%s\",%s,Leder%d Berg,%s\n", c, co.name, i, end.AddDays(-1), end, y.participant(c), shift, co.postcode, co.closed,
				schoolConsultant(co.consultant), c, co.phone)
		}
	}
	return out
}

// turns are the companies in the order in which they take part: who waited longest first; or, of neighbours, those of one consultant who is part-time.
func (y *schoolYear) turns(neighbours bool, last map[int]reminders.Date) []int {
	order := y.rng.Perm(len(y.companies))
	partTime := 2 + y.rng.IntN(2)
	slices.SortStableFunc(order, func(a, b int) int {
		if neighbours {
			if first, second := y.companies[a].consultant == partTime, y.companies[b].consultant == partTime; first != second {
				if first {
					return -1
				}
				return 1
			}
		}
		return last[a].At(0, danish).Compare(last[b].At(0, danish))
	})
	return order
}

func week(d reminders.Date) string {
	year, number := d.At(12*60, danish).ISOWeek()
	return fmt.Sprintf("%d-%d", year, number)
}

func (y *schoolYear) participant(company int) string { return fmt.Sprintf("+4520118%03d", company) }

// enrol takes a week's classes in. Who is new says STOP.
func (y *schoolYear) enrol(rows string) {
	y.t.Helper()
	y.take(y.t, "name,company,course,class,start,end,phone,shift,postcode,closed_weeks,consultant,contact,contact_phone\n"+rows)
	for c := range y.companies {
		if phone := y.participant(c); !y.stopped[c] && strings.Contains(rows, phone) {
			y.stopped[c] = true
			y.writes(phone, "STOP")
		}
	}
}

// writes is a text to the school's number, by way of the signed webhook.
func (y *schoolYear) writes(from, text string) {
	y.t.Helper()
	res, err := y.twilio.Inbound(y.t.Context(), "http://127.0.0.1:9/webhooks/twilio/inbound", "", from, y.twilio.Number, text, nil)
	if err != nil {
		y.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		y.t.Fatalf("writing: %s", res.Status)
	}
}

// live is a tick, what contacts do about what it brought, and what they are told.
func (y *schoolYear) live() {
	y.t.Helper()
	due, ok, err := y.store.NextDue(y.t.Context())
	if err != nil {
		y.t.Fatal(err)
	}
	wanted := false
	for _, at := range y.pending {
		wanted = wanted || !y.now().Before(at)
	}
	if !wanted && (!ok || due.After(y.now())) {
		return
	}
	if _, err := y.engine.Tick(y.t.Context()); err != nil {
		y.t.Fatal(err)
	}
	for _, visit := range sortedKeys(y.pending) {
		if !y.now().Before(y.pending[visit]) {
			delete(y.pending, visit)
			y.wants(visit, y.contactOf(visit))
		}
	}
	for y.heed() {
		if _, err := y.engine.DeliverReplies(y.t.Context()); err != nil {
			y.t.Fatal(err)
		}
	}
}

func sortedKeys(m map[int64]time.Time) (keys []int64) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (y *schoolYear) contactOf(visit int64) (phone string) {
	y.t.Helper()
	if err := y.db.QueryRow(`SELECT p.phone FROM visits AS v JOIN companies AS co ON co.id = v.company_id JOIN persons AS p ON p.id = co.contact_id WHERE v.id = $1`, visit).Scan(&phone); err != nil {
		y.t.Fatal(err)
	}
	return phone
}

// heed lets contacts read what came since, and do as they do; false = nothing came.
func (y *schoolYear) heed() bool {
	y.t.Helper()
	texts := y.twilio.Messages()
	fresh := texts[y.read:]
	y.read = len(texts)
	fresh = slices.DeleteFunc(slices.Clone(fresh), func(m providertest.TwilioMessage) bool { return m.Direction != "outbound-api" })
	for _, text := range fresh { // all are on the phone before any is answered
		if visit, key, slots := y.about(text); visit != 0 && (len(slots) > 0 || key == "visit-booked") {
			y.offers[visit] = append(y.offers[visit], schoolOffer{key, slots})
		}
	}
	for _, text := range fresh {
		y.heeds(text)
	}
	return len(fresh) > 0
}

func (y *schoolYear) heeds(text providertest.TwilioMessage) {
	y.t.Helper()
	visit, key, slots := y.about(text)
	if key == "leader" {
		y.chooses(0, text.To, 1)
		return
	}
	if visit == 0 || len(slots) == 0 {
		return
	}
	choose := func() {
		i := y.rng.IntN(len(slots))
		y.chooses(visit, text.To, i+1)
	}
	if key == "visit-new" || key == "visit-taken" {
		choose()
		return
	}
	if key == "visit-proposal" {
		habits := []string{answersAtOnce, answersAtOnce, answersAtOnce, answersAtOnce, answersAtOnce, answersNew, answersNew, answersLate, answersLate, answersBusy, answersNothing, answersWords}
		y.habit[visit] = habits[y.rng.IntN(len(habits))]
	}
	switch y.habit[visit] + " " + key {
	case answersAtOnce + " visit-proposal", answersLate + " visit-proposal-again":
		choose()
	case answersNew + " visit-proposal":
		y.wants(visit, text.To)
	case answersBusy + " visit-proposal":
		y.pending[visit] = slots[len(slots)-1].AddDate(0, 0, -1)
	case answersWords + " visit-proposal":
		y.writes(text.To, "Vi har alt for meget at lave lige nu, ring til mig efter ferien")
	}
}

// chooses is a contact answering a digit; visit 0 = to another question than a choice of times.
func (y *schoolYear) chooses(visit int64, phone string, digit int) {
	y.t.Helper()
	y.writes(phone, fmt.Sprint(digit))
	of, key := y.takenAs(visit)
	shown := slices.DeleteFunc(slices.Clone(y.offers[of]), func(o schoolOffer) bool { return len(o.slots) < digit })
	if chose := key == "visit-booked" || key == "visit-taken" || key == "contact-thanks" && !y.hasTime(of); chose && len(shown) > 0 {
		y.chosen[of] = append(y.chosen[of], shown[len(shown)-1].slots[digit-1])
	}
}

// wants is a contact writing NY.
func (y *schoolYear) wants(visit int64, phone string) {
	y.t.Helper()
	y.writes(phone, "ny")
	of, _ := y.takenAs(visit)
	y.news[of]++
}

// takenAs is the visit that the last reply was taken to be about, and what is said to it. A digit is the answer to the latest open
// question: who has two visits to choose for, and answers the older one, has answered the other. That is remembered of the
// visit that was meant.
func (y *schoolYear) takenAs(meant int64) (visit int64, key string) {
	y.t.Helper()
	var params string
	err := y.db.QueryRow(`SELECT COALESCE(v.id, 0), m.params FROM messages AS m LEFT JOIN visits AS v ON v.class_id = m.class_id AND v.company_id = m.company_id
		WHERE m.subject = 'reply/' || (SELECT MAX(id) FROM replies) AND m.step = 'say'`).Scan(&visit, &params)
	if errors.Is(err, sql.ErrNoRows) { // nothing is said: the same answer again
		err, params = nil, "{}"
	}
	var named map[string]string
	if err := errors.Join(err, json.Unmarshal([]byte(params), &named)); err != nil {
		y.t.Fatal(err)
	}
	if visit != meant && meant != 0 {
		y.mistaken[meant] = true
	}
	return visit, named["key"]
}

func (y *schoolYear) hasTime(visit int64) (has bool) {
	y.t.Helper()
	if err := y.db.QueryRow(`SELECT COUNT(*) > 0 FROM visits WHERE id = $1 AND start_at > 0`, visit).Scan(&has); err != nil {
		y.t.Fatal(err)
	}
	return has
}

// about is the visit that a text is about, the key of its words, and the times that its reader can choose.
func (y *schoolYear) about(text providertest.TwilioMessage) (visit int64, key string, slots []time.Time) {
	y.t.Helper()
	var kind, params, choices string
	err := y.db.QueryRow(`SELECT m.kind, m.params, m.choices, COALESCE(v.id, 0) FROM messages AS m LEFT JOIN visits AS v ON v.class_id = m.class_id AND v.company_id = m.company_id
		WHERE m.id = $1`, messageOf(text.StatusCallback)).Scan(&kind, &params, &choices, &visit)
	if err != nil {
		y.t.Fatalf("the text %q: %v", text.Body, err)
	}
	key = kind
	if kind == string(reminders.KindReply) {
		var named map[string]string
		if err := json.Unmarshal([]byte(params), &named); err != nil {
			y.t.Fatal(err)
		}
		key = named["key"]
	}
	var offered []reminders.Choice
	if choices != "" {
		if err := json.Unmarshal([]byte(choices), &offered); err != nil {
			y.t.Fatal(err)
		}
	}
	for _, c := range offered {
		at, known := y.instants[c.Label]
		if !known {
			return visit, key, nil
		}
		if !strings.Contains(text.Body, c.Label) {
			y.t.Errorf("the text %q does not show %s", text.Body, c.Label)
		}
		slots = append(slots, at)
	}
	return visit, key, slots
}

func (y *schoolYear) visits() (all []schoolVisit) {
	y.t.Helper()
	rows, err := y.db.Query(`SELECT v.id, COALESCE(u.email, ''), co.name, v.state, v.earliest, v.round, v.start_at, v.end_at, v.proposed_at FROM visits AS v
		JOIN companies AS co ON co.id = v.company_id LEFT JOIN users AS u ON u.id = v.consultant_id ORDER BY v.start_at, v.id`)
	if err != nil {
		y.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var v schoolVisit
		if err := rows.Scan(&v.id, &v.consultant, &v.company, &v.state, &v.earliest, &v.round, &v.start, &v.end, &v.lastOffered); err != nil {
			y.t.Fatal(err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		y.t.Fatal(err)
	}
	return all
}

func (v schoolVisit) span() reminders.Span {
	return reminders.Span{From: time.UnixMilli(v.start).In(danish), To: time.UnixMilli(v.end).In(danish)}
}

func (y *schoolYear) company(name string) schoolCompany {
	return y.companies[slices.IndexFunc(y.companies, func(c schoolCompany) bool { return c.name == name })]
}

// works says whether a company is at work on a day.
func (c schoolCompany) works(day time.Time) bool {
	_, week := day.ISOWeek()
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday && !slices.Contains(noWork, day.Format(time.DateOnly)) && !slices.Contains(c.closed, week)
}

// after is the nth working day of a company from a day on, the first counted as 1.
func (c schoolCompany) after(day time.Time, n int) time.Time {
	for ; ; day = day.AddDate(0, 0, 1) {
		if c.works(day) {
			if n--; n == 0 {
				return day
			}
		}
	}
}

func (y *schoolYear) check() {
	y.t.Helper()
	all := y.visits()
	within, later, clashes := 0, 0, 0
	unplaced := map[string]int{}
	placed := map[int64]time.Time{}
	days := map[string][]schoolVisit{} // by consultant and day
	for _, v := range all {
		if v.state != reminders.VisitBooked && v.state != reminders.VisitHeld {
			unplaced[y.why(v)]++
			continue
		}
		span := v.span()
		placed[v.id] = span.From
		day := v.consultant + span.From.Format(time.DateOnly)
		days[day] = append(days[day], v)
		y.checkDay(v, span)
		// A contact who was offered times when the two months were over has ten working days from the third after that on.
		co := y.company(v.company)
		earliest, err := time.ParseInLocation(time.DateOnly, v.earliest, danish)
		if err != nil {
			y.t.Fatal(err)
		}
		offered := time.UnixMilli(v.lastOffered).In(danish)
		from := co.after(time.Date(offered.Year(), offered.Month(), offered.Day()+1, 0, 0, 0, 0, danish), 3)
		if from.Before(earliest) {
			from = earliest
		}
		switch {
		case span.From.Before(earliest):
			y.t.Errorf("visit %d is at %s, before %s", v.id, span.From, v.earliest)
		case span.From.Before(co.after(earliest, 10).AddDate(0, 0, 1)):
			within++
		case span.From.Before(co.after(from, 10).AddDate(0, 0, 1)):
			later++
		default:
			y.t.Errorf("visit %d of %s is at %s, more than ten working days after %s; last offered at %s", v.id, v.earliest, span.From, from, offered)
		}
		if c := y.chosen[v.id]; len(c) == 0 || !c[len(c)-1].Equal(span.From) {
			y.t.Errorf("visit %d is at %s, and its contact chose %v", v.id, span.From, c)
		}
	}
	for day, visits := range days {
		y.checkTogether(day, visits)
	}
	clashes = y.checkChoices(all, placed)
	y.checkTexts()
	percent := func(n int) string { return fmt.Sprintf("%d (%d %%)", n, (100*n+len(all)/2)/max(len(all), 1)) }
	line := fmt.Sprintf("%d visits: within the ten days %s, later %s", len(all), percent(within), percent(later))
	for _, why := range slices.Sorted(func(yield func(string) bool) {
		for why := range unplaced {
			if !yield(why) {
				return
			}
		}
	}) {
		line += fmt.Sprintf(", unplaced (%s) %s", why, percent(unplaced[why]))
	}
	y.t.Logf("%s; clashes: %d", line, clashes)
	if clashes == 0 && !raceDetector || within < len(all)/2 {
		y.t.Error("too little happened: the test proves nothing")
	}
}

// checkDay holds one visit against the days on which it may be and its consultant's hours, the way from and to home included.
func (y *schoolYear) checkDay(v schoolVisit, span reminders.Span) {
	y.t.Helper()
	co := y.company(v.company)
	if !co.works(span.From) {
		y.t.Errorf("visit %d is on %s, when nobody is at work", v.id, span.From)
	}
	if want := schoolConsultant(co.consultant); v.consultant != want {
		y.t.Errorf("visit %d is %s's, not %s's", v.id, v.consultant, want)
	}
	diary := schoolDiaries[co.consultant]
	hours, err := reminders.ParseHours(diary.hours)
	if err != nil {
		y.t.Fatal(err)
	}
	drive := reminders.Drive(diary.home, co.postcode)
	leaves, returns := reminders.MinuteOf(span.From.Add(-drive)), reminders.MinuteOf(span.To.Add(drive))
	if w := hours[span.From.Weekday()]; span.To.Sub(span.From) != reminders.VisitLength || leaves < w.From || returns > w.To {
		y.t.Errorf("visit %d takes a consultant who works %s on the road from %s to %s on a %s", v.id, hours, leaves, returns, span.From.Weekday())
	}
}

// checkTogether holds the visits of a consultant on one day against each other; they come by start.
func (y *schoolYear) checkTogether(day string, visits []schoolVisit) {
	y.t.Helper()
	if len(visits) > 2 {
		y.t.Errorf("%d visits: %s", len(visits), day)
	}
	for i := 1; i < len(visits); i++ {
		before, after := visits[i-1], visits[i]
		drive := reminders.Drive(y.company(before.company).postcode, y.company(after.company).postcode)
		if gap := after.span().From.Sub(before.span().To); gap < drive {
			y.t.Errorf("%s between visits %d and %d, and %s to drive: %s", gap, before.id, after.id, drive, day)
		}
	}
}

// checkChoices sees that a time that two chose is one's, and that the other was offered others. It counts what was chosen too late.
func (y *schoolYear) checkChoices(all []schoolVisit, placed map[int64]time.Time) (clashes int) {
	y.t.Helper()
	took := map[string][]int64{} // by consultant and time
	for _, v := range all {
		answers := 0 // to what was chosen in vain: other times, or word that a person calls
		for _, o := range y.offers[v.id] {
			if o.key == "visit-taken" {
				answers++
			}
		}
		clashes += answers
		for _, at := range y.chosen[v.id] {
			key := v.consultant + " " + at.Format(time.DateTime)
			took[key] = append(took[key], v.id)
		}
	}
	for key, ids := range took {
		has := 0
		for _, id := range ids {
			if at := placed[id]; strings.HasSuffix(key, at.In(danish).Format(time.DateTime)) {
				has++
				continue
			}
			chosen, offered := y.chosen[id], y.offers[id]
			if !slices.ContainsFunc(offered, func(o schoolOffer) bool { return o.key == "visit-taken" }) && len(chosen) > 0 && (y.hasTime(id) || y.handed(id) == 0) {
				y.t.Errorf("visit %d did not get what its contact chose, and heard %v", id, offered)
			}
		}
		if len(ids) > 1 && has > 1 {
			y.t.Errorf("%s is %d companies' of %v", key, has, ids)
		}
		if len(ids) > 1 && has == 0 && !y.crowded(key) {
			y.t.Errorf("%s was chosen for visits %v, and nobody has it", key, ids)
		}
	}
	return clashes
}

// crowded says whether the consultant of a choice has other visits that day, which may be why nobody got it.
func (y *schoolYear) crowded(key string) bool {
	consultant, at, _ := strings.Cut(key, " ")
	return slices.ContainsFunc(y.visits(), func(v schoolVisit) bool {
		return v.start > 0 && v.consultant == consultant && strings.HasPrefix(at, v.span().From.Format(time.DateOnly))
	})
}

// handed is how many replies about a visit wait for a person.
func (y *schoolYear) handed(visit int64) (replies int) {
	y.t.Helper()
	if err := y.db.QueryRow(`SELECT COUNT(*) FROM replies AS r JOIN messages AS m ON m.subject = 'reply/' || r.id JOIN visits AS v ON v.class_id = m.class_id AND v.company_id = m.company_id
		WHERE v.id = $1 AND r.state = 'inbox'`, visit).Scan(&replies); err != nil {
		y.t.Fatal(err)
	}
	return replies
}

// why is why a visit has no time, as what was sent and what was written in answer to it tell.
func (y *schoolYear) why(v schoolVisit) string {
	y.t.Helper()
	if v.state != reminders.VisitUnplaced {
		y.t.Errorf("visit %d is %s at the end of the year, offered at %s", v.id, v.state, time.UnixMilli(v.lastOffered).In(danish))
	}
	offered := y.offers[v.id]
	switch {
	case len(offered) == 0: // not even once: its proposal is skipped, and says so
		var state, reason string
		if err := y.db.QueryRow(`SELECT m.state, m.reason FROM messages AS m JOIN visits AS v ON v.class_id = m.class_id AND v.company_id = m.company_id
			WHERE v.id = $1 AND m.step = 'visit-proposal'`, v.id).Scan(&state, &reason); err != nil || state != string(reminders.Skipped) || reason != reminders.ReasonNoVisit {
			y.t.Errorf("visit %d was not proposed: %s (%s) %v", v.id, state, reason, err)
		}
		return "no time left"
	case y.habit[v.id] == answersNothing, y.habit[v.id] == answersWords:
		return y.habit[v.id]
	case y.mistaken[v.id]:
		return "answer taken for another visit's"
	case y.news[v.id] > 0 || len(y.chosen[v.id]) > 0:
		if y.handed(v.id) == 0 {
			y.t.Errorf("visit %d has no time although its contact (%s) chose %v and wrote NY %d times, and nobody is told", v.id, y.habit[v.id], y.chosen[v.id], y.news[v.id])
		}
		return "no time left"
	}
	y.t.Errorf("visit %d has no time, and nothing says why: its contact (%s) was offered %v", v.id, y.habit[v.id], offered)
	return "?"
}

// checkTexts sees in the provider's record that nobody was offered the same times twice, or told twice that they have one.
func (y *schoolYear) checkTexts() {
	y.t.Helper()
	taken := map[int64]bool{}
	said := map[string]int{}
	seen := map[string]string{}
	for _, text := range y.twilio.Messages() {
		if text.Direction != "outbound-api" {
			continue
		}
		id := messageOf(text.StatusCallback)
		if taken[id] {
			y.t.Errorf("message %d was sent twice", id)
		}
		taken[id] = true
		visit, key, slots := y.about(text)
		switch key {
		case "visit-proposal", "visit-proposal-again", "visit-booked":
			of := fmt.Sprintf("%s of visit %d", key, visit)
			if said[of]++; said[of] == 2 {
				y.t.Errorf("%s was sent twice", of)
			}
		}
		if key == "visit-proposal-again" { // the one text that shows times again
			continue
		}
		for _, at := range slots {
			of := fmt.Sprintf("%s for visit %d", at.Format(time.DateTime), visit)
			if before, again := seen[of]; again {
				y.t.Errorf("%s was offered by %s and again by %s", of, before, key)
			}
			seen[of] = key
		}
	}
}
