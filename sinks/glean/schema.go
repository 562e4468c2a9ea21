package glean

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
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

// differences are the sentences about what a run depends on and Glean's live
// config has otherwise. What the live config has beyond the file is no concern.
func (k *Sink) differences(live api.DatasourceConfig) []string {
	file := k.cfg.Datasource
	var out []string
	differs := func(what string, file, live any) {
		if file != live {
			out = append(out, fmt.Sprintf("%s is %v in the file and %s in Glean", what, file, k.foreign(fmt.Sprint(live))))
		}
	}
	if !sameName(file.Name, live.Name) {
		differs("name", file.Name, live.Name)
	}
	differs("isUserReferencedByEmail", isTrue(file.IsUserReferencedByEmail), isTrue(live.IsUserReferencedByEmail))
	differs("isEntityDatasource", isTrue(file.IsEntityDatasource), isTrue(live.IsEntityDatasource))
	differs("urlRegex", file.URLRegex, live.URLRegex)
	if ours, theirs := lenderOf(file), lenderOf(live); !sameName(ours, theirs) {
		differs("identityDatasourceName", orOwn(ours), orOwn(theirs))
		if ours == "" { // an apply keeps what the file does not mention
			out[len(out)-1] += ` (write identityDatasourceName: "" to have none)`
		}
	}
	for _, o := range file.ObjectDefinitions {
		i := slices.IndexFunc(live.ObjectDefinitions, func(l api.ObjectDefinition) bool { return l.Name == o.Name })
		if i < 0 {
			out = append(out, label(o.Name)+" is not defined in Glean")
			continue
		}
		for _, p := range o.PropertyDefinitions {
			j := slices.IndexFunc(live.ObjectDefinitions[i].PropertyDefinitions, func(l api.PropertyDefinition) bool { return l.Name == p.Name })
			if j < 0 {
				out = append(out, fmt.Sprintf("%s has no property %s in Glean", label(o.Name), p.Name))
				continue
			}
			differs(label(o.Name)+", property "+p.Name, typeOf(p), typeOf(live.ObjectDefinitions[i].PropertyDefinitions[j]))
		}
	}
	return out
}

func orOwn(lender string) string { return cmp.Or(lender, "not set") }

// typeOf is a property's type; Glean may leave out the usual one.
func typeOf(p api.PropertyDefinition) string { return cmp.Or(p.PropertyType, api.PropertyText) }
