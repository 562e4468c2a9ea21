package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// nested is the shipped pipeline with a parent group that holds its children's
// members, a set, and rules of several kinds.
func nested(t testing.TB) string {
	return edited(t,
		"# subgroups: related(\"parentOf\")", "subgroups: related(\"parentOf\")",
		"define:", "  - name: shout\n    when: metadata.namespace == \"payments-internal\"\n    set:\n"+
			"      metadata.title: upper(metadata.name)\n\ndefine:",
		"  rules:\n", "  rules:\n"+
			"    - name: payments\n      when: metadata.namespace == \"payments-internal\" and kind == \"Component\"\n"+
			"      allow:\n        groups: [\"group:default/engineering\"]\n        users: [\"user:default/gone\"]\n"+
			"    - name: booking\n      when: kind == \"API\"\n      allow: owner\n")
}

// TestExplainIsTheRun: for every document and every person, explain and the index of a run
// agree on whether the person finds it, with sets of groups, people who left, and every way
// to refer to people.
func TestExplainIsTheRun(t *testing.T) {
	t.Parallel()
	const byEmail = "isUserReferencedByEmail: true"
	for name, c := range map[string]struct {
		file                  string
		nested, sets, unknown int // how many answers there are at least of the kind
	}{
		"nested":    {nested(t), 1, 0, 0},
		"by e-mail": {withRules(t), 1, 1, 1},
		"by ref":    {withRules(t, byEmail, "isUserReferencedByEmail: false"), 1, 1, 1},
		"by id": {withRules(t, byEmail, "isUserReferencedByEmail: false", "      isActive:",
			"      userId: slug(metadata.namespace) + \"/\" + upper(metadata.name)\n      isActive:"), 1, 1, 1},
		"renamed": {withRules(t, "      subgroups:", "      name: upper(replace(ref, \":\", \"-\"))\n      subgroups:"), 1,
			1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
			w.pipe(t, "datasource", "apply", "--yes", c.file).expect(t, 0)
			w.pipe(t, "run", "--set", "@sink.requests_per_second=0", c.file).expect(t, 0)
			d := pipeline.Load(c.file,
				pipeline.Options{Registry: components.Registry(),
					Variables: config.Variables{Lookup: func(name string) (string, bool) {
						v, ok := w.env[name]
						return v, ok
					}}})
			p, closePipeline, err := d.Open(component.Settings{Loopback: true})
			if err != nil {
				t.Fatal(err)
			}
			defer closePipeline()
			tr := explain.New(p, func(string) bool { return true })
			if _, err := explain.Watch(t.Context(), p, nil, tr); err != nil {
				t.Fatal(err)
			}
			index := w.index()
			compared, nested, sets, unknown := 0, 0, 0, 0
			for _, ref := range tr.Refs() {
				found := index.WhoFinds(ref)
				for _, person := range tr.People() {
					compared++
					want := slices.ContainsFunc(found, func(email string) bool { return strings.EqualFold(email, person.Email) })
					a := tr.Finds(tr.Journey(ref), person.Email)
					if a.Finds != want || a.Unknown && !person.Inactive {
						t.Errorf("%s, %s: %+v, and the index says %v", ref, person.Email, a, want)
					}
					if a.Unknown {
						unknown++
					}
					if slices.ContainsFunc(a.Chains(), func(chain []string) bool { return len(chain) > 2 }) {
						nested++
					}
					if len(a.AllOf) > 1 {
						sets++
					}
				}
				if doc := tr.Document(tr.Journey(ref)); doc != nil && doc.Audience == access.Listed {
					if got := explain.Reached(tr.FindersOf(doc)); !slices.Equal(got, slices.Sorted(slices.Values(found))) {
						t.Errorf("%s is found by %v, and the index says %v", ref, got, found)
					}
				}
			}
			if compared < 2000 || nested < c.nested || sets < c.sets || unknown < c.unknown {
				t.Errorf("%d compared, %d through groups in groups, %d through several, %d not known: this proves nothing",
					compared, nested, sets, unknown)
			}
		})
	}
}

// TestExplainRecord: the output for one record.
func TestExplainRecord(t *testing.T) {
	path := nested(t)
	for _, c := range []struct {
		args []string
		want []string // regular expressions, in this order
	}{
		{[]string{"ledger-service", "--as", "ben.lindqvist@larkspur.example"}, []string{
			`^component:payments-internal/ledger-service  to be delivered\n`, `shout +changed +:\d+`, `metadata.title: nothing → LEDGER-SERVICE`,
			`documents  to be delivered  .*pipeline.yaml:\d+`, `title +LEDGER-SERVICE +← name  :\d+`, `customProperties.owner +Payments +← display\(owner\)`, `no value: owner`,
			`payments +decided: listed +when metadata.namespace ==`, `booking +not asked`, `default +not asked`, `names .*user:default/gone`, `left out: user:default/gone`,
			`found by \d+ people`, `group:default/engineering`, `group:default/booking`, `ben.lindqvist@larkspur.example`,
			`\nyes, ben.lindqvist@larkspur.example finds it: the rule "payments" allows group:default/engineering\n  user:default/ben.lindqvist → group:default/booking → group:default/engineering\n$`}},
		{[]string{"ledger-service", "--as", "yuki.sato@larkspur.example"}, []string{`\nno, .*the rule "payments" allows group:default/engineering, and user:default/yuki.sato is a member of group:default/care`}},
		{[]string{"ledger-service", "--as", "user:default/guest"}, []string{`\nno, .*user:default/guest does not ` +
			`become a user: filtered, no e-mail`}},
		{[]string{"booking-service"}, []string{`shout +skipped`, `payments +did not hold`, `default +decided: datasource-users`, `found by every user that is ` +
			`delivered: 26 people`}},
		{[]string{"user:payments-internal/ines.carvalho"}, []string{`merged: ` +
			`same ` +
			`e-mail`, `users  merged`, `a user: ines.carvalho@larkspur.example`, `one with user:default/ines.carvalho, user:payments-internal/ines.carvalho`, `member of group:default/payments, group:payments-internal/audit`}},
		{[]string{"group:payments"}, []string{`groups  to be delivered`, `subgroups +\["group:payments-internal/audit"\]`, `documents  to be delivered`, `a group of 3 people`, `group:payments-internal/audit\n`}},
		{[]string{"user:guest", "--record"}, []string{`filtered: no e-mail`, `"kind": "User"`}},
	} {
		got := pipe(t, nil, append([]string{"explain", "--sandbox", path}, c.args...)...)
		if got.code != 0 {
			t.Errorf("%v: exit %d\n%s", c.args, got.code, got.both())
		}
		rest := got.stdout
		for _, want := range c.want {
			at := regexp.MustCompile(want).FindStringIndex(rest)
			if at == nil {
				t.Errorf("%v: %s is not where it belongs in\n%s", c.args, want, got.stdout)
				break
			}
			rest = rest[at[1]:]
			if strings.HasPrefix(want, "^") {
				rest = "\n" + rest
			}
		}
	}
}

// TestExplainEndings: the reasons of filtered, withheld and rejected records.
func TestExplainEndings(t *testing.T) {
	records := write(t, "records.yaml", `
- {kind: Component, metadata: {name: old, annotations: {backstage.io/orphan: "true"}}}
- {kind: Component, metadata: {name: odd, annotations: {glean.com/visibility: pivate}}}
- {kind: Component, metadata: {name: wrong, description: [1]}}
- {kind: Component, metadata: {name: bad, annotations: {glean.com/visibility: [1]}}, spec: {owner: a}}
- {kind: Widget, metadata: {name: unread}}
`)
	for ref, want := range map[string]string{
		"old": `filtered: not orphaned\n.*\n.*not orphaned +dropped`,
		"odd": `withheld: rule "unknown visibility" grants access to no one\n(.*\n)+.*unknown visibility ` +
			`+decided: nobody(.*\n)+.*found by no one`,
		"wrong": `rejected: mapping: documents.summary: `,
		"bad": `rejected: permissions: private to its owners: (.*\n)+.*private to its owners ` +
			`+failed(.*\n)+.*found by no one`,
		"unread": `component\b`,
	} {
		c := pipe(t, nil, "explain", "--input", records, shipped, ref)
		if ref == "unread" {
			if c.code != int(job.Wrong) ||
				!strings.Contains(c.stderr, "widget:default/unread has a kind that the pipeline does not read") {
				t.Errorf("exit %d\n%s", c.code, c.both())
			}
		} else if c.code != 0 || !regexp.MustCompile(want).MatchString(c.stdout) {
			t.Errorf("%s: exit %d\n%s", ref, c.code, c.both())
		}
	}
}

// TestExplainUnwritten: if a run writes no users or groups, those of an earlier run count,
// and the output says that.
func TestExplainUnwritten(t *testing.T) {
	for variable, want := range map[string]string{
		"SYNC_GROUPS_ENABLED": `no, liam.obrien@larkspur.example does not find it: the rule "private to its ` +
			`owners" allows group:default/payments, and the members of group:default/payments are unknown`,
		"SYNC_USERS_ENABLED": "yes, liam.obrien@larkspur.example finds it: the rule \"private to its owners\" allows " +
			"group:default/payments, if an earlier run delivered them",
	} {
		c := pipe(t, map[string]string{variable: "false"}, "explain", "--sandbox", shipped, "fraud-scorer", "--as",
			"liam.obrien@larkspur.example")
		if c.code != 0 || !strings.Contains(c.stdout, want) || strings.Contains(c.stdout, "left out") {
			t.Errorf("%s: exit %d\n%s", variable, c.code, c.stdout)
		}
	}
}

// TestExplainJSON: JSON has uncut values, and an answer.
func TestExplainJSON(t *testing.T) {
	c := pipe(t, nil, "explain", "--sandbox", "--json", "--as", "liam.obrien@larkspur.example", shipped, "fraud-scorer")
	var got struct {
		OK   bool                `json:"ok"`
		Data explain.Explanation `json:"data"`
	}
	if err := codec.Unmarshal([]byte(c.stdout), &got); err != nil || c.code != 0 {
		t.Fatalf("exit %d, %v\n%s", c.code, err, c.both())
	}
	e := got.Data
	if e.Ref != "component:default/fraud-scorer" || e.Record["kind"] != "Component" || len(e.Items) != 1 ||
		e.Decision.Rules[0].Outcome != explain.RuleDecided ||
		strings.Join(e.Decision.People, " ") != "ines.carvalho@larkspur.example liam.obrien@larkspur.example" ||
		!e.Answer.Finds || len(e.Answer.Chain) != 2 {
		t.Errorf("%+v\n%+v", e.Decision, e.Answer)
	}
}

// TestExplainWrong: mistakes in calls.
func TestExplainWrong(t *testing.T) {
	for want, args := range map[string][]string{
		"write pipe explain":                   {"explain", shipped},
		"did you mean component:default/fraud": {"explain", "--sandbox", shipped, "fraud-score"},
		`"ledger" may mean`: {"explain", "--input",
			write(t, "r.yaml", "- {kind: API, metadata: {name: ledger}}\n- {kind: Component, metadata: {name: ledger}}\n"),
			shipped, "ledger"},
		"both set the source":                    {"explain", "--sandbox", "--input", "x", shipped, "a"},
		"--catalog goes with --sandbox":          {"explain", "--catalog", "x", shipped, "a"},
		"no such file":                           {"explain", "--input", "/nowhere/x", shipped, "a"},
		"undefined-variable: BACKSTAGE_BASE_URL": {"explain", shipped, "a"},
		"not a record":                           {"explain", "--input", write(t, "r.yaml", "a: 1\n"), shipped, "a"},
	} {
		if c := pipe(t, nil, args...); c.code == 0 || !strings.Contains(c.both(), want) {
			t.Errorf("%v: exit %d\n%s", args, c.code, c.both())
		}
	}
}
