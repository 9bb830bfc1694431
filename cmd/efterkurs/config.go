package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// config is the environment, read and checked. Every value is named after its variable.
type config struct {
	DatabaseURL string
	ListenAddr  string
	PublicURL   string
	Location    *time.Location
	Templates   string
	School      string
	Secret      string
	LogLevel    slog.Level

	TwilioAccountSID, TwilioAuthToken, TwilioFrom, TwilioMessagingServiceSID, TwilioBaseURL string
	TwilioRate                                                                              float64

	SlackBotToken, SlackSigningSecret, SlackBaseURL, SlackClientID, SlackClientSecret string

	SMTPURL, MailFrom, MailIMAPURL string
}

// loadConfig reads the environment. Each secret may also come as a file, named by NAME_FILE. An error names
// the variable and says what it should hold.
func loadConfig(env func(string) string) (config, error) {
	var c config
	var faults []string
	get := func(name, fallback string) string {
		if v := strings.TrimSpace(env(name)); v != "" {
			return v
		}
		return fallback
	}
	secret := func(name string) string {
		value, file := env(name), env(name+"_FILE")
		switch {
		case value != "" && file != "":
			faults = append(faults, fmt.Sprintf("both %s and %s_FILE are set: keep one", name, name))
		case file != "":
			raw, err := os.ReadFile(file)
			if err != nil {
				faults = append(faults, fmt.Sprintf("%s_FILE: %v", name, err))
			}
			return strings.TrimSpace(string(raw))
		}
		return strings.TrimSpace(value)
	}

	c.DatabaseURL = secret("DATABASE_URL")
	if c.DatabaseURL == "" {
		c.DatabaseURL = "sqlite:efterkurs.db"
	}
	c.ListenAddr = get("LISTEN_ADDR", "127.0.0.1:8080")
	c.PublicURL = strings.TrimRight(get("PUBLIC_URL", ""), "/")
	c.Templates = get("EFTERKURS_TEMPLATES", "")
	c.School = get("EFTERKURS_SCHOOL", "Kursusskolen")
	c.Secret = secret("EFTERKURS_SECRET")
	c.TwilioAccountSID = secret("TWILIO_ACCOUNT_SID")
	c.TwilioAuthToken = secret("TWILIO_AUTH_TOKEN")
	c.TwilioFrom = get("TWILIO_FROM", "")
	c.TwilioMessagingServiceSID = get("TWILIO_MESSAGING_SERVICE_SID", "")
	c.TwilioBaseURL = get("TWILIO_BASE_URL", "https://api.twilio.com")
	c.SlackBotToken = secret("SLACK_BOT_TOKEN")
	c.SlackSigningSecret = secret("SLACK_SIGNING_SECRET")
	c.SlackBaseURL = get("SLACK_BASE_URL", "https://slack.com/api/")
	c.SlackClientID = get("SLACK_CLIENT_ID", "")
	c.SlackClientSecret = secret("SLACK_CLIENT_SECRET")
	c.SMTPURL = secret("SMTP_URL")
	c.MailFrom = get("MAIL_FROM", "")
	c.MailIMAPURL = secret("MAIL_IMAP_URL")

	var err error
	zone := get("EFTERKURS_TIMEZONE", "Europe/Copenhagen")
	if c.Location, err = time.LoadLocation(zone); err != nil {
		faults = append(faults, fmt.Sprintf("EFTERKURS_TIMEZONE %q is not a time zone such as Europe/Copenhagen", zone))
	}
	rate := get("TWILIO_RATE", "10")
	if c.TwilioRate, err = strconv.ParseFloat(rate, 64); err != nil || c.TwilioRate <= 0 || c.TwilioRate > 10_000 {
		faults = append(faults, fmt.Sprintf("TWILIO_RATE %q is not a number of messages a second such as 10", rate))
	}
	level := get("EFTERKURS_LOG", "info")
	if err := c.LogLevel.UnmarshalText([]byte(level)); err != nil {
		faults = append(faults, fmt.Sprintf("EFTERKURS_LOG %q is not one of debug, info, warn, error", level))
	}
	faults = append(faults, c.addresses()...)
	faults = append(faults, c.halves()...)
	if len(faults) > 0 {
		return c, invalid("the configuration is not complete: %s", strings.Join(faults, "; "))
	}
	return c, nil
}

// addresses checks everything that is an address.
func (c config) addresses() (faults []string) {
	check := func(name, value string, schemes ...string) {
		if value == "" {
			return
		}
		u, err := url.Parse(value)
		if err != nil || u.Host == "" {
			faults = append(faults, fmt.Sprintf("%s is not an address such as %s://host", name, schemes[0]))
			return
		}
		for _, s := range schemes {
			if u.Scheme == s {
				return
			}
		}
		faults = append(faults, fmt.Sprintf("%s does not begin with %s://", name, strings.Join(schemes, ":// or ")))
	}
	if scheme, _, _ := strings.Cut(c.DatabaseURL, ":"); scheme != "sqlite" && scheme != "postgres" && scheme != "postgresql" {
		faults = append(faults, "DATABASE_URL begins with neither sqlite: nor postgres://")
	}
	check("PUBLIC_URL", c.PublicURL, "https", "http")
	if u, err := url.Parse(c.PublicURL); err == nil && strings.Contains(u.Host, "_") {
		// Twilio refuses a callback whose host holds an underscore (error 21609).
		faults = append(faults, "PUBLIC_URL has an underscore in its host, which Twilio does not call")
	}
	check("TWILIO_BASE_URL", c.TwilioBaseURL, "https", "http")
	check("SLACK_BASE_URL", c.SlackBaseURL, "https", "http")
	check("SMTP_URL", c.SMTPURL, "smtp", "smtps")
	check("MAIL_IMAP_URL", c.MailIMAPURL, "imaps", "imap")
	if _, _, err := net.SplitHostPort(c.ListenAddr); err != nil {
		faults = append(faults, fmt.Sprintf("LISTEN_ADDR %q is not an address such as 127.0.0.1:8080", c.ListenAddr))
	}
	return faults
}

// halves finds channels of which only a part is configured.
func (c config) halves() (faults []string) {
	missing := func(channel string, on bool, needs map[string]string) {
		if !on {
			return
		}
		for name, value := range needs {
			if value == "" {
				faults = append(faults, fmt.Sprintf("%s needs %s", channel, name))
			}
		}
	}
	missing("SMS by Twilio", c.TwilioAccountSID+c.TwilioAuthToken+c.TwilioFrom+c.TwilioMessagingServiceSID != "", map[string]string{
		"TWILIO_ACCOUNT_SID": c.TwilioAccountSID, "TWILIO_AUTH_TOKEN": c.TwilioAuthToken,
		"TWILIO_FROM or TWILIO_MESSAGING_SERVICE_SID": c.TwilioFrom + c.TwilioMessagingServiceSID})
	missing("Slack", c.SlackBotToken+c.SlackSigningSecret != "", map[string]string{
		"SLACK_BOT_TOKEN or SLACK_CLIENT_ID": c.SlackBotToken + c.SlackClientID, "SLACK_SIGNING_SECRET": c.SlackSigningSecret})
	missing("Slack for companies' own workspaces", c.SlackClientID+c.SlackClientSecret != "", map[string]string{"SLACK_CLIENT_ID": c.SlackClientID,
		"SLACK_CLIENT_SECRET": c.SlackClientSecret, "SLACK_SIGNING_SECRET": c.SlackSigningSecret, "PUBLIC_URL": c.PublicURL})
	missing("E-mail", c.SMTPURL+c.MailFrom+c.MailIMAPURL != "", map[string]string{"SMTP_URL": c.SMTPURL, "MAIL_FROM": c.MailFrom})
	return faults
}

// outside lists the configured channels that do not point at this machine.
func (c config) outside() (channels []string) {
	for _, at := range []struct {
		name, configured, address string
	}{
		{"SMS", c.TwilioAccountSID, c.TwilioBaseURL}, {"Slack", c.SlackBotToken + c.SlackClientID, c.SlackBaseURL}, {"e-mail", c.SMTPURL, c.SMTPURL},
		{"the mailbox", c.MailIMAPURL, c.MailIMAPURL},
	} {
		if at.configured != "" && !loopback(at.address) {
			channels = append(channels, at.name)
		}
	}
	return channels
}

func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// sqliteFile is the file of an embedded database, or "".
func (c config) sqliteFile() string {
	file, ok := strings.CutPrefix(c.DatabaseURL, "sqlite:")
	if !ok {
		return ""
	}
	file, _, _ = strings.Cut(file, "?")
	return strings.TrimPrefix(file, "//")
}

// secretFile stands beside an embedded database.
func (c config) secretFile() string {
	return filepath.Join(filepath.Dir(c.sqliteFile()), "efterkurs.secret")
}
