package agent

import (
	"cmp"
	"crypto/tls"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/broker/policy"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// checkFiles is what to do about files below tls that cannot be read.
const checkFiles = "check the paths below tls: each names a PEM file that the user of the agent may read"

// state is what an agent works by: the file, and what was opened for it. It does not change.
type state struct {
	file     *File
	doc      *brokerfile.Document
	own      tls.Certificate
	pin      string
	hub      *connection.Connection
	hubFiles string // brokerfile.State of the authority of the hub and the files of its secrets
	targets  map[string]*target
	wrong    bool // the file was changed and has problems; this is the rest of what was allowed
}

// load reads the file and opens what it names. It returns the errors of Read, with those of the files
// that the file names.
func load(path string, o Options) (*state, error) {
	file, doc, err := Read(path, o.Presets, brokerfile.Options{Lookup: o.Lookup, UserAgent: "pipe-agent/" + o.Version,
		Redactor: o.Redactor, Log: o.Log})
	if err != nil {
		return nil, err
	}
	for _, s := range config.Secrets(file) {
		o.Redactor.Add(s.Reveal())
	}
	s := &state{file: file, doc: doc, targets: map[string]*target{},
		hubFiles: brokerfile.State(filesOf(&file.Hub, file.Hub.TLS)...)}
	var problems config.Problems
	wrong := func(at *config.Node, err error, remedy string) {
		problems = append(problems, at.Problem(codeAgent, o.Redactor.Clean(err.Error()), remedy))
	}
	if s.own, s.pin, err = tunnel.LoadKey(file.KeyFile); err != nil {
		remedy := "write a key with pipe agent key " + file.KeyFile
		if errors.Is(err, fs.ErrPermission) {
			remedy = "let the user that runs the agent read the file: chown USER " + file.KeyFile
		}
		wrong(doc.Root.Get("key_file"), err, remedy)
	}
	cfg := connection.Default()
	cfg.TLS, cfg.Proxy = file.Hub.TLS, file.Hub.Proxy
	if s.hub, err = connection.New(cfg, connection.Settings{Name: "hub", URL: file.Hub.URL, Token: file.Hub.Token,
		UserAgent: "pipe-agent/" + o.Version, HTTP1: true, Redactor: o.Redactor, Log: o.Log,
		Allow: func(string, string) bool { return false }}); err != nil {
		wrong(doc.Root.Get("hub"), err, cmp.Or(fault.RemedyOf(err), checkFiles))
	}
	for _, one := range file.Targets {
		if s.targets[one.Key], err = openTarget(one.Key, one.Value, o); err != nil {
			wrong(doc.Root.Get("targets").Get(one.Key), err, cmp.Or(fault.RemedyOf(err), checkFiles))
		}
	}
	if problems.HasErrors() {
		return nil, &brokerfile.Error{Problems: problems.Sorted(), Source: doc.Source, Root: doc.Root}
	}
	return s, nil
}

func openTarget(name string, cfg Target, o Options) (t *target, err error) {
	t = &target{name: name, timeout: time.Duration(cfg.Timeout), largest: int64(cfg.MaxResponse)}
	if t.policy, err = policy.New(cfg.Allow, o.Presets); err != nil {
		return nil, err
	}
	if t.conn, err = connection.New(cfg.Config, connection.Settings{Name: name, URL: cfg.URL, Token: cfg.Token,
		UserAgent: "pipe-agent/" + o.Version, InsecureRemote: true, Redactor: o.Redactor, Log: o.Log,
		Allow: func(string, string) bool { return false }}); err != nil {
		return nil, err
	}
	t.base, err = url.Parse(cfg.URL)
	return t, err
}

// files are those whose change is a change of the state. Client certificates are not among them: their
// files are read again by themselves.
func (s *state) files(path string) []string {
	out := append([]string{path, s.file.KeyFile}, filesOf(&s.file.Hub, s.file.Hub.TLS)...)
	for i := range s.file.Targets {
		t := &s.file.Targets[i].Value
		out = append(out, filesOf(t, t.TLS)...)
	}
	return out
}

// filesOf are the authority and the files of the secrets of a part of the file.
func filesOf(part any, tls connection.TLS) []string {
	out := []string{tls.CAFile}
	for _, s := range config.Secrets(part) {
		out = append(out, s.File())
	}
	return out
}

// sameHub reports whether a connection to the hub may go on after the file was read again.
func (s *state) sameHub(other *state) bool {
	return s.pin == other.pin && s.file.Name == other.file.Name && s.hubFiles == other.hubFiles &&
		brokerfile.Same(s.doc.Root.Get("hub"), other.doc.Root.Get("hub"))
}

// rest returns what a wrong file, nil for one that says nothing, leaves of the state: the parts that it
// says as before.
func (s *state) rest(now *config.Node) *state {
	out, file := *s, *s.file
	out.wrong, out.targets = true, map[string]*target{}
	before := s.doc.Root
	same := func(key string) bool { return brokerfile.Same(before.Get(key), now.Get(key)) }
	all := same("name") && same("hub") && same("key_file") && same("secrets")
	file.Callers = slices.DeleteFunc(slices.Clone(file.Callers), func(c Caller) bool {
		was := find(before.Get("callers"), c.TokenSHA256)
		return !all || was == nil || !brokerfile.Same(was, find(now.Get("callers"), c.TokenSHA256))
	})
	for name, t := range s.targets {
		if n := now.Get("targets").Get(name); n != nil && brokerfile.Same(before.Get("targets").Get(name), n) {
			out.targets[name] = t
		}
	}
	out.file = &file
	return &out
}

func find(callers *config.Node, hash string) *config.Node {
	for _, c := range callers.Items() {
		if c.Get("token_sha256").Text() == hash {
			return c
		}
	}
	return nil
}

// permits reports whether a request is allowed.
func (s *state) permits(r *http.Request) bool {
	t := s.targets[r.Host]
	return t != nil && s.caller(r) != "" && t.policy.Decide(r.Method, r.RequestURI, max(0, r.ContentLength)).Allowed
}

// describe says in a few words what there is.
func (s *state) describe() string {
	return display.Plural(len(s.file.Callers), "pipeline") + ", " + display.Plural(len(s.targets), "target")
}

func (s *state) close() {
	s.hub.Close()
	for _, t := range s.targets {
		t.conn.Close()
	}
}
