package expression

import (
	"strings"
	"testing"
)

// TestBareFunctionWithMembers: a name of the record may be that of a function without
// parentheses: it is the function alone, and the record's value with a member.
func TestBareFunctionWithMembers(t *testing.T) {
	model := testModel()
	model.Names["page"] = Object(map[string]Type{"title": Text(), "url": Text()})
	l, errs := New(model, []Define{{Name: "address", Text: "page"}}, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	record := map[string]any{"page": map[string]any{"title": "Runbook"}}
	for text, want := range map[string]any{
		"page.title":                        "Runbook",
		"page?.title":                       "Runbook",
		`page["title"]`:                     "Runbook",
		"page.url":                          nil,
		"page":                              "https://backstage.example.com/component:default/a",
		"address":                           "https://backstage.example.com/component:default/a",
		`page("component:default/billing")`: "https://backstage.example.com/component:default/billing",
	} {
		p, err := l.Compile(text, WantAny)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		run := l.NewRun()
		run.Start("component:default/a", record, nil)
		if got, err := run.Eval(p); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	if _, err := l.Compile("page.titel", WantAny); err == nil || !strings.Contains(err.Error(), "no member titel") {
		t.Errorf("a wrong member: %v", err)
	}
}
