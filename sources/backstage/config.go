package backstage

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/policy"
	"github.com/pipe-engine/pipe/engine/broker/requestlog"
	"github.com/pipe-engine/pipe/engine/broker/via"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// Config is the block source.backstage of a pipeline file.
type Config struct {
	Preset      string           `yaml:"preset" enum:"roadie" doc:"Defaults for a hosted Backstage: its address, page size, concurrency and retries. roadie is Roadie."`
	URL         string           `yaml:"url" required:"preset" doc:"Address of the Backstage backend, without /api/catalog. Required without preset."`
	UIURL       string           `yaml:"ui_url" doc:"Address at which people open Backstage, if it differs from url."`
	Page        string           `yaml:"page" default:"{ui_url}/catalog/{namespace}/{kind}/{name}" doc:"Address of an entity's page; {ui_url}, {kind}, {namespace} and {name} are replaced, the last three in lower case."`
	Token       config.Secret    `yaml:"token" doc:"Token from backend.auth.externalAccess; empty if anonymous reads are allowed."`
	PageSize    int              `yaml:"page_size" default:"500" min:"1" max:"10000" doc:"Entities in one request; fewer are requested while Backstage is slow."`
	Concurrency int              `yaml:"concurrency" default:"2" min:"1" max:"16" doc:"Kinds that are read at the same time."`
	Kinds       config.Map[bool] `yaml:"kinds" doc:"Which kinds to read, including custom ones; by default Backstage's own kinds."`
	Filters     []Filter         `yaml:"filters" doc:"Reads only entities that satisfy one of these: mappings of a field's path to its value or values, or Backstage's own filter text; one that names no kind does not affect User and Group."`
	// SkipUnreadable are full refs.
	SkipUnreadable []string `yaml:"skip_unreadable" doc:"Refs of entities that Backstage answers with an error. Each is rejected and named, and all others are read. An entity that is not listed fails the run."`

	TechDocs TechDocs `yaml:"techdocs" doc:"Documentation of entities. Each page is found by exactly the people who find its entity."`

	Via   *via.Config        `yaml:"via" doc:"Reaches the Backstage through a hub and an agent in its network. url is https:// and the name of the target in the file of the agent; tls and proxy are for the hub."`
	Allow policy.Rules       `yaml:"allow" doc:"The only requests that may be sent: others fail the run. Without it, those that this source needs."`
	Audit *requestlog.Config `yaml:"audit" doc:"A log of all requests to Backstage, for whoever answers for it. A request that cannot be written there is not sent."`

	connection.Config `yaml:",inline"`
}

var _ config.Validator = (*Config)(nil)

var _ config.Presetter = (*Config)(nil)

// ApplyPreset sets the defaults of a hosted Backstage. A hosted API counts requests per tenant,
// so pages are larger than needed for speed, read one at a time, and retried for longer.
func (c *Config) ApplyPreset(name string) {
	if name == "roadie" {
		c.URL = "https://api.roadie.so"
		c.PageSize, c.Concurrency = 500, 1
		c.Retries.Attempts, c.Retries.Within = 10, config.Duration(30*time.Minute)
	}
}

const codeBackstage = "backstage"

// Validate reports settings that cannot be used.
func (c *Config) Validate(report func(field, code, message, hint string)) {
	c.Config.Validate(report)
	c.Config.ValidateToken("token", c.Token, report)
	connection.ValidateAddress("url", c.URL, report)
	c.ValidateEncryption("url", c.URL, c.Token, report)
	if c.Via != nil {
		via.ValidateTarget("url", c.URL, c.Token, c.Config, report)
	}
	c.Allow.ValidatePresets(Presets(), func(i int, message, hint string) {
		report(fmt.Sprintf("allow.%d.preset", i), codeBackstage, message, hint)
	})
	validateAddress("url", c.URL, report)
	if _, request := connection.BelowAPI(c.URL, plugins...); request && isAddress(c.URL) && !c.throughProxy() {
		report("url", codeBackstage, "the address includes a path of Backstage's API",
			"remove /api and everything after it: requests go to /api/catalog/… below the address")
	}
	for i, text := range c.SkipUnreadable {
		if _, _, _, ok := ref.Split(text); !ok {
			report(fmt.Sprintf("skip_unreadable.%d", i), codeBackstage, fmt.Sprintf("%q is not an entity ref", text),
				"write kind:namespace/name, as component:default/payments")
		}
	}
	c.validateModel(report)
}

// validateModel reports settings of the model that cannot be used.
func (c *Config) validateModel(report func(field, code, message, hint string)) {
	validateAddress("ui_url", c.UIURL, report)
	if unknown := unknownPlaceholder(c.Page); unknown != "" {
		report("page", codeBackstage, "unknown placeholder", "use {ui_url}, {kind}, {namespace} and {name}")
	} else if c.Page != "" && !strings.Contains(c.Page, "{name}") {
		report("page", codeBackstage, "all entities would have the same page", "put {name} in it")
	}
	var seen []string
	on := len(c.Kinds) == 0
	for _, k := range c.Kinds {
		folded := strings.ToLower(k.Key)
		field := "kinds"
		if isKind(k.Key) { // other keys may contain characters of a path
			field += "." + k.Key + ":"
		}
		switch {
		case !isKind(k.Key):
			report(field, codeBackstage, "not a kind: "+k.Key, "kinds are letters and digits, as Component")
		case nearMiss(k.Key) != "":
			report(field, codeBackstage, "there is no kind "+k.Key, "did you mean "+nearMiss(k.Key)+"?")
		case slices.Contains(seen, folded):
			report(field, codeBackstage, k.Key+" is listed twice", "kinds are not case-sensitive here; remove "+
				"one of the two")
		}
		seen = append(seen, folded)
		on = on || k.Value
	}
	if !on {
		report("kinds", codeBackstage, "every kind is switched off", "switch on the kinds to read")
	}
}

// plugins are Backstage plugins with an API; people may copy an address of one.
var plugins = []string{"catalog", "auth", "app", "events", "permission", "proxy", "scaffolder", "search", "techdocs"}

var _ config.Cautioner = (*Config)(nil)

// Caution warns about an address that is probably a mistake.
func (c *Config) Caution(report func(field, code, message, hint string)) {
	c.CautionAddress("url", c.URL, c.Token, report)
	if below, request := connection.BelowAPI(c.URL, plugins...); below && !request && !c.throughProxy() {
		report("url", codeBackstage, "the address contains /api, so requests go to …/api/…/api/catalog",
			"remove /api and everything after it, unless a gateway in front of Backstage needs it")
	}
}

// throughProxy reports whether the address is an entry of the proxy plugin of a Backstage,
// behind which there is another one.
func (c *Config) throughProxy() bool {
	_, entry, found := strings.Cut(c.URL, "/api/proxy/")
	return found && entry != "" && !strings.Contains(entry, "/")
}

// nearMiss returns the well-known kind that a name may misspell; "" for a
// well-known kind and for a custom one, such as AiResource.
func nearMiss(kind string) string {
	if _, ok := spelt(kind); ok || kind == "" {
		return ""
	}
	near := config.Nearest(kind, known)
	if near == "" || !strings.EqualFold(near[:1], kind[:1]) || len(near)-len(kind) > 1 || len(kind)-len(near) > 1 {
		return ""
	}
	return near
}

func validateAddress(field, address string, report func(field, code, message, hint string)) {
	if address != "" && !isAddress(address) {
		report(field, codeBackstage, "not an address",
			"write http:// or https:// and a host, as https://backstage.example.com")
	}
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		u.RawQuery == "" && u.Fragment == ""
}

// isKind accepts the same as Backstage's validator, and also - and _.
func isKind(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// uiURL is where people open Backstage, without a slash at the end.
func (c *Config) uiURL() string {
	if c.UIURL != "" {
		return strings.TrimRight(c.UIURL, "/")
	}
	return strings.TrimRight(c.URL, "/")
}
