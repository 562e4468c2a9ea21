// Package via is how a pipeline reaches a server through the hub and the agent of a broker.
package via

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/requestlog"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// Config is the block via.
type Config struct {
	Hub      string          `yaml:"hub" required:"true" doc:"The address of the hub, as https://hub.example.com:8443."`
	Agent    string          `yaml:"agent" required:"true" doc:"The name of the agent."`
	AgentKey string          `yaml:"agent_key" required:"true" doc:"The pin of the agent's key, as pipe agent key prints it."`
	Token    config.Secret   `yaml:"token" required:"true" doc:"The token of this pipeline, as pipe agent token prints it."`
	Wait     config.Duration `yaml:"wait" default:"2m" min:"1s" doc:"How long to wait for an agent that is not connected."`
}

var (
	_ config.Validator = (*Config)(nil)
	_ connection.Way   = (*Way)(nil)
)

const codeVia = "via"

// Validate reports settings that cannot be used.
func (c *Config) Validate(report func(field, code, message, hint string)) {
	if u, err := url.Parse(c.Hub); c.Hub != "" && (err != nil || u.Scheme != "https" || u.Path != "" && u.Path != "/") {
		report("hub", codeVia, "the address of a hub is https://, a host and a port",
			"write it as https://hub.example.com:8443, also on this machine")
	}
	if c.Agent != "" && !tunnel.IsName(c.Agent) {
		report("agent", codeVia, "not a name that an agent can have", tunnel.NameHint)
	}
	if c.AgentKey != "" && !tunnel.IsPin(c.AgentKey) {
		report("agent_key", codeVia, "not the pin of a key", "copy it from the output of pipe agent key: sha256:…")
	}
}

// ValidateTarget reports what is wrong with the address of a target that is reached by way of an agent,
// and credentials, which the agent has. Components call it in their Validate.
func ValidateTarget(field, address string, token config.Secret, cfg connection.Config,
	report func(field, code, message, hint string)) {
	if u, err := url.Parse(address); address != "" &&
		(err != nil || u.Scheme != "https" || u.Port() != "" || u.Path != "" && u.Path != "/") {
		report(field, codeVia, "with via, the address is https:// and the name of a target in the file of the agent",
			"write it as https://backstage")
	}
	switch {
	case token.IsGiven():
		report("token:", codeVia, "with via, the agent has the token", "move it to the target in the file of the agent")
	case len(cfg.Auth) > 0:
		report("auth:", codeVia, "with via, the agent has the credentials",
			"move them to the target in the file of the agent")
	case len(cfg.Headers) > 0:
		report("headers", codeVia, "with via, the agent drops headers",
			"move them to the target in the file of the agent")
	}
}

// Settings is what a component gives a way.
type Settings struct {
	UserAgent string
	// Loopback allows a hub on this machine alone.
	Loopback bool
	Redactor *redact.Redactor
	Log      *slog.Logger
}

// Way leads to the targets of one agent. It is safe for concurrent use.
type Way struct {
	cfg     Config
	hub     *connection.Connection
	address string

	mu      sync.Mutex
	missing time.Time // since when the agent is not connected; zero when it is
	mark    requestlog.Mark
}

// New returns the way to an agent. cfg has the TLS files and the proxy for the hub.
func New(via Config, cfg connection.Config, s Settings) (*Way, error) {
	own := connection.Default()
	own.TLS, own.Proxy, own.LocalAddress = cfg.TLS, cfg.Proxy, cfg.LocalAddress
	if s.Redactor == nil {
		s.Redactor = &redact.Redactor{}
	}
	s.Redactor.Add(via.Token.Reveal())
	s.Redactor.Add(tunnel.ForAgent(via.Token.Reveal()))
	hub, err := connection.New(own, connection.Settings{Name: "hub", URL: via.Hub,
		Token: config.NewSecret(tunnel.ForHub(via.Token.Reveal())), UserAgent: s.UserAgent, HTTP1: true,
		LoopbackOnly: s.Loopback, InsecureRemote: false, Redactor: s.Redactor, Log: s.Log,
		Allow: func(string, string) bool { return false }})
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(via.Hub)
	if err != nil {
		return nil, err
	}
	return &Way{cfg: via, hub: hub, address: u.JoinPath(tunnel.StreamPath, via.Agent).String()}, nil
}

// Close closes idle connections.
func (w *Way) Close() { w.hub.Close() }

// Mark returns the mark of the last request in the audit log of the agent; "" before the first one.
func (w *Way) Mark() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mark.String()
}

// TLS is what the agent is spoken with.
func (w *Way) TLS() *tls.Config { return tunnel.ClientTLS(w.cfg.AgentKey, w.cfg.Agent) }

// Prepare adds the token for the agent.
func (w *Way) Prepare(h http.Header) {
	h.Set(tunnel.HeaderCaller, tunnel.ForAgent(w.cfg.Token.Reveal()))
}

// DialContext opens a stream to the agent. It waits for an agent that is not connected.
func (w *Way) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	for {
		c, err := tunnel.Dial(ctx, w.hub.Upgrade(), w.address, http.Header{})
		var refused *tunnel.RefusedError
		switch {
		case err == nil:
			w.gone(false)
			return c, nil
		case !errors.As(err, &refused):
			var known *fault.Error
			if errors.As(err, &known) {
				return nil, &fault.Error{Class: known.Class, Delay: known.Delay, Remedy: fault.RemedyOf(known),
					Err: fmt.Errorf("the hub cannot be reached: %s", known.Error())}
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fault.Errorf(fault.Transient, "check that the hub is up",
				"the hub %s did not complete the handshake",
				w.cfg.Hub)
		case refused.Code != tunnel.NoAgent && refused.Code != tunnel.Stopping:
			return nil, w.refused(refused)
		}
		since := w.gone(true)
		if time.Since(since) >= time.Duration(w.cfg.Wait) {
			return nil, fault.Errorf(fault.Fatal, "start the agent, or resume it, and run again",
				"no agent: %s has not been connected to the hub for %v (via.wait)", w.cfg.Agent, w.cfg.Wait)
		}
		t := time.NewTimer(rand.N(time.Second))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, fault.Errorf(fault.Transient, "check that the agent runs",
				"no agent: %s is not connected to the hub",
				w.cfg.Agent)
		case <-t.C:
		}
	}
}

// gone notes whether the agent is missing, and returns since when.
func (w *Way) gone(missing bool) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !missing:
		w.missing = time.Time{}
	case w.missing.IsZero():
		w.missing = time.Now()
	}
	return w.missing
}

// refused is the fault of a refusal by the hub.
func (w *Way) refused(r *tunnel.RefusedError) error {
	switch r.Code {
	case tunnel.Unauthorized:
		return fault.Errorf(fault.Fatal,
			"check via.agent and via.token: the file of the hub has the hash of the token below "+
				"the agent", "the hub does not accept the token for agent %s", w.cfg.Agent)
	case tunnel.NotFromHere:
		return fault.Errorf(fault.Fatal, "add the network of this machine to from in the file of the hub",
			"the hub does not allow this address for agent %s", w.cfg.Agent)
	case tunnel.TooMany:
		return &fault.Error{Class: fault.Throttled, Delay: time.Second,
			Remedy: "read less at a time, or raise the limits of the pipeline in the file of the hub",
			Err:    errors.New("the hub's limits for this pipeline are reached")}
	case tunnel.WrongProtocol:
		return fault.Errorf(fault.Fatal, "use the same release of pipe on both sides",
			"the hub speaks another protocol")
	}
	class := fault.Permanent
	if r.Status >= 500 {
		class = fault.Transient
	}
	return fault.Errorf(class, "check via.hub: it is the address of pipe hub", "the hub cannot be used: %w", r)
}

// Failure returns the error of an answer that the agent itself gave.
func (w *Way) Failure(status int, h http.Header) error {
	if mark, err := requestlog.ParseMark(h.Get(tunnel.HeaderAudit)); err == nil {
		w.mu.Lock()
		if mark.Number > w.mark.Number { // answers come in any order
			w.mark = mark
		}
		w.mu.Unlock()
	}
	id := h.Get(tunnel.HeaderRequest)
	switch code := h.Get(tunnel.HeaderError); code {
	case "":
		return nil
	case tunnel.Denied:
		return fault.Errorf(fault.Fatal,
			"ask the people who run the agent to allow it; request "+id+" of the audit log has "+
				"the details", "agent %s denied the request: %s", w.cfg.Agent, h.Get(tunnel.HeaderRule))
	case tunnel.Unauthorized:
		return fault.Errorf(fault.Fatal, "add the hash of the token to callers in the file of the agent",
			"agent %s does not know the token of this pipeline", w.cfg.Agent)
	case tunnel.UnknownTarget:
		return fault.Errorf(fault.Fatal, "write the name of a target in the file of the agent as the host of url",
			"agent %s has no such target", w.cfg.Agent)
	case tunnel.Unreachable:
		return fault.Errorf(fault.Transient, "check the target; pipe agent check says what the agent finds",
			"agent %s cannot reach the target", w.cfg.Agent)
	case tunnel.TargetTimeout:
		return fault.Errorf(fault.Transient,
			"check whether the target is slow, or raise its timeout in the file of the agent",
			"the target of agent %s did not answer in time", w.cfg.Agent)
	case tunnel.AuditUnwritable:
		return fault.Errorf(fault.Transient,
			"see the log of the agent: free space, make its audit log writable, or restart it",
			"agent %s refuses all requests: its audit log cannot be written", w.cfg.Agent)
	case tunnel.WrongFile:
		return fault.Errorf(fault.Transient, "correct the file of the agent; pipe agent check shows its problems",
			"agent %s refuses the request: its file was changed and has problems", w.cfg.Agent)
	case tunnel.Paused:
		return fault.Errorf(fault.Transient, "resume it with pipe agent resume", "agent %s is paused", w.cfg.Agent)
	default:
		return fault.Errorf(fault.Permanent, "", "agent %s answered %d for a reason that this pipe does not know",
			w.cfg.Agent,
			status)
	}
}
