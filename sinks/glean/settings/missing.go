package settings

import (
	"regexp"
	"strings"
)

// Missing are the settings without which Glean cannot be asked.
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

// Adopt takes homeUrl and urlRegex from where people look at the source.
func (c *Config) Adopt(uiURL string) {
	if uiURL = strings.TrimRight(uiURL, "/"); uiURL != "" {
		c.Datasource.HomeURL = uiURL
		c.Datasource.URLRegex = regexp.QuoteMeta(uiURL) + "/.*"
	}
}
