package hub

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

func (a Agent) caller(name string) *Caller {
	for i := range a.Callers {
		if a.Callers[i].Name == name {
			return &a.Callers[i]
		}
	}
	return nil
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
