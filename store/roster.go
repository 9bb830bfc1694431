package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"efterkurs/reminders"
)

// Import takes a roster in: all rows or none, in one transaction. What is there is read in a few
// statements, changed in memory, and what came to differ is written back in a few statements more; so
// the same roster again writes nothing, and 20,000 rows take seconds.
//
// Who a row is about: the participant of its class who has its phone; else, where nobody has, the one
// without a phone who has its e-mail address (else its Slack id), who thereby gets the phone; a row without
// a phone goes by e-mail, then Slack id; and a participant whose address was corrected here since is
// found by the key that the roster knew. Persons are the same in the whole school by their key.
//
// What a row says of a person is kept with the enrolment, and only what it says differently the next time is
// taken over. So a roster read again does not undo what a person (SPROG EN) or a consultant changed.
func (s *Store) Import(ctx context.Context, now time.Time, rows []reminders.RosterRow) (result reminders.ImportResult, err error) {
	err = s.write(ctx, func(t *tx) error {
		if s.dialect == Postgres { // one import at a time
			if _, err := t.exec(ctx, `SELECT pg_advisory_xact_lock(7240110)`); err != nil {
				return err
			}
		}
		im := &importer{t: t, now: now}
		if err := im.load(ctx, rows); err != nil {
			return err
		}
		for _, row := range rows {
			if err := im.take(row); err != nil {
				return err
			}
		}
		result, err = im.save(ctx)
		return err
	})
	return result, err
}

// importer is an import at work. Entities are pointers; those that are new have no id until they are saved.
type importer struct {
	t   *tx
	now time.Time

	users     map[string]*rosterUser   // by e-mail
	persons   map[string]*rosterPerson // by key
	companies map[string]*rosterCompany
	classes   map[string]*rosterClass // by course and name
	rows      []*rosterEnrolment      // what each row came to, in the roster's order

	newPersons    []*rosterPerson
	allPersons    []*rosterPerson
	allEnrolments []*rosterEnrolment
	at            map[*rosterPerson]map[*rosterCompany]bool // whose people persons are, of those known by a Slack id
}

type rosterUser struct {
	id          int64
	email, role string
}

type rosterPerson struct {
	personRow
	was    personRow
	counts bool // a participant, not only a contact
}

type rosterCompany struct {
	companyRow
	was        companyRow
	contact    *rosterPerson
	consultant *rosterUser
}

type rosterClass struct {
	classRow
	was     classRow
	teacher *rosterUser

	byPerson map[*rosterPerson]*rosterEnrolment
	byPhone  map[string]*rosterEnrolment
	byEmail  map[string][]*rosterEnrolment
	bySlack  map[slackAt]*rosterEnrolment
	byKey    map[string]*rosterEnrolment // the roster's
}

// slackAt is a Slack id in the Slack of a company.
type slackAt struct {
	company *rosterCompany
	id      string
}

type rosterEnrolment struct {
	ID                          int64
	person                      *rosterPerson
	class                       *rosterClass
	company                     *rosterCompany
	Team, Goal, Basis, Key, Row string
	was                         struct {
		person                      *rosterPerson
		company                     *rosterCompany
		Team, Goal, Basis, Key, Row string
	}
}

func (e *rosterEnrolment) keep() {
	e.was.person, e.was.company, e.was.Team, e.was.Goal, e.was.Basis, e.was.Key, e.was.Row = e.person, e.company, e.Team, e.Goal, e.Basis, e.Key, e.Row
}

func (e *rosterEnrolment) changed() bool {
	w := e.was
	return w.person != e.person || w.company != e.company || w.Team != e.Team || w.Goal != e.Goal || w.Basis != e.Basis || w.Key != e.Key || w.Row != e.Row
}

// said is what a row says of a person. Its names are the stored JSON's.
type said struct {
	Name     string `json:"name"`
	Phone    string `json:"phone,omitempty"`
	Email    string `json:"email,omitempty"`
	Slack    string `json:"slack,omitempty"`
	Channel  string `json:"channel,omitempty"`
	Language string `json:"language,omitempty"`
	Easy     bool   `json:"easy,omitempty"`
	Shift    string `json:"shift,omitempty"`
	From     int    `json:"from,omitempty"`
	To       int    `json:"to,omitempty"`
}

func saidOf(p reminders.Person) said {
	return said{clean(p.Name), clean(p.Phone), clean(strings.ToLower(p.Email)), clean(p.SlackID), p.Channel, p.Language, p.Easy, string(p.Shift), int(p.Window.From), int(p.Window.To)}
}

func (s said) text() string {
	b, _ := json.Marshal(s) // strings and numbers: cannot fail
	return string(b)
}

func (s said) person() reminders.Person {
	return reminders.Person{Phone: s.Phone, Email: s.Email, SlackID: s.Slack}
}

// classKey is how a class is known: unnamed ones by their start.
func className(c reminders.Class) string {
	if name := strings.TrimSpace(c.Name); name != "" {
		return clean(name)
	}
	return c.Course + " " + c.Start.String()
}

func classKey(c reminders.Class) string { return c.Course + "\n" + key(className(c)) }

// rowKey is the key of the person a row is about. Who has no address at all is known by name within the class.
func rowKey(r reminders.RosterRow) string {
	if k := personKey(saidOf(r.Person).person()); k != "" {
		if r.Shared && strings.HasPrefix(k, "tel:") {
			k += "/" + key(clean(r.Person.Name))
		}
		return k
	}
	return "name:" + r.Class.Course + ":" + key(className(r.Class)) + ":" + key(clean(r.Person.Name))
}

// isShared says whether a person's key is a phone that others have too, and a name.
func isShared(key string) bool { return strings.HasPrefix(key, "tel:") && strings.Contains(key, "/") }

func contactKey(r reminders.RosterRow) string {
	if k := personKey(saidOf(r.Contact).person()); k != "" {
		return k
	}
	if r.Contact.Name == "" {
		return ""
	}
	return "name:contact:" + key(r.Company) + ":" + key(clean(r.Contact.Name))
}

// take applies one row in memory.
func (im *importer) take(r reminders.RosterRow) error {
	company := im.company(r)
	class := im.class(r)
	words := saidOf(r.Person)
	rowKey := im.slackKey(rowKey(r), r, company)
	e := class.byKey[rowKey]
	if !isShared(rowKey) {
		e = class.find(words, rowKey, company)
	}
	if e == nil {
		p := im.persons[rowKey]
		if p == nil {
			p = im.newPerson(rowKey, words)
		} else if e = class.byPerson[p]; e == nil {
			p.learn(words, said{}, true)
		}
		if e == nil {
			e = &rosterEnrolment{person: p, class: class, company: company}
			im.allEnrolments = append(im.allEnrolments, e)
		}
	}
	if e.Row != "" {
		var before said
		if err := json.Unmarshal([]byte(e.Row), &before); err != nil {
			return reminders.Errorf(reminders.EINTERNAL, "reading the roster row of enrolment %d: %w", e.ID, err)
		}
		// Somebody else in the school has this phone already: it is that person who is on the class.
		if other := im.persons["tel:"+words.Phone]; words.Phone != "" && e.person.Phone == "" && !isShared(rowKey) && other != nil && class.byPerson[other] == nil {
			e.person = other
			before = said{}
		}
		e.person.learn(words, before, false)
		im.rekey(e.person)
	}
	e.person.counts = true
	e.company = company
	take := func(field *string, value string) {
		if value != "" {
			*field = clean(value)
		}
	}
	take(&e.Team, r.Team)
	take(&e.Goal, r.Goal)
	take(&e.Basis, r.Basis)
	e.Key, e.Row = rowKey, words.text()
	if im.at[e.person] == nil {
		im.at[e.person] = map[*rosterCompany]bool{}
	}
	im.at[e.person][company] = true
	class.index(e)
	im.rows = append(im.rows, e)
	return nil
}

// slackKey is k, the key of a row, or another where k is a Slack id that somebody else has in another company's Slack:
// an id is one workspace's, and companies' own workspaces may be added only once the companies are known. Who has the
// same id, another name and another company is somebody else.
func (im *importer) slackKey(k string, r reminders.RosterRow, company *rosterCompany) string {
	id, ok := strings.CutPrefix(k, "slack:")
	if !ok {
		return k
	}
	scoped := scopedKey(r)
	p := im.persons[k]
	switch {
	case im.persons[scoped] != nil:
		return scoped
	case p == nil || p.SlackID != id || key(p.Name) == key(clean(r.Person.Name)) || len(im.at[p]) == 0 || im.at[p][company]:
		return k
	}
	return scoped
}

// scopedKey is the key of a row by Slack id and company.
func scopedKey(r reminders.RosterRow) string {
	return "slack:" + key(clean(r.Company)) + "/" + clean(r.Person.SlackID)
}

// find returns the participant of the class whom the words of a row are about; nil = nobody.
func (c *rosterClass) find(w said, rowKey string, company *rosterCompany) *rosterEnrolment {
	if w.Phone != "" {
		if e := c.byPhone[w.Phone]; e != nil {
			return e
		}
		if e := only(c.byEmail[w.Email], func(e *rosterEnrolment) bool { return e.person.Phone == "" }); e != nil {
			return e
		}
		if e := c.bySlack[slackAt{company, w.Slack}]; e != nil && e.person.Phone == "" {
			return e
		}
		return c.byKey[rowKey]
	}
	if w.Email != "" {
		if e := only(c.byEmail[w.Email], func(*rosterEnrolment) bool { return true }); e != nil {
			return e
		}
	} else if e := c.bySlack[slackAt{company, w.Slack}]; e != nil {
		return e
	}
	return c.byKey[rowKey]
}

// only is the one of list that fits; where several share an address, it tells nobody apart.
func only(list []*rosterEnrolment, fits func(*rosterEnrolment) bool) (found *rosterEnrolment) {
	for _, e := range list {
		if !fits(e) || e == found {
			continue
		}
		if found != nil {
			return nil
		}
		found = e
	}
	return found
}

// index makes e known by what its person has now.
func (c *rosterClass) index(e *rosterEnrolment) {
	c.byPerson[e.person] = e
	if e.person.Phone != "" && !isShared(e.person.Key) {
		c.byPhone[e.person.Phone] = e
	}
	if email := e.person.Email; email != "" && !contains(c.byEmail[email], e) {
		c.byEmail[email] = append(c.byEmail[email], e)
	}
	if e.person.SlackID != "" {
		c.bySlack[slackAt{e.company, e.person.SlackID}] = e
	}
	if e.Key != "" {
		c.byKey[e.Key] = e
	}
}

func contains(list []*rosterEnrolment, e *rosterEnrolment) bool {
	for _, o := range list {
		if o == e {
			return true
		}
	}
	return false
}

// learn takes over what words say differently from before. Of a person met on a new class (first) it takes
// what is said at all; Danish is the roster's default and says nothing against a language chosen elsewhere.
func (p *rosterPerson) learn(words, before said, first bool) {
	text := func(field *string, now, then string) {
		if now != "" && now != then {
			*field = now
		}
	}
	text(&p.Name, words.Name, before.Name)
	text(&p.Phone, words.Phone, before.Phone)
	text(&p.Email, words.Email, before.Email)
	text(&p.SlackID, words.Slack, before.Slack)
	text(&p.Channel, words.Channel, before.Channel)
	text(&p.Shift, words.Shift, before.Shift)
	if !first || words.Language != "da" || p.Language == "" {
		text(&p.Language, words.Language, before.Language)
	}
	if words.Easy != before.Easy {
		p.Easy = words.Easy
	}
	if (words.From != before.From || words.To != before.To) && (words.To != 0 || !first) {
		p.From, p.To = words.From, words.To
	}
}

// rekey gives a person the key of the addresses they have now, unless somebody else has it.
func (im *importer) rekey(p *rosterPerson) {
	k := personKey(p.person())
	if k == "" || k == p.Key || isShared(p.Key) || im.persons[k] != nil || strings.HasPrefix(k, "slack:") && strings.HasPrefix(p.Key, "slack:") && strings.HasSuffix(p.Key, "/"+p.SlackID) {
		return
	}
	delete(im.persons, p.Key)
	p.Key = k
	im.persons[k] = p
}

func (im *importer) newPerson(key string, w said) *rosterPerson {
	p := &rosterPerson{personRow: personRow{Key: key, Name: w.Name, Phone: w.Phone, Email: w.Email, SlackID: w.Slack, Channel: w.Channel,
		Language: w.Language, Easy: w.Easy, Shift: w.Shift, From: w.From, To: w.To}}
	im.persons[key] = p
	im.newPersons = append(im.newPersons, p)
	return p
}

func (im *importer) company(r reminders.RosterRow) *rosterCompany {
	c := im.companies[key(clean(r.Company))]
	if c == nil {
		c = &rosterCompany{companyRow: companyRow{Name: strings.Join(strings.Fields(clean(r.Company)), " "), ClosedWeeks: reminders.DefaultClosedWeeks.String()}}
		im.companies[key(c.Name)] = c
	}
	if r.ClosedWeeks != nil {
		c.ClosedWeeks = r.ClosedWeeks.String()
	}
	if r.Postcode != "" {
		c.Postcode = r.Postcode
	}
	if r.ConsultantEmail != "" {
		c.consultant = im.user(r.ConsultantEmail, reminders.Consultant)
	}
	if k := contactKey(r); k != "" {
		words := saidOf(r.Contact)
		p := im.persons[k]
		if p == nil {
			p = im.newPerson(k, words)
		} else {
			p.learn(words, said{Channel: words.Channel, Language: words.Language}, true)
		}
		c.contact = p
	}
	return c
}

func (im *importer) class(r reminders.RosterRow) *rosterClass {
	k := classKey(r.Class)
	c := im.classes[k]
	if c == nil {
		c = newRosterClass(classRow{Course: r.Class.Course, Name: className(r.Class)})
		im.classes[k] = c
	}
	c.Start, c.End = date(r.Class.Start), date(r.Class.End)
	if r.Class.Weekday != time.Sunday {
		c.Weekday = int(r.Class.Weekday)
	}
	if r.TeacherEmail != "" {
		c.teacher = im.user(r.TeacherEmail, reminders.Teacher)
	}
	return c
}

func newRosterClass(row classRow) *rosterClass {
	return &rosterClass{classRow: row, was: row, byPerson: map[*rosterPerson]*rosterEnrolment{}, byPhone: map[string]*rosterEnrolment{},
		byEmail: map[string][]*rosterEnrolment{}, bySlack: map[slackAt]*rosterEnrolment{}, byKey: map[string]*rosterEnrolment{}}
}

func (im *importer) user(email, role string) *rosterUser {
	email = strings.ToLower(strings.TrimSpace(clean(email)))
	u := im.users[email]
	if u == nil {
		u = &rosterUser{email: email, role: role}
		im.users[email] = u
	}
	return u
}
