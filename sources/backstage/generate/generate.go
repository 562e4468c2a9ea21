package generate

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// Catalog makes a synthetic catalog of n entities, 10 at least, the same for
// the same seed: people, nested teams, domains, systems and software in
// several namespaces, hard Unicode, owners that do not exist, and definitions
// of realistic sizes. An entity is 2.4 KB on average and names are unique.
func Catalog(n int, seed uint64) [][]byte {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), refs: map[string][]string{}}
	n = max(n, 10)
	g.groups(max(1, n*6/100))
	g.users(max(1, n*20/100))
	g.many("Domain", max(1, n/100), g.domain)
	g.many("System", max(1, n*5/100), g.system)
	g.many("Resource", max(1, n/10), g.resource)
	g.many("API", max(1, n*15/100), g.api)
	g.many("Template", max(1, n/200), g.template)
	g.many("Component", n-len(g.entities), g.component)
	entities := make([][]byte, len(g.entities))
	for i, e := range g.entities {
		raw, err := codec.Marshal(e)
		if err != nil { // made of strings
			panic(err)
		}
		entities[i] = raw
	}
	entities, err := sandbox.Stitch(entities)
	if err != nil {
		panic(err)
	}
	return entities
}

type generator struct {
	*rand.Rand
	entities []map[string]any
	refs     map[string][]string // by kind
}

var (
	namespaces = []string{ref.DefaultNamespace, ref.DefaultNamespace, ref.DefaultNamespace, "payments", "edge",
		"eu-west-1"}
	firstNames = []string{"Ana", "Bjørn", "Chloé", "大輔", "D'Arcy", "Zoë", "Иван", "Ngọc", "Sam", "مريم"}
	lastNames  = []string{"Müller", "O'Neil", "Nguyễn", "山田", "García-López", "Smith", "Öz", "van der Berg"}
	words      = strings.Fields("amber beacon cart drum ember forge garden harbor index junction kernel ledger mill " +
		"network orchard parser queue router signal tracker unit vault wharf yard zone")
	texts = []string{
		"Handles the nightly reconciliation between two ledgers and reports what does not add up.",
		"Façade over the old mainframe — “do not touch” on Fridays.",
		"日本語の説明文。ユーザー向け API を提供します。",
		"Emoji 🚀🔥👩‍💻 and a family 👨‍👩‍👧‍👦; right to left: שלום עולם / مرحبا بالعالم",
		"Line one\nLine two\twith a tab\r\nand a CRLF.\n\n- bullet\n- **bold**, `code`, <b>html</b> & \"quotes\"",
		"Combining e\u0301 and é, ligature ﬁ, zero\u200bwidth, nbsp\u00a0here, a BOM\ufeffinside, line\u2028separator",
		`C:\path\to\thing %20 ${NOT_A_VARIABLE} {{ template }} <script>alert(1)</script> ' OR 1=1 --`,
		"Astral 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎𠜱. " + strings.Repeat("It reads the queue, writes the store and notifies its "+
			"listeners. ", 25),
	}
	titles     = []string{"Ünïcödé Tïtle", "支払いサービス", "O’Brien & Sons <Ltd>", "a/b\\c:d", "trailing space ", "🦄"}
	tags       = []string{"java", "go", "c++", "c#", "python3", "tier-1", "pci", "team:alpha", "grpc"}
	lifecycles = []string{"production", "production", "experimental", "deprecated"}
)

func (g *generator) pick(of []string) string { return of[g.IntN(len(of))] }

// chance is true in percent of a hundred calls.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g *generator) add(kind, namespace string, meta, spec map[string]any) {
	i := len(g.entities)
	name := fmt.Sprintf("%s-%s-%s-%06d", strings.ToLower(kind), g.pick(words), g.pick(words), i)
	if g.chance(2) {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	meta["name"], meta["namespace"] = name, namespace
	version := "backstage.io/v1alpha1"
	if kind == "Template" {
		version = "scaffolder.backstage.io/v1beta3"
	}
	g.entities = append(g.entities, map[string]any{"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec})
	g.refs[kind] = append(g.refs[kind], ref.New(kind, namespace, name))
}

func (g *generator) many(kind string, n int, spec func(i int) map[string]any) {
	for i := range n {
		g.add(kind, g.pick(namespaces), g.meta(i), spec(i))
	}
}

// groups makes a forest in which nearly every group has a parent.
func (g *generator) groups(n int) {
	for i := range n {
		spec := map[string]any{"type": "team", "children": []any{},
			"profile": map[string]any{"displayName": fmt.Sprintf("Équipe %d チーム", i)}}
		if i > 0 && g.chance(90) {
			spec["parent"] = g.pick(g.refs["Group"][max(0, i-40):])
		}
		g.add("Group", g.pick(namespaces), g.meta(i), spec)
	}
}

// users have an e-mail in nine cases of ten; one in a hundred shares it with
// the user before.
func (g *generator) users(n int) {
	for i := range n {
		profile := map[string]any{"displayName": g.pick(firstNames) + " " + g.pick(lastNames)}
		switch {
		case i%100 == 99:
			profile["email"] = fmt.Sprintf("User%d@example.com", i-1)
		case i == 0 || i%100 == 98 || g.chance(90):
			profile["email"] = fmt.Sprintf("user%d@example.com", i)
		}
		groups := []any{}
		for range g.IntN(4) {
			groups = append(groups, g.pick(g.refs["Group"]))
		}
		g.add("User", g.pick(namespaces[:4]), map[string]any{}, map[string]any{"profile": profile, "memberOf": groups})
	}
}

func (g *generator) owner() string {
	switch r := g.IntN(100); {
	case r < 2:
		return "group:default/dissolved-team"
	case r < 3:
		return "user:edge/left-the-company"
	case r < 15:
		return g.pick(g.refs["User"])
	}
	return g.pick(g.refs["Group"])
}

func (g *generator) meta(i int) map[string]any {
	m := map[string]any{"description": texts[0]}
	if g.chance(40) {
		m["description"] = g.pick(texts)
	}
	if g.chance(20) {
		m["title"] = g.pick(titles)
	}
	if g.chance(60) {
		m["tags"] = []any{g.pick(tags), fmt.Sprintf("batch-%d", i%20)}
	}
	if g.chance(40) {
		m["labels"] = map[string]any{"example.com/tier": fmt.Sprint(1 + i%3)}
	}
	if g.chance(70) {
		m["annotations"] = map[string]any{
			"github.com/project-slug":      fmt.Sprintf("acme/%s-%d", g.pick(words), i),
			"backstage.io/source-location": fmt.Sprintf("url:https://git.example.com/acme/%s-%d/", g.pick(words), i),
			"backstage.io/techdocs-ref":    "dir:.",
		}
	}
	if g.chance(50) {
		m["links"] = []any{
			map[string]any{"url": fmt.Sprintf("https://wiki.example.com/%d?a=1&b=%%20#frag", i), "title": "Ранбук",
				"icon": "docs"},
			map[string]any{"url": fmt.Sprintf("https://dash.example.com/d/%d", i)},
		}
	}
	return m
}

func (g *generator) domain(i int) map[string]any {
	spec := map[string]any{"owner": g.owner()}
	if i > 0 && g.chance(30) {
		spec["subdomainOf"] = g.pick(g.refs["Domain"])
	}
	return spec
}

func (g *generator) system(int) map[string]any {
	return map[string]any{"owner": g.owner(), "domain": g.pick(g.refs["Domain"])}
}

func (g *generator) resource(int) map[string]any {
	return map[string]any{"type": "database", "owner": g.owner(), "system": g.pick(g.refs["System"])}
}

func (g *generator) template(int) map[string]any {
	return map[string]any{"type": "service", "owner": g.owner(), "parameters": []any{}, "steps": []any{}}
}

func (g *generator) component(int) map[string]any {
	spec := map[string]any{"type": "service", "lifecycle": g.pick(lifecycles), "owner": g.owner()}
	if g.chance(80) {
		spec["system"] = g.pick(g.refs["System"])
	}
	if g.chance(40) {
		spec["providesApis"] = []any{g.pick(g.refs["API"])}
	}
	if g.chance(40) {
		spec["consumesApis"] = []any{g.pick(g.refs["API"]), g.pick(g.refs["API"])}
	}
	if g.chance(30) {
		spec["dependsOn"] = []any{g.pick(g.refs["Resource"]), "component:default/never-made"}
	}
	return spec
}

func (g *generator) api(i int) map[string]any {
	return map[string]any{"type": "openapi", "lifecycle": g.pick(lifecycles), "owner": g.owner(),
		"system": g.pick(g.refs["System"]), "definition": g.definition(i)}
}

// definition is an OpenAPI document: most are small, some are long.
func (g *generator) definition(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b,
		"openapi: 3.0.3\ninfo:\n  title: API %d\n  version: 1.%d.0\n  description: |\n    Unicode ✓ — “quoted”\npaths:\n", i,
		i%9)
	paths := 3 + g.IntN(20)
	if g.chance(10) {
		paths *= 10
	}
	for p := range paths {
		what := g.pick(words)
		fmt.Fprintf(&b, "  /%s/%d/{id}:\n    get:\n      operationId: get%d\n      summary: One %s of the %s, as it "+
			"is now\n      parameters:\n        - {name: id, in: path, required: true, schema: {type: string}}\n    "+
			"  responses:\n        '200': {description: The %s}\n        '404': {description: There is none}\n",
			what, p, p, what, g.pick(words), what)
	}
	return b.String()
}
