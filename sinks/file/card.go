package file

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
)

// Card returns a document in the form for people.
func (*Sink) Card(stream string, body []byte) (component.Card, error) {
	if stream != streamDocuments {
		return component.Card{}, fmt.Errorf("items of %s are not shown to people", stream)
	}
	var d struct {
		Type       string         `json:"type"`
		Title      string         `json:"title"`
		URL        string         `json:"url"`
		Text       string         `json:"text"`
		Tags       []string       `json:"tags"`
		UpdatedAt  int64          `json:"updatedAt"`
		Properties map[string]any `json:"properties"`
	}
	if err := codec.Unmarshal(body, &d); err != nil {
		return component.Card{}, err
	}
	c := component.Card{Title: d.Title, Type: d.Type, URL: d.URL, Text: d.Text}
	if d.UpdatedAt != 0 {
		c.Updated = time.Unix(d.UpdatedAt, 0).UTC()
	}
	if len(d.Tags) > 0 {
		c.Properties = append(c.Properties,
			component.CardProperty{Name: "tags", Label: "tags", Values: d.Tags, Shown: true, Facet: true})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Properties)) {
		p := component.CardProperty{Name: name, Label: name, Shown: true, Facet: true}
		if list, is := d.Properties[name].([]any); is {
			for _, v := range list {
				p.Values = append(p.Values, valueText(v))
			}
		} else {
			p.Values = []string{valueText(d.Properties[name])}
		}
		c.Properties = append(c.Properties, p)
	}
	return c, nil
}

// valueText returns a value of a property in the form for people.
func valueText(v any) string {
	if n, is := v.(float64); is {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
