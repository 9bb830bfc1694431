package diary_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/diary"
	"efterkurs/reminders"
)

// served is a server on loopback with calendars good and bad. Its slow one ends with the request.
func served(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/good.ics", func(w http.ResponseWriter, r *http.Request) {
		if r.Referer() != "" {
			t.Errorf("the address was passed on: %s", r.Referer())
		}
		fmt.Fprint(w, calendarOf(event()))
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		fmt.Fprint(w, "BEGIN:VCALENDAR\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, calendarOf(strings.Repeat("X-NOTE:"+strings.Repeat("a", 57)+"\n", 3<<20/65)))
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>sign in</html>") })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	for from, to := range map[string]string{"/moved": "/good.ics", "/round": "/round", "/metadata": "http://169.254.169.254/latest/meta-data/", "/file": "ftp://127.0.0.1/x"} {
		mux.Handle(from, http.RedirectHandler(to, http.StatusFound))
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestFetch(t *testing.T) {
	s := served(t)
	f := diary.Fetcher{Now: func() time.Time { return now }, AllowLoopback: true, Patience: 5 * time.Second}
	for _, path := range []string{"/good.ics", "/moved"} {
		if spans, err := f.Busy(t.Context(), s.URL+path); err != nil || len(spans) != 1 {
			t.Errorf("%s: %v, %v", path, spans, err)
		}
	}
	unheard := httptest.NewServer(nil)
	unheard.Close()
	for address, tc := range map[string]struct{ code, want string }{
		s.URL + "/none":        {reminders.EINVALID, "answers 404"},
		s.URL + "/broken":      {reminders.EUNAVAILABLE, "answers 502"},
		s.URL + "/large":       {reminders.EINVALID, "larger than 2 MB"},
		s.URL + "/page":        {reminders.EINVALID, "not a calendar"},
		s.URL + "/round":       {reminders.EINVALID, "more than 3 times"},
		s.URL + "/metadata":    {reminders.EINVALID, "private network"},
		s.URL + "/file":        {reminders.EINVALID, "not a web address"},
		unheard.URL + "/x.ics": {reminders.EUNAVAILABLE, "cannot be reached"},
	} {
		spans, err := f.Busy(t.Context(), address)
		if spans != nil || reminders.ErrorCode(err) != tc.code || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "://") {
			t.Errorf("%s: %v, %v", address, spans, err)
		}
	}
	f.Patience = 100 * time.Millisecond
	if _, err := f.Busy(t.Context(), s.URL+"/slow"); reminders.ErrorCode(err) != reminders.EUNAVAILABLE || !strings.Contains(err.Error(), "within 100ms") {
		t.Errorf("slow: %v", err)
	}
}

// Nothing of this machine or its network is reached, however the address is written.
func TestPrivateNetworksAreNotReached(t *testing.T) {
	s := served(t)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	f := diary.Fetcher{Now: func() time.Time { return now }, Patience: 5 * time.Second}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "[::]", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "224.0.0.1", "255.255.255.255", "[fe80::1]", "[fc00::1]", "[fd00::1]", "[ff02::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"} {
		if spans, err := f.Busy(t.Context(), "http://"+host+port+"/good.ics"); err == nil || !strings.Contains(err.Error(), "private network") {
			t.Errorf("%s: %v, %v", host, spans, err)
		}
	}
}

func TestAddress(t *testing.T) {
	for typed, want := range map[string]string{"": "", " none ": "", " https://x.example/a.ics ": "https://x.example/a.ics", "webcal://x.example/a.ics": "https://x.example/a.ics",
		"http://x.example/": "http://x.example/"} {
		if got, err := diary.Address(typed); err != nil || got != want {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"calendar", "https://", "file:///etc/passwd", "ftp://x.example/a", "https://x.example/" + strings.Repeat("a", 2000), "http://a b/"} {
		if got, err := diary.Address(typed); reminders.ErrorCode(err) != reminders.EINVALID {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
}
