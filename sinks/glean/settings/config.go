package settings

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Config is the block sink.glean of a pipeline file.
type Config struct {
	Instance          string               `yaml:"instance" doc:"The name of the instance: acme for https://acme-be.glean.com."`
	ServerURL         string               `yaml:"server_url" doc:"The full address, instead of instance; the About page of Glean shows it."`
	Token             config.Secret        `yaml:"token" required:"true" doc:"An indexing token whose scope includes the datasource."`
	Batch             Batch                `yaml:"batch" doc:"The limits of a page of an upload, whichever is reached first."`
	Concurrency       int                  `yaml:"concurrency" default:"4" min:"1" max:"16" doc:"Pages that are sent at the same time."`
	RequestsPerSecond float64              `yaml:"requests_per_second" default:"25" min:"0" doc:"The maximum of requests a second, below Glean's limit of 30; 0 means no limit."`
	RecoveryWait      config.Duration      `yaml:"recovery_wait" default:"60s" min:"1ms" max:"10m" doc:"How long to look for an upload in Glean's status when the answer to its first or last page was lost."`
	Datasource        api.DatasourceConfig `yaml:"datasource" doc:"The datasource, with Glean's field names. Settings that a run depends on are compared with Glean's."`
	Properties        []Property           `yaml:"properties" doc:"Custom properties of several object types, each written once, in the order of their facets. A property that a mapping sets and no definition names is text without a facet."`
	connection.Config `yaml:",inline"`
}

// RemovedKeys returns what replaced the keys that sink.glean no longer has.
func (c *Config) RemovedKeys() map[string]string {
	return map[string]string{"confirm": "remove it. A run waits for Glean only with `pipe run --wait` or `--wait=30m`; " +
		"in a terminal it waits up to 10 s"}
}

// Batch bounds a page.
type Batch struct {
	Documents int          `yaml:"documents" default:"500" min:"1" max:"1000" doc:"Items in a page."`
	Bytes     config.Bytes `yaml:"bytes" default:"4MiB" min:"1KiB" max:"10MiB" doc:"Bytes in a page; a larger item is a page of its own."`
}

var (
	_ config.Validator  = (*Config)(nil)
	_ config.KeyRemover = (*Config)(nil)
)

// codeGlean is the code of the problems below.
const codeGlean = "glean"

var (
	instanceName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)
	datasourceName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
)

// Validate reports settings that cannot be used.
func (c *Config) Validate(report func(field, code, message, hint string)) {
	c.Config.Validate(report)
	c.Config.ValidateToken("token", c.Token, report)
	connection.ValidateAddress("server_url", c.ServerURL, report)
	c.ValidateEncryption("server_url", c.ServerURL, c.Token, report)
	switch {
	case c.Instance == "" && c.ServerURL == "":
		report("instance server_url", codeGlean, "the address of Glean is missing",
			"set instance to its name, or server_url to its whole address")
	case c.Instance != "" && c.ServerURL != "":
		report("server_url instance", codeGlean, "instance and server_url both set the address",
			"keep one of the two")
	case strings.HasSuffix(c.Instance, "-be"):
		report("instance", codeGlean, "the name of the instance is written without -be",
			"write "+strings.TrimSuffix(c.Instance, "-be")+"; the address of its backend follows from it")
	case c.Instance != "" && !instanceName.MatchString(c.Instance):
		report("instance", codeGlean, "not the name of an instance",
			"write acme for https://acme-be.glean.com, or give the whole address as server_url")
	case c.ServerURL != "" && !isAddress(c.Address()):
		report("server_url", codeGlean, "not an address", "write https:// and a host, as https://acme-be.glean.com; "+
			"credentials belong under token or headers")
	}
	if c.ofRequest() && isAddress(c.Address()) {
		report("server_url", codeGlean, "the address includes a path of Glean's API",
			"write the host alone, as https://acme-be.glean.com: /api/index/v1/… is added when a request is made")
	}
	validateDatasource(c.Datasource, report)
	c.validateProperties(report)
}

// Label is how an object definition is called in messages.
func Label(name string) string {
	if name == "" {
		return "the default object type"
	}
	return "object type " + name
}

// WellFormed reports whether a name may be an objectType.
func WellFormed(objectType string) bool { return !strings.ContainsAny(objectType, " _\t\n") }

// compileURLRegex compiles an expression that a whole viewURL must match; nil for an empty
// one.
func compileURLRegex(s string) (*regexp.Regexp, error) {
	if s == "" {
		return nil, nil
	}
	return regexp.Compile("^(?:" + s + ")$")
}

// DatasourceConfig is the datasource in the form sent to Glean: quick links that begin with
// / are relative to homeUrl.
func (c *Config) DatasourceConfig() api.DatasourceConfig {
	d := c.Datasource
	for _, decides := range []**bool{&d.IsUserReferencedByEmail, &d.IsEntityDatasource} {
		if *decides == nil { // settings that items depend on must not be left to Glean's config
			*decides = new(bool)
		}
	}
	d.Quicklinks = slices.Clone(d.Quicklinks)
	for i, q := range d.Quicklinks {
		if strings.HasPrefix(q.URL, "/") {
			d.Quicklinks[i].URL = d.HomeURL + q.URL
		}
	}
	return d
}

func IsTrue(b *bool) bool { return b != nil && *b }
