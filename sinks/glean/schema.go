package glean

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// schema is what the datasource's config says about items, ready to judge them.
type schema struct {
	name    string
	byEmail bool           // users are named by e-mail, else by their ref
	entity  bool           // documents need no viewURL
	lender  string         // the datasource whose users and groups count; "": its own
	urls    *regexp.Regexp // nil when the config has none
	types   map[string]map[string]string
}

func newSchema(d api.DatasourceConfig) (*schema, error) {
	urls, err := compileURLRegex(d.URLRegex)
	if err != nil {
		return nil, fmt.Errorf("datasource.urlRegex: %w", err)
	}
	s := &schema{name: d.Name, byEmail: isTrue(d.IsUserReferencedByEmail), entity: isTrue(d.IsEntityDatasource), lender: lenderOf(d), urls: urls, types: map[string]map[string]string{}}
	for _, o := range d.ObjectDefinitions {
		types := map[string]string{}
		for _, p := range o.PropertyDefinitions {
			types[p.Name] = p.PropertyType
		}
		s.types[o.Name] = types
	}
	return s, nil
}

// lenderOf is the datasource whose users and groups count instead of those of
// this one; "" when its own do.
func lenderOf(d api.DatasourceConfig) string {
	if sameName(d.IdentityDatasourceName, d.Name) {
		return ""
	}
	return d.IdentityDatasourceName
}

// sameName tells whether two names are of one datasource: Glean may say
// CUSTOM_BACKSTAGE for backstage.
func sameName(a, b string) bool {
	bare := func(s string) string { return strings.TrimPrefix(strings.ToLower(s), "custom_") }
	return bare(a) == bare(b)
}

// properties are the types of the properties of an object type by name;
// declared is false when no definition covers it.
func (s *schema) properties(objectType string) (types map[string]string, declared bool) {
	if types, declared = s.types[objectType]; !declared {
		types, declared = s.types[""]
	}
	return types, declared
}
