package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"efterkurs/templates"
)

// chromium is the browser's binary; without one the test is skipped, or fails where it was required.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if slices.Contains(strings.Split(os.Getenv("EFTERKURS_TEST_REQUIRE"), ","), "chromium") {
		t.Fatal("EFTERKURS_TEST_REQUIRE names chromium, and there is none")
	}
	t.Skip("skipped: there is no Chromium here")
	return ""
}

// browser opens a tab of the given size. What a page's console calls an error, a refused script or style
// among them, fails the test at its end, unless it begins with one of meant.
func browser(t *testing.T, width, height int, meant ...string) context.Context {
	t.Helper()
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(chromium(t)), chromedp.NoSandbox,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-quic", true), chromedp.WindowSize(width, height), chromedp.UserDataDir(t.TempDir()))
	allocated, cancelAllocator := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(allocated)
	if err := chromedp.Do(ctx); err != nil { // starts the browser
		t.Fatal(err)
	}
	console := chromedp.Console(ctx)
	var complaints []string
	read := make(chan struct{})
	go func() {
		defer close(read)
		for m, err := range console {
			if err != nil {
				return
			}
			if m.Type == "error" || m.Type == chromedp.ConsoleException {
				complaints = append(complaints, m.Text)
			}
		}
	}()
	limited, cancelLimit := context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(func() {
		cancelLimit()
		cancel()
		cancelAllocator()
		<-read
		for _, c := range complaints {
			if slices.ContainsFunc(meant, func(m string) bool { return strings.HasPrefix(c, m) }) {
				continue
			}
			t.Errorf("the console says: %s", c)
		}
	})
	return limited
}

// look evaluates an expression on the page.
func look[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// picture keeps a screenshot where EFTERKURS_TEST_PICTURES names a folder; never in the repository.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("EFTERKURS_TEST_PICTURES")
	if dir == "" {
		return
	}
	raw, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// demoServer starts the real demo and returns its address.
func demoServer(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(binary, "demo", "--data", t.TempDir())
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LISTEN_ADDR=127.0.0.1:0", "HOME=" + t.TempDir()}
	var log syncBuffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the demo ended with %v\n%s", err, log.String())
		}
		if strings.Contains(log.String(), `"level":"ERROR"`) {
			t.Errorf("the demo logged errors:\n%s", log.String())
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address := regexp.MustCompile(`http://\S+`).FindString(lines.Text()); address != "" {
			waitAlive(t, address) // it is printed a moment before it is listened on
			return address
		}
	}
	t.Fatalf("the demo printed no address\n%s", log.String())
	return ""
}

// wind presses a button of the clock and waits until the page that comes of it stands.
func wind(t *testing.T, ctx context.Context, by string) {
	t.Helper()
	button := chromedp.CSS(`.wind button[value="` + by + `"]`)
	do(t, ctx, chromedp.WaitVisible(button), chromedp.Evaluate[chromedp.Void](`document.querySelector(".clock").dataset.old = "1"`), chromedp.Click(button),
		chromedp.WaitVisible(chromedp.CSS(`.clock:not([data-old]) .wind button[value="hour"]:not([disabled])`)))
}

// TestDemoWoundNineWeeks does what a newcomer does: opens the demo in a real browser, winds it week by week,
// and sees the whole follow-up happen.
func TestDemoWoundNineWeeks(t *testing.T) {
	ctx := browser(t, 1440, 1000)
	address := demoServer(t)
	do(t, ctx, chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS(".phones")))
	text := func(selector string) string {
		t.Helper()
		return strings.Join(strings.Fields(look[string](t, ctx, fmt.Sprintf(`document.querySelector(%q)?.textContent ?? ""`, selector))), " ")
	}
	if phones := look[int](t, ctx, `document.querySelectorAll(".phone").length`); phones < 14+3 {
		t.Errorf("%d phones on the page, expected fourteen people and three leaders", phones)
	}
	picture(t, ctx, "demo-0")
	for week := 1; week <= 10; week++ { // the visits are within ten working days of the ninth
		wind(t, ctx, "week")
		if week == 3 || week == 5 {
			picture(t, ctx, fmt.Sprintf("demo-%d", week))
		}
	}
	picture(t, ctx, "demo-10")

	texts, err := templates.Load("")
	if err != nil {
		t.Fatal(err)
	}
	all, desk := text(".phones"), text(".desk")
	for _, key := range []string{"welcome", "nudge", "buddy-start", "buddy-trio-wait", "checkin", "leader", "visit-proposal", "visit-new", "visit-booked",
		"visit-reminder-1", "visit-day", "thanks-yes-3", "did-you-mean"} {
		if said := fragment(t, texts, key); !strings.Contains(all, said) {
			t.Errorf("%s is on no phone: %q", key, said)
		}
	}
	for slug, lang := range map[string]string{"5s": "da", "forretning": "da", "smed": "en", "problemloesning": "da"} {
		course, err := texts.Course(slug, lang)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range course.Exercises {
			if !strings.Contains(all, e.SMS) {
				t.Errorf("week %d of %s in %s is on no phone", e.Week, slug, lang)
			}
		}
	}
	for what, said := range map[string]string{"a brief": texts.Word("da", "brief-ask"), "a visit agreed": fragment(t, texts, "visit-staff-booked"),
		"a reply that waits for a person": "Hvem kan hjælpe os"} {
		if !strings.Contains(desk, said) {
			t.Errorf("the desk does not show %s: %q\n%s", what, said, desk)
		}
	}

	// A person writes by hand, and is answered.
	id := look[string](t, ctx, `[...document.querySelectorAll(".phone")].find(p => p.textContent.includes("Nina Bruun")).id`)
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#"+id+" input[name=text]"), "hjælp\n"),
		chromedp.WaitVisible(chromedp.CSS("#"+id+" li.own.asked, #"+id+" li.own")))
	for answered := false; !answered; {
		// What is said back is sent by the worker a moment later: look again until it is there, or the test's time is up.
		do(t, ctx, chromedp.Navigate(address+"/demo"), chromedp.WaitReady(chromedp.CSS("#"+id)))
		answered = strings.Contains(text("#"+id), "PAUSE 2")
	}

	// The pages behind the overview, at both widths.
	pages := []string{"/demo", "/classes", "/visits", "/inbox", "/health",
		look[string](t, ctx, `document.querySelector('a[href^="/classes/"]').getAttribute("href")`),
		look[string](t, ctx, `document.querySelector('a[href^="/participants/"]').getAttribute("href")`)}
	for _, width := range []int64{1440, 390} {
		for _, page := range pages {
			do(t, ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(address+page), chromedp.WaitReady(chromedp.CSS("main h1")))
			if look[bool](t, ctx, `document.documentElement.scrollWidth > window.innerWidth + 1`) {
				t.Errorf("%s is wider than a screen of %d", page, width)
			}
			if text("title") == "" || text("main h1") == "" {
				t.Errorf("%s has no title or heading", page)
			}
			picture(t, ctx, fmt.Sprintf("page%s-%d", strings.ReplaceAll(page, "/", "-"), width))
		}
	}
}

// fragment is the longest stretch of a Danish text between two placeholders.
func fragment(t *testing.T, texts *templates.Texts, key string) string {
	t.Helper()
	m, err := texts.Message("da", key)
	if err != nil {
		t.Fatal(err)
	}
	longest := ""
	for _, part := range regexp.MustCompile(`\{[a-z0-9_]+\}`).Split(m.SMS, -1) {
		if part = strings.TrimSpace(part); len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}
