package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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
