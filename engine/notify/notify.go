package notify

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/state"
)

// Settings are the settings of a front end for notifications.
type Settings struct {
	// State is where state is kept. With nil nothing is stored, and each run sends messages.
	State     state.Store
	UserAgent string
	// Secrets removes secrets from messages and errors. Send adds those of the config.
	Secrets *redact.Redactor
	// Now is the clock, and Retry the policy; the zero values mean the real time and three
	// attempts.
	Now   func() time.Time
	Retry fault.Retry
}

// limit is the maximum time for all messages of a run.
const limit = time.Minute

// maxAnswer is the maximum number of bytes to read of a response.
const maxAnswer = 64 << 10

// defaultRetry is short because a run waits for it.
var defaultRetry = fault.Retry{Attempts: 3, Base: time.Second, Cap: 5 * time.Second, Within: 30 * time.Second}

// receiver is a receiver of messages.
type receiver struct {
	name    string
	url     config.Secret
	token   config.Secret
	conn    connection.Config
	encoded func(*Message) any
}

func (c *Config) receivers() []receiver {
	all := []receiver{
		{name: "slack", url: c.Slack.URL,
			conn: connection.Config{TLS: c.Slack.TLS, Timeout: c.Slack.Timeout, Proxy: c.Slack.Proxy},
			encoded: func(m *Message) any {
				return map[string]any{"text": slackText(m), "unfurl_links": false, "unfurl_media": false}
			}},
		{name: "webhook", url: c.Webhook.URL, token: c.Webhook.Token,
			conn: c.Webhook.config(),
			encoded: func(m *Message) any {
				return m
			}},
	}
	var out []receiver
	for _, r := range all {
		if r.url.IsSet() {
			r.conn.MaxResponse = maxAnswer
			out = append(out, r)
		}
	}
	return out
}

// Send sends a message about an event to the receivers that have not received one within
// Config.Every. It returns a note for each failure, and never an error: a notification changes
// no outcome.
func Send(ctx context.Context, c *Config, e Event, s Settings) (notes []string) {
	if c == nil || len(c.receivers()) == 0 {
		return nil
	}
	if s.Secrets == nil {
		s.Secrets = &redact.Redactor{}
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	s.Retry = cmp.Or(s.Retry, defaultRetry)
	s.Secrets.Add(c.Secrets()...)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	kept := keptIn(s.State, e.Pipeline)
	note := func(format string, args ...any) {
		notes = append(notes, s.Secrets.Clean(fmt.Sprintf(format, args...)))
	}
	sent, err := load(kept)
	if err != nil {
		note("what was notified before is not known: %v", err)
	}
	now, changed := s.Now(), sent.keep(e)
	for _, r := range c.receivers() {
		if e.Outcome == "" {
			break
		}
		key := r.name + " " + e.state()
		last, repeated := sent[key]
		if repeated && now.Sub(last) < time.Duration(c.Every) && !last.After(now) {
			continue
		}
		m := e.message(now, c.Details)
		m.Repeated = repeated
		if err := r.send(ctx, m, s); err != nil {
			note("no notification was sent to %s: %v", r.name, err)
			continue
		}
		sent[key], changed = now.UTC(), true
	}
	if changed && kept != nil {
		if err := sent.save(kept); err != nil {
			note("what was notified could not be saved: %v", err)
		}
	}
	return notes
}

// send posts a message to the path of the receiver's address.
func (r receiver) send(ctx context.Context, m *Message, s Settings) error {
	u, err := url.Parse(r.url.Reveal())
	if err != nil {
		return fmt.Errorf("the address is not a URL")
	}
	path := cmp.Or(u.Path, "/")
	conn, err := connection.New(r.conn, connection.Settings{
		Name: "notify." + r.name, URL: (&url.URL{Scheme: u.Scheme, Host: u.Host}).String(), Token: r.token,
		UserAgent: s.UserAgent, Redactor: s.Secrets, Retry: s.Retry,
		Allow: func(method, p string) bool { return method == http.MethodPost && p == path },
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	body, err := codec.Marshal(r.encoded(m.clean(s.Secrets)))
	if err != nil {
		return err
	}
	_, err = conn.Do(ctx, connection.Request{
		Method: http.MethodPost, Path: path, Query: u.Query(), Body: body,
		Idempotent: true, // a duplicate message is better than none
		Secret:     true,
		Accept:     func(int, []byte) error { return nil },
	})
	return err
}

// clean returns the message with each text redacted, escaped and bounded.
func (m *Message) clean(secrets *redact.Redactor) *Message {
	out := *m
	text := func(s string) string { return display.Short(secrets.Clean(s), display.MaxCell) }
	texts := func(all []string) []string {
		cleaned := make([]string, len(all))
		for i, s := range all {
			cleaned[i] = text(s)
		}
		return cleaned
	}
	out.Summary, out.Pipeline, out.Causes = text(m.Summary), text(m.Pipeline), texts(m.Causes)
	out.Rules = map[string]int{}
	for name, n := range m.Rules {
		out.Rules[text(name)] += n
	}
	if d := m.Details; d != nil {
		out.Details = &Details{text(d.Error), texts(d.Table), texts(d.Documents), texts(d.Rejected)}
	}
	return &out
}
