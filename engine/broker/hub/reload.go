package hub

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Reload makes a running hub read its file at once.
func (h *Hub) Reload() {
	select {
	case h.again <- struct{}{}:
	default:
	}
}

// remind is how often a wrong file is logged again.
const remind = time.Minute

func (h *Hub) now() *state {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}

// watch reads the file again when it changes, and cuts the sessions of certificates that expire, until
// stop is closed.
func (h *Hub) watch(stop <-chan struct{}) {
	look := time.NewTicker(brokerfile.Look)
	defer look.Stop()
	var said time.Time
	for {
		forced := false
		select {
		case <-stop:
			return
		case <-h.again:
			forced = true
		case <-look.C:
		}
		now := time.Now()
		state := h.now()
		switch changed := h.files.Changed(now, state.files(h.path)...); {
		case forced || changed:
			if forced {
				h.files.Use(state.files(h.path)...)
			}
			said = now
			h.reload(now)
		case !h.silent.IsZero() && now.Sub(h.silent) >= h.grace && len(state.file.Agents) > 0:
			h.use(state.rest(nil))
			h.log.Error("the file of the hub cannot be read: all access has ended")
		case state.wrong && now.Sub(said) >= remind:
			said = now
			h.reload(now)
		default:
			h.cut(now)
		}
	}
}

// reload reads the file.
func (h *Hub) reload(now time.Time) {
	before := h.now()
	next, err := load(h.path, h.lookup)
	var wrong *brokerfile.Error
	switch {
	case err == nil:
		h.silent = time.Time{}
		if next.file.Listen != before.file.Listen || next.file.Status != before.file.Status {
			h.log.Warn("listen or status was changed in the file: restart the hub, which listens where it did before")
		}
		h.use(next)
		h.log.Info("the file of the hub was read again", "now", next.describe())
	case errors.As(err, &wrong) && wrong.Root != nil:
		h.silent = time.Time{}
		rest := before.rest(wrong.Root)
		h.use(rest)
		h.log.Error("the file of the hub was changed and has problems: what it says as before goes on, and the rest "+
			"is out of use until it is correct", "error", err, "left", rest.describe())
	default:
		if h.silent.IsZero() {
			h.silent = now
		}
		rest := *before
		rest.wrong = true
		h.use(&rest)
		h.log.Error("the file of the hub was changed and cannot be read: all access ends after "+
			h.grace.String(), "error", err, "remedy", fault.RemedyOf(err))
	}
}

// allows reports whether the file still has a pipeline and its address.
func (h *Hub) allows(agent string, c *Caller, from netip.Addr) bool {
	a, _ := h.now().file.Agents.Get(agent)
	found := a.caller(c.Name)
	return found != nil && found.TokenSHA256 == c.TokenSHA256 && found.may(from)
}

// use goes on with a state, and cuts what it does not have.
func (h *Hub) use(next *state) {
	h.mu.Lock()
	h.state = next
	for key, u := range h.callers {
		name, caller, _ := strings.Cut(key, "\x00")
		agent, _ := next.file.Agents.Get(name)
		found := agent.caller(caller)
		if found != nil && found.TokenSHA256 != u.hash {
			found = nil
		}
		if found == nil {
			delete(h.callers, key)
		}
		if n := u.cut(found); n > 0 {
			h.log.Warn("streams of a pipeline were cut: the file does not allow them any more", "agent", name, "caller",
				caller, "streams", n)
		}
	}
	h.mu.Unlock()
	h.cut(time.Now())
}

// cut ends the sessions that the file does not allow any more.
func (h *Hub) cut(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, all := range h.sessions {
		for _, s := range all {
			if !s.IsClosed() && !h.state.accepts(name, s, now) {
				h.log.Warn("a session was cut: the file does not allow it any more, or its certificate has expired",
					"agent", name, "from", s.from)
				_ = s.Close()
			}
		}
	}
}
