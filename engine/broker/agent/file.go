package agent

import (
	"net/url"
	"regexp"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/broker/policy"
	"github.com/pipe-engine/pipe/engine/broker/requestlog"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
)

// File is what the file of an agent has.
type File struct {
	Version    int                `yaml:"version" required:"true" min:"1" max:"1" doc:"1."`
	Secrets    *config.Node       `yaml:"secrets" doc:"Where ${secret:NAME} finds its value: a provider and its settings, as in a pipeline file."`
	Name       string             `yaml:"name" required:"true" doc:"The name of the agent, as the hub and the pipelines write it."`
	KeyFile    string             `yaml:"key_file" path:"true" required:"true" doc:"The private key that pipelines know by its pin; pipe agent key writes it."`
	Hub        Hub                `yaml:"hub" required:"true" doc:"The hub that the agent dials."`
	Callers    []Caller           `yaml:"callers" doc:"The pipelines that may ask. Removing one cuts it."`
	Targets    config.Map[Target] `yaml:"targets" doc:"The servers, by the name that pipelines write as https://NAME."`
	Audit      requestlog.Config  `yaml:"audit" required:"true" doc:"The log of all requests."`
	Concurrent int                `yaml:"concurrent" default:"64" min:"1" max:"1024" doc:"How many streams may be open at once."`
}

// Hub is the hub.
type Hub struct {
	URL   string           `yaml:"url" required:"true" doc:"The address of the hub, as https://hub.example.com:8443."`
	Token config.Secret    `yaml:"token" doc:"The token of the agent, where it has no certificate under tls."`
	TLS   connection.TLS   `yaml:"tls" doc:"How the hub is verified, and the certificate of the agent."`
	Proxy connection.Proxy `yaml:"proxy" doc:"The proxy: its address, or url, username and password below it. none uses no proxy. Without it HTTPS_PROXY and NO_PROXY apply."`
}

// Caller is a pipeline that may ask.
type Caller struct {
	Name        string `yaml:"name" required:"true" doc:"For the audit log."`
	TokenSHA256 string `yaml:"token_sha256" required:"true" doc:"The hash of its token for the agent, as pipe agent token prints it."`
}

// Target is a server.
type Target struct {
	URL   string        `yaml:"url" required:"true" doc:"Its address."`
	Token config.Secret `yaml:"token" doc:"A token that is sent with each request; the short form of bearer under auth."`
	Allow policy.Rules  `yaml:"allow" required:"true" doc:"The requests that are allowed. The first rule with this method and path decides, and everything else is denied."`

	connection.Config `yaml:",inline"`
}

const codeAgent = "agent"

var (
	_ config.Validator = (*File)(nil)
	_ config.Validator = (*Caller)(nil)
	_ config.Validator = (*Target)(nil)
)

// targetName is what may be the host of https://NAME.
var targetName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Validate reports settings that cannot be used.
func (f *File) Validate(report func(field, code, message, hint string)) {
	if u, err := url.Parse(f.Hub.URL); f.Hub.URL != "" && (err != nil || u.Scheme != "https" || u.Path != "" &&
		u.Path != "/") {
		report("hub.url", codeAgent, "the address of a hub is https://, a host and a port",
			"write it as https://hub.example.com:8443, also on this machine")
	}
	if !f.Hub.Token.IsGiven() && f.Hub.TLS.CertFile == "" {
		report("hub", codeAgent, "the agent has no identity for the hub",
			"set token, or cert_file and key_file below tls")
	}
	if f.Name != "" && !tunnel.IsName(f.Name) {
		report("name", codeAgent, "not a name that an agent can have", tunnel.NameHint)
	}
	names, hashes := map[string]bool{}, map[string]bool{}
	for _, c := range f.Callers {
		if names[c.Name] || hashes[c.TokenSHA256] && c.TokenSHA256 != "" {
			report("callers", codeAgent, "two pipelines have the same name or the same token",
				"give each a name and a token of its own")
			break
		}
		names[c.Name], hashes[c.TokenSHA256] = true, true
	}
	for _, t := range f.Targets {
		if !targetName.MatchString(t.Key) {
			report("targets", codeAgent, "the target "+t.Key+" has a name that no address can have",
				"use lower-case letters, digits and hyphens")
		}
	}
}

// Validate reports a pipeline that cannot be used.
func (c *Caller) Validate(report func(field, code, message, hint string)) {
	if c.TokenSHA256 != "" && !tunnel.IsHash(c.TokenSHA256) {
		report("token_sha256", codeAgent, "not a hash", "copy it from the output of pipe agent token")
	}
}

// Validate reports a target that cannot be used.
func (t *Target) Validate(report func(field, code, message, hint string)) {
	t.Config.Validate(report)
	t.ValidateToken("token", t.Token, report)
	connection.ValidateAddress("url", t.URL, report)
	t.ValidateEncryption("url", t.URL, t.Token, report)
}

// Read reads the file of an agent. Its errors are those of brokerfile.Read.
func Read(path string, presets policy.Presets, o brokerfile.Options) (*File, *brokerfile.Document, error) {
	var f File
	o.Format = config.AgentFile
	o.Check = func(root *config.Node) config.Problems { return f.check(root, presets) }
	doc, err := brokerfile.Read(path, &f, o)
	if err != nil {
		return nil, nil, err
	}
	return &f, doc, nil
}

// check returns the problems of presets, and of secrets that are stored for other addresses.
func (f *File) check(root *config.Node, presets policy.Presets) config.Problems {
	problems := config.CheckOrigins(&f.Hub, f.Hub.URL)
	for _, t := range f.Targets {
		rules := root.Get("targets").Get(t.Key).Get("allow").Items()
		t.Value.Allow.ValidatePresets(presets, func(i int, message, hint string) {
			if i < len(rules) {
				problems = append(problems, rules[i].Get("preset").Problem(codeAgent, message, hint))
			}
		})
		problems = append(problems, config.CheckOrigins(&t.Value, t.Value.URL)...)
	}
	return problems
}
