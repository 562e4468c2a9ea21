package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Check goes to the hub and each target step by step, asks the hub whether it accepts the agent, and sends
// each target one allowed request. It opens no session.
func (a *Agent) Check(ctx context.Context) map[string][]component.Finding {
	s := a.state()
	out := map[string][]component.Finding{"hub": request(s.hub.Diagnose(ctx), func() component.Finding {
		return a.checkHub(ctx, s)
	})}
	for name, t := range s.targets {
		out[name] = request(t.conn.Diagnose(ctx), func() component.Finding { return t.check(ctx) })
	}
	return out
}

// request adds a step that is skipped when one before it failed.
func request(found []component.Finding, do func() component.Finding) []component.Finding {
	if slices.ContainsFunc(found, func(f component.Finding) bool { return !f.OK }) {
		return append(found, component.Finding{What: "request", Skipped: true, Detail: "skipped"})
	}
	began := time.Now()
	f := do()
	f.Took = time.Since(began)
	return append(found, f)
}

func failed(err error) component.Finding {
	return component.Finding{What: "request", Detail: err.Error(), Remedy: fault.RemedyOf(err), Err: err}
}

func (a *Agent) headers(s *state) http.Header {
	h := http.Header{}
	h.Set(tunnel.HeaderName, s.file.Name)
	h.Set(tunnel.HeaderVersion, a.o.Version)
	return h
}

// ask asks the hub what it knows about the agent.
func (a *Agent) ask(ctx context.Context, s *state) (tunnel.Known, error) {
	u, err := url.Parse(s.file.Hub.URL)
	if err != nil {
		return tunnel.Known{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return tunnel.Check(ctx, s.hub.Upgrade(), u.JoinPath(tunnel.CheckPath).String(), a.headers(s))
}

func (a *Agent) checkHub(ctx context.Context, s *state) component.Finding {
	k, err := a.ask(ctx, s)
	var refused *tunnel.RefusedError
	switch {
	case errors.As(err, &refused):
		return failed(refusal(refused, s.file.Name))
	case err != nil:
		return failed(err)
	case k.Alarms > 0:
		return component.Finding{What: "request", OK: true, Warning: true,
			Detail: fmt.Sprintf("ALARM: the hub has refused %d further sessions of %s, the last one at %s from %s (%s)",
				k.Alarms, s.file.Name, k.At.Format(time.RFC3339), k.From, k.Code),
			Remedy: "find out who has the certificate or the token of this agent; issue others when it is not you"}
	}
	sessions := "the agent is not connected"
	if k.Sessions > 0 {
		sessions = fmt.Sprintf("sessions of the agent: %d", k.Sessions)
	}
	return component.Finding{What: "request", OK: true, Detail: "accepts " + s.file.Name + "; " + sessions}
}

// refusal returns the fault of a hub that does not accept the agent.
func refusal(r *tunnel.RefusedError, name string) error {
	switch r.Code {
	case tunnel.Unauthorized:
		return fault.Errorf(fault.Fatal, "compare name, and the certificate or the hash of the token, with the file of "+
			"the hub", "the hub does not accept agent %s (401)", name)
	case tunnel.OldVersion:
		return fault.Errorf(fault.Fatal, "install the release that min_version in the file of the hub asks for",
			"the hub refuses the version of this agent")
	case tunnel.WrongProtocol:
		return fault.Errorf(fault.Fatal, "use the same release of pipe on both sides", "the hub speaks another protocol")
	case tunnel.OtherIdentity:
		return fault.Errorf(fault.Fatal, "find out who is connected with the other certificate",
			"ALARM: agent %s is connected with another certificate", name)
	case tunnel.AlreadyRunning:
		return fault.Errorf(fault.Fatal, "end the other one, or raise ha in the file of the hub",
			"ALARM: agent %s has as many sessions as it may have", name)
	}
	return fault.Errorf(fault.Transient, "check hub.url: it is the address of pipe hub", "%w", r)
}

func (t *target) check(ctx context.Context) component.Finding {
	raw := t.policy.Probe()
	if raw == "" {
		return component.Finding{What: "request", OK: true, Skipped: true,
			Detail: "none was sent: no rule allows GET for a path without *"}
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	path, query, _ := strings.Cut(raw, "?")
	resp, err := t.conn.Forward(ctx, connection.Forwarded{Method: http.MethodGet, RawPath: path, RawQuery: query})
	if err != nil {
		return failed(err)
	}
	_ = resp.Body.Close()
	said := fmt.Sprintf("GET %s: %d %s", path, resp.StatusCode, http.StatusText(resp.StatusCode))
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return failed(fault.Errorf(fault.Fatal, "set another token or auth for targets."+t.name,
			"%s: the target does not accept the credentials", said))
	case resp.StatusCode == http.StatusForbidden:
		return failed(fault.Errorf(fault.Fatal, "give the credentials of targets."+t.name+" the permission to read",
			"%s: the target accepts the credentials and denies the request", said))
	case resp.StatusCode >= 300:
		return failed(fault.Errorf(fault.Permanent, "check targets."+t.name+".url", "%s", said))
	}
	return component.Finding{What: "request", OK: true, Detail: said}
}

// askEvery is how often a connected agent asks the hub for alarms.
const askEvery = 10 * time.Second

// askAlarms logs further sessions of this agent that the hub refuses, until the context ends.
func (a *Agent) askAlarms(ctx context.Context, s *state) {
	for ctx.Err() == nil {
		k, err := a.ask(ctx, s)
		switch {
		case err != nil: // the session says what is wrong
		case k.Alarms > a.alarms:
			a.o.Log.Error("ALARM: the hub has refused further sessions of this agent: find out who has its certificate "+
				"or token", "agent", s.file.Name, "sessions", k.Alarms-a.alarms, "from", clean(k.From), "code", clean(k.Code))
			_ = a.log.Note("the hub has refused another session of this agent, from " + clean(k.From))
			a.alarms = k.Alarms
		default:
			a.alarms = k.Alarms // 0 after the hub has restarted
		}
		sleep(ctx, a.every)
	}
}
