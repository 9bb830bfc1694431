package providertest

import "time"

// Took keeps a text that we had sent before the test began, as Twilio keeps it, and returns its SID.
func (tw *Twilio) Took(at time.Time, to, body, statusCallback, status string) (sid string) {
	tw.mu.Lock()
	defer tw.mu.Unlock()
	m := &TwilioMessage{SID: randomID("SM"), To: to, From: tw.Number, Body: body, Direction: "outbound-api", Status: status,
		StatusCallback: statusCallback, ValidityPeriod: 36000, CreatedAt: at.Truncate(time.Second)}
	tw.keep(m)
	return m.SID
}
