package glean

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Sink is a datasource of Glean.
type Sink struct {
	cfg     *Config
	schema  *schema
	conn    *connection.Connection // nil when the file leaves address or token open
	clean   *connection.Redactor   // the connection's
	sleep   func(context.Context, time.Duration) error
	now     func() time.Time
	purpose component.Purpose
	inRun   *component.ProvisionOptions // how a run sets the datasource up; nil when it does not
	dial    func(allowed func() []string) (*connection.Connection, error)
}

var (
	_ component.Sink    = (*Sink)(nil)
	_ component.Checker = (*Sink)(nil)
)

// open makes a sink; retry zero is the engine's policy.
func open(cfg *Config, s component.Settings, retry fault.Retry) (*Sink, error) {
	schema, err := newSchema(cfg.Datasource)
	if err != nil {
		return nil, err
	}
	k := &Sink{cfg: cfg, schema: schema, clean: &connection.Redactor{}, sleep: sleep, now: time.Now, purpose: s.Purpose}
	if len(cfg.missing()) > 0 {
		return k, nil
	}
	if schema.urls == nil && !schema.entity {
		return nil, fault.Errorf(fault.Fatal, "set datasource.urlRegex to what all of the documents' addresses match", "datasource.urlRegex is missing, and the source has no ui_url that it could follow from")
	}
	k.dial = func(allowed func() []string) (*connection.Connection, error) {
		return connection.New(cfg.Config, connection.Settings{
			Name: "glean", URL: cfg.address(), Token: cfg.Token, UserAgent: s.UserAgent, LoopbackOnly: s.Loopback, Log: s.Log, Observe: s.Observe, Retry: retry, Redactor: k.clean,
			Rate: cfg.RequestsPerSecond, Burst: cfg.Concurrency,
			Allow: func(method, path string) bool { return method == http.MethodPost && slices.Contains(allowed(), path) },
		})
	}
	k.conn, err = k.dial(k.allowed)
	return k, err
}

// Place is the server's address and the datasource, "" where the address is
// not set.
func (k *Sink) Place() string {
	u, err := url.Parse(k.cfg.address())
	if err != nil || u.Host == "" {
		return ""
	}
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
	} else {
		host = net.JoinHostPort(host, port)
	}
	return scheme + "://" + host + strings.TrimRight(u.Path, "/") + " " + strings.ToLower(k.schema.name)
}

// Open begins a run's use of the sink; it asks Glean for nothing.
func (k *Sink) Open(_ context.Context, o component.Opening) (component.Session, error) {
	s := &session{sink: k, schema: k.schema, o: o, tally: newTally(), named: map[string]int{}, uploads: map[string]*upload{}, discards: map[string]bool{}}
	if k.inRun != nil && !o.Offline {
		return &provisioning{session: s, options: *k.inRun}, nil
	}
	return s, nil
}

// Close gives back idle connections.
func (k *Sink) Close() error {
	if k.conn != nil {
		k.conn.Close()
	}
	return nil
}

var errNoConnection = fault.Errorf(fault.Fatal, "set instance or server_url, and token, of sink.glean", "glean: the address or the token is not set")

// errShape is wrapped by the error of an answer that is JSON of another shape.
var errShape = errors.New("the answer cannot be read")

// ask posts a request that changes nothing and decodes its answer.
func (k *Sink) ask(ctx context.Context, path string, in, out any) error {
	body, err := k.answer(ctx, path, in)
	if err == nil && codec.Unmarshal(body, out) != nil {
		err = k.unreadable(path, "its JSON is malformed or has another shape")
	}
	return err
}

func (k *Sink) unreadable(path, why string) error {
	return fault.Errorf(fault.Permanent, "", "glean: POST %s: %w: %s", k.conn.Path(path), errShape, why)
}

// answer posts a request that changes nothing.
func (k *Sink) answer(ctx context.Context, path string, in any) ([]byte, error) {
	if k.conn == nil {
		return nil, errNoConnection
	}
	r := connection.Request{Method: http.MethodPost, Path: path, Idempotent: true}
	if in != nil {
		body, err := codec.Marshal(in)
		if err != nil {
			return nil, err
		}
		r.Body = body
	}
	resp, err := k.conn.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// live reads the datasource's config as Glean has it. That there is none is an
// error of its own.
func (k *Sink) live(ctx context.Context) (api.DatasourceConfig, error) {
	var c api.DatasourceConfig
	err := k.ask(ctx, api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: k.schema.name}, &c)
	if absent(err) {
		return c, &component.SettingError{Path: []string{"datasource", "name"},
			Err: fault.Errorf(fault.Fatal, "create it with `pipe datasource apply FILE`, or correct datasource.name", "Glean has no datasource %q: %w", k.schema.name, err)}
	}
	if err == nil && c.Name == "" { // any JSON object decodes; a config has its name
		return c, fault.Errorf(fault.Permanent, "", "glean: POST %s: %w", k.conn.Path(api.PathGetDatasourceConfig), errShape)
	}
	return c, err
}

// agree reads the live config and refuses what differs from the file in what a
// run depends on.
func (k *Sink) agree(ctx context.Context) error {
	live, err := k.live(ctx)
	if err != nil {
		return err
	}
	if d := k.differences(live); len(d) > 0 && k.inRun == nil {
		return k.differs(d)
	}
	return nil
}

// differs is the error for a datasource that Glean has with other settings than
// the file's.
func (k *Sink) differs(differences []string) error {
	return &component.SettingError{Path: []string{"datasource"},
		Err: fault.Errorf(fault.Fatal, "update Glean with `pipe datasource apply FILE`, or the file to what Glean has",
			"datasource %q differs between the file and Glean: %s", k.schema.name, enumerate(differences, 5))}
}

func (k *Sink) status(ctx context.Context) (api.DatasourceStatus, error) {
	var s api.DatasourceStatus
	path := api.PathDebugStatus(k.schema.name)
	body, err := k.answer(ctx, path, nil)
	if err != nil {
		return s, err
	}
	if err := acknowledged(http.StatusOK, body); err != nil { // an error, or null, says nothing of what is there
		return s, k.unreadable(path, err.Error())
	}
	if codec.Unmarshal(body, &s) != nil {
		err = k.unreadable(path, "its JSON is malformed or has another shape")
	}
	return s, err
}

// statusOf is the HTTP status that an error is about, 0 when it is about none.
func statusOf(err error) int {
	var s *connection.StatusError
	if errors.As(err, &s) {
		return s.Status
	}
	return 0
}

// reasonOf is what Glean said about a refusal.
func reasonOf(err error) string {
	var s *connection.StatusError
	if errors.As(err, &s) && s.Reason != "" {
		return s.Reason
	}
	return err.Error()
}

// enumerate joins the first of some texts and counts the others.
func enumerate(texts []string, most int) string {
	out := ""
	for i, t := range texts {
		if i == most {
			return fmt.Sprintf("%s and %d more", out, len(texts)-most)
		}
		if i > 0 {
			out += "; "
		}
		out += t
	}
	return out
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
