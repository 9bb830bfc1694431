package store_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// Somebody who is erased is in no text column of any table any more.
func TestAnErasedPersonIsGoneFromEveryTable(t *testing.T) {
	for _, backend := range []struct {
		name, driver string
		url          func(testing.TB) string
	}{{"sqlite", "sqlite", storetest.SQLite}, {"postgres", "postgres", storetest.Postgres}} {
		t.Run(backend.name, func(t *testing.T) {
			url := backend.url(t)
			s := storetest.Open(t, url)
			who := row(1, func(r *reminders.RosterRow) {
				r.Person.Name, r.Person.Email, r.Person.SlackID = "Zebulon Quist", "zebulon@quist.dk", "UZEB"
				r.Team, r.Goal = "Quistholdet", "quistmål"
			})
			imported(t, s, who, row(2))
			planAll(t, s, start)
			claims := claim(t, s, "w", due, 1000)
			p := must[[]reminders.Person](t)(s.FindPersons(ctx, "zebulon quist"))[0]
			for _, c := range claims {
				if c.PersonID == p.ID && c.Step == "exercise-1" {
					send(t, s, c, "SMZEB", due)
					answer(t, s, c, "1 quistord", "1", "yes", due)
				}
			}
			others := status(t, s)
			var members []reminders.BuddyMember
			for _, st := range others {
				members = append(members, reminders.BuddyMember{EnrolmentID: st.EnrolmentID, PersonID: st.Person.ID})
			}
			buddy := reminders.Message{Subject: "test", Step: "joined", Kind: reminders.KindBuddyJoined, PersonID: others[0].Person.ID, CompanyID: others[0].Company.ID,
				DueAt: due, RunAt: due, Params: map[string]string{"buddy": "Zebulon"}}
			published(t, s, due, []reminders.BuddyGroup{{CompanyID: others[0].Company.ID, Members: members}}, []reminders.Message{buddy})
			stop(t, s, p.ID, due)
			// Written before anybody knew who it was.
			_, _, err := s.SaveReply(ctx, reminders.Inbound{Channel: reminders.Email, ProviderID: "e1", From: "Zebulon@Quist.dk", Text: "quistbrev", At: due,
				Attributes: map[string]string{"subject": "fra Zebulon"}})
			ok(t, err)
			if export, err := json.Marshal(must[store.Export](t)(s.Export(ctx, p.ID))); err != nil || !strings.Contains(string(export), "quistord") || !strings.Contains(string(export), "quistmål") {
				t.Fatalf("export: %s, %v", export, err)
			}
			if len(found(t, backend.driver, url)) == 0 {
				t.Fatal("the search finds nothing before: it shows nothing after")
			}
			ok(t, s.Erase(ctx, due, p.ID))
			if left := found(t, backend.driver, url); len(left) != 0 {
				t.Errorf("left: %s", strings.Join(left, "\n"))
			}
			ok(t, s.Erase(ctx, due, p.ID)) // again
			if gone := must[[]reminders.Person](t)(s.FindPersons(ctx, "+4520000001")); len(gone) != 0 {
				t.Error("still found")
			}
			for _, st := range status(t, s) {
				if st.Person.ID != p.ID && len(st.Buddies) != 0 {
					t.Errorf("%s still has buddies %v", st.Person.Name, st.Buddies)
				}
			}
			for _, m := range must[[]reminders.Message](t)(s.Messages(ctx, reminders.MessageFilter{PersonID: p.ID})) {
				if m.State == reminders.Planned {
					t.Errorf("%s is still planned", m.Step)
				}
			}
			pending := must[[]reminders.Erasure](t)(s.PendingErasures(ctx, due, 10))
			var ids []string
			for _, e := range pending {
				ids = append(ids, e.ProviderID)
			}
			if !strings.Contains(fmt.Sprint(ids), "SMZEB") || len(pending) != 3 {
				t.Fatalf("copies to delete: %v", ids)
			}
			ok(t, s.DeferErasure(ctx, pending[0].ID, due.Add(time.Hour), "20009"))
			ok(t, s.DoneErasure(ctx, pending[1].ID))
			if n := len(must[[]reminders.Erasure](t)(s.PendingErasures(ctx, due, 10))); n != 1 {
				t.Fatalf("%d pending", n)
			}
			if later := must[[]reminders.Erasure](t)(s.PendingErasures(ctx, due.Add(time.Hour), 10)); len(later) != 2 || later[1].Tries != 1 {
				t.Fatalf("later: %+v", later)
			}
			code(t, s.Erase(ctx, due, 404), reminders.ENOTFOUND)
			code(t, errOf(s.Export(ctx, 404)), reminders.ENOTFOUND)
		})
	}
}

// found looks for traces of Zebulon Quist in every column of every table, through a connection of its own.
func found(t *testing.T, driver, url string) (out []string) {
	t.Helper()
	tables := `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`
	if driver == "sqlite" {
		url = strings.TrimPrefix(url, "sqlite:")
		tables = `SELECT name FROM sqlite_master WHERE type = 'table'`
	}
	db, err := sql.Open(driver, url)
	ok(t, err)
	defer db.Close()
	names, err := db.Query(tables)
	ok(t, err)
	defer names.Close()
	var all []string
	for names.Next() {
		var name string
		ok(t, names.Scan(&name))
		all = append(all, name)
	}
	if len(all) < 15 {
		t.Fatalf("only %d tables", len(all))
	}
	for _, table := range all {
		rows, err := db.Query(`SELECT * FROM ` + table)
		ok(t, err)
		columns, err := rows.Columns()
		ok(t, err)
		for rows.Next() {
			values, targets := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				targets[i] = &values[i]
			}
			ok(t, rows.Scan(targets...))
			for i, v := range values {
				if b, isBytes := v.([]byte); isBytes {
					v = string(b)
				}
				text := strings.ToLower(fmt.Sprint(v))
				for _, trace := range []string{"zebulon", "quist", "20000001", "uzeb"} {
					if strings.Contains(text, trace) {
						out = append(out, fmt.Sprintf("%s.%s: %s", table, columns[i], text))
					}
				}
			}
		}
		ok(t, rows.Err())
		rows.Close()
	}
	return out
}

func TestANameIsTakenOutAsAWordOnly(t *testing.T) {
	for text, want := range map[string]string{
		"Bo": "…", "Hej Bo!": "Hej …!", "Bos makker er Bo": "…s makker er …", "Bordet, som Bo rydder": "Bordet, som … rydder", `{"buddy":"Bo"}`: `{"buddy":"…"}`, "Rambo og Bob": "Rambo og Bob", "": "",
	} {
		if got := store.WithoutName(text, "Bo"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
