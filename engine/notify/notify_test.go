package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inbox is a server that stores what it receives.
type inbox struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
	answer   func(n int, w http.ResponseWriter) // nil answers ok
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	in := &inbox{}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		in.mu.Lock()
		in.requests, in.bodies = append(in.requests, r), append(in.bodies, string(body))
		n, answer := len(in.bodies), in.answer
		in.mu.Unlock()
		if answer != nil {
			answer(n, w)
			return
		}
		io.WriteString(w, "ok")
	}))
	t.Cleanup(in.Close)
	return in
}

func (in *inbox) count() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.bodies)
}

// last returns the last message, as JSON.
func (in *inbox) last(t *testing.T) map[string]any {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.bodies) == 0 {
		t.Fatal("nothing was sent")
	}
	m, err := codec.Decode([]byte(in.bodies[len(in.bodies)-1]))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	slackPath = "/services/T0CANARY/B0CANARY/canaryXyZ0123456789"
	token     = "canary-bearer-0123456789"
)

// both returns a config with both receivers.
func both(in *inbox) *Config {
	return &Config{
		Every:   config.Duration(24 * time.Hour),
		Slack:   Slack{URL: config.NewSecret(in.URL + slackPath), TLS: connection.TLS{Verify: true}},
		Webhook: webhook(in),
	}
}

func webhook(in *inbox) Webhook {
	return Webhook{URL: config.NewSecret(in.URL + "/in/pipe?sig=canary%2Bsig%3D0123456789&v=1"),
		Token:   config.NewSecret(token),
		TLS:     connection.TLS{Verify: true},
		Headers: map[string]config.Secret{"X-Key": config.NewSecret("canary-header-0123")}}
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func settings(t *testing.T, now time.Time) Settings {
	return Settings{State: state.Folder(t.TempDir()), Now: func() time.Time { return now }, UserAgent: "pipe/test",
		Retry: fault.Retry{Attempts: 3, Base: time.Millisecond, Cap: time.Millisecond}}
}

const restricted = "component:secret-project/merger"

// refused returns a refused run that names a restricted document wherever possible.
func refused() Event {
	refusal := &fault.Refusal{Guard: "max_widen", ID: "k3v7q2m5xa4d",
		Reason: restricted + " would be found by more people",
		Table:  []string{"rule \"public pages\": " + restricted}, Changes: []fault.Change{
			{Stream: "documents", ID: "1", Ref: restricted, Before: "listed:ab", After: "all-users", N: 1},
			{Stream: "documents", ID: "2", Ref: restricted + "2", Before: "listed:ab", After: "all-users", N: 1},
		}, Also: &fault.Refusal{Guard: "max_loss", Changes: []fault.Change{
			{Stream: "users", ID: "3", Before: "", After: fault.Gone, N: 1200}}}}
	r := &run.Report{Verdict: run.VerdictRefused, Read: 2204,
		Endings: read.Counts{component.Delivered: 2190, component.Rejected: 2},
		Rejections: []component.DeadLetter{
			{Ref: restricted, Stage: fault.StageMapping, Field: "documents.title", Reason: "is empty"}},
		Since: &run.Since{Wider: 2, Widened: []baseline.Widened{
			{Ref: restricted, Rule: "public <pages>", Before: access.Listed, After: access.AllUsers},
			{Ref: restricted + "2", Rule: "public <pages>", Before: access.Listed, After: access.AllUsers}}}}
	return Event{Pipeline: "catalog", RunID: "01JPA3", Outcome: Refused, ExitCode: 4, Code: "refused", Err: refusal,
		Report: r}
}

// TestForms: what each receiver gets, at its path and with its credentials.
func TestForms(t *testing.T) {
	in := newInbox(t)
	if notes := Send(t.Context(), both(in), refused(), settings(t, noon)); notes != nil {
		t.Fatal(notes)
	}
	if in.count() != 2 {
		t.Fatalf("%d messages", in.count())
	}
	const slack = `{"text":":octagonal_sign: *catalog: refused by a guard, nothing was sent (exit 4)*` +
		`\n• max_widen: 2 documents with a wider audience\n• max_loss: 1,200 users to delete` +
		`\nWider audience by rule: public &lt;pages&gt; (2)` +
		`\nRecords: 2,204 read, 2,190 would be delivered, 2 rejected, 2 wider` +
		`\nRefusal ` + "`k3v7q2m5xa4d`" + `\nRun 01JPA3","unfurl_links":false,"unfurl_media":false}`
	if in.bodies[0] != slack {
		t.Errorf("Slack got\n%s\nwant\n%s", in.bodies[0], slack)
	}
	const generic = `{"version":1,"pipeline":"catalog","run":"01JPA3","time":"2026-03-14T12:00:00Z","outcome":"refused",` +
		`"exit_code":4,"summary":"catalog: refused by a guard, nothing was sent (exit 4)","repeated":false,` +
		`"refusal":"k3v7q2m5xa4d","causes":["max_widen: 2 documents with a wider audience",` +
		`"max_loss: 1,200 users to delete"],` +
		`"rules":{"public <pages>":2},"counts":{"read":2204,"rejected":2,"wider":2,"would_be_delivered":2190}}`
	if in.bodies[1] != generic {
		t.Errorf("the webhook got\n%s\nwant\n%s", in.bodies[1], generic)
	}
	for i, want := range []string{"POST " + slackPath, "POST /in/pipe?sig=canary%2Bsig%3D0123456789&v=1"} {
		r := in.requests[i]
		if got := r.Method + " " + r.URL.RequestURI(); got != want || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s, want %s (%v)", got, want, r.Header)
		}
	}
	if a, b := in.requests[0].Header, in.requests[1].Header; a.Get("Authorization")+a.Get("X-Key") != "" ||
		b.Get("Authorization") != "Bearer "+token || b.Get("X-Key") != "canary-header-0123" {
		t.Errorf("headers %v and %v", a, b)
	}
}

// TestNoNames (invariant 6): without details a message names no document and quotes no error;
// with details it does.
func TestNoNames(t *testing.T) {
	failed := Event{Pipeline: "catalog", RunID: "01JPA3", Outcome: Failed, ExitCode: 1, Code: "transient",
		Err: fmt.Errorf("get %s: %w", restricted, &connection.StatusError{Status: 503, Reason: restricted})}
	rejected := refused()
	rejected.Outcome, rejected.Err = Rejected, nil
	unconfirmed := refused()
	unconfirmed.Outcome, unconfirmed.Err = Unconfirmed, &fault.Unconfirmed{Reason: restricted}
	unconfirmed.Report.Paused = []string{"users"}
	unconfirmed.Report.Unconfirmed = []string{"documents (3 not processed yet)"}
	for cause, e := range map[string]Event{
		"max_widen: 2 documents with a wider audience":                   refused(),
		"a request was answered with 503 Service Unavailable":            failed,
		"mapping, documents.title: 1 record":                             rejected,
		"users: deletion is paused\n• documents: the upload is not conf": unconfirmed,
	} {
		in := newInbox(t)
		c := both(in)
		Send(t.Context(), c, e, settings(t, noon))
		if text := fmt.Sprint(in.last(t), in.bodies); strings.Contains(text, "merger") {
			t.Errorf("%s: a restricted document is named in %s", e.Outcome, text)
		}
		if slack := slackText(e.message(noon, false)); !strings.Contains(slack, cause) {
			t.Errorf("%q is not in\n%s", cause, slack)
		}
		c.Details = true
		Send(t.Context(), c, e, settings(t, noon))
		for _, body := range in.bodies[2:] {
			if !strings.Contains(body, restricted) {
				t.Errorf("%s with details: %s", e.Outcome, body)
			}
		}
	}
}

// TestOncePerState: a refusal is reported once and then daily, another refusal at once, and the
// same one again after a good run. Failures of one kind are one state.
func TestOncePerState(t *testing.T) {
	in := newInbox(t)
	c := &Config{Every: config.Duration(24 * time.Hour), Webhook: webhook(in)}
	s := settings(t, noon)
	send := func(e Event, after time.Duration) (sent bool) {
		t.Helper()
		before := in.count()
		s.Now = func() time.Time { return noon.Add(after) }
		if notes := Send(t.Context(), c, e, s); notes != nil {
			t.Error(notes)
		}
		return in.count() > before
	}
	failed := func(code string) Event {
		return Event{Pipeline: "catalog", RunID: "r", Outcome: Failed, ExitCode: 1, Code: code, Err: errors.New(code)}
	}
	other := refused()
	other.Err = &fault.Refusal{Guard: "max_loss", ID: "aaaaaaaaaaaa"}
	good := Event{Pipeline: "catalog", RunID: "r"}
	rejected := Event{Pipeline: "catalog", Outcome: Rejected, ExitCode: 3}
	for i, step := range []struct {
		event Event
		after time.Duration
		want  bool
	}{
		{good, 0, false},
		{refused(), 0, true},
		{refused(), time.Hour, false},
		{other, 2 * time.Hour, true},
		{refused(), 3 * time.Hour, false},
		{failed("transient"), 4 * time.Hour, true},
		{failed("transient"), 5 * time.Hour, false},
		{failed("fatal"), 5 * time.Hour, true},
		{refused(), 23*time.Hour + 59*time.Minute, false},
		{refused(), 24 * time.Hour, true},
		{refused(), 25 * time.Hour, false},
		{good, 26 * time.Hour, false},
		{refused(), 27 * time.Hour, true},
		{rejected, 28 * time.Hour, true},
		{rejected, 29 * time.Hour, false},
		{refused(), 30 * time.Hour, true},
		{refused(), -30 * time.Hour, true}, // the clock was set back
	} {
		if got := send(step.event, step.after); got != step.want {
			t.Errorf("step %d, %s after %v: sent is %v", i, step.event.state(), step.after, got)
		}
	}
	s.State = nil
	for range 2 {
		if !send(refused(), 0) {
			t.Error("without a state folder nothing was sent")
		}
	}
}

// TestRepeated: a repeated message is marked as such.
func TestRepeated(t *testing.T) {
	in := newInbox(t)
	c := &Config{Every: config.Duration(time.Hour), Webhook: webhook(in)}
	s := settings(t, noon)
	Send(t.Context(), c, refused(), s)
	s.Now = func() time.Time { return noon.Add(time.Hour) }
	Send(t.Context(), c, refused(), s)
	if m := in.last(t); in.count() != 2 || m["repeated"] != true {
		t.Errorf("%d messages, the last %v", in.count(), m)
	}
}

// TestStateFile: only the owner can read the file, and it contains no secret. When the file
// cannot be used, the message is sent and a note says so.
func TestStateFile(t *testing.T) {
	in := newInbox(t)
	s := settings(t, noon)
	Send(t.Context(), both(in), refused(), s)
	path := filepath.Join(s.State.String(), "notified-catalog.json")
	b, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(b), "anary") || !strings.Contains(string(b), "webhook refused k3v7q2m5xa4d") {
		t.Errorf("%s, %v", b, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for name, spoil := range map[string]func() error{
		"damaged": func() error { return os.WriteFile(path, []byte("{"), 0o600) },
		"null":    func() error { return os.WriteFile(path, []byte("null"), 0o600) },
		"a directory": func() error {
			return errors.Join(os.RemoveAll(path), os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "x"), nil, 0o600))
		},
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		before := in.count()
		notes := Send(t.Context(), both(in), refused(), s)
		if in.count() != before+2 || len(notes) == 0 || !strings.Contains(notes[0], "what was notified before is not known") {
			t.Errorf("%s: %d messages, %q", name, in.count()-before, notes)
		}
		os.RemoveAll(path)
	}
}

// TestFailures: faults of the server are retried if that may help, and reported in a note
// without a secret; the next run tries again.
func TestFailures(t *testing.T) {
	status := func(code int) func(int, http.ResponseWriter) {
		return func(_ int, w http.ResponseWriter) {
			w.WriteHeader(code)
			io.WriteString(w, slackPath+" "+token)
		}
	}
	for name, tc := range map[string]struct {
		answer   func(n int, w http.ResponseWriter)
		attempts int
		note     string
	}{
		"500 once": {func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.WriteHeader(500)
			}
		}, 2, ""},
		"500": {status(500), 3, "500 Internal Server Error (3 attempts"},
		"404": {status(404), 1, "404 Not Found"},
		"timeout": {func(_ int, w http.ResponseWriter) { time.Sleep(200 * time.Millisecond) }, 3,
			"no complete response within"},
		"another origin": {func(_ int, w http.ResponseWriter) {
			w.Header().Set("Location", "https://evil.example.com"+slackPath)
			w.WriteHeader(307)
		}, 1, "307 redirects to another address"},
		"sign-in page": {func(_ int, w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<html><title>"+token+"</title>")
		}, 1, "a sign-in proxy"},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInbox(t)
			in.answer = tc.answer
			c := both(in)
			c.Webhook = Webhook{}
			c.Slack.Timeout = config.Duration(50 * time.Millisecond)
			s := settings(t, noon)
			notes := Send(t.Context(), c, refused(), s)
			if in.count() != tc.attempts {
				t.Errorf("%d attempts", in.count())
			}
			if tc.note == "" {
				if notes != nil {
					t.Error(notes)
				}
				return
			}
			if len(notes) != 1 || !strings.Contains(notes[0], "no notification was sent to slack: ") ||
				!strings.Contains(notes[0], tc.note) {
				t.Errorf("%q", notes)
			}
			if strings.Contains(fmt.Sprint(notes), "anary") {
				t.Errorf("a secret in %q", notes)
			}
			in.answer = nil
			if Send(t.Context(), c, refused(), s); in.count() != tc.attempts+1 {
				t.Error("the next run does not try again")
			}
		})
	}
}

// TestEnds: a canceled run does not wait for notifications.
func TestEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in := newInbox(t)
	if notes := Send(ctx, both(in), refused(), settings(t, noon)); len(notes) != 2 || in.count() != 0 {
		t.Errorf("%d messages, %q", in.count(), notes)
	}
}

// TestSecretsInMessages (invariant 6): a secret of the pipeline in an error is not sent with
// details, and untrusted text has no format.
func TestSecretsInMessages(t *testing.T) {
	in := newInbox(t)
	c := both(in)
	c.Details = true
	s := settings(t, noon)
	s.Secrets = &redact.Redactor{}
	s.Secrets.Add("canary-of-the-source-42")
	e := refused()
	e.Err = errors.New("get /: canary-of-the-source-42 <!channel> <https://evil.example.com|click>\u202e\x1b[31m")
	e.Outcome = Failed
	if notes := Send(t.Context(), c, e, s); notes != nil {
		t.Fatal(notes)
	}
	all := strings.Join(in.bodies, "\n")
	if strings.Contains(all, "canary") || strings.Contains(in.bodies[0], "<") || strings.ContainsRune(all, '\u202e') ||
		!strings.Contains(all, "[redacted]") {
		t.Error(all)
	}
}

// TestSecretsOfConfig: the path and the query of an address are secrets, its host is not.
func TestSecretsOfConfig(t *testing.T) {
	var r redact.Redactor
	r.Add((&Config{Slack: Slack{URL: config.NewSecret("https://hooks.example.com" + slackPath)},
		Webhook: Webhook{URL: config.NewSecret("https://portal.example.com/x?sig=0123456789abc")}}).Secrets()...)
	text := r.Clean("https://hooks.example.com" + slackPath +
		" https://portal.example.com/x?sig=0123456789abc 0123456789abc")
	if text != "https://hooks.example.com[redacted] https://portal.example.com/x?[redacted] [redacted]" {
		t.Error(text)
	}
}
