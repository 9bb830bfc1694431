package slack

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	slackapi "github.com/slack-go/slack"

	"efterkurs/reminders"
)

// rules is the error table: what Slack's words mean. Details are ours; Slack's own sentences are not kept.
// https://docs.slack.dev/reference/methods/chat.postMessage#errors
var rules = map[string]reminders.Result{
	"ratelimited":            {Outcome: reminders.OutcomeRetry, ThrottleAll: true, Detail: "Slack asks us to slow down"},
	"rate_limited":           {Outcome: reminders.OutcomeRetry, ThrottleAll: true, Detail: "Slack asks us to slow down"},
	"message_limit_exceeded": {Outcome: reminders.OutcomeRetry, ThrottleAll: true, Detail: "the workspace has had too many messages"},
	"request_timeout":        {Outcome: reminders.OutcomeRetry, Detail: "the request reached Slack in part"},

	"account_inactive":        {Outcome: reminders.OutcomeHalt, Detail: "the app has been removed from the workspace"},
	"token_revoked":           {Outcome: reminders.OutcomeHalt, Detail: "the token has been revoked"},
	"token_expired":           {Outcome: reminders.OutcomeHalt, Detail: "the token has expired"},
	"invalid_auth":            {Outcome: reminders.OutcomeHalt, Detail: "the token is not valid"},
	"not_authed":              {Outcome: reminders.OutcomeHalt, Detail: "the token is missing"},
	"missing_scope":           {Outcome: reminders.OutcomeHalt, Detail: "the app lacks a scope"},
	"no_permission":           {Outcome: reminders.OutcomeHalt, Detail: "the app lacks a permission"},
	"not_allowed_token_type":  {Outcome: reminders.OutcomeHalt, Detail: "the token is not a bot's"},
	"access_denied":           {Outcome: reminders.OutcomeHalt, Detail: "the workspace denies access"},
	"org_login_required":      {Outcome: reminders.OutcomeHalt, Detail: "the workspace is being moved"},
	"team_access_not_granted": {Outcome: reminders.OutcomeHalt, Detail: "the app may not use this workspace"},
	"messages_tab_disabled":   {Outcome: reminders.OutcomeHalt, Detail: "the app's Messages tab is off; turn it on under App Home"},

	"user_disabled":    {Outcome: reminders.OutcomeFailed, BadAddress: true, Detail: "the person's Slack account is closed"},
	"users_not_found":  {Outcome: reminders.OutcomeFailed, BadAddress: true, Detail: "nobody in the workspace has this e-mail"},
	"user_not_found":   {Outcome: reminders.OutcomeFailed, BadAddress: true, Detail: "nobody in the workspace has this id"},
	"user_not_visible": {Outcome: reminders.OutcomeFailed, BadAddress: true, Detail: "the app may not see this person"},
	"cannot_dm_bot":    {Outcome: reminders.OutcomeFailed, BadAddress: true, Detail: "the address is a bot's"},

	"channel_not_found": {Outcome: reminders.OutcomeFailed, Detail: "the direct message is closed and could not be opened again"},
	"is_archived":       {Outcome: reminders.OutcomeFailed, Detail: "the direct message is archived and could not be opened again"},

	// "It's possible some aspect of the operation succeeded before the error was raised."
	"fatal_error":         {Outcome: reminders.OutcomeUnknown, Detail: "Slack failed while it worked on the message"},
	"internal_error":      {Outcome: reminders.OutcomeUnknown, Detail: "Slack failed while it worked on the message"},
	"service_unavailable": {Outcome: reminders.OutcomeUnknown, Detail: "Slack is out of order"},
}

// call is one request to Slack: an http client of its own for slack-go, which tells what the SDK's error does
// not: whether the request was begun, and with what it was answered.
type call struct {
	channel    *Channel
	ctx        context.Context
	begun      atomic.Bool // the request's headers were written: it may have been carried out
	status     int         // HTTP; 0 = no answer
	retryAfter time.Duration
}

func (c *Channel) call(ctx context.Context) *call { return &call{channel: c, ctx: ctx} }

func (x *call) api() *slackapi.Client {
	return slackapi.New(x.channel.config.BotToken, slackapi.OptionAPIURL(x.channel.config.BaseURL), slackapi.OptionHTTPClient(x))
}

// Do makes the request. net/http repeats a POST by itself only where no byte of it was written, or the
// server said it did not begin with it: never one that may have been carried out.
func (x *call) Do(req *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{WroteHeaders: func() { x.begun.Store(true) }}
	resp, err := x.channel.http.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return nil, err
	}
	x.status = resp.StatusCode
	if seconds, err := strconv.Atoi(strings.TrimSpace(resp.Header.Get("Retry-After"))); err == nil {
		x.retryAfter = time.Duration(min(max(seconds, 0), 24*3600)) * time.Second
	} else if at, err := http.ParseTime(resp.Header.Get("Retry-After")); err == nil {
		x.retryAfter = max(at.Sub(x.channel.config.Now()), 0)
	}
	return resp, nil
}

// result is what the failed call came to. Nothing of err is kept but Slack's word.
func (x *call) result(err error) reminders.Result {
	var said slackapi.SlackErrorResponse
	var result reminders.Result
	switch {
	case errors.As(err, &said):
		result = ruled(said.Err)
	case x.status == http.StatusTooManyRequests:
		result = ruled("ratelimited")
	case x.status >= 400 && x.status < 500 && x.status != http.StatusRequestTimeout:
		result = reminders.Result{Outcome: reminders.OutcomeFailed, Code: "http_" + strconv.Itoa(x.status), Detail: "refused with HTTP status " + strconv.Itoa(x.status)}
	case x.status != 0:
		result = reminders.Result{Outcome: reminders.OutcomeUnknown,
			Detail: "Slack's answer, HTTP status " + strconv.Itoa(x.status) + ", does not say whether the message was taken"}
	case x.begun.Load():
		result = reminders.Result{Outcome: reminders.OutcomeUnknown, Detail: "the request was made and no answer came: " + reason(err)}
	default:
		result = reminders.Result{Outcome: reminders.OutcomeRetry, Detail: "the request was never made: " + reason(err)}
	}
	result.RetryAfter = x.retryAfter
	if result.Outcome == reminders.OutcomeHalt && result.Code != "missing_scope" && x.channel.lost != nil {
		x.channel.lost(x.ctx, result.Code)
	}
	return result
}

// unsent is the result of a call that writes to nobody: what is unknown about it is no matter, try again.
func (x *call) unsent(err error) *reminders.Result {
	if err == nil {
		return &reminders.Result{Outcome: reminders.OutcomeRetry, Detail: "Slack's answer could not be read; nothing was sent"}
	}
	result := x.result(err)
	if result.Outcome == reminders.OutcomeUnknown {
		result.Outcome = reminders.OutcomeRetry
	}
	return &result
}

// ruled is the rule for one of Slack's words; any other is failed, shown with it and not retried.
func ruled(code string) reminders.Result {
	result, ok := rules[code]
	if !ok {
		result = reminders.Result{Outcome: reminders.OutcomeFailed, Detail: "Slack refused the message; its word is explained at docs.slack.dev"}
	}
	result.Code = code
	return result
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
