package sandbox

import (
	"strings"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

func addDatasource(s *Server, _ string, body []byte) (any, error) {
	c, err := parseConfig(body)
	if err == nil {
		err = s.configure(c)
	}
	if err != nil {
		return nil, bad("Invalid datasource config: %v", err)
	}
	return nil, nil
}

var getDatasourceConfigShape = shape{"datasource": text}

func getDatasourceConfig(s *Server, _ string, body []byte) (any, error) {
	var r api.GetDatasourceConfigRequest
	if err := read(getDatasourceConfigShape, body, &r); err != nil {
		return nil, err
	}
	schema, err := s.schemaOf(r.Datasource)
	if err != nil {
		return nil, err
	}
	c := schema.config
	if s.options.Rules.EchoCustomNames {
		c.Name = "CUSTOM_" + strings.ToUpper(c.Name)
	}
	if s.options.Rules.EchoDefaults {
		spellOut(&c)
	}
	return c, nil
}

// spellOut fills in defaults.
func spellOut(c *api.DatasourceConfig) {
	if c.DisplayName == "" {
		c.DisplayName = strings.ToUpper(c.Name[:1]) + c.Name[1:]
	}
	for _, b := range []struct {
		at  **bool
		def bool
	}{
		{&c.IsUserReferencedByEmail, false}, {&c.IsEntityDatasource, false}, {&c.IsTestDatasource, false},
		{&c.IsOnPrem, false},
		{&c.IncludeUTMSource, false}, {&c.TrustURLRegexForViewActivity, true}, {&c.StripFragmentInCanonicalURL, true},
	} {
		if *b.at == nil {
			*b.at = &b.def
		}
	}
}
