package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"efterkurs/reminders"
)

// stage is the command a server refused.
type stage string

const (
	atSignIn stage = "the connection"
	atMail   stage = "the sender"
	atRcpt   stage = "the recipient"
	atData   stage = "the mail"
	atDot    stage = "the mail's content"
)

// refused is the result of a command that failed before the mail was taken. Nothing of the server's sentence is
// kept, it repeats addresses; its code and its enhanced code (RFC 3463) are.
func refused(at stage, err error) reminders.Result {
	status := code(err)
	if status == 0 {
		return broken(false, err)
	}
	extended := enhanced(err)
	result := reminders.Result{Code: strings.TrimSpace(strconv.Itoa(status) + " " + extended)}
	switch {
	case status == 530 || status == 534 || status == 535 || status == 538: // RFC 4954: authentication
		result.Outcome, result.Detail = reminders.OutcomeHalt, "the mail server does not accept the user and password in SMTP_URL"
	case status == 421:
		result.Outcome, result.ThrottleAll, result.Detail = reminders.OutcomeRetry, true, "the mail server is closing its connections"
	case status >= 400 && status < 500:
		result.Outcome, result.Detail = reminders.OutcomeRetry, "the mail server refused "+string(at)+" for now"
	case at == atRcpt && wrongAddress(status, extended):
		result.Outcome, result.BadAddress, result.Detail = reminders.OutcomeFailed, true, "the mail server says that the address does not exist"
	default:
		result.Outcome, result.Detail = reminders.OutcomeFailed, "the mail server refused "+string(at)
	}
	return result
}

// wrongAddress tells a wrong address from two that come with the same codes: 5.7.x is a policy (we may not relay,
// we are on a list), which holds for everybody, and a full mailbox is somebody's, and right.
func wrongAddress(status int, enhanced string) bool {
	return status >= 500 && status != 552 && status != 554 && !strings.HasPrefix(enhanced, "5.7.") && enhanced != "5.2.2" ||
		status == 554 && strings.HasPrefix(enhanced, "5.1.")
}

var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

func enhanced(err error) string {
	var said *textproto.Error
	if !errors.As(err, &said) {
		return ""
	}
	return enhancedCode.FindString(said.Msg)
}

// signIn is the result of a connection that could not be made: nothing was sent.
func signIn(err error) reminders.Result {
	var certificate *tls.CertificateVerificationError
	switch {
	case code(err) != 0:
		result := refused(atSignIn, err)
		if result.Outcome == reminders.OutcomeFailed { // 5xx to EHLO, STARTTLS or AUTH: it holds for every mail
			result.Outcome, result.Detail = reminders.OutcomeHalt, "the mail server refuses to talk to us"
		}
		return result
	case errors.As(err, &certificate):
		return reminders.Result{Outcome: reminders.OutcomeRetry, Detail: "the mail server's certificate is not valid for the host in SMTP_URL"}
	case strings.Contains(err.Error(), "does not support STARTTLS"): // go-mail has no error of its own for it
		return reminders.Result{Outcome: reminders.OutcomeHalt, Detail: "the mail server offers no encryption (STARTTLS); use smtps:// or another port"}
	case strings.Contains(err.Error(), "does not support SMTP AUTH"), errors.Is(err, gomail.ErrNoSupportedAuthDiscovered):
		return reminders.Result{Outcome: reminders.OutcomeHalt, Detail: "the mail server offers no way to sign in that we know; leave user and password out of SMTP_URL if it needs none"}
	}
	return broken(false, err)
}

// broken is the result of a connection that broke: after the final dot the mail may have been taken, before it
// it was not.
func broken(dot bool, err error) reminders.Result {
	if dot {
		return reminders.Result{Outcome: reminders.OutcomeUnknown, Detail: "the mail was handed over and no answer came: " + reason(err)}
	}
	return reminders.Result{Outcome: reminders.OutcomeRetry, Detail: "the mail was not handed over: " + reason(err)}
}

// reason is the kind of a transport error in words, without the addresses in it.
func reason(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var timed interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &dns):
		return "the host's name was not found"
	case errors.As(err, &timed) && timed.Timeout():
		return "the time was up"
	case errors.As(err, &op) && op.Op == "dial":
		return "no connection"
	}
	return "the connection broke"
}
