package sms

import (
	"time"

	"efterkurs/reminders"
)

// Rule is what to do about one of Twilio's error codes, whether it came as an answer or, later, in a callback.
type Rule struct {
	Outcome     reminders.Outcome // what it means for this message: retry, failed, halt or unknown
	Detail      string            // why, in a sentence
	MaxRetries  int               // retries allowed after this code; 0 = as many as the sender has
	Wait        time.Duration     // at least so long before the retry; 0 = the sender chooses
	NextWindow  bool              // the retry waits for the person's next window
	OptOut      bool              // suppress the person until START
	BadAddress  bool              // stop this address, ask the consultant to correct it
	ThrottleAll bool              // slow the whole sender
	Flag        bool              // show it to a person: no automatic retry will mend it
	HaltAfter   int               // so many of this code in a row halt the channel; 0 = never
	StopReplies bool              // no automatic answers to this person any more: two machines talk to each other
}

func (r Rule) result(code string) reminders.Result {
	return reminders.Result{Outcome: r.Outcome, Code: code, Detail: r.Detail, RetryAfter: r.Wait,
		OptOut: r.OptOut, BadAddress: r.BadAddress, ThrottleAll: r.ThrottleAll}
}

const (
	retry  = reminders.OutcomeRetry
	failed = reminders.OutcomeFailed
	halt   = reminders.OutcomeHalt
)

// rules is the error table. Codes: https://www.twilio.com/docs/api/errors.
var rules = map[string]Rule{
	"21610": {Outcome: failed, OptOut: true, Detail: "the person has opted out at Twilio"},

	"21211": {Outcome: failed, BadAddress: true, Detail: "the phone number is not valid"},
	"21214": {Outcome: failed, BadAddress: true, Detail: "the phone number cannot be reached"},
	"21217": {Outcome: failed, BadAddress: true, Detail: "the phone number does not appear to be valid"},
	"21401": {Outcome: failed, BadAddress: true, Detail: "the phone number is not valid"},
	"21421": {Outcome: failed, BadAddress: true, Detail: "the phone number is not valid"},
	"21614": {Outcome: failed, BadAddress: true, Detail: "the phone number is not a mobile number"},
	"21635": {Outcome: failed, BadAddress: true, Detail: "the phone number is a landline"},
	"30005": {Outcome: failed, BadAddress: true, Detail: "the phone number is unknown or no longer in use"},
	"30006": {Outcome: failed, BadAddress: true, Detail: "the phone number is a landline or cannot be reached by its operator"},

	"21612": {Outcome: halt, Detail: "our number cannot send to this country or operator"},
	"21606": {Outcome: halt, Detail: "TWILIO_FROM is not a number of the account that can send SMS"},
	"21601": {Outcome: halt, Detail: "TWILIO_FROM is not a number that can send SMS"},
	"21602": {Outcome: halt, Detail: "the text was empty"},
	"21603": {Outcome: halt, Detail: "the sender was missing"},
	"21604": {Outcome: halt, Detail: "the recipient was missing"},
	"21617": {Outcome: halt, Detail: "the text is longer than 1600 characters"},

	"20003": {Outcome: halt, Detail: "Twilio does not accept TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"},
	"20005": {Outcome: halt, Detail: "the Twilio account is not active"},      // as 30002, in an answer
	"20404": {Outcome: halt, Detail: "Twilio does not know this account SID"}, // sending names nothing else that could be missing
	"21408": {Outcome: halt, Detail: "the account may not send to this country; enable it under Messaging, Geo permissions in the Twilio console"},
	"21608": {Outcome: halt, Detail: "a trial account sends to verified numbers only"},
	"30002": {Outcome: halt, Detail: "the Twilio account is suspended"},

	"20429": {Outcome: retry, ThrottleAll: true, Detail: "Twilio asks us to slow down"},
	"21611": {Outcome: retry, ThrottleAll: true, Detail: "our number's queue at Twilio is full"},
	"30001": {Outcome: retry, ThrottleAll: true, Detail: "Twilio's queue overflowed"},
	"30450": {Outcome: retry, ThrottleAll: true, Detail: "Twilio held the message back for a while"},

	"30003": {Outcome: retry, MaxRetries: 2, Wait: 2 * time.Hour, Detail: "the phone is off or out of reach"},
	"30008": {Outcome: retry, MaxRetries: 1, NextWindow: true, Detail: "the operator gave no reason"},
	"30004": {Outcome: failed, Flag: true, Detail: "the message was blocked"},
	"30007": {Outcome: failed, Flag: true, HaltAfter: 3, Detail: "the operator filtered the message; look at the text"},
	"30039": {Outcome: failed, StopReplies: true, Detail: "the same answers went back and forth; a machine may be answering"},

	"20500": {Outcome: reminders.OutcomeUnknown, Detail: "Twilio had an internal error, which does not say whether the message was taken"},

	"20009": {Outcome: retry, Detail: "Twilio has the message still in hand"}, // DELETE only
}

// Policy is the rule for a code; any other code, and "", is failed, shown with its reason and not retried.
func Policy(code string) Rule {
	if rule, ok := rules[code]; ok {
		return rule
	}
	return Rule{Outcome: failed, Flag: true, Detail: "Twilio refused the message; its code is explained at twilio.com/docs/api/errors"}
}
