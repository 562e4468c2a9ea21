package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
)

func (a *app) pluginDescribe(c *urfave.Context) error {
	o, err := a.alone(c, c.Args().Slice())
	if err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	about, err := pluginhost.New(o).Describe(ctx)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(about, nil)
	}
	st := a.colors(c)
	display.Fprintf(a.Stdout, "%s %s   %s\n\n", st.Bold.Render(about.Name), about.Version, about.Summary)
	display.Fprintf(a.Stdout, "reads   %s\n", listOr(about.Needs, "the whole record"))
	display.Fprintf(a.Stdout, "writes  %s\n\n", listOr(about.Writes, "nothing"))
	if rows := schemaRows(about.Schema, ""); len(rows) > 0 {
		display.Fprintf(a.Stdout, "%s\n\n", print.Grid([]string{"config", "type", "default", "what it is"}, rows, 4, st))
	} else {
		display.Fprintf(a.Stdout, "It takes no config.\n\n")
	}
	if about.Example != nil {
		text, err := codec.MarshalIndent(about.Example)
		if err != nil {
			return err
		}
		display.Fprintf(a.Stdout, "%s\n%s\n", st.Dim.Render("example (pipe plugin try --example runs it)"),
			display.Block(display.Whole(display.Lines(string(text)))))
	}
	return nil
}

func listOr(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return display.Line(strings.Join(list, ", "))
}

// schemaRows is a schema of settings as a table; settings within settings have
// dotted names.
func schemaRows(schema map[string]any, prefix string) [][]string {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		p, _ := properties[name].(map[string]any)
		about, _ := p["description"].(string)
		if rule := schemaRules(p); rule != "" {
			about = strings.TrimSpace(about + " (" + rule + ")")
		}
		byDefault := cell(p["default"])
		if slices.Contains(required, any(name)) {
			byDefault = "required"
		}
		rows = append(rows,
			[]string{display.Line(prefix + name), display.Line(schemaType(p)), display.Line(byDefault),
				display.Line(strings.Join(strings.Fields(about), " "))})
		rows = append(rows, schemaRows(p, prefix+name+".")...)
	}
	return rows
}

func schemaType(p map[string]any) string {
	text := "any"
	switch t := p["type"].(type) {
	case string:
		text = t
	case []any:
		text = strings.Trim(strings.Join(strings.Fields(fmt.Sprint(t)), " or "), "[]")
	}
	if items, ok := p["items"].(map[string]any); ok && text == "array" {
		text = "list of " + schemaType(items)
	}
	if secret, _ := p["writeOnly"].(bool); secret {
		text += ", secret"
	}
	return text
}

func schemaRules(p map[string]any) string {
	var rules []string
	if enum, ok := p["enum"].([]any); ok {
		var values []string
		for _, v := range enum {
			values = append(values, cell(v))
		}
		rules = append(rules, strings.Join(values, " | "))
	}
	for _, limit := range [][2]string{{"minimum", "at least"}, {"maximum", "at most"}, {"pattern", "matches"}} {
		if v, ok := p[limit[0]]; ok {
			rules = append(rules, limit[1]+" "+cell(v))
		}
	}
	return strings.Join(rules, ", ")
}
