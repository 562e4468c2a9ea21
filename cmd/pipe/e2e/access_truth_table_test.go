package e2e

import (
	"fmt"
	"strings"
	"testing"

	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// truthCatalog is a team with a child, people with and without an e-mail, and
// an entity for each way to be owned. Ann owns one herself, Ben and Eve are in
// the team, Cleo is in its child, Dan is in none; Eve has no e-mail.
func truthCatalog(t *testing.T) [][]byte {
	t.Helper()
	var all [][]byte
	add := func(format string, args ...any) { all = append(all, fmt.Appendf(nil, format, args...)) }
	for name, groups := range map[string]string{"ann": "", "ben": `"team"`, "cleo": `"child"`, "dan": "", "eve": `"team","mute"`} {
		profile := fmt.Sprintf(`{"email":"%s@x.example"}`, name)
		if name == "eve" {
			profile = `{}`
		}
		add(`{"apiVersion":"backstage.io/v1alpha1","kind":"User","metadata":{"name":%q},"spec":{"profile":%s,"memberOf":[%s]}}`, name, profile, groups)
	}
	for name, parent := range map[string]string{"team": "", "child": `,"parent":"team"`, "mute": ""} {
		add(`{"apiVersion":"backstage.io/v1alpha1","kind":"Group","metadata":{"name":%q},"spec":{"type":"team","children":[]%s}}`, name, parent)
	}
	for _, row := range truthRows {
		owner := ""
		if row.owner != "" {
			owner = fmt.Sprintf(`,"owner":%q`, row.owner)
		}
		if !row.subgroups && !row.page {
			add(`{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":%q},"spec":{"type":"service","lifecycle":"production"%s}}`, row.name, owner)
		}
	}
	stitched, err := backstagesandbox.Stitch(all)
	if err != nil {
		t.Fatal(err)
	}
	return stitched
}

var truthRows = []struct {
	says, name, owner string
	subgroups         bool // the child group is a part of its parent
	page              bool // the document is the group's own page
}{
	{says: "a user: Ann", name: "by-user", owner: "user:default/ann"},
	{says: "a user without an e-mail: Eve", name: "by-mute-user", owner: "user:default/eve"},
	{says: "a group: Ben and Eve are in it, Cleo is in its child group", name: "by-team", owner: "group:default/team"},
	{says: "the same group, with `subgroups: related(\"parentOf\")`", name: "by-team", subgroups: true},
	{says: "a group of people without an e-mail", name: "by-mute-group", owner: "group:default/mute"},
	{says: "missing: the entity has no owner", name: "unowned"},
	{says: "dangling: a group or user that does not exist", name: "dangling", owner: "group:default/gone"},
	{says: "the page of a team: Ben and Eve are in it", name: "team", page: true},
}

var truthDefaults = []string{"all-users", "datasource-users", "owner", "none"}

// truthTable is a Markdown table of who finds an entity without its own rule, from runs of
// the shipped pipeline.
func truthTable(t *testing.T) string {
	t.Helper()
	entities := truthCatalog(t)
	cells := map[string]string{}
	for _, granted := range truthDefaults {
		for _, subgroups := range []bool{false, true} {
			file := shipped
			if subgroups {
				file = edited(t, `# subgroups: related("parentOf")`, `subgroups: related("parentOf")`)
			}
			w := newWorld(t, backstagesandbox.Options{Entities: entities}, gleansandbox.Options{})
			w.env["DEFAULT_PERMISSIONS"] = granted
			if c := w.pipe(t, "run", "--progress", "none", file); c.code != 0 && granted != "none" {
				t.Fatalf("exit %d\n%s", c.code, c.both())
			}
			for _, row := range truthRows {
				kind := "component"
				if row.page {
					kind = "group"
				}
				cells[fmt.Sprint(row.name, subgroups, granted)] = truthCell(w.index(), kind+":default/"+row.name)
			}
		}
	}
	var b strings.Builder
	b.WriteString("| its owner |")
	for _, granted := range truthDefaults {
		fmt.Fprintf(&b, " `%s` |", granted)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(truthDefaults)) + "\n")
	for _, row := range truthRows {
		fmt.Fprintf(&b, "| %s |", row.says)
		for _, granted := range truthDefaults {
			fmt.Fprintf(&b, " %s |", cells[fmt.Sprint(row.name, row.subgroups, granted)])
		}
		b.WriteString("\n")
	}
	return b.String()
}

func truthCell(index gleansandbox.Index, id string) string {
	d, there := index.Document(id)
	if !there {
		return "nobody"
	}
	var names []string
	for _, email := range index.WhoFinds(id) {
		name, _, _ := strings.Cut(email, "@")
		names = append(names, strings.ToUpper(name[:1])+name[1:])
	}
	who := strings.Join(names, ", ")
	switch {
	case d.Permissions.AllowAnonymousAccess:
		return "everybody"
	case who == "":
		return "nobody yet"
	}
	return who
}

// TestTruthTable: rows that the table must have.
func TestTruthTable(t *testing.T) {
	got := truthTable(t)
	for _, want := range []string{
		"| a user: Ann | everybody | Ann, Ben, Cleo, Dan | Ann | nobody |\n",
		"| a user without an e-mail: Eve | everybody | Ann, Ben, Cleo, Dan | nobody | nobody |\n",
		"Cleo is in its child group | everybody | Ann, Ben, Cleo, Dan | Ben | nobody |\n",
		"`subgroups: related(\"parentOf\")` | everybody | Ann, Ben, Cleo, Dan | Ben, Cleo | nobody |\n",
		"has no owner | everybody | Ann, Ben, Cleo, Dan | nobody | nobody |\n",
		"that does not exist | everybody | Ann, Ben, Cleo, Dan | nobody | nobody |\n",
		"the page of a team: Ben and Eve are in it | everybody | Ann, Ben, Cleo, Dan | Ben | nobody |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
}
