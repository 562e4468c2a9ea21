package hub

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/display"
)

// state is what a hub works by: the file, and what was read for it. It does not change.
type state struct {
	file    *File
	doc     *brokerfile.Document
	pair    *connection.KeyPair
	clients *x509.CertPool // nil for none
	wrong   bool           // the file was changed and has problems; this is the rest of what was allowed
}

// Check reads the file of a hub and the files that it names, and opens nothing. It returns warnings, the
// text of the file, and the errors of Read.
func Check(path string, lookup func(string) (string, bool)) (config.Problems, []byte, error) {
	s, err := load(path, lookup)
	if err != nil {
		return nil, nil, err
	}
	return s.doc.Warnings, s.doc.Source, nil
}

func load(path string, lookup func(string) (string, bool)) (*state, error) {
	file, doc, err := Read(path, brokerfile.Options{Lookup: lookup})
	if err != nil {
		return nil, err
	}
	s := &state{file: file, doc: doc}
	var problems config.Problems
	files := doc.Root.Get("tls")
	if s.pair, err = connection.LoadKeyPair(connection.PairFiles{CertFile: file.TLS.CertFile, KeyFile: file.TLS.KeyFile,
		CertSetting: "tls.cert_file", KeySetting: "tls.key_file"}); err != nil {
		problems = append(problems, files.Get("cert_file").Problem(codeHub, err.Error(),
			"name the PEM files of the hub's certificate and its key"))
	}
	if name := file.TLS.ClientCAFile; name != "" {
		pem, err := os.ReadFile(name)
		s.clients = x509.NewCertPool()
		if err == nil && !s.clients.AppendCertsFromPEM(pem) {
			err = errors.New(name + " has no PEM certificate")
		}
		if err != nil {
			problems = append(problems, files.Get("client_ca_file").Problem(codeHub, "tls.client_ca_file: "+err.Error(),
				"name the PEM file of the authority that issues the certificates of agents"))
		}
	}
	if problems.HasErrors() {
		return nil, &brokerfile.Error{Problems: problems.Sorted(), Source: doc.Source, Root: doc.Root}
	}
	return s, nil
}

// files are those whose change is a change of the state. The certificate of the hub is not among them:
// its files are read again by themselves.
func (s *state) files(path string) []string { return []string{path, s.file.TLS.ClientCAFile} }

// rest returns what a wrong file, nil for one that says nothing, leaves of the state: the agents and
// pipelines that it says as before, and its min_version when that is higher.
func (s *state) rest(now *config.Node) *state {
	out, file := *s, *s.file
	out.wrong = true
	file.Agents = nil
	for _, a := range s.file.Agents {
		was, is := s.doc.Root.Get("agents").Get(a.Key), now.Get("agents").Get(a.Key)
		if is == nil || !sameBut(was, is, "callers") {
			continue
		}
		kept := a.Value
		kept.Callers = nil
		for _, c := range a.Value.Callers {
			if n := find(is, c.TokenSHA256); n != nil && brokerfile.Same(find(was, c.TokenSHA256), n) {
				kept.Callers = append(kept.Callers, c)
			}
		}
		a.Value = kept
		file.Agents = append(file.Agents, a)
	}
	if least := now.Get("min_version").Text(); semver.Compare(least, file.MinVersion) > 0 {
		file.MinVersion = least
	}
	out.file = &file
	return &out
}

// sameBut reports whether two mappings are the same without a key.
func sameBut(a, b *config.Node, without string) bool {
	for _, pair := range [][2]*config.Node{{a, b}, {b, a}} {
		for _, e := range pair[0].Entries() {
			if e.Key != without && !brokerfile.Same(e.Value, pair[1].Get(e.Key)) {
				return false
			}
		}
	}
	return true
}

func find(agent *config.Node, hash string) *config.Node {
	for _, c := range agent.Get("callers").Items() {
		if c.Get("token_sha256").Text() == hash {
			return c
		}
	}
	return nil
}

// accepts reports whether a session is one of an agent of the file, by a certificate that is valid.
func (s *state) accepts(name string, one *session, now time.Time) bool {
	agent, known := s.file.Agents.Get(name)
	if !known || !agent.is(one.identity) {
		return false
	}
	if least := s.file.MinVersion; least != "" && semver.Compare(one.version, least) < 0 {
		return false
	}
	if len(one.chain) == 0 {
		return agent.Certificate == ""
	}
	between := x509.NewCertPool()
	for _, c := range one.chain[1:] {
		between.AddCert(c)
	}
	_, err := one.chain[0].Verify(x509.VerifyOptions{Roots: s.clients, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return s.clients != nil && err == nil
}

// tlsConfig is what the hub speaks with the next connection.
func (h *Hub) tlsConfig(*tls.ClientHelloInfo) (*tls.Config, error) {
	now := h.now()
	c := &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: now.clients,
		NextProtos:             []string{"http/1.1"},
		SessionTicketsDisabled: true, // each connection shows its certificate
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return now.pair.Current(), nil }}
	if now.clients == nil {
		c.ClientAuth = tls.NoClientCert
	}
	return c, nil
}

// describe says in a few words what there is.
func (s *state) describe() string {
	var names []string
	callers := 0
	for _, a := range s.file.Agents {
		names = append(names, a.Key)
		callers += len(a.Value.Callers)
	}
	return "agents [" + strings.Join(names, ", ") + "], " + display.Plural(callers, "pipeline")
}
