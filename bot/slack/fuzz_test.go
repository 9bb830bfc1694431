package slack_test

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"efterkurs/bot/providertest"
	"efterkurs/bot/slack"
	"efterkurs/reminders"
)

// flip is s with one bit turned over.
func flip(s string, at uint) string {
	raw := []byte(s)
	bit := at % uint(len(raw)*8)
	raw[bit/8] ^= 1 << (bit % 8)
	return string(raw)
}

// valid says whether every text is UTF-8, each by itself: two halves of a character are one together.
func valid(texts ...string) bool {
	return !slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) })
}

// What Slack signs with our secret just now is taken, and with one bit changed anywhere it is not: in the body,
// in the timestamp, in the signature, in the secret. Nor is it taken more than five minutes from now, either
// way. It fails where any of them is left out of what is compared, or where a recorded request is taken later.
func FuzzSignature(f *testing.F) {
	f.Add("secret", int64(0), `{"type":"event_callback"}`, uint(3))
	f.Add(vectorSecret, int64(300), vectorBody, uint(99))
	f.Add("s", int64(-301), "payload=%7B%7D", uint(1))
	f.Add("s", int64(-9223372036854775808), "x", uint(0))
	f.Fuzz(func(t *testing.T, secret string, age int64, body string, at uint) {
		if secret == "" {
			return // FuzzWebhook has it
		}
		now := time.Unix(1531420618, 0)
		timestamp := strconv.FormatInt(now.Unix()-age, 10)
		header := (&providertest.Slack{SigningSecret: secret}).Sign(timestamp, []byte(body))
		taken := func(secret string, header http.Header, body string) bool {
			return slack.Verify(secret, header, []byte(body), now) == nil
		}
		fresh := age >= -300 && age <= 300
		if taken(secret, header, body) != fresh {
			t.Fatalf("%d s old, and taken is %v", age, !fresh)
		}
		if !fresh {
			return
		}
		if body != "" && taken(secret, header, flip(body, at)) || taken(secret, header, body+"\x00") {
			t.Fatal("another body is taken")
		}
		if other := flip(secret, at); strings.TrimRight(other, "\x00") != strings.TrimRight(secret, "\x00") && len(secret) <= 64 && taken(other, header, body) {
			t.Fatal("another secret's signature is taken")
		}
		signature, _ := hex.DecodeString(strings.TrimPrefix(header.Get("X-Slack-Signature"), "v0="))
		for _, given := range []string{"v0=" + hex.EncodeToString([]byte(flip(string(signature), at))), "v0=" + hex.EncodeToString(signature[:at%32]),
			"v1=" + hex.EncodeToString(signature), hex.EncodeToString(signature), ""} {
			other := header.Clone()
			other.Set("X-Slack-Signature", given)
			if taken(secret, other, body) {
				t.Fatalf("the signature %q is taken", given)
			}
		}
		for _, given := range []string{flip(timestamp, at), "+" + timestamp, "0" + timestamp, timestamp + ".0", " " + timestamp} {
			other := header.Clone()
			other.Set("X-Slack-Request-Timestamp", given)
			if taken(secret, other, body) {
				t.Fatalf("the timestamp %q is taken", given)
			}
		}
	})
}

// What a person writes arrives byte for byte, once Slack's three escapes are undone, and nothing else that
// comes to the events address is taken for it. It fails where a bot's words, an edit or a message in a public
// channel is taken in, where a text is trimmed, or where the same message has two ids.
func FuzzEvent(f *testing.F) {
	f.Add("hej", "U1", "D1", "1531420618.000200", "im", "", "", "")
	f.Add(" 1️⃣ <b> & &amp; \n", "U1", "D1", "1.2", "im", "file_share", "", "1.1")
	f.Add("x", "U1", "C1", "1.2", "channel", "", "", "")
	f.Add("x", "U1", "D1", "1.2", "im", "message_changed", "", "")
	f.Add("x", "U1", "D1", "-1.99999999999999999999", "im", "", "B1", "")
	f.Add("x", "UBOT", "D1", "1.2", "im", "", "", "")
	f.Fuzz(func(t *testing.T, text, user, channel, ts, kind, subtype, bot, thread string) {
		if !valid(text, user, channel, ts, kind, subtype, bot, thread) {
			return // JSON has no other
		}
		escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
		body, err := json.Marshal(map[string]any{"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event_time": 1,
			"authorizations": []map[string]any{{"user_id": "UBOT"}},
			"event":          map[string]any{"type": "message", "channel": channel, "channel_type": kind, "user": user, "text": escaped, "ts": ts, "subtype": subtype, "bot_id": bot, "thread_ts": thread}})
		if err != nil {
			t.Fatal(err)
		}
		e, err := slack.ParseEvent(body)
		if err != nil || e.TeamID != "T1" || e.EventID != "Ev1" || e.Challenge != "" {
			t.Fatalf("%+v, %v", e, err)
		}
		written := subtype == "" || subtype == "file_share" || subtype == "thread_broadcast" || subtype == "me_message"
		person := kind == "im" && written && bot == "" && user != "" && user != "UBOT" && user != "USLACKBOT" && channel != "" && ts != ""
		if (e.Inbound != nil) != person {
			t.Fatalf("taken in is %v: %s", e.Inbound != nil, body)
		}
		if in := e.Inbound; in != nil && (in.Text != text || in.From != user || in.Channel != reminders.Slack || in.ProviderID != "T1:"+channel+":"+ts ||
			in.QuestionID != 0 || !in.At.IsZero() && (in.At.Year() < 1970 || in.At.Location() != time.UTC)) {
			t.Fatalf("%+v of %s", in, body)
		}
	})
}

// A press of our button names its question and its digit; of another's button, or of one whose value was
// changed, it is no press. It fails where the digit is taken from the value while the button says another.
func FuzzInteraction(f *testing.F) {
	f.Add(int64(42), "1", "answer_1", "U1", "1531420618.000200")
	f.Add(int64(-1), "1", "answer_1", "U1", "1.2")
	f.Add(int64(1), "", "answer_", "U1", "1.2")
	f.Add(int64(7), "2", "answer_1", "U1", "1.2")
	f.Add(int64(7), "a:b", "answer_a:b", "U1", "")
	f.Fuzz(func(t *testing.T, question int64, digit, action, user, at string) {
		if !valid(digit, action, user, at) {
			return
		}
		payload, err := json.Marshal(map[string]any{"type": "block_actions", "team": map[string]any{"id": "T1"}, "user": map[string]any{"id": user},
			"channel": map[string]any{"id": "D1"}, "message": map[string]any{"ts": "1.1"},
			"actions": []map[string]any{{"action_id": action, "value": strconv.FormatInt(question, 10) + ":" + digit, "action_ts": at}}})
		if err != nil {
			t.Fatal(err)
		}
		press, err := slack.ParseInteraction(url.Values{"payload": {string(payload)}})
		ours := question > 0 && digit != "" && action == "answer_"+digit && user != "" && at != ""
		if (err == nil) != ours {
			t.Fatalf("%v: %s", err, payload)
		}
		if in := press.Inbound; ours && (in.QuestionID != question || in.Text != digit || in.From != user || in.ProviderID != "T1:"+user+":"+at || press.ChannelID != "D1" || press.MessageTS != "1.1") {
			t.Fatalf("%+v of %s", press, payload)
		}
		if !ours && reminders.ErrorCode(err) != reminders.EINVALID {
			t.Fatal(err)
		}
	})
}

// A slash command keeps what was written after it, but for the blanks around it.
func FuzzCommand(f *testing.F) {
	f.Add("/efterkurs", " pause 2 ", "U1", "T1")
	f.Add("efterkurs", "", "U1", "T1")
	f.Add("/", "\x00\xff", "", "")
	f.Fuzz(func(t *testing.T, command, text, user, team string) {
		form, err := url.ParseQuery(url.Values{"command": {command}, "text": {text}, "user_id": {user}, "team_id": {team}, "trigger_id": {"1.2.3"}}.Encode())
		if err != nil {
			t.Fatal(err)
		}
		c, err := slack.ParseCommand(form)
		ours := user != "" && team != "" && strings.HasPrefix(command, "/")
		if (err == nil) != ours || ours && (c.Text != strings.TrimSpace(text) || c.UserID != user || c.TeamID != team || c.Command != command) {
			t.Fatalf("%+v, %v", c, err)
		}
	})
}
