package email_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"efterkurs/bot/email"
	"efterkurs/bot/providertest"
	"efterkurs/reminders"
)

// silent fails where a secret, an address or a text got into what is stored and logged.
func silent(t *testing.T, smtp *providertest.SMTP, said string) {
	t.Helper()
	for _, secret := range []string{smtp.Password, address, "maja", "kursus@skolen.example", "Vælg", token} {
		if secret != "" && strings.Contains(said, secret) {
			t.Errorf("%q holds %q", said, secret)
		}
	}
}

// TestEveryRefusalHasItsOutcome is the error table, stage by stage.
func TestEveryRefusalHasItsOutcome(t *testing.T) {
	type result = reminders.Result
	temporary := func(code string) result { return result{Outcome: reminders.OutcomeRetry, Code: code} }
	permanent := func(code string) result { return result{Outcome: reminders.OutcomeFailed, Code: code} }
	wrong := func(code string) result {
		return result{Outcome: reminders.OutcomeFailed, BadAddress: true, Code: code}
	}
	halt := func(code string) result { return result{Outcome: reminders.OutcomeHalt, Code: code} }
	closing := result{Outcome: reminders.OutcomeRetry, ThrottleAll: true, Code: "421"}
	for _, test := range []struct {
		stage     providertest.Stage
		behaviour providertest.SMTPBehaviour
		want      result
		kept      int
	}{
		{providertest.StageConnect, providertest.SMTPBehaviour{Code: 421}, closing, 0},
		{providertest.StageConnect, providertest.SMTPBehaviour{Code: 554}, halt("554"), 0},
		{providertest.StageConnect, providertest.SMTPBehaviour{Drop: true}, temporary(""), 0},
		{providertest.StageAuth, providertest.SMTPBehaviour{Code: 535, Enhanced: [3]int{5, 7, 8}}, halt("535 5.7.8"), 0},
		{providertest.StageAuth, providertest.SMTPBehaviour{Code: 454, Enhanced: [3]int{4, 7, 0}}, temporary("454 4.7.0"), 0},
		{providertest.StageAuth, providertest.SMTPBehaviour{Drop: true}, temporary(""), 0},
		{providertest.StageMail, providertest.SMTPBehaviour{Code: 530}, halt("530"), 0},
		{providertest.StageMail, providertest.SMTPBehaviour{Code: 451}, temporary("451"), 0},
		{providertest.StageMail, providertest.SMTPBehaviour{Code: 550}, permanent("550"), 0},
		{providertest.StageMail, providertest.SMTPBehaviour{Drop: true}, temporary(""), 0},
		{providertest.StageRcpt, providertest.SMTPBehaviour{Code: 450}, temporary("450"), 0},
		{providertest.StageRcpt, providertest.SMTPBehaviour{Code: 421}, closing, 0},
		{providertest.StageRcpt, providertest.SMTPBehaviour{Code: 550}, wrong("550"), 0},
		{providertest.StageRcpt, providertest.SMTPBehaviour{Code: 550, Enhanced: [3]int{5, 1, 1}}, wrong("550 5.1.1"), 0},
		{providertest.StageRcpt, providertest.SMTPBehaviour{Code: 551}, wrong("551"), 0},
		{providertest.StageRcpt, providertest.SMTPBehaviour{Code: 553}, wrong("553"), 0},
		{providertest.StageRcpt, providertest.SMTPBehaviour{Code: 554, Enhanced: [3]int{5, 1, 10}}, wrong("554 5.1.10"), 0},
		{providertest.StageRcpt, providertest.SMTPBehaviour{Code: 550, Enhanced: [3]int{5, 7, 1}}, permanent("550 5.7.1"), 0}, // may not relay
		{providertest.StageRcpt, providertest.SMTPBehaviour{Code: 554}, permanent("554"), 0},
		{providertest.StageRcpt, providertest.SMTPBehaviour{Code: 552, Enhanced: [3]int{5, 2, 2}}, permanent("552 5.2.2"), 0}, // mailbox full
		{providertest.StageRcpt, providertest.SMTPBehaviour{Drop: true}, temporary(""), 0},
		{providertest.StageDot, providertest.SMTPBehaviour{Code: 452}, temporary("452"), 0},
		{providertest.StageDot, providertest.SMTPBehaviour{Code: 554, Enhanced: [3]int{5, 6, 0}}, permanent("554 5.6.0"), 0},
		{providertest.StageDot, providertest.SMTPBehaviour{Code: 550}, permanent("550"), 0}, // the content, not the address
		{providertest.StageDot, providertest.SMTPBehaviour{Drop: true}, result{Outcome: reminders.OutcomeUnknown}, 0},
		{providertest.StageDot, providertest.SMTPBehaviour{Drop: true, Keep: true}, result{Outcome: reminders.OutcomeUnknown}, 1},
	} {
		t.Run(fmt.Sprintf("%s %+v", test.stage, test.behaviour), func(t *testing.T) {
			smtp := providertest.NewSMTP(t, providertest.WithAuth())
			smtp.Script(func(stage providertest.Stage, _ string) providertest.SMTPBehaviour {
				if stage == test.stage {
					return test.behaviour
				}
				return providertest.SMTPBehaviour{}
			})
			got := channel(t, smtp, nil).Send(t.Context(), outgoing)
			if got.Detail == "" {
				t.Error("no detail for people")
			}
			silent(t, smtp, fmt.Sprintf("%+v", got))
			detail := got.Detail
			got.Detail = ""
			if got != test.want {
				t.Errorf("got  %+v (%s)\nwant %+v", got, detail, test.want)
			}
			if n := len(smtp.Messages()); n != test.kept {
				t.Errorf("%d mails taken", n)
			}
		})
	}
}

// raw is a server that answers each command as told and breaks off where the answer is "".
func raw(t *testing.T, answer func(command string) string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				fmt.Fprint(conn, "220 hi\r\n")
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					word, _, _ := strings.Cut(lines.Text(), " ")
					said := answer(word)
					if said == "" {
						return
					}
					fmt.Fprint(conn, said)
				}
			})
		}
	})
	t.Cleanup(func() { listener.Close(); wg.Wait() })
	return "smtp://" + listener.Addr().String()
}

func TestRefusedDATAIsProvenUnsent(t *testing.T) {
	for said, want := range map[string]reminders.Outcome{"451 4.3.0 later\r\n": reminders.OutcomeRetry, "554 5.5.1 no\r\n": reminders.OutcomeFailed, "": reminders.OutcomeRetry} {
		address := raw(t, func(command string) string {
			if command == "DATA" {
				return said
			}
			return "250 ok\r\n"
		})
		c := channel(t, &providertest.SMTP{URL: address}, nil)
		if result := c.Send(t.Context(), outgoing); result.Outcome != want {
			t.Errorf("%q: %+v", said, result)
		}
	}
}

// TestBrokenHalfwayIsProvenUnsent: the connection breaks while the content goes out, before the dot that would end
// it. It fails where everything after DATA is called unknown.
func TestBrokenHalfwayIsProvenUnsent(t *testing.T) {
	dot := make(chan bool, 1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		lines := bufio.NewReader(conn)
		fmt.Fprint(conn, "220 hi\r\n")
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if strings.HasPrefix(line, "DATA") {
				fmt.Fprint(conn, "354 go\r\n")
				break
			}
			fmt.Fprint(conn, "250 ok\r\n")
		}
		_, _ = lines.ReadString('\n')
		cancel() // the content is on its way, and more of it than the sockets hold
		seen := false
		for {
			line, err := lines.ReadString('\n')
			seen = seen || line == ".\r\n"
			if err != nil {
				dot <- seen
				return
			}
		}
	}()
	out := outgoing
	out.Text = strings.Repeat("En lang linje om ingenting.\n", 300_000)
	result := channel(t, &providertest.SMTP{URL: "smtp://" + listener.Addr().String()}, nil).Send(ctx, out)
	if result.Outcome != reminders.OutcomeRetry {
		t.Errorf("result = %+v", result)
	}
	if <-dot {
		t.Error("half a mail was ended with a dot")
	}
}

func TestHungServerIsUnknownAfterTheDotAndRetriedBefore(t *testing.T) {
	for stage, want := range map[providertest.Stage]reminders.Outcome{providertest.StageRcpt: reminders.OutcomeRetry, providertest.StageDot: reminders.OutcomeUnknown} {
		smtp := providertest.NewSMTP(t)
		hold := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		smtp.Script(func(at providertest.Stage, _ string) providertest.SMTPBehaviour {
			if at != stage {
				return providertest.SMTPBehaviour{}
			}
			cancel()
			return providertest.SMTPBehaviour{Hold: hold}
		})
		if result := channel(t, smtp, nil).Send(ctx, outgoing); result.Outcome != want {
			t.Errorf("%s: %+v", stage, result)
		}
		close(hold)
	}
}

func TestRefusedConnectionIsRetried(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	smtp := providertest.NewSMTP(t)
	for name, test := range map[string]struct {
		ctx context.Context
		url string
	}{"refused": {t.Context(), "smtp://" + closed.Addr().String()}, "no such host": {t.Context(), "smtp://mail.invalid"}, "time was up": {over, smtp.URL}} {
		if result := channel(t, &providertest.SMTP{URL: test.url}, nil).Send(test.ctx, outgoing); result.Outcome != reminders.OutcomeRetry {
			t.Errorf("%s: %+v", name, result)
		}
	}
	if smtp.Connections() != 0 {
		t.Error("connected after the time was up")
	}
}

func TestABurstSharesConnectionsAndADeadOneIsReplaced(t *testing.T) {
	smtp := providertest.NewSMTP(t)
	c := channel(t, smtp, nil)
	for range 5 {
		if result := c.Send(t.Context(), outgoing); result.Outcome != reminders.OutcomeAccepted {
			t.Fatalf("result = %+v", result)
		}
	}
	if smtp.Connections() != 1 {
		t.Errorf("%d connections for five mails", smtp.Connections())
	}
	var once sync.Once
	smtp.Script(func(stage providertest.Stage, _ string) (b providertest.SMTPBehaviour) {
		if stage == providertest.StageMail { // what a server does that closed it while it lay idle
			once.Do(func() { b.Drop = true })
		}
		return b
	})
	if result := c.Send(t.Context(), outgoing); result.Outcome != reminders.OutcomeAccepted || smtp.Connections() != 2 || len(smtp.Messages()) != 6 {
		t.Errorf("result = %+v, %d connections, %d mails", result, smtp.Connections(), len(smtp.Messages()))
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			out := outgoing
			out.MessageID = int64(i + 1)
			if result := c.Send(t.Context(), out); result.Outcome != reminders.OutcomeAccepted {
				t.Errorf("result = %+v", result)
			}
		})
	}
	wg.Wait()
	if len(smtp.Messages()) != 26 {
		t.Errorf("%d mails", len(smtp.Messages()))
	}
}

func TestEncryption(t *testing.T) {
	for name, options := range map[string][]providertest.SMTPOption{
		"plain":               nil,
		"plain, signed in":    {providertest.WithAuth()},
		"STARTTLS":            {providertest.WithSTARTTLS()},
		"STARTTLS, signed in": {providertest.WithSTARTTLS(), providertest.WithAuth()},
		"smtps, signed in":    {providertest.WithTLS(), providertest.WithAuth()},
	} {
		smtp := providertest.NewSMTP(t, options...)
		c := channel(t, smtp, nil)
		if err := c.Check(t.Context()); err != nil || len(smtp.Messages()) != 0 {
			t.Errorf("%s: Check: %v", name, err)
		}
		if result := c.Send(t.Context(), outgoing); result.Outcome != reminders.OutcomeAccepted {
			t.Errorf("%s: %+v", name, result)
		}
	}
}

// TestNoPlainMailOffLoopback also keeps the password from travelling in the clear.
func TestNoPlainMailOffLoopback(t *testing.T) {
	smtp := providertest.NewSMTP(t, providertest.WithAuth())
	_, port, _ := net.SplitHostPort(smtp.Addr)
	host := "0.0.0.0" // reaches this machine and is no loopback address
	c := channel(t, &providertest.SMTP{URL: "smtp://" + smtp.User + ":" + smtp.Password + "@" + net.JoinHostPort(host, port)}, nil)
	if result := c.Send(t.Context(), outgoing); result.Outcome != reminders.OutcomeHalt || !strings.Contains(result.Detail, "STARTTLS") {
		t.Errorf("result = %+v", result)
	}
	if err := c.Check(t.Context()); reminders.ErrorCode(err) != reminders.EINVALID {
		t.Errorf("Check: %v", err)
	}
}

func TestCheckSaysInWordsWhatIsWrong(t *testing.T) {
	smtp := providertest.NewSMTP(t, providertest.WithAuth())
	open := providertest.NewSMTP(t)
	secure := providertest.NewSMTP(t, providertest.WithTLS())
	for name, test := range map[string]struct {
		change func(*email.Config)
		code   string
		says   string
	}{
		"wrong password":  {func(c *email.Config) { c.SMTPURL = strings.Replace(smtp.URL, smtp.Password, "forkert", 1) }, reminders.EINVALID, "user and password"},
		"no sign-in":      {func(c *email.Config) { c.SMTPURL = strings.Replace(open.URL, "//", "//u:p@", 1) }, reminders.EINVALID, "no way to sign in"},
		"unreachable":     {func(c *email.Config) { c.SMTPURL = "smtp://127.0.0.1:1" }, reminders.EUNAVAILABLE, "no connection"},
		"own certificate": {func(c *email.Config) { c.SMTPURL = strings.Replace(secure.URL, "127.0.0.1", "0.0.0.0", 1) }, reminders.EUNAVAILABLE, "certificate"},
	} {
		err := channel(t, smtp, test.change).Check(t.Context())
		if reminders.ErrorCode(err) != test.code || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		silent(t, smtp, err.Error())
	}
}

func TestBadAddressIsNotTried(t *testing.T) {
	smtp := providertest.NewSMTP(t)
	out := outgoing
	for _, to := range []string{"", "maja", "maja@fabrik.example\r\nRCPT TO:<x@y.dk>"} {
		out.To = to
		if result := channel(t, smtp, nil).Send(t.Context(), out); result.Outcome != reminders.OutcomeFailed || !result.BadAddress {
			t.Errorf("%q: %+v", to, result)
		}
	}
	if smtp.Connections() != 0 {
		t.Error("connected for an address that is none")
	}
}
