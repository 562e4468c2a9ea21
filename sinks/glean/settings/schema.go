package settings

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Schema holds the rules of the datasource's config for items.
type Schema struct {
	Name    string
	ByEmail bool           // users are named by e-mail, else by their ref
	Entity  bool           // documents need no viewURL
	Lender  string         // the datasource whose users and groups count; "": its own
	URLs    *regexp.Regexp // nil when the config has none
	prefix  string         // the prefix of URLs that are a text and anything after it
	types   map[string]map[string]string
	objects map[string]api.ObjectDefinition
}

// TakesURL reports whether an address matches urlRegex, or there is none.
func (s *Schema) TakesURL(address string) bool {
	if s.prefix != "" {
		return strings.HasPrefix(address, s.prefix) && !strings.Contains(address[len(s.prefix):], "\n")
	}
	return s.URLs == nil || s.URLs.MatchString(address)
}

// prefixOf returns the text of an expression that is a literal text and .*; "" for any
// other.
func prefixOf(expression string) string {
	quoted, ok := strings.CutSuffix(expression, ".*")
	text := strings.ReplaceAll(quoted, `\`, "")
	if !ok || regexp.QuoteMeta(text) != quoted {
		return ""
	}
	return text
}

// NewSchema makes the schema of a datasource.
func NewSchema(d api.DatasourceConfig) (*Schema, error) {
	urls, err := compileURLRegex(d.URLRegex)
	if err != nil {
		return nil, fmt.Errorf("datasource.urlRegex: %w", err)
	}
	s := &Schema{Name: d.Name, ByEmail: IsTrue(d.IsUserReferencedByEmail), Entity: IsTrue(d.IsEntityDatasource),
		Lender: LenderOf(d), URLs: urls, prefix: prefixOf(d.URLRegex), types: map[string]map[string]string{},
		objects: map[string]api.ObjectDefinition{}}
	for _, o := range d.ObjectDefinitions {
		types := map[string]string{}
		for _, p := range o.PropertyDefinitions {
			types[p.Name] = p.PropertyType
		}
		s.types[o.Name], s.objects[o.Name] = types, o
	}
	return s, nil
}

// LenderOf returns the datasource whose users and groups count instead of this one's; ""
// when its own do.
func LenderOf(d api.DatasourceConfig) string {
	if SameName(d.IdentityDatasourceName, d.Name) {
		return ""
	}
	return d.IdentityDatasourceName
}

// SameName reports whether two names mean the same datasource: Glean may return
// CUSTOM_BACKSTAGE for backstage.
func SameName(a, b string) bool {
	bare := func(s string) string { return strings.TrimPrefix(strings.ToLower(s), "custom_") }
	return bare(a) == bare(b)
}

// Properties are the types of the properties of an object type by name;
// declared is false when no definition covers it.
func (s *Schema) Properties(objectType string) (types map[string]string, declared bool) {
	if types, declared = s.types[objectType]; !declared {
		types, declared = s.types[""]
	}
	return types, declared
}

// Object returns the definition of an object type; declared is false when no definition covers
// it.
func (s *Schema) Object(objectType string) (o api.ObjectDefinition, declared bool) {
	if o, declared = s.objects[objectType]; !declared {
		o, declared = s.objects[""]
	}
	return o, declared
}
