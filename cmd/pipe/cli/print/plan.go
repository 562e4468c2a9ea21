package print

import (
	"io"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
)

// Plan prints a plan: + is added, - removed, ~ changed.
func Plan(w io.Writer, p *component.ProvisionPlan, st Style) {
	switch {
	case p.New:
		display.Fprintf(w, "datasource %s: it does not exist and would be created\n", p.Name)
	case p.Empty():
		display.Fprintf(w, "datasource %s: no changes, it matches the file\n", p.Name)
	default:
		display.Fprintf(w, "datasource %s: %s\n", p.Name, display.Plural(len(p.Changes), "change"))
	}
	for _, c := range p.Changes {
		path := display.Path(c.Path)
		switch Action(c) {
		case "add":
			display.Fprintf(w, "  %s %s  %s\n", st.Good.Render("+"), path, fieldsText(c.After))
		case "remove":
			display.Fprintf(w, "  %s %s  %s\n", st.Bad.Render("-"), path, fieldsText(c.Before))
		default:
			display.Fprintf(w, "  %s %s  %s → %s\n", st.Bold.Render("~"), path, c.Before, c.After)
		}
	}
	if p.Opens {
		display.Fprintf(w, "%s this is a test datasource, which only its testers see. After this change, "+
			"everyone that the permissions name finds its documents\n", st.Bad.Render("!"))
	}
	section := func(title string, fields []component.ProvisionChange) {
		if len(fields) > 0 {
			display.Fprintln(w, title)
		}
		for _, c := range fields {
			display.Fprintf(w, "    %s  %s\n", display.Path(c.Path), fieldsText(c.After))
		}
	}
	section("kept, because the file does not mention it (--replace drops it):", p.Kept)
	section("sent with each apply, because Glean does not return it:", p.Always)
}

// fieldsText writes the fields of a thing one after the other; other values
// stay as they are.
func fieldsText(value string) string {
	var out []string
	if err := codec.Members([]byte(value), func(name string, v []byte) error {
		out = append(out, name+" "+string(v))
		return nil
	}); err != nil {
		return value
	}
	return strings.Join(out, ", ")
}

func Action(c component.ProvisionChange) string {
	switch {
	case c.Before == "":
		return "add"
	case c.After == "":
		return "remove"
	}
	return "change"
}
