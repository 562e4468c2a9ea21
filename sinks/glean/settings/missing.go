package settings

import (
	"regexp"
	"strings"
)

// Missing returns the unset settings that a connection to Glean requires.
func (c *Config) Missing() []string {
	var out []string
	if c.Address() == "" {
		out = append(out, "instance or server_url")
	}
	if !c.Token.IsSet() {
		out = append(out, "token")
	}
	return out
}

// Adopt derives homeUrl and urlRegex from the address of the source's pages.
func (c *Config) Adopt(uiURL string) {
	if uiURL = strings.TrimRight(uiURL, "/"); uiURL != "" {
		c.Datasource.HomeURL = uiURL
		c.Datasource.URLRegex = regexp.QuoteMeta(uiURL) + "/.*"
	}
}
