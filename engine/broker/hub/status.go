package hub

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/codec"
)

// serveStatus answers for health and metrics.
func (h *Hub) serveStatus(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch r.URL.Path {
	case "/healthz":
		fmt.Fprintln(w, "ok")
	case "/readyz":
		if h.stopping || h.state.wrong {
			http.Error(w, "failing", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	case "/metrics":
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		h.writeMetrics(w)
	default:
		http.NotFound(w, r)
	}
}

// writeMetrics writes the metrics in the text format of Prometheus. The lock is held.
func (h *Hub) writeMetrics(w http.ResponseWriter) {
	metric := func(name, kind, help string) { fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	metric("pipe_hub_agent_sessions", "gauge", "Sessions of an agent.")
	for _, a := range h.state.file.Agents {
		fmt.Fprintf(w, "pipe_hub_agent_sessions{agent=%s} %d\n", strconv.Quote(a.Key), len(h.sessions[a.Key]))
	}
	metric("pipe_hub_agent_info", "gauge", "The versions of connected agents.")
	for _, a := range h.state.file.Agents {
		var seen []string
		for _, s := range h.sessions[a.Key] {
			if !slices.Contains(seen, s.version) {
				seen = append(seen, s.version)
				fmt.Fprintf(w, "pipe_hub_agent_info{agent=%s,version=%s} 1\n", strconv.Quote(a.Key),
					strconv.Quote(strings.ToValidUTF8(s.version, "")))
			}
		}
	}
	for _, m := range []struct {
		name, kind, help string
		value            int64
	}{
		{"pipe_hub_streams", "gauge", "Streams that are relayed.", h.streams.Load()},
		{"pipe_hub_relayed_bytes_total", "counter", "Relayed bytes in both directions.", h.bytes.Load()},
		{"pipe_hub_refused_total", "counter", "Refused agents and pipelines.", h.refused.Load()},
		{"pipe_hub_alarms_total", "counter", "Refused further sessions of agents.", h.alarms.Load()},
	} {
		metric(m.name, m.kind, m.help)
		fmt.Fprintf(w, "%s %d\n", m.name, m.value)
	}
}

// alarm notes that a further session of an agent was refused.
func (h *Hub) alarm(agent, from, code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.refusals[agent]
	h.refusals[agent] = tunnel.Known{Alarms: k.Alarms + 1, From: from, Code: code, At: time.Now().UTC()}
}

// answer answers what the hub knows about an agent.
func (h *Hub) answer(w http.ResponseWriter, agent string) {
	h.mu.Lock()
	k := h.refusals[agent]
	for _, s := range h.sessions[agent] {
		if !s.IsClosed() {
			k.Sessions++
		}
	}
	h.mu.Unlock()
	text, err := codec.Marshal(k)
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set(tunnel.HeaderProtocol, tunnel.Protocol)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}
