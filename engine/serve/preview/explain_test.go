package preview_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

// TestExplain: a record is explained whoever finds its document, with and without one.
func TestExplain(t *testing.T) {
	w := newWorld(t)
	w.write(people + pages + `{"id":"odd","kind":"page","name":"Odd","users":7,"text":"odd"}`)
	x := w.build()
	for _, tt := range []struct {
		ref, who                 string
		ending, title, rule, why string
		finds                    bool
	}{
		{"of-department", "ann@example.com", "delivered", "Budget", "named teams", "allows department", true},
		{"OF-DEPARTMENT", "ann", "delivered", "Budget", "named teams", "allows department", true},
		{"of-bob", "ann", "delivered", "Salary of Bob", "named people", "a member of blue", false},
		{"open", "dan", "delivered", "Welcome", "default", "allows every user", true},
		{"of-nobody", "ann", "withheld", "Draft", "for nobody", "the record is withheld", false},
		{"odd", "ann", "rejected", "Odd", "", "the record is rejected, permissions", false},
		{"open", "zoe@example.com", "delivered", "Welcome", "default", "no user with the e-mail zoe@example.com", false},
		{"ann", "ann", "delivered", "Ann Archer", "", "no document is made from it", false},
		{"blue", "", "delivered", "Blue", "", "", false},
	} {
		e, err := x.Explain(t.Context(), tt.ref, tt.who)
		if err != nil {
			t.Errorf("%s: %v", tt.ref, err)
			continue
		}
		decided := ""
		if e.Decision != nil {
			for _, r := range e.Decision.Rules {
				if r.Outcome == explain.RuleDecided {
					decided = r.Name
				}
			}
		}
		if e.Ending != tt.ending || e.Title != tt.title || decided != tt.rule || e.Record["title"] != tt.title ||
			e.Kind == "" || len(e.Items) != 1 || len(e.Items[0].Fields) == 0 {
			t.Errorf("%s is %+v, decided by %q", tt.ref, e, decided)
		}
		if (e.Answer != nil) != (tt.who != "") {
			t.Errorf("%s as %q: %+v", tt.ref, tt.who, e.Answer)
		} else if e.Answer != nil && (e.Answer.Finds != tt.finds || !strings.Contains(e.Answer.Why, tt.why)) {
			t.Errorf("%s as %q: %+v, want %q", tt.ref, tt.who, e.Answer, tt.why)
		}
	}
	e, err := x.Explain(t.Context(), "of-department", "ann")
	if err != nil || fmt.Sprint(e.Answer.Chain) != "[ann blue department]" || len(e.Decision.People) != 2 {
		t.Errorf("%+v, %v", e, err)
	}
	var unknown *preview.UnknownRefError
	if _, err := x.Explain(t.Context(), "of-bobb", ""); !errors.As(err, &unknown) || unknown.Many ||
		fmt.Sprint(unknown.Near) != "[of-bob]" {
		t.Errorf("%+v", err)
	}
}

// TestExplainAsPipeExplain: an index explains each record of a catalog as a trace of the same
// records does, with its transforms and all its items.
func TestExplainAsPipeExplain(t *testing.T) {
	records := catalog(50, "owner")
	records.Settings = []pipeline.Setting{{Path: "mapping.users.fields.isActive",
		Value: `not (metadata.name endsWith "3")`}}
	x := build(t, records, t.TempDir())
	j, err := job.Open(t.Context(), records)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	want := explain.New(j.Pipeline, func(string) bool { return true })
	if _, err := explain.Watch(t.Context(), j.Pipeline, nil, want); err != nil {
		t.Fatal(err)
	}
	endings := map[string]int{}
	for _, ref := range want.Refs() {
		is := explain.Record(j.Definition, want, want.Journey(ref))
		if is.Ending == component.Pending.String() {
			continue
		}
		endings[is.Ending]++
		is.Record = preview.Shortened(is.Record).(map[string]any)
		for i := range is.Items {
			for n := range is.Items[i].Fields {
				is.Items[i].Fields[n].Value = preview.Shortened(is.Items[i].Fields[n].Value)
			}
		}
		for _, person := range want.People()[:3] {
			answer := want.Finds(want.Journey(ref), person.Email)
			is.Answer = &answer
			got, err := x.Explain(t.Context(), ref, person.Email)
			if err != nil {
				t.Fatal(ref, err)
			}
			if text, wanted := asJSON(t, got), asJSON(t, is); text != wanted {
				t.Fatalf("%s: %s\nwant %s", ref, text, wanted)
			}
		}
	}
	if len(endings) < 3 {
		t.Errorf("the records end as %v", endings)
	}
}

// TestExplainLong: long texts and lists of a record and its fields are cut.
func TestExplainLong(t *testing.T) {
	w := newWorld(t)
	w.write(people + `{"id":"long","kind":"page","name":"Long","text":"` + strings.Repeat("word ", 2000) + `","deep":{"list":[` +
		strings.Repeat(`"`+strings.Repeat("x", 5000)+`",`, 300) + `1]},"place":"Hall"}`)
	e, err := w.build().Explain(t.Context(), "long", "")
	if err != nil {
		t.Fatal(err)
	}
	record := e.Record["record"].(map[string]any)
	text, list := record["text"].(string), record["deep"].(map[string]any)["list"].([]any)
	if len(text) > 4003 || !strings.HasSuffix(text, "…") || len(list) != 200 || len(list[0].(string)) > 4003 {
		t.Errorf("a text of %d characters, a list of %d", len(text), len(list))
	}
	if len(asJSON(t, e)) > 1<<20 {
		t.Errorf("%d bytes", len(asJSON(t, e)))
	}
}
