package hub

import (
	"net/netip"

	"golang.org/x/mod/semver"

	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/config"
)

// File is what the file of a hub has.
type File struct {
	Version    int               `yaml:"version" required:"true" min:"1" max:"1" doc:"1."`
	Listen     string            `yaml:"listen" required:"true" doc:"The address for agents and pipelines, as 0.0.0.0:8443."`
	Status     string            `yaml:"status" doc:"The address of /healthz, /readyz and /metrics, for the inside alone, as 127.0.0.1:9102. Without it there is none."`
	TLS        serverTLS         `yaml:"tls" required:"true" doc:"The certificate of the hub, and the authority of its agents."`
	MinVersion string            `yaml:"min_version" doc:"The lowest version of agents, as v1.4.0. Older ones are refused."`
	Agents     config.Map[Agent] `yaml:"agents" doc:"The agents, by name. Removing one cuts it."`
}

type serverTLS struct {
	CertFile     string `yaml:"cert_file" path:"true" required:"true" doc:"PEM file of the hub's certificate."`
	KeyFile      string `yaml:"key_file" path:"true" required:"true" doc:"PEM file of its key."`
	ClientCAFile string `yaml:"client_ca_file" path:"true" doc:"PEM file of the authority that issues the certificates of agents."`
}

// Agent is an agent and the pipelines that may use it.
type Agent struct {
	Certificate string   `yaml:"certificate" doc:"The name in its client certificate: a DNS name or the common name."`
	TokenSHA256 string   `yaml:"token_sha256" doc:"The hash of its token, as pipe agent token prints it. Instead of certificate."`
	HA          int      `yaml:"ha" default:"1" min:"1" max:"16" doc:"How many sessions it may have at once."`
	Callers     []Caller `yaml:"callers" doc:"The pipelines that may use it. Removing one cuts it."`
}

// Caller is a pipeline.
type Caller struct {
	Name         string       `yaml:"name" required:"true" doc:"For the log and the metrics."`
	TokenSHA256  string       `yaml:"token_sha256" required:"true" doc:"The hash of its token for the hub, as pipe agent token prints it."`
	From         []string     `yaml:"from" doc:"The networks from which it may come, as 10.0.0.0/8. All when it is left out."`
	Concurrent   int          `yaml:"concurrent" default:"64" min:"1" doc:"How many streams it may have at once."`
	PerSecond    int          `yaml:"per_second" default:"50" min:"1" doc:"How many streams it may open in a second."`
	BytesPerHour config.Bytes `yaml:"bytes_per_hour" default:"50GiB" min:"1KiB" doc:"How much may be relayed for it in an hour."`
}

const codeHub = "hub"

var (
	_ config.Validator = (*File)(nil)
	_ config.Validator = (*Agent)(nil)
	_ config.Validator = (*Caller)(nil)
)

// Validate reports settings that cannot be used.
func (f *File) Validate(report func(field, code, message, hint string)) {
	if f.MinVersion != "" && !semver.IsValid(f.MinVersion) {
		report("min_version", codeHub, "not a version", "write it as v1.4.0")
	}
	owner := map[string]string{} // of an identity
	for _, a := range f.Agents {
		if !tunnel.IsName(a.Key) {
			report("agents", codeHub, "the agent "+a.Key+" has a name that cannot be a part of an address", tunnel.NameHint)
		}
		identity := a.Value.Certificate + " " + a.Value.TokenSHA256
		if other, is := owner[identity]; is && identity != " " {
			report("agents", codeHub, "the agents "+other+" and "+a.Key+" have the same certificate or token",
				"give each an identity of its own")
		}
		owner[identity] = a.Key
		if a.Value.Certificate != "" && f.TLS.ClientCAFile == "" {
			report("tls", codeHub, "agents have certificates, and no authority is set for them", "add client_ca_file")
		}
	}
}

// Validate reports an agent without exactly one identity.
func (a *Agent) Validate(report func(field, code, message, hint string)) {
	switch {
	case (a.Certificate == "") == (a.TokenSHA256 == ""):
		report("certificate token_sha256", codeHub, "an agent has exactly one of certificate and token_sha256",
			"keep one of the two")
	case a.TokenSHA256 != "" && !tunnel.IsHash(a.TokenSHA256):
		report("token_sha256", codeHub, "not a hash", "copy it from the output of pipe agent token")
	}
	names, hashes := map[string]bool{}, map[string]bool{}
	for _, c := range a.Callers {
		if names[c.Name] || hashes[c.TokenSHA256] && c.TokenSHA256 != "" {
			report("callers", codeHub, "two pipelines have the same name or the same token",
				"give each a name and a token of its own")
			break
		}
		names[c.Name], hashes[c.TokenSHA256] = true, true
	}
}

// Validate reports a pipeline that cannot be used.
func (c *Caller) Validate(report func(field, code, message, hint string)) {
	if c.TokenSHA256 != "" && !tunnel.IsHash(c.TokenSHA256) {
		report("token_sha256", codeHub, "not a hash", "copy it from the output of pipe agent token")
	}
	if _, err := c.networks(); err != nil {
		report("from", codeHub, "not a network", "write it as 10.0.0.0/8")
	}
}

func (c *Caller) networks() (out []netip.Prefix, err error) {
	for _, text := range c.From {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// may reports whether it may come from an address.
func (c *Caller) may(from netip.Addr) bool {
	all, err := c.networks()
	if err != nil || len(c.From) == 0 {
		return err == nil
	}
	for _, p := range all {
		if p.Contains(from.Unmap()) {
			return true
		}
	}
	return false
}

// Read reads the file of a hub. Its errors are those of brokerfile.Read.
func Read(path string, o brokerfile.Options) (*File, *brokerfile.Document, error) {
	var f File
	o.Format = config.HubFile
	doc, err := brokerfile.Read(path, &f, o)
	if err != nil {
		return nil, nil, err
	}
	return &f, doc, nil
}
