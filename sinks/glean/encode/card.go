package encode

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// Card returns what Glean shows of an encoded document.
func Card(schema *settings.Schema, stream string, body []byte) (component.Card, error) {
	if stream != api.StreamDocuments {
		return component.Card{}, fmt.Errorf("items of %s are not shown to people", stream)
	}
	var d api.Document
	if err := codec.Unmarshal(body, &d); err != nil {
		return component.Card{}, err
	}
	names := Naming{schema.ByEmail}
	object, _ := schema.Object(d.ObjectType)
	c := component.Card{Title: d.Title, Type: cmp.Or(object.DisplayLabel, d.ObjectType), URL: d.ViewURL}
	if d.Owner != nil {
		c.Owner = names.userPrincipal(names.nameOf(*d.Owner))
	}
	if at := cmp.Or(d.UpdatedAt, d.CreatedAt); at != 0 {
		c.Updated = time.Unix(at, 0).UTC()
	}
	var text []string
	for _, content := range []*api.Content{d.Summary, d.Body} {
		if content != nil && content.TextContent != "" {
			text = append(text, content.TextContent)
		}
	}
	if len(text) > 1 && strings.HasPrefix(text[1], text[0]) { // the body begins with the summary
		text = text[1:]
	}
	c.Text = strings.Join(text, "\n")
	if len(d.Tags) > 0 {
		c.Properties = append(c.Properties,
			component.CardProperty{Name: "tags", Label: "Tags", Values: d.Tags, Shown: true, Facet: true})
	}
	if d.Status != "" {
		c.Properties = append(c.Properties,
			component.CardProperty{Name: "status", Label: "Status", Values: []string{d.Status}})
	}
	for _, p := range d.CustomProperties {
		c.Properties = append(c.Properties, cardProperty(object, p))
	}
	slices.SortStableFunc(c.Properties, func(a, b component.CardProperty) int {
		return cmp.Compare(place(object, a.Name), place(object, b.Name))
	})
	return c, nil
}

// place is the place of a property in the list of its object type; those that the list does
// not have come last.
func place(o api.ObjectDefinition, name string) int {
	i := slices.IndexFunc(o.PropertyDefinitions, func(p api.PropertyDefinition) bool { return p.Name == name })
	if i < 0 {
		return len(o.PropertyDefinitions)
	}
	return cmp.Or(o.PropertyDefinitions[i].UIFacetOrder, i)
}

func cardProperty(o api.ObjectDefinition, p api.CustomProperty) component.CardProperty {
	out := component.CardProperty{Name: p.Name, Label: p.Name}
	kind := ""
	for _, d := range o.PropertyDefinitions {
		if d.Name == p.Name {
			kind, out.Label = d.PropertyType, cmp.Or(d.DisplayLabel, d.Name)
			out.Shown = d.UIOptions == api.OptionSearchResult
			out.Facet = !settings.IsTrue(d.HideUIFacet) && kind != api.PropertyInt && kind != api.PropertyDate
		}
	}
	switch v := p.Value.(type) {
	case string:
		out.Values = []string{v}
	case []any:
		for _, one := range v {
			out.Values = append(out.Values, fmt.Sprint(one))
		}
	case float64:
		out.Values = []string{strconv.FormatFloat(v, 'f', -1, 64)}
		if kind == api.PropertyDate {
			out.Values = []string{time.Unix(int64(v), 0).UTC().Format(time.DateOnly)}
		}
	default:
		out.Values = []string{fmt.Sprint(v)}
	}
	return out
}
