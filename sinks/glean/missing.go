package glean

import (
	"regexp"
	"strings"
)

// missing are the settings without which Glean cannot be asked.
func (c *Config) missing() []string {
	var out []string
	if c.address() == "" {
		out = append(out, "instance or server_url")
	}
	if !c.Token.IsSet() {
		out = append(out, "token")
	}
	return out
}

// adopt takes homeUrl and urlRegex from where people look at the source.
func (c *Config) adopt(uiURL string) {
	if uiURL = strings.TrimRight(uiURL, "/"); uiURL != "" {
		c.Datasource.HomeURL = uiURL
		c.Datasource.URLRegex = regexp.QuoteMeta(uiURL) + "/.*"
	}
}
