package settings

import (
	"net"
	"net/url"
	"path"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
)

// Address is Glean's address, "" when it is not known.
func (c *Config) Address() string {
	if c.ServerURL != "" {
		return strings.TrimRight(c.ServerURL, "/")
	}
	if c.Instance != "" {
		return "https://" + c.Instance + "-be.glean.com"
	}
	return ""
}

// isAddress reports whether the connection accepts a text as the address of a server: it has
// no user, query or fragment, which might contain credentials.
func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && (u.Path == "" || path.Clean(u.Path) == u.Path)
}

// ofRequest reports whether the address is one of a request: of the indexing API, or of
// the client's, which is below /rest.
func (c *Config) ofRequest() bool {
	_, request := connection.BelowAPI(c.ServerURL, "index")
	return request || strings.Contains(strings.ToLower(c.ServerURL), "/rest/api")
}

var _ config.Cautioner = (*Config)(nil)

// Caution warns about an address that is probably a mistake.
func (c *Config) Caution(report func(field, code, message, hint string)) {
	c.CautionAddress("server_url", c.ServerURL, c.Token, report)
	if below, _ := connection.BelowAPI(c.ServerURL); below && !c.ofRequest() {
		report("server_url", codeGlean, "the address contains /api, so requests go to …/api/…/api/index/v1",
			"write the host alone, as https://acme-be.glean.com, unless a gateway in front of Glean needs it")
	}
}

// Place is the server's address and the datasource, "" if the address is not set.
func (c *Config) Place() string {
	u, err := url.Parse(c.Address())
	if err != nil || u.Host == "" {
		return ""
	}
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
	} else {
		host = net.JoinHostPort(host, port)
	}
	return scheme + "://" + host + strings.TrimRight(u.Path, "/") + " " + strings.ToLower(c.Datasource.Name)
}
