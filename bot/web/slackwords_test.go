package web

import (
	"efterkurs/bot/slack"
	"efterkurs/reminders"
)

// slackKeys are the keys of what is said about Slack that no template names.
func slackKeys() []string {
	keys := []string{"slack-title", "withdrawn", "health-" + reminders.FoundLost, "slack-command-failed", "slack-company-none", "slack-company-many",
		"slack-week", "slack-week-calm", "slack-week-visit", "slack-week-no-visits", "slack-week-within",
		"slack-status-answers", "slack-status-quiet", "slack-status-visit", "slack-status-no-visit",
		"lost-removed", "lost-token", "lost-scope", "lost-tab", "lost-sealed", "step-" + string(reminders.KindBuddyGroup)}
	for _, fault := range []string{installCancelled, installState, installExpired, installOther, installChosen, installSecret, installUnknown,
		slack.FaultCodeUsed, slack.FaultWhole, slack.FaultConfigured, slack.FaultUnreached} {
		keys = append(keys, "slack-fault-"+fault)
	}
	for _, several := range []string{"replies", "quiet", "troubles", "unplaced"} {
		keys = append(keys, "slack-week-"+several+"-one", "slack-week-"+several+"-many")
	}
	return keys
}
