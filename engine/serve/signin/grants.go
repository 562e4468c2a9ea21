package signin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/connection/auth"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/serve/signin/openid"
)

// openIDFile is the file of an OpenID provider: the provider, and what its people may do.
type openIDFile struct {
	Issuer       string           `yaml:"issuer" required:"true" doc:"The address of the OpenID provider, as it writes it itself."`
	ClientID     string           `yaml:"client_id" required:"true" doc:"The ID of this server as a client of the provider."`
	ClientSecret config.Secret    `yaml:"client_secret" doc:"The secret of the client. Leave it out for a client without one."`
	PersonClaim  string           `yaml:"person_claim" default:"email" doc:"The claim with a person's name. For email, the provider must say that the address is verified."`
	GroupsClaim  string           `yaml:"groups_claim" default:"groups" doc:"The claim with the groups of a person: a list, or one text."`
	Scopes       []string         `yaml:"scopes" doc:"What is asked for in addition to openid; email when it is left out."`
	TLS          authorities      `yaml:"tls" doc:"How the provider is verified."`
	Proxy        connection.Proxy `yaml:"proxy" doc:"The proxy: its address, or url, username and password below it. none uses no proxy."`
	Grants       []personGrant    `yaml:"grants" required:"true" doc:"Who may do what. A person who is in no grant is not signed in."`
}

// authorities are who signs the certificates of a provider.
type authorities struct {
	CAFile string `yaml:"ca_file" path:"true" doc:"PEM file of certificate authorities to trust in addition to the system's."`
}

// personGrant gives roles to people.
type personGrant struct {
	People    []string `yaml:"people" doc:"Names of people, as the provider writes them."`
	Groups    []string `yaml:"groups" doc:"Names of groups, as the provider writes them."`
	Roles     []string `yaml:"roles" required:"true" doc:"view, inspect, trigger or approve."`
	Pipelines []string `yaml:"pipelines" doc:"The names of the pipelines; all when it is left out."`
}

const codeInvalid = "invalid-value"

var (
	_ config.Validator = (*openIDFile)(nil)
	_ config.Validator = (*personGrant)(nil)
)

// Validate reports an address of a provider to which codes and secrets must not be sent.
func (f *openIDFile) Validate(report func(field, code, message, hint string)) {
	u, err := url.Parse(f.Issuer)
	switch {
	case f.Issuer == "":
		return
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "":
		report("issuer", codeInvalid, "not the address of an OpenID provider",
			"write it as the provider does, such as https://login.example.com")
	case u.Scheme == "http" && !auth.IsLoopback(u.Hostname()):
		report("issuer", codeInvalid, "the address starts with http: the secret of the client would be sent unencrypted",
			"write https://")
	}
	connection.ValidateAddress("issuer", f.Issuer, report)
}

// Validate reports a grant that gives nothing, or to none.
func (g *personGrant) Validate(report func(field, code, message, hint string)) {
	if len(g.People)+len(g.Groups) == 0 {
		report("", codeInvalid, "the grant has neither people nor groups", "write the names under people or groups")
	}
	for i, role := range g.Roles {
		switch at := fmt.Sprintf("roles.%d", i); {
		case Role(role) == Push:
			report(at, codeInvalid, "people do not push records: the role push is for tokens",
				"leave it out, and add a token: pipe serve token add")
		case !slices.Contains(Roles, Role(role)):
			report(at, codeInvalid, "not a role", "the roles are view, inspect, trigger and approve")
		}
	}
	for key, names := range map[string][]string{"people": g.People, "groups": g.Groups, "pipelines": g.Pipelines} {
		for i, name := range names {
			if name == "" {
				report(fmt.Sprintf("%s.%d", key, i), codeInvalid, "the name is empty", "write a name, or leave the line out")
			}
		}
	}
}

// OpenIDOptions are what the file of an OpenID provider does not have.
type OpenIDOptions struct {
	// Lookup returns the value of a variable of the file.
	Lookup func(name string) (string, bool)
	// Secrets receives the secret of the client.
	Secrets   *redact.Redactor
	Log       *slog.Logger
	Now       func() time.Time
	UserAgent string
}

// OpenID signs people in at an OpenID provider, and gives them the roles of its file. The grants
// of the file are read again when it changes; the other settings stay.
type OpenID struct {
	o        OpenIDOptions
	settings openIDFile // as the server started with them
	provider *openid.Provider
	attempts *attempts

	mu     sync.Mutex
	file   watched
	grants []personGrant
	err    error // why the file cannot be used; then it grants nothing
	logged error // the last failure of the provider in the log
}

// FileError means that the file of an OpenID provider is wrong.
type FileError struct {
	Problems config.Problems
	Source   []byte // of the file, without secrets
}

// Error returns the problems, one on each line.
func (e *FileError) Error() string { return e.Problems.Error() }

// Unwrap returns the problems.
func (e *FileError) Unwrap() error { return e.Problems }

// maxOpenIDFile is the maximum size of the file in bytes.
const maxOpenIDFile = 1 << 20

// OpenOpenID reads the file of an OpenID provider at path; it sends no request. It returns a
// *FileError when the file is wrong, and a *fault.StateError when it cannot be read or other users
// may change it.
func OpenOpenID(path string, o OpenIDOptions) (*OpenID, error) {
	p := &OpenID{o: o, file: watched{path: path}, attempts: newAttempts()}
	p.file.changed()
	settings, warnings, err := p.read()
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		o.Log.Warn(w.String())
	}
	p.settings, p.grants = *settings, settings.Grants
	cfg := connection.Default()
	cfg.TLS.CAFile, cfg.Proxy = settings.TLS.CAFile, settings.Proxy
	origin, err := config.Origin(settings.Issuer)
	if err != nil {
		return nil, err
	}
	transport, err := connection.ToProvider(cfg, origin, connection.Settings{Name: path, UserAgent: o.UserAgent,
		Redactor: o.Secrets, Log: o.Log})
	if err != nil {
		return nil, err
	}
	scopes := settings.Scopes
	if len(scopes) == 0 {
		scopes = []string{"email"}
	}
	scopes = slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == "openid" }) // always there
	p.provider = openid.New(openid.Settings{Issuer: settings.Issuer, ClientID: settings.ClientID, Secret: p.secret,
		Scopes: scopes, Transport: transport, Now: o.Now})
	return p, nil
}

// secret returns the secret of the client, which is read again.
func (p *OpenID) secret(ctx context.Context) (string, error) {
	s, err := p.settings.ClientSecret.Reload(ctx)
	if err == nil {
		p.o.Secrets.Add(s.Reveal())
	}
	return s.Reveal(), err
}

// read reads the file.
func (p *OpenID) read() (_ *openIDFile, warnings config.Problems, err error) {
	path := p.file.path
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, &fault.StateError{Err: fmt.Errorf("the file of the OpenID provider does not exist: %s", path),
			Remedy: "write it: pipelines/serve.md has an example"}
	case err != nil:
		return nil, nil, &fault.StateError{Err: err, Remedy: "make the file readable for this user"}
	case !info.Mode().IsRegular() || info.Size() > maxOpenIDFile:
		return nil, nil, &fault.StateError{Err: fmt.Errorf("%s is not a file of an OpenID provider", path),
			Remedy: "name the file with the issuer and the grants"}
	case info.Mode().Perm()&0o022 != 0 && runtime.GOOS != "windows":
		return nil, nil, &fault.StateError{Err: fmt.Errorf("%s can be changed by other users: its mode is %04o", path,
			info.Mode().Perm()), Remedy: "chmod go-w " + path + "; it decides who may approve"}
	}
	doc, problems := config.Load(path)
	var f openIDFile
	if p, ok := doc.Mistaken(config.OpenIDFile); ok {
		problems = append(problems, p)
	}
	if !problems.HasErrors() {
		problems = append(problems, config.Decode(doc.Root(), &f, &config.Variables{Lookup: p.o.Lookup})...)
	}
	if problems.HasErrors() {
		return nil, nil, &FileError{problems.Sorted().Errors(), doc.Source()}
	}
	p.o.Secrets.Add(f.ClientSecret.Reveal())
	return &f, problems, nil
}

// refresh reads the grants again when the file changed. The caller holds mu.
func (p *OpenID) refresh() {
	if !p.file.changed() {
		return
	}
	f, _, err := p.read()
	if p.err = err; err != nil {
		p.grants = nil
		p.o.Log.Error("the file of the OpenID provider cannot be used, so its people are not signed in", "error", err,
			"remedy", fault.RemedyOf(err))
		return
	}
	p.grants = f.Grants
	p.o.Log.Info("the grants of the OpenID provider were read again", "file", p.file.path)
	if was := &p.settings; f.Issuer != was.Issuer || f.ClientID != was.ClientID || f.PersonClaim != was.PersonClaim ||
		f.GroupsClaim != was.GroupsClaim || !slices.Equal(f.Scopes, was.Scopes) || f.TLS != was.TLS {
		p.o.Log.Warn("the file has other settings of the OpenID provider: they are used after the next start of the "+
			"server", "file", p.file.path)
	}
}

// Err returns why the file cannot be used now; nil when it can.
func (p *OpenID) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	return p.err
}

// principal returns a person who has signed in, with the roles that the file gives now; nil when
// it gives none.
func (p *OpenID) principal(name string, groups []string) *Principal {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	who := &Principal{Name: name, Person: true, Proven: true}
	for _, g := range p.grants {
		if !slices.ContainsFunc(g.People, func(one string) bool { return Canonical(one) == name }) &&
			!slices.ContainsFunc(g.Groups, func(one string) bool { return slices.Contains(groups, one) }) {
			continue
		}
		grant := Grant{Pipelines: g.Pipelines}
		if len(grant.Pipelines) == 0 {
			grant.Pipelines = []string{AllPipelines}
		}
		for _, role := range g.Roles {
			grant.Roles = append(grant.Roles, Role(role))
		}
		who.Grants = append(who.Grants, grant)
	}
	if len(who.Grants) == 0 {
		return nil
	}
	return who
}

// claims returns the claims that a sign-in needs.
func (p *OpenID) claims() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	claims := []string{p.settings.PersonClaim}
	if slices.ContainsFunc(p.grants, func(g personGrant) bool { return len(g.Groups) > 0 }) {
		claims = append(claims, p.settings.GroupsClaim)
	}
	return claims
}

// Pipelines returns the names of the pipelines in the grants.
func (p *OpenID) Pipelines() (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.grants {
		names = append(names, g.Pipelines...)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == AllPipelines })
}

// Host returns the host of the provider.
func (p *OpenID) Host() string {
	u, err := url.Parse(p.settings.Issuer)
	if err != nil {
		return p.settings.Issuer
	}
	return u.Host
}

// Check asks the provider for its metadata, and writes a line to the log when that fails.
func (p *OpenID) Check(ctx context.Context) {
	if err := p.provider.Check(ctx); err != nil && ctx.Err() == nil {
		p.failed(err)
	}
}

// failed writes why the provider cannot be used to the log, once for each attempt to reach it.
func (p *OpenID) failed(err error) {
	p.mu.Lock()
	again := err == p.logged
	p.logged = err
	p.mu.Unlock()
	if !again {
		p.o.Log.Error("people cannot sign in at the OpenID provider; the next sign-in tries it again",
			"issuer", p.settings.Issuer, "error", err, "remedy", strings.TrimSpace(fault.RemedyOf(err)))
	}
}
