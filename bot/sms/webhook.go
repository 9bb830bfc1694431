package sms

import (
	"crypto/hmac"
	"crypto/sha1" // the algorithm is Twilio's
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// VerifySignature says whether Twilio, knowing authToken, made this request. publicURL is the configured one,
// as Twilio has it: Host and X-Forwarded-* are the sender's to choose and are never read. It is tried with
// and without the default port. Without a token nothing is genuine. body is the whole body, already read.
func VerifySignature(authToken, publicURL string, r *http.Request, body []byte) bool {
	given, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Twilio-Signature"))
	if authToken == "" || err != nil || len(given) != sha1.Size {
		return false
	}
	params, ok := signedParams(r, body)
	if !ok {
		return false
	}
	genuine := false
	for _, base := range ports(strings.TrimRight(publicURL, "/")) {
		mac := hmac.New(sha1.New, []byte(authToken))
		mac.Write([]byte(base + r.URL.RequestURI() + params))
		genuine = hmac.Equal(mac.Sum(nil), given) || genuine
	}
	return genuine
}

// signedParams is what Twilio signs after the address: a form's parameters sorted by name, each distinct value
// once. Of any other body only a hash is in the address, and it must be this body's.
func signedParams(r *http.Request, body []byte) (string, bool) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" || len(body) == 0 {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return "", false
		}
		var signed strings.Builder
		for _, name := range slices.Sorted(maps.Keys(form)) {
			for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
				signed.WriteString(name + value)
			}
		}
		return signed.String(), true
	}
	given, err := hex.DecodeString(r.URL.Query().Get("bodySHA256"))
	sum := sha256.Sum256(body)
	return "", err == nil && hmac.Equal(sum[:], given)
}

// ports is the address as configured and with its default port put in or left out.
func ports(public string) []string {
	u, err := url.Parse(public)
	if err != nil || u.Host == "" {
		return []string{public}
	}
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	var host string
	switch u.Port() {
	case "":
		host = u.Host + ":" + port
	case port:
		host = strings.TrimSuffix(u.Host, ":"+port)
	default:
		return []string{public}
	}
	return []string{public, strings.Replace(public, u.Host, host, 1)}
}

// maxMedia is how many pictures of a message are looked at; Twilio takes at most ten.
const maxMedia = 20

// IsSID says whether id is shaped as every id of Twilio's is: two letters and 32 hexadecimal digits. Its signature
// sets nothing between names and values, so under one signature "MessageSid=SM1…", "NumMedia=0" can be written as
// "MessageSid=SM1…NumMedia0": an id of another shape is no id, or a signed text could be taken in again under it.
func IsSID(id string) bool { return sid.MatchString(id) }

var sid = regexp.MustCompile(`^[A-Z]{2}[0-9a-fA-F]{32}$`)

// ParseInbound reads the form of an incoming SMS. The text stays as written; at is when it reached us.
// EINVALID where it names no message or no sender: the signature has been checked, so this is no SMS.
func ParseInbound(form url.Values, at time.Time) (bot.Inbound, error) {
	sid := form.Get("MessageSid")
	if sid == "" {
		sid = form.Get("SmsMessageSid")
	}
	if sid == "" || form.Get("From") == "" {
		return bot.Inbound{}, reminders.Errorf(reminders.EINVALID, "an incoming SMS has MessageSid and From; this has not both")
	}
	in := bot.Inbound{Channel: reminders.SMS, ProviderID: sid, From: form.Get("From"), To: form.Get("To"), Text: form.Get("Body"),
		OptOut: form.Get("OptOutType"), Attributes: map[string]string{}, At: at.UTC()}
	media, _ := strconv.Atoi(form.Get("NumMedia"))
	if media > 0 {
		in.Attributes["num_media"] = strconv.Itoa(media)
	}
	for i := range min(media, maxMedia) {
		if address := form.Get("MediaUrl" + strconv.Itoa(i)); address != "" {
			in.Media = append(in.Media, address)
		}
	}
	for parameter, name := range map[string]string{"NumSegments": "num_segments", "MessagingServiceSid": "messaging_service_sid",
		"FromCountry": "from_country", "MediaContentType0": "media_type", "OriginalRepliedMessageSid": "replied_to"} {
		if value := form.Get(parameter); value != "" {
			in.Attributes[name] = value
		}
	}
	return in, nil
}

// states maps Twilio's words. What is not here moves nothing: Twilio adds words.
var states = map[string]reminders.State{
	"accepted": reminders.Accepted, "scheduled": reminders.Accepted, "queued": reminders.Accepted, "sending": reminders.Accepted,
	"sent": reminders.Sent, "partially_delivered": reminders.Sent,
	"delivered": reminders.Delivered, "read": reminders.Delivered,
	"undelivered": reminders.Undelivered, "failed": reminders.Failed, "canceled": reminders.Failed,
}

// ParseStatus reads a status callback: query is that of the address we gave, with our id in m, and form is what
// Twilio posted. An id that is no number is as none; EINVALID where no message is named at all.
func ParseStatus(query, form url.Values) (bot.Status, error) {
	status := bot.Status{ProviderID: form.Get("MessageSid"), Raw: form.Get("MessageStatus"), Code: form.Get("ErrorCode")}
	if status.ProviderID == "" {
		status.ProviderID = form.Get("SmsSid")
	}
	if status.Raw == "" {
		status.Raw = form.Get("SmsStatus")
	}
	if status.Code == "0" {
		status.Code = ""
	}
	if status.ProviderID == "" {
		return bot.Status{}, reminders.Errorf(reminders.EINVALID, "a status callback has MessageSid; this has none")
	}
	if id, err := strconv.ParseInt(query.Get("m"), 10, 64); err == nil && id > 0 {
		status.MessageID = id
	}
	status.State = states[strings.ToLower(status.Raw)]
	return status, nil
}
