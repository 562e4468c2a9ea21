package hub

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

type session struct {
	*tunnel.Session
	identity string // of the certificate or the token
	version  string
	from     string
	since    time.Time
	chain    []*x509.Certificate // that it has shown; empty for a token
}

// is reports whether an identity is that of the agent.
func (a Agent) is(identity string) bool {
	if a.TokenSHA256 != "" {
		return identity == "token "+a.TokenSHA256
	}
	return strings.HasPrefix(identity, "certificate "+a.Certificate+" ")
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
