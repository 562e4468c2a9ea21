package backstage

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/policy"
	"github.com/pipe-engine/pipe/engine/broker/requestlog"
	"github.com/pipe-engine/pipe/engine/broker/via"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// watch applies allow and audit to each request, and has the way of via.
type watch struct {
	cfg    *Config
	prefix string // of the path of the address
	run    string
	policy *policy.Policy // nil without allow
	way    *via.Way       // nil without via

	mu  sync.Mutex
	log *requestlog.Log // nil before the first request
}

// runID finds the id of a run in the User-Agent.
var runID = regexp.MustCompile(`; run ([0-9A-Za-z_-]{1,64})\)`)

func newWatch(cfg *Config, s component.Settings) (*watch, error) {
	w := &watch{cfg: cfg}
	if u, err := url.Parse(cfg.URL); err == nil {
		w.prefix = strings.TrimRight(u.EscapedPath(), "/")
	}
	if m := runID.FindStringSubmatch(s.UserAgent); m != nil {
		w.run = m[1]
	}
	var err error
	if cfg.Allow != nil {
		if w.policy, err = policy.New(cfg.Allow, Presets()); err != nil {
			return nil, err
		}
	}
	if cfg.Via != nil {
		w.way, err = via.New(*cfg.Via, cfg.Config, via.Settings{UserAgent: s.UserAgent, Loopback: s.Loopback,
			Redactor: s.Redactor, Log: s.Log})
	}
	return w, err
}

// open opens the audit log; it is nil without one.
func (w *watch) open() (*requestlog.Log, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cfg.Audit == nil || w.log != nil {
		return w.log, nil
	}
	var err error
	w.log, err = requestlog.Open(*w.cfg.Audit, nil)
	return w.log, err
}

// begin decides about a request and writes it to the audit log.
func (w *watch) begin(r *http.Request, body int) (ended func(status int, received int64), err error) {
	log, err := w.open()
	if err != nil {
		return nil, fault.Errorf(fault.Fatal, fault.RemedyOf(err), "no request is sent: %w", err)
	}
	id := make([]byte, 12)
	_, _ = rand.Read(id) // never fails
	e := requestlog.Entry{Run: w.run, Request: hex.EncodeToString(id), Target: r.URL.Host, Method: r.Method}
	target := strings.TrimPrefix(r.URL.EscapedPath(), w.prefix)
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	d := w.policy.Decide(r.Method, target, int64(body)) // also without allow, for the path and the keys
	e.Path, e.Keys, e.Rule = d.Shown, d.Keys, d.Rule
	if w.policy != nil && !d.Allowed {
		e.Reason = d.Reason
		if log != nil {
			_ = log.Deny(e) // it is denied in any case
		}
		return nil, fault.Errorf(fault.Fatal, "add a rule to source.backstage.allow, or the preset backstage-catalog",
			"the request was not sent: source.backstage.allow denies it: %s", d.Describe())
	}
	if log == nil {
		return func(int, int64) {}, nil
	}
	if _, err := log.Allow(e); err != nil {
		return nil, fault.Errorf(fault.Fatal, "free space for the audit log, and make it writable",
			"the request was not sent: the audit log cannot be written: %w", err)
	}
	began := time.Now()
	return func(status int, received int64) {
		_ = log.Answer(requestlog.Entry{Request: e.Request, Status: status, Bytes: received,
			Millis: time.Since(began).Milliseconds()}) // the next request fails
	}, nil
}

// head returns the mark of the last request in an audit log, that of the agent or the own one; "" for
// none.
func (w *watch) head() string {
	if w.way != nil {
		return w.way.Mark()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.log == nil {
		return ""
	}
	return w.log.Head().String()
}

func (w *watch) close() error {
	if w.way != nil {
		w.way.Close()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.log == nil {
		return nil
	}
	return w.log.Close()
}
