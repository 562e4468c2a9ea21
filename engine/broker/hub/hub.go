package hub

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/semver"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Hub is a running hub.
type Hub struct {
	path   string
	lookup func(string) (string, bool)
	log    *slog.Logger

	listener net.Listener
	status   net.Listener  // nil for none
	again    chan struct{} // of Reload
	grace    time.Duration // brokerfile.Grace
	files    *brokerfile.Watch

	mu       sync.Mutex
	state    *state
	silent   time.Time               // since when the file says nothing; zero when it says something
	sessions map[string][]*session   // by agent
	callers  map[string]*usage       // by agent and caller
	refusals map[string]tunnel.Known // alarms by agent
	stopping bool
	relays   sync.WaitGroup
	patience time.Duration // of a hub that stops

	streams, refused, alarms atomic.Int64
	bytes                    atomic.Int64
}

type session struct {
	*tunnel.Session
	identity string // of the certificate or the token
	version  string
	from     string
	since    time.Time
	chain    []*x509.Certificate // that it has shown; empty for a token
}

// Listen reads the file and opens its addresses. It returns the errors of Read, with those of the files
// that the file names, and *fault.Invalid.
func Listen(path string, lookup func(string) (string, bool), log *slog.Logger) (*Hub, error) {
	h := &Hub{path: path, lookup: lookup, log: log, sessions: map[string][]*session{}, callers: map[string]*usage{},
		refusals: map[string]tunnel.Known{},
		again:    make(chan struct{}, 1), grace: brokerfile.Grace, patience: drainTime}
	before := brokerfile.State(path)
	var err error
	if h.state, err = load(path, lookup); err != nil {
		return nil, err
	}
	h.files = brokerfile.NewWatch(before, h.state.files(path)...)
	for _, w := range h.state.doc.Warnings {
		log.Warn(w.String(), "remedy", w.Hint)
	}
	invalid := func(err error, remedy string) error { return &fault.Invalid{Reason: err.Error(), Remedy: remedy} }
	listen := net.ListenConfig{KeepAliveConfig: keepAlive}
	if h.listener, err = listen.Listen(context.Background(), "tcp", h.state.file.Listen); err != nil {
		return nil, invalid(err, "end the program that uses the port, or change listen")
	}
	if h.state.file.Status != "" {
		if h.status, err = net.Listen("tcp", h.state.file.Status); err != nil {
			h.listener.Close()
			return nil, invalid(err, "end the program that uses the port, or change status")
		}
	}
	return h, nil
}

// Addr returns the address for agents and pipelines.
func (h *Hub) Addr() net.Addr { return h.listener.Addr() }

// keepAlive notices within half a minute that the machine of a pipeline is gone. It asks the machine and
// not the program, which may be slow to read an answer.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// The limits of a connection before it is one of an agent or a pipeline.
const (
	headerTime = 10 * time.Second
	maxHeader  = 16 << 10
	drainTime  = 30 * time.Second
)

// Run serves until stop is closed; then it refuses agents and streams, says to the agents that it
// stops, lets running requests end for half a minute, and cuts the rest.
func (h *Hub) Run(stop <-chan struct{}) error {
	server := &http.Server{Handler: http.HandlerFunc(h.serve), ReadHeaderTimeout: headerTime, IdleTimeout: headerTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: h.tlsConfig,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return h.now().pair.Current(), nil }}}
	status := &http.Server{Handler: http.HandlerFunc(h.serveStatus), ReadHeaderTimeout: headerTime}
	errs := make(chan error, 2)
	running := 1
	go func() { errs <- server.ServeTLS(h.listener, "", "") }()
	if h.status != nil {
		running++
		go func() { errs <- status.Serve(h.status) }()
	}
	h.log.Info("the hub listens", "address", h.Addr().String())
	watching := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { h.watch(watching) })
	defer watch.Wait()
	defer close(watching)
	var err error
	select {
	case <-stop:
	case err = <-errs:
		running--
	}
	h.drain()
	_ = server.Close()
	_ = status.Close()
	for range running {
		if one := <-errs; err == nil && !errors.Is(one, net.ErrClosed) {
			err = one
		}
	}
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// drain waits for the streams, and ends the sessions.
func (h *Hub) drain() {
	h.mu.Lock()
	h.stopping = true
	for _, all := range h.sessions {
		for _, s := range all {
			go s.Stop()
		}
	}
	h.mu.Unlock()
	done := make(chan struct{})
	go func() { h.relays.Wait(); close(done) }()
	t := time.NewTimer(h.patience)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
	h.mu.Lock()
	for _, all := range h.sessions {
		for _, s := range all {
			_ = s.Close()
		}
	}
	h.mu.Unlock()
	<-done
}

// is reports whether an identity is that of the agent.
func (a Agent) is(identity string) bool {
	if a.TokenSHA256 != "" {
		return identity == "token "+a.TokenSHA256
	}
	return strings.HasPrefix(identity, "certificate "+a.Certificate+" ")
}

func (a Agent) caller(name string) *Caller {
	for i := range a.Callers {
		if a.Callers[i].Name == name {
			return &a.Callers[i]
		}
	}
	return nil
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set(tunnel.HeaderError, code)
	w.Header().Set(tunnel.HeaderProtocol, tunnel.Protocol)
	http.Error(w, code, status)
}

func (h *Hub) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	stopping := h.stopping
	h.mu.Unlock()
	name, stream := strings.CutPrefix(r.URL.Path, tunnel.StreamPath)
	switch {
	case stopping:
		refuse(w, http.StatusServiceUnavailable, tunnel.Stopping)
	case !stream && r.URL.Path != tunnel.AgentPath && r.URL.Path != tunnel.CheckPath:
		http.NotFound(w, r)
	case r.Header.Get(tunnel.HeaderProtocol) != tunnel.Protocol:
		refuse(w, http.StatusBadRequest, tunnel.WrongProtocol)
	case stream:
		h.stream(w, r, name)
	default:
		h.agent(w, r)
	}
}

func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

// identity returns what an agent proves about itself; "" when that is not what the file says.
func (a Agent) identity(r *http.Request) string {
	if a.TokenSHA256 != "" {
		if tunnel.Matches(a.TokenSHA256, bearer(r)) {
			return "token " + a.TokenSHA256
		}
		return ""
	}
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return ""
	}
	leaf := r.TLS.PeerCertificates[0]
	named := len(leaf.DNSNames) == 0 && leaf.Subject.CommonName == a.Certificate
	for _, n := range leaf.DNSNames {
		named = named || n == a.Certificate
	}
	if !named {
		return ""
	}
	sum := sha256.Sum256(leaf.Raw)
	return "certificate " + a.Certificate + " " + hex.EncodeToString(sum[:])
}

// agent begins a session of an agent.
func (h *Hub) agent(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get(tunnel.HeaderName)
	h.mu.Lock()
	agent, known := h.state.file.Agents.Get(name)
	least := h.state.file.MinVersion
	h.mu.Unlock()
	identity := ""
	if known {
		identity = agent.identity(r)
	}
	version := r.Header.Get(tunnel.HeaderVersion)
	switch {
	case identity == "":
		h.refused.Add(1)
		h.log.Warn("an agent was refused: it did not prove who it is", "from", r.RemoteAddr)
		refuse(w, http.StatusUnauthorized, tunnel.Unauthorized)
		return
	case least != "" && semver.Compare(version, least) < 0: // an invalid version is below any other
		h.refused.Add(1)
		h.log.Warn("an agent was refused: its version is too old", "agent", name, "version", clean(version),
			"min_version", least)
		refuse(w, http.StatusUpgradeRequired, tunnel.OldVersion)
		return
	}
	if r.URL.Path == tunnel.CheckPath {
		h.answer(w, name)
		return
	}
	if code := h.room(name, agent, identity); code != "" {
		h.alarms.Add(1)
		h.alarm(name, r.RemoteAddr, code)
		h.log.Error("ALARM: a further session of an agent was refused", "agent", name, "from", r.RemoteAddr, "reason",
			code)
		refuse(w, http.StatusConflict, code)
		return
	}
	c, err := tunnel.Accept(w, r)
	if err != nil {
		return
	}
	opened, err := tunnel.Open(c)
	if err != nil {
		_ = c.Close()
		return
	}
	s := &session{Session: opened, identity: identity, version: clean(version), from: r.RemoteAddr, since: time.Now()}
	if r.TLS != nil && agent.Certificate != "" {
		s.chain = r.TLS.PeerCertificates
	}
	h.mu.Lock()
	full := len(h.sessions[name]) >= max(1, agent.HA) // another one may have begun at the same time
	for _, other := range h.sessions[name] {
		full = full || other.identity != identity
	}
	if h.stopping || full || !h.state.accepts(name, s, time.Now()) { // the file was read again meanwhile
		h.mu.Unlock()
		_ = s.Close()
		_ = c.Close()
		return
	}
	h.sessions[name] = append(h.sessions[name], s)
	h.mu.Unlock()
	h.log.Info("an agent is connected", "agent", name, "from", s.from, "version", s.version)
	<-s.CloseChan()
	h.forget(name, s)
	_ = c.Close()
	h.log.Info("an agent is gone", "agent", name, "from", s.from)
}

func (h *Hub) forget(name string, s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[name] = without(h.sessions[name], s)
}

// clean returns a short text from outside without characters that a version does not have.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return -1
	}, text[:min(len(text), 40)])
}

// room makes place for a session; it returns the code of a refusal when there is none. A session whose
// other end is silent makes place.
func (h *Hub) room(name string, agent Agent, identity string) string {
	h.mu.Lock()
	all := append([]*session(nil), h.sessions[name]...)
	h.mu.Unlock()
	live := 0
	for _, s := range all {
		if s.IsClosed() {
			continue
		}
		if s.identity != identity || len(all) >= max(1, agent.HA) {
			if !alive(s) {
				_ = s.Close()
				h.forget(name, s)
				continue
			}
			if s.identity != identity {
				return tunnel.OtherIdentity
			}
		}
		live++
	}
	if live >= max(1, agent.HA) {
		return tunnel.AlreadyRunning
	}
	return ""
}

// alive reports whether the other end of a session answers within two seconds.
func alive(s *session) bool {
	answered := make(chan error, 1)
	go func() {
		_, err := s.Ping()
		answered <- err
	}()
	t := time.NewTimer(2 * time.Second)
	defer t.Stop()
	select {
	case err := <-answered:
		return err == nil
	case <-t.C:
		return false
	}
}

func without(all []*session, s *session) (out []*session) {
	for _, one := range all {
		if one != s {
			out = append(out, one)
		}
	}
	return out
}

// stream relays a stream of a pipeline.
func (h *Hub) stream(w http.ResponseWriter, r *http.Request, name string) {
	h.mu.Lock()
	agent, known := h.state.file.Agents.Get(name)
	h.mu.Unlock()
	var caller *Caller
	if known {
		for i := range agent.Callers {
			if tunnel.Matches(agent.Callers[i].TokenSHA256, bearer(r)) {
				caller = &agent.Callers[i]
			}
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	switch {
	case caller == nil: // whether an agent exists is not for everyone
		h.refused.Add(1)
		h.log.Warn("a pipeline was refused: no such token", "from", r.RemoteAddr)
		refuse(w, http.StatusUnauthorized, tunnel.Unauthorized)
		return
	case err != nil || !caller.may(from.Addr()):
		h.refused.Add(1)
		h.log.Warn("a pipeline was refused: its address is not allowed", "agent", name, "caller", caller.Name, "from",
			r.RemoteAddr)
		refuse(w, http.StatusForbidden, tunnel.NotFromHere)
		return
	}
	u := h.usage(name, caller)
	if !u.begin(time.Now(), caller) {
		h.refused.Add(1)
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, tunnel.TooMany)
		return
	}
	defer u.end()
	far := h.open(name)
	if far == nil {
		refuse(w, http.StatusServiceUnavailable, tunnel.NoAgent)
		return
	}
	defer far.Close()
	h.mu.Lock()
	if h.stopping {
		h.mu.Unlock()
		refuse(w, http.StatusServiceUnavailable, tunnel.Stopping)
		return
	}
	h.relays.Add(1)
	h.mu.Unlock()
	defer h.relays.Done()
	near, err := tunnel.Accept(w, r)
	if err != nil {
		return
	}
	h.streams.Add(1)
	defer h.streams.Add(-1)
	end := func() { _ = near.Close(); _ = far.Close() }
	defer u.watch(from.Addr(), end)()
	if !h.allows(name, caller, from.Addr()) { // the file was read again meanwhile
		end()
		return
	}
	tunnel.Relay(near, far, func(n int64) {
		h.bytes.Add(n)
		if !u.relayed(time.Now(), n, caller) {
			_ = near.Close()
			_ = far.Close()
		}
	})
}

// open opens a stream to an agent, over the session with the fewest; nil when there is none.
func (h *Hub) open(name string) net.Conn {
	h.mu.Lock()
	all := append([]*session(nil), h.sessions[name]...)
	h.mu.Unlock()
	for len(all) > 0 {
		best := all[0]
		for _, s := range all {
			if s.NumStreams() < best.NumStreams() {
				best = s
			}
		}
		if c, err := best.OpenStream(); err == nil {
			return c
		}
		all = without(all, best)
	}
	return nil
}
