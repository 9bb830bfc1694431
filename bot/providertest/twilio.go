package providertest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// TwilioMessage is what the fake Twilio keeps of a message.
type TwilioMessage struct {
	SID, To, From, Body string
	MessagingServiceSID string
	Direction           string // outbound-api or inbound
	Status              string
	ErrorCode           int // 0 = none
	StatusCallback      string
	ValidityPeriod      int // seconds; 36000 where none was asked for
	NumMedia            int // pictures
	NumSegments         int // 0 = 1
	CreatedAt           time.Time
	SentAt              time.Time // when it left Twilio's queue; of an inbound one, when it came. Zero = not yet
	Deleted             bool
}

// Twilio is a fake of the parts of Twilio's REST API that efterkurs uses: Messages, Accounts and
// IncomingPhoneNumbers. It checks the credentials and refuses parameters it does not know.
type Twilio struct {
	URL        string // for TWILIO_BASE_URL
	AccountSID string
	AuthToken  string
	Number     string // the account's one phone number, E.164
	Handler    http.Handler
	Close      func()

	t        TB
	mu       sync.Mutex
	messages []*TwilioMessage
	bySID    map[string]*TwilioMessage
	posts    int
	script   func(n int, form url.Values) Behaviour
	fetch    func(n int, r *http.Request) Behaviour
	fetches  int
	account  string
	lag      time.Duration
	clock    clock
	routes   map[string]string
}

// NewTwilio starts a Twilio that ends with the test. t may be nil: then call Close.
func NewTwilio(t TB) *Twilio {
	tw := NewTwilioHandler(t)
	var server *httptest.Server
	server, tw.Close = serve(t, tw.Handler)
	tw.URL = server.URL
	return tw
}

// NewTwilioHandler is a Twilio without a server, for programs in virtual time: Handler is called directly.
func NewTwilioHandler(t TB) *Twilio {
	tw := &Twilio{t: t, URL: "http://twilio.invalid", Close: func() {}, AccountSID: randomID("AC"), AuthToken: randomID(""), Number: "+4552512345",
		account: "active", routes: map[string]string{}, bySID: map[string]*TwilioMessage{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2010-04-01/Accounts/{account}/Messages.json", tw.create)
	mux.HandleFunc("GET /2010-04-01/Accounts/{account}/Messages.json", tw.list)
	mux.HandleFunc("DELETE /2010-04-01/Accounts/{account}/Messages/{sid}", tw.delete)
	mux.HandleFunc("GET /2010-04-01/Accounts/{account}", tw.fetchAccount)
	mux.HandleFunc("GET /2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json", tw.listNumbers)
	tw.Handler = mux
	return tw
}

// Script sets how messages are taken: it is asked before each POST, n counting from 0.
func (tw *Twilio) Script(script func(n int, form url.Values) Behaviour) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	tw.script, tw.posts = script, 0
}

// ScriptFetch sets how everything but the sending of messages is answered.
func (tw *Twilio) ScriptFetch(script func(n int, r *http.Request) Behaviour) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	tw.fetch, tw.fetches = script, 0
}

// SetNow gives the server a clock other than the machine's.
func (tw *Twilio) SetNow(now func() time.Time) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	tw.clock = now
}

// SetLag makes the list show a message only when it is this old.
func (tw *Twilio) SetLag(lag time.Duration) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	tw.lag = lag
}

// SetAccountStatus is active, suspended or closed.
func (tw *Twilio) SetAccountStatus(status string) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	tw.account = status
}

// SetStatus moves a message without telling anybody.
func (tw *Twilio) SetStatus(sid, status string, code int) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	if m := tw.find(sid); m != nil {
		m.Status, m.ErrorCode = status, code
		if m.SentAt.IsZero() && slices.Contains([]string{"sent", "delivered", "undelivered", "read"}, status) {
			m.SentAt = tw.clock.now()
		}
	}
}

// Redact takes a message's text away and leaves its record.
func (tw *Twilio) Redact(sid string) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	if m := tw.find(sid); m != nil {
		m.Body = ""
	}
}

// Messages is a copy of every message, in the order in which they were taken.
func (tw *Twilio) Messages() []TwilioMessage {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	out := make([]TwilioMessage, len(tw.messages))
	for i, m := range tw.messages {
		out[i] = *m
	}
	return out
}

// Posts is how many times somebody tried to send since the script was set.
func (tw *Twilio) Posts() int {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	return tw.posts
}

// find wants the lock.
func (tw *Twilio) find(sid string) *TwilioMessage {
	return tw.bySID[sid]
}

// keep wants the lock.
func (tw *Twilio) keep(m *TwilioMessage) {
	tw.messages = append(tw.messages, m)
	tw.bySID[m.SID] = m
}

var createParameters = []string{"To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod"}

func (tw *Twilio) create(w http.ResponseWriter, r *http.Request) {
	if !tw.authorized(w, r) {
		return
	}
	if err := r.ParseForm(); err != nil {
		twilioError(w, http.StatusBadRequest, 20001, "unreadable form")
		return
	}
	form := r.PostForm
	tw.mu.Lock()
	n := tw.posts
	tw.posts++
	script := tw.script
	tw.mu.Unlock()
	var behaviour Behaviour
	if script != nil {
		behaviour = script(n, form)
	}
	var answer TwilioMessage
	if !behaviour.Refuse {
		message, code := tw.accept(form)
		if code != 0 {
			twilioError(w, http.StatusBadRequest, code, "refused: "+form.Get("To")+" "+form.Get("Body"))
			return
		}
		answer = message
		if behaviour.Stored != nil {
			behaviour.Stored(message.SID)
		}
	}
	if tw.misbehave(w, r, behaviour, form) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(answer.resource(tw.AccountSID))
}

// accept takes a message as Twilio would, or says with which code it would not.
func (tw *Twilio) accept(form url.Values) (TwilioMessage, int) {
	for name, values := range form {
		if !slices.Contains(createParameters, name) || len(values) != 1 {
			fault(tw.t, "twilio: parameter %s is not one that efterkurs should send, or is there %d times", name, len(values))
			return TwilioMessage{}, 20001
		}
	}
	m := &TwilioMessage{SID: randomID("SM"), To: form.Get("To"), From: form.Get("From"), Body: form.Get("Body"),
		MessagingServiceSID: form.Get("MessagingServiceSid"), Direction: "outbound-api", Status: "queued",
		StatusCallback: form.Get("StatusCallback"), ValidityPeriod: 36000}
	switch {
	case m.To == "":
		return TwilioMessage{}, 21604
	case !strings.HasPrefix(m.To, "+"):
		return TwilioMessage{}, 21211
	case m.Body == "":
		return TwilioMessage{}, 21602
	case len([]rune(m.Body)) > 1600:
		return TwilioMessage{}, 21617
	case m.From == "" && m.MessagingServiceSID == "":
		return TwilioMessage{}, 21603
	case m.From != "" && m.From != tw.Number:
		return TwilioMessage{}, 21606
	}
	if m.MessagingServiceSID != "" {
		m.From, m.Status = tw.Number, "accepted"
	}
	if validity := form.Get("ValidityPeriod"); validity != "" {
		seconds, err := strconv.Atoi(validity)
		if err != nil || seconds < 1 || seconds > 36000 {
			return TwilioMessage{}, 21620
		}
		m.ValidityPeriod = seconds
	}
	if m.StatusCallback != "" {
		callback, err := url.Parse(m.StatusCallback)
		if err != nil || callback.Host == "" || strings.Contains(callback.Host, "_") {
			return TwilioMessage{}, 21609
		}
	}
	tw.mu.Lock()
	defer tw.mu.Unlock()
	m.CreatedAt = tw.clock.now().Truncate(time.Second)
	tw.keep(m)
	return *m, 0
}

// misbehave answers as told. false = the request is to be answered properly.
func (tw *Twilio) misbehave(w http.ResponseWriter, r *http.Request, b Behaviour, form url.Values) bool {
	if !b.hold(r) {
		return true
	}
	if b.RetryAfter != "" {
		w.Header().Set("Retry-After", b.RetryAfter)
	}
	status := b.Status
	if status == 0 && b.Refuse {
		status = http.StatusBadRequest
	}
	switch {
	case b.Reset:
		reset(w)
	case b.Garbage:
		w.WriteHeader(max(status, http.StatusOK))
		_, _ = fmt.Fprint(w, "<html>upstream connect error</html>")
	case status != 0:
		// Twilio's own sentences repeat numbers and texts: so does this one, for tests that nothing of it is kept.
		twilioError(w, status, number(b.Code), fmt.Sprintf("The number %s refused %q", form.Get("To"), form.Get("Body")))
	default:
		return false
	}
	return true
}

func (tw *Twilio) list(w http.ResponseWriter, r *http.Request) {
	if tw.fetching(w, r) {
		return
	}
	query := r.URL.Query()
	for name := range query {
		if !slices.Contains([]string{"To", "From", "PageSize", "Page", "PageToken"}, name) {
			fault(tw.t, "twilio: the list is not to be filtered by %s", name)
		}
	}
	size := 50
	if s := number(query.Get("PageSize")); s > 0 {
		size = min(s, 1000)
	}
	tw.mu.Lock()
	now := tw.clock.now()
	var listed []TwilioMessage
	for _, m := range slices.Backward(tw.messages) {
		if !m.Deleted && now.Sub(m.CreatedAt) >= tw.lag &&
			(!query.Has("To") || m.To == query.Get("To")) && (!query.Has("From") || m.From == query.Get("From")) {
			listed = append(listed, *m)
		}
	}
	tw.mu.Unlock()
	// "Results are sorted by the DateSent field, with the most recent messages appearing first": what is queued first of all.
	slices.SortStableFunc(listed, func(a, b TwilioMessage) int {
		if a.SentAt.IsZero() || b.SentAt.IsZero() {
			return cmp.Compare(unsent(b), unsent(a))
		}
		return b.SentAt.Truncate(time.Second).Compare(a.SentAt.Truncate(time.Second))
	})
	// A page begins after the message that its token names, whatever has come above it meanwhile.
	page, from := number(query.Get("Page")), 0
	if last, ok := strings.CutPrefix(query.Get("PageToken"), "PA"); ok {
		from = slices.IndexFunc(listed, func(m TwilioMessage) bool { return m.SID == last }) + 1
		if from == 0 {
			twilioError(w, http.StatusBadRequest, 20002, "Invalid Page")
			return
		}
	}
	until := min(from+size, len(listed))
	found := []map[string]any{}
	for _, m := range listed[from:until] {
		found = append(found, m.resource(tw.AccountSID))
	}
	var next any
	if until < len(listed) {
		query.Set("Page", strconv.Itoa(page+1))
		query.Set("PageToken", "PA"+listed[until-1].SID)
		next = r.URL.Path + "?" + query.Encode()
	}
	answerJSON(w, map[string]any{"messages": found, "page": page, "page_size": size,
		"next_page_uri": next, "uri": r.URL.RequestURI()})
}

func (tw *Twilio) delete(w http.ResponseWriter, r *http.Request) {
	if tw.fetching(w, r) {
		return
	}
	tw.mu.Lock()
	defer tw.mu.Unlock()
	m := tw.find(strings.TrimSuffix(r.PathValue("sid"), ".json"))
	switch {
	case m == nil || m.Deleted:
		twilioError(w, http.StatusNotFound, 20404, "The requested resource was not found")
	case !slices.Contains([]string{"delivered", "undelivered", "failed", "canceled", "read", "received"}, m.Status):
		twilioError(w, http.StatusConflict, 20009, "Cannot delete message because it is not in a final state")
	default:
		m.Deleted, m.Body = true, ""
		w.WriteHeader(http.StatusNoContent)
	}
}

func (tw *Twilio) fetchAccount(w http.ResponseWriter, r *http.Request) {
	if tw.fetching(w, r) {
		return
	}
	tw.mu.Lock()
	defer tw.mu.Unlock()
	answerJSON(w, map[string]any{"sid": tw.AccountSID, "status": tw.account, "friendly_name": "efterkurs", "auth_token": tw.AuthToken})
}

func (tw *Twilio) listNumbers(w http.ResponseWriter, r *http.Request) {
	if tw.fetching(w, r) {
		return
	}
	numbers := []map[string]any{}
	if wanted := r.URL.Query().Get("PhoneNumber"); wanted == "" || wanted == tw.Number {
		numbers = append(numbers, map[string]any{"sid": "PN" + strings.Repeat("0", 32), "phone_number": tw.Number,
			"capabilities": map[string]bool{"sms": true}})
	}
	answerJSON(w, map[string]any{"incoming_phone_numbers": numbers})
}

// fetching does what all requests but the sending share. true = it has been answered.
func (tw *Twilio) fetching(w http.ResponseWriter, r *http.Request) bool {
	if !tw.authorized(w, r) {
		return true
	}
	tw.mu.Lock()
	n := tw.fetches
	tw.fetches++
	script := tw.fetch
	tw.mu.Unlock()
	return script != nil && tw.misbehave(w, r, script(n, r), r.URL.Query())
}

func (tw *Twilio) authorized(w http.ResponseWriter, r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	if user != tw.AccountSID || password != tw.AuthToken || strings.TrimSuffix(r.PathValue("account"), ".json") != tw.AccountSID {
		twilioError(w, http.StatusUnauthorized, 20003, "Authenticate: "+user+" "+password)
		return false
	}
	return true
}

func unsent(m TwilioMessage) int {
	if m.SentAt.IsZero() {
		return 1
	}
	return 0
}

func (m *TwilioMessage) resource(account string) map[string]any {
	var code, service, sent any
	if m.ErrorCode != 0 {
		code = m.ErrorCode
	}
	if m.MessagingServiceSID != "" {
		service = m.MessagingServiceSID
	}
	if !m.SentAt.IsZero() {
		sent = m.SentAt.UTC().Format(time.RFC1123Z)
	}
	uri := "/2010-04-01/Accounts/" + account + "/Messages/" + m.SID
	return map[string]any{"sid": m.SID, "account_sid": account, "to": m.To, "from": m.From, "body": m.Body, "status": m.Status,
		"direction": m.Direction, "error_code": code, "date_created": m.CreatedAt.UTC().Format(time.RFC1123Z), "date_sent": sent,
		"messaging_service_sid": service, "num_segments": strconv.Itoa(max(m.NumSegments, 1)), "num_media": strconv.Itoa(m.NumMedia),
		"uri": uri + ".json", "subresource_uris": map[string]any{"media": uri + "/Media.json"}}
}

func twilioError(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": message, "status": status,
		"more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(code)})
}

func answerJSON(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}
