package slack

import (
	"context"
	"net/url"
	"strings"

	slackapi "github.com/slack-go/slack"

	"efterkurs/reminders"
)

// HomeWords are what the buttons of App Home say, as if the person had written it.
var HomeWords = []string{"PAUSE 1", "PAUSE 2", "PAUSE 4", "START"}

// homePrefix begins the action_id of a button in App Home.
const homePrefix = "home_"

func slug(word string) string { return strings.ToLower(strings.ReplaceAll(word, " ", "_")) }

// HomePart is a piece of App Home: a title, lines of text, buttons; what is empty is left out.
type HomePart struct {
	Title   string
	Text    string
	Buttons []HomeButton
}

// HomeButton says Word, one of HomeWords, when it is pressed.
type HomeButton struct{ Word, Label string }

const (
	maxHeader = 150 // characters
	maxHome   = 100 // blocks
)

// Publish shows home in the App Home of a user in the workspace of team.
func (w *Workspaces) Publish(ctx context.Context, team, userID string, home []HomePart) error {
	c, err := w.of(ctx, team)
	if err != nil {
		return err
	}
	var blocks []slackapi.Block
	for _, part := range home {
		if part.Title != "" {
			blocks = append(blocks, slackapi.NewHeaderBlock(slackapi.NewTextBlockObject(slackapi.PlainTextType, cut(part.Title, maxHeader), false, false)))
		}
		if part.Text != "" {
			blocks = append(blocks, sections(part.Text)...)
		}
		var row []slackapi.BlockElement
		for _, b := range part.Buttons {
			row = append(row, slackapi.NewButtonBlockElement(homePrefix+slug(b.Word), b.Word,
				slackapi.NewTextBlockObject(slackapi.PlainTextType, cut(b.Label, maxLabel), false, false)))
		}
		if row != nil {
			blocks = append(blocks, slackapi.NewActionBlock("", row...))
		}
	}
	call := c.call(ctx)
	_, err = call.api().PublishViewContext(ctx, slackapi.PublishViewContextRequest{UserID: userID, View: slackapi.HomeTabViewRequest{
		Type: slackapi.VTHomeTab, Blocks: slackapi.Blocks{BlockSet: blocks[:min(len(blocks), maxHome)]}}})
	if err != nil {
		return reminders.Errorf(reminders.EUNAVAILABLE, "publish App Home in Slack: %s", call.result(err).Detail)
	}
	return nil
}

// Replace puts text in the place of the message whose button was pressed: by the press's own address, which needs no
// token, else as Update does.
func (w *Workspaces) Replace(ctx context.Context, press Interaction, text string) error {
	c, err := w.of(ctx, press.Inbound.Attributes["team_id"])
	if err != nil {
		return err
	}
	if w.ours(press.ResponseURL) {
		call := c.call(ctx)
		_, _, _, err = call.api().SendMessageContext(ctx, "", slackapi.MsgOptionReplaceOriginal(press.ResponseURL),
			slackapi.MsgOptionText(text, true), slackapi.MsgOptionBlocks(sections(text)...))
		if err == nil {
			return nil
		}
	}
	return c.Update(ctx, press.ChannelID, press.MessageTS, text)
}

// Respond answers a command, to be seen by its user alone.
func (w *Workspaces) Respond(ctx context.Context, command Command, text string) error {
	c, err := w.of(ctx, command.TeamID)
	if err != nil {
		return err
	}
	if !w.ours(command.ResponseURL) {
		return reminders.Errorf(reminders.EINVALID, "answer a command in Slack: it has no response_url of Slack's")
	}
	call := c.call(ctx)
	_, _, _, err = call.api().SendMessageContext(ctx, "", slackapi.MsgOptionResponseURL(command.ResponseURL, slackapi.ResponseTypeEphemeral),
		slackapi.MsgOptionText(text, true), slackapi.MsgOptionBlocks(sections(text)...))
	if err != nil {
		return reminders.Errorf(reminders.EUNAVAILABLE, "answer a command in Slack: %s", call.result(err).Detail)
	}
	return nil
}

// ours says whether an address that came with a webhook is one of Slack's: hooks.slack.com beside slack.com/api.
func (w *Workspaces) ours(address string) bool {
	u, err := url.Parse(address)
	base, baseErr := url.Parse(w.config.BaseURL)
	if err != nil || baseErr != nil || u.Scheme != base.Scheme || u.Host == "" {
		return false
	}
	return u.Host == base.Host || strings.HasSuffix(u.Host, "."+base.Host)
}
