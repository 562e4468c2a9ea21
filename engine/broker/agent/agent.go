package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/broker/policy"
	"github.com/pipe-engine/pipe/engine/broker/requestlog"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
)

// Options are what a program gives an agent.
type Options struct {
	Presets  policy.Presets
	Lookup   func(string) (string, bool)
	Version  string
	Log      *slog.Logger
	Redactor *redact.Redactor
}

// Agent is an agent that was opened.
type Agent struct {
	o       Options
	path    string
	current atomic.Pointer[state]
	started *state          // the state of Open, whose audit log is used
	log     *requestlog.Log // nil without Start
	again   chan struct{}   // of Reload
	wake    chan struct{}   // after the file was read again
	grace   time.Duration   // brokerfile.Grace
	watch   *brokerfile.Watch
	flights flights
	alarms  int // of the hub, that were logged
	every   time.Duration
	said    time.Time // when an audit log that cannot be written was logged
	jitter  func(limit time.Duration) time.Duration

	patience time.Duration // of an agent that stops
}

// Open reads the file and the files that it names, and opens no connection and no log. Its errors are
// those of Read.
func Open(path string, o Options) (*Agent, error) {
	if o.Redactor == nil {
		o.Redactor = &redact.Redactor{}
	}
	before := brokerfile.State(path)
	s, err := load(path, o)
	if err != nil {
		return nil, err
	}
	a := &Agent{o: o, path: path, started: s, jitter: jitter, patience: drainTime,
		again: make(chan struct{}, 1), wake: make(chan struct{}, 1), grace: brokerfile.Grace, every: askEvery,
		watch: brokerfile.NewWatch(before, s.files(path)...)}
	a.current.Store(s)
	return a, nil
}

func (a *Agent) state() *state { return a.current.Load() }

// Warnings are what Open found that is no error.
func (a *Agent) Warnings() config.Problems { return a.started.doc.Warnings }

// Source returns the text of the file without secrets.
func (a *Agent) Source() []byte { return a.started.doc.Source }

// Pin returns the pin of the agent's key, which pipelines have as agent_key.
func (a *Agent) Pin() string { return a.started.pin }

// AuditFile returns the path of the audit log.
func (a *Agent) AuditFile() string { return a.started.file.Audit.File }

// PauseFile returns the file whose presence pauses an agent with this audit log.
func PauseFile(audit string) string { return audit + ".paused" }

func (a *Agent) paused() bool {
	_, err := os.Stat(PauseFile(a.started.file.Audit.File))
	return err == nil || !errors.Is(err, os.ErrNotExist)
}

// Pause makes the agent of a file cut its connection, and refuse every request, also after a restart.
func (a *Agent) Pause() error {
	return os.WriteFile(PauseFile(a.started.file.Audit.File), []byte(time.Now().UTC().Format(time.RFC3339)+"\n"), 0o600)
}

// Resume ends Pause.
func (a *Agent) Resume() error {
	err := os.Remove(PauseFile(a.started.file.Audit.File))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

const (
	pauseLook = 200 * time.Millisecond
	drainTime = 30 * time.Second
)

// Run keeps a session with the hub until stop is closed; then it lets requests end for half a minute.
// It returns an error when the audit log cannot be opened.
func (a *Agent) Run(stop <-chan struct{}) (err error) {
	if a.log, err = requestlog.Open(a.started.file.Audit, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.log.Close()) }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	var watching sync.WaitGroup
	watching.Go(func() { a.keep(ctx) })
	defer watching.Wait()
	defer cancel()
	var b backoff
	for ctx.Err() == nil {
		if a.paused() {
			sleep(ctx, pauseLook)
			continue
		}
		select {
		case <-a.wake: // it has the file that was read
		default:
		}
		began := time.Now()
		err := a.session(ctx)
		if ctx.Err() != nil {
			break
		}
		limit, alarm := b.next(err, time.Since(began))
		if alarm != "" {
			a.o.Log.Error("ALARM: the hub has another session of this agent", "agent", a.state().file.Name, "code",
				alarm)
			_ = a.log.Note("the hub has another session of this agent: " + alarm)
		}
		var refused *tunnel.RefusedError
		if errors.As(err, &refused) && refused.Status >= 400 && refused.Status < 500 {
			if refused.Status == http.StatusUnauthorized {
				_ = a.state().hub.Renew(ctx) // the file of the token may have another; the next attempt says so
			}
			err = refusal(refused, a.state().file.Name)
		}
		pause := a.jitter(limit)
		if err != nil {
			a.o.Log.Warn("the hub is not connected, trying again", "error", a.o.Redactor.Clean(err.Error()),
				"remedy", fault.RemedyOf(err), "in", pause.Round(time.Millisecond))
		}
		if a.pause(ctx, pause) {
			b = backoff{}
		}
	}
	return nil
}

// pause waits, and reports whether the file was read again meanwhile.
func (a *Agent) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-a.wake:
		return true
	}
	return false
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// session connects to the hub and answers requests until the session ends. It returns nil when one
// had begun.
func (a *Agent) session(ctx context.Context) error {
	now := a.state()
	h := a.headers(now)
	dialing, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	u, err := url.Parse(now.file.Hub.URL)
	if err != nil {
		return err
	}
	c, err := tunnel.Dial(dialing, now.hub.Upgrade(), u.JoinPath(tunnel.AgentPath).String(), h)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := tunnel.Serve(c)
	if err != nil {
		return err
	}
	defer s.Close()
	a.o.Log.Info("the hub is connected", "hub", u.Host, "agent", now.file.Name)
	streams := accept(s, now.file.Concurrent)
	server := &http.Server{
		Handler:           &handler{state: a.state, hub: u.Host, log: a.log, paused: a.paused, flights: &a.flights},
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: writeTime,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(a.o.Log.Handler(), slog.LevelDebug),
		TLSNextProto:   map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	var fresh unused
	server.ConnState = fresh.note
	served := make(chan error, 1)
	go func() { served <- server.Serve(tls.NewListener(streams, tunnel.ServerTLS(now.own))) }()
	asking, endAsking := context.WithCancel(ctx)
	var asked sync.WaitGroup
	asked.Go(func() { a.askAlarms(asking, now) })
	defer asked.Wait()
	defer endAsking()
	drain := func() { // running requests end, and nothing new begins
		_ = s.GoAway()
		fresh.end()
		within, end := context.WithTimeout(context.Background(), a.patience)
		defer end()
		_ = server.Shutdown(within)
		_ = server.Close()
		<-served
	}
	stopping := s.Stopping()
	look := time.NewTicker(pauseLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			drain()
			return nil
		case <-stopping:
			a.o.Log.Info("the hub stops", "hub", u.Host)
			drain()
			return nil
		case <-served:
			_ = server.Close()
			a.o.Log.Warn("the connection to the hub ended", "hub", u.Host)
			return nil
		case <-look.C:
			a.reportLog(time.Now())
			if a.state().hub != now.hub {
				a.o.Log.Warn("the file has other settings for the hub: the connection is cut", "hub", u.Host)
				_ = server.Close()
				<-served
				return nil
			}
			if a.paused() {
				_ = a.log.Note("paused: the connection to the hub was cut")
				a.o.Log.Warn("paused: the connection to the hub is cut")
				_ = server.Close()
				<-served
				return nil
			}
		}
	}
}

// reportLog logs every minute that the audit log cannot be written.
func (a *Agent) reportLog(now time.Time) {
	err := a.log.Err()
	if err == nil {
		a.said = time.Time{}
		return
	}
	if now.Sub(a.said) >= remind {
		a.said = now
		a.o.Log.Error("the audit log cannot be written: all requests are refused", "error", err, "remedy",
			"free space, and make it writable; restart the agent when the file was moved or removed")
	}
}

// Close closes idle connections.
func (a *Agent) Close() { a.state().close() }
