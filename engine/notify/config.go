package notify

import (
	"net/url"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/connection/auth"
)

// Config is the notify block of a pipeline file.
type Config struct {
	Slack   Slack           `yaml:"slack" doc:"An incoming webhook of Slack."`
	Webhook Webhook         `yaml:"webhook" doc:"A server that takes the message as JSON."`
	Details bool            `yaml:"details" doc:"True adds error texts and the refs of documents, restricted ones included. Everyone who reads the channel sees them."`
	Every   config.Duration `yaml:"every" default:"24h" min:"1m" doc:"How often a message is repeated while the state lasts: the same refusal, or runs that fail."`
}

// Slack is an incoming webhook of Slack.
type Slack struct {
	URL     config.Secret    `yaml:"url" doc:"The address of the webhook, which is a secret. Empty sends nothing."`
	Proxy   connection.Proxy `yaml:"proxy" doc:"The proxy: its address, or url, username and password below it. none uses no proxy."`
	TLS     connection.TLS   `yaml:"tls" doc:"How the server is verified."`
	Timeout config.Duration  `yaml:"timeout" default:"10s" min:"1ms" max:"1m" doc:"How long one attempt may take; there are three."`
}

// Webhook is a server that takes JSON.
type Webhook struct {
	URL      config.Secret            `yaml:"url" doc:"The address, which may hold a secret. Empty sends nothing."`
	Token    config.Secret            `yaml:"token" doc:"A bearer token for the server."`
	Auth     auth.Layers              `yaml:"auth" doc:"How the message proves who sends it: a list of schemes, each with a header of its own."`
	Headers  map[string]config.Secret `yaml:"headers" doc:"Headers sent with the message."`
	Proxy    connection.Proxy         `yaml:"proxy" doc:"The proxy: its address, or url, username and password below it. none uses no proxy."`
	TLS      connection.TLS           `yaml:"tls" doc:"How the server is verified, and the client certificate."`
	Insecure bool                     `yaml:"insecure_http" default:"false" doc:"True sends the credentials in clear text to an address that starts with http, with a warning of check. Only for a network that you trust, such as the inside of a cluster. Without it such an address is an error, except on this machine."`
	Timeout  config.Duration          `yaml:"timeout" default:"10s" min:"1ms" max:"1m" doc:"How long one attempt may take; there are three."`
}

var (
	_ config.Validator = (*Slack)(nil)
	_ config.Validator = (*Webhook)(nil)
	_ config.Cautioner = (*Webhook)(nil)
)

var (
	_ config.Destined = Slack{}
	_ config.Destined = Webhook{}
)

// SecretAddress is that of the webhook.
func (s Slack) SecretAddress() string { return s.URL.Reveal() }

// SecretAddress is that of the webhook.
func (w Webhook) SecretAddress() string { return w.URL.Reveal() }

// codeNotify is the code of the problems below.
const codeNotify = "notify"

// Validate reports an address that no message can be sent to.
func (s *Slack) Validate(report func(field, code, message, hint string)) {
	u := validateURL(s.URL, report)
	if u != nil && u.Scheme == "http" && !auth.IsLoopback(u.Hostname()) {
		report("url", codeNotify, "the address of a Slack webhook begins with https://",
			"copy it from the app's settings in Slack")
	}
}

// config is the connection to the server.
func (w *Webhook) config() connection.Config {
	return connection.Config{TLS: w.TLS, Timeout: w.Timeout, Auth: w.Auth, Headers: w.Headers, Proxy: w.Proxy,
		InsecureHTTP: w.Insecure}
}

// SignIns are the layers of auth that use the sign-in of a person.
func (w *Webhook) SignIns() []connection.SignIn { return w.config().SignIns() }

// Validate reports an address that no message can be sent to.
func (w *Webhook) Validate(report func(field, code, message, hint string)) {
	validateURL(w.URL, report)
	w.config().ValidateEncryption("url", w.URL.Reveal(), w.Token, report)
	w.config().ValidateToken("token", w.Token, report)
	w.config().Validate(report)
}

// Caution warns of credentials that are sent unencrypted.
func (w *Webhook) Caution(report func(field, code, message, hint string)) {
	w.config().CautionAddress("url", w.URL.Reveal(), w.Token, report)
}

// validateURL reports problems of an address without quoting it. It returns nil when there is
// none or it is invalid.
func validateURL(s config.Secret, report func(field, code, message, hint string)) *url.URL {
	if !s.IsSet() {
		return nil
	}
	u, err := url.Parse(s.Reveal())
	connection.ValidateAddress("url", s.Reveal(), report)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		report("url", codeNotify, "the address is not a URL that begins with https://",
			"copy the whole address of the webhook")
	case u.User != nil:
		report("url", codeNotify, "the address contains a user name or password",
			"put credentials under token or headers")
	case u.RawPath != "" || u.Fragment != "":
		report("url", codeNotify, "the address has an escaped / or a #", "copy the whole address of the webhook")
	default:
		return u
	}
	return nil
}

// Secrets returns the texts of a config that output must not contain. Of an address, these are
// the path and the query: the host is not secret.
func (c *Config) Secrets() []string {
	if c == nil {
		return nil
	}
	out := []string{c.Webhook.Token.Reveal()}
	for _, s := range slices.Concat(config.Secrets(&c.Webhook.Auth), config.Secrets(&c.Webhook.Headers),
		config.Secrets(&c.Webhook.Proxy), config.Secrets(&c.Slack.Proxy)) {
		out = append(out, s.Reveal())
		if _, bare, ok := strings.Cut(s.Reveal(), " "); ok { // Bearer TOKEN
			out = append(out, bare)
		}
	}
	for _, s := range []config.Secret{c.Slack.URL, c.Webhook.URL} {
		out = append(out, secretsOf(s.Reveal())...)
	}
	return out
}

func secretsOf(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	out := []string{u.Path, u.RawQuery}
	for _, values := range u.Query() {
		out = append(out, values...)
	}
	if password, has := u.User.Password(); has {
		out = append(out, password)
	}
	return out
}
