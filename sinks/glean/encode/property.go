package encode

import (
	"slices"
	"strconv"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// properties checks properties against their definitions. Numbers and texts are converted to
// the defined type if nothing is lost.
func (s *Encoder) properties(d *api.Document, item *component.Item, fields []component.Field) ([]api.CustomProperty,
	error) {
	objectType := d.ObjectType
	if objectType == "" { // the file has it below the properties
		i := slices.IndexFunc(item.Fields, func(f component.Field) bool { return f.Name == "objectType" })
		if i >= 0 {
			objectType, _ = item.Fields[i].Value.(string)
		}
	}
	types, _ := s.schema.Properties(objectType)
	out := make([]api.CustomProperty, 0, len(fields))
	for _, f := range fields {
		t, defined := types[f.Name]
		if !defined {
			return nil, reject("customProperties."+f.Name, "is not defined for %s", settings.Label(objectType))
		}
		v, problem := property(t, f.Value)
		if problem != "" {
			return nil, reject("customProperties."+f.Name, "%s, and its type is %s", problem, t)
		}
		out = append(out, api.CustomProperty{Name: f.Name, Value: v})
	}
	return out, nil
}

// property converts a value to a property type, or describes the value in problem.
func property(t string, v any) (value any, problem string) {
	list := t == api.PropertyTextList || t == api.PropertyMultiPicklist
	number := t == api.PropertyInt || t == api.PropertyDate
	switch given := v; v := v.(type) {
	case string:
		switch {
		case list:
			return []string{v}, ""
		case t == api.PropertyDate:
			return nil, "it is text, but seconds since 1970 are expected: write epoch(…)"
		case number:
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				return n, ""
			}
			return nil, "it is text"
		}
		return given, ""
	case int64:
		switch {
		case number:
			return v, ""
		case list:
			return []string{strconv.FormatInt(v, 10)}, ""
		}
		return strconv.FormatInt(v, 10), ""
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		switch {
		case number:
			return nil, "it is not a whole number"
		case list:
			return []string{text}, ""
		}
		return text, ""
	case []string:
		if list {
			return given, ""
		}
		return nil, "it is a list"
	}
	return nil, "Glean does not accept this kind of value"
}
