package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/policy"
	"github.com/pipe-engine/pipe/engine/broker/requestlog"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/connection"
)

// target is an open target.
type target struct {
	name    string
	base    *url.URL
	conn    *connection.Connection
	policy  *policy.Policy
	timeout time.Duration
	largest int64
}

// handler answers the requests of pipelines.
type handler struct {
	state   func() *state
	hub     string
	log     *requestlog.Log
	paused  func() bool
	flights *flights
}

// runID finds the id of a run in the User-Agent of pipe.
var runID = regexp.MustCompile(`; run ([0-9A-Za-z_-]{1,64})\)`)

func refuse(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set(tunnel.HeaderError, code)
	http.Error(w, text, status)
}

// caller returns the name of the pipeline whose token a request has; "" for none.
func (s *state) caller(r *http.Request) string {
	name := ""
	for _, c := range s.file.Callers {
		if tunnel.Matches(c.TokenSHA256, r.Header.Get(tunnel.HeaderCaller)) {
			name = c.Name
		}
	}
	return name
}

// ServeHTTP decides about a request, and forwards it when it is allowed.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	now := h.state()
	e := requestlog.Entry{Hub: h.hub, Caller: now.caller(r), Request: newID(), Target: r.Host, Method: r.Method}
	if m := runID.FindStringSubmatch(r.UserAgent()); m != nil {
		e.Run = m[1]
	}
	e.Target = clean(e.Target)
	e.Method = clean(e.Method)
	deny := func(status int, code, reason string) {
		e.Reason = reason
		w.Header().Set(tunnel.HeaderRequest, e.Request)
		if h.log.Deny(e) != nil {
			refuse(w, http.StatusServiceUnavailable, tunnel.AuditUnwritable, "the audit log cannot be written")
			return
		}
		refuse(w, status, code, reason)
	}
	t := now.targets[r.Host]
	switch {
	case h.paused():
		deny(http.StatusServiceUnavailable, tunnel.Paused, "the agent is paused")
		return
	case now.wrong && (e.Caller == "" || t == nil):
		deny(http.StatusServiceUnavailable, tunnel.WrongFile, "the file of the agent is wrong")
		return
	case e.Caller == "":
		deny(http.StatusUnauthorized, tunnel.Unauthorized, "no such token")
		return
	case t == nil:
		deny(http.StatusNotFound, tunnel.UnknownTarget, "no such target")
		return
	}
	d := t.policy.Decide(r.Method, r.RequestURI, r.ContentLength)
	e.Path, e.Keys, e.Rule = d.Shown, keysFor(d.Keys), d.Rule
	if !d.Allowed {
		w.Header().Set(tunnel.HeaderRule, d.Describe())
		deny(http.StatusForbidden, tunnel.Denied, d.Reason)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, d.MaxBody))
	if err != nil {
		deny(http.StatusForbidden, tunnel.Denied, "the body is larger than the rule allows, or incomplete")
		return
	}
	ctx, landed := h.flights.begin(r)
	defer landed()
	r = r.WithContext(ctx)
	if !h.state().permits(r) { // the file was read again while the body came
		deny(http.StatusForbidden, tunnel.Denied, "the file of the agent does not allow it any more")
		return
	}
	mark, err := h.log.Allow(e)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, tunnel.AuditUnwritable, "the audit log cannot be written")
		return
	}
	w.Header().Set(tunnel.HeaderAudit, mark.String())
	w.Header().Set(tunnel.HeaderRequest, e.Request)
	status, sent, whole := h.forward(w, r, t, d, body)
	_ = h.log.Answer(requestlog.Entry{Request: e.Request, Status: status, Bytes: sent,
		Millis: time.Since(began).Milliseconds()}) // the next request is refused
	if !whole {
		panic(http.ErrAbortHandler) // the pipeline sees an incomplete answer
	}
}

// keysFor bounds what a request can make the log grow by.
func keysFor(keys []string) []string {
	const most = 20
	keys = slices.Clone(keys[:min(len(keys), most)])
	for i, k := range keys {
		keys[i] = k[:min(len(k), 60)]
	}
	return keys
}

func clean(text string) string {
	text = text[:min(len(text), 80)]
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f {
			return "invalid"
		}
	}
	return text
}

func newID() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// writeTime is how long an answer may take that no target has.
const writeTime = 5 * time.Minute

// forward sends an allowed request and passes on the answer. It returns the status of the target, 0
// for none, and the bytes of the body that were passed on; whole is false when the answer was cut.
func (h *handler) forward(w http.ResponseWriter, r *http.Request, t *target, d policy.Decision, body []byte) (
	status int, sent int64, whole bool,
) {
	ctx, cancel := context.WithTimeout(r.Context(), t.timeout)
	defer cancel()
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Now().Add(t.timeout)) // a pipeline that does not read
	kept := context.AfterFunc(r.Context(), func() { _ = out.SetWriteDeadline(time.Now()) })
	defer kept()
	resp, err := t.conn.Forward(ctx, connection.Forwarded{Method: r.Method, RawPath: d.RawPath, RawQuery: d.RawQuery,
		Header: policy.CleanRequest(r.Header), Body: body})
	if err != nil {
		// The text may have addresses of the internal network, and is for the agent's own log alone.
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, connection.ErrTimeout):
			refuse(w, http.StatusGatewayTimeout, tunnel.TargetTimeout, "the target did not answer in time")
		default:
			refuse(w, http.StatusBadGateway, tunnel.Unreachable, "the target cannot be reached")
		}
		return 0, 0, true
	}
	defer resp.Body.Close()
	asked := t.base.JoinPath(d.RawPath)
	for name, values := range policy.CleanResponse(resp.Header, t.base, asked) {
		w.Header()[name] = values
	}
	if resp.ContentLength >= 0 && resp.ContentLength <= t.largest {
		w.Header()["Content-Length"] = resp.Header.Values("Content-Length")
	}
	w.WriteHeader(resp.StatusCode)
	limited := &io.LimitedReader{R: resp.Body, N: t.largest + 1}
	sent, err = io.Copy(w, limited)
	whole = err == nil && sent <= t.largest &&
		(resp.ContentLength < 0 || r.Method == http.MethodHead || sent == resp.ContentLength)
	return resp.StatusCode, sent, whole
}
