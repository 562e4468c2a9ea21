package pages

import (
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// TestPublicRecord: what people without the role inspect see of a run has its numbers, and neither
// a name of a record nor a text that may contain one.
func TestPublicRecord(t *testing.T) {
	const private = "component:default/private"
	r := &history.Run{Causes: []string{"max_widen: 2 documents with a wider audience"}, Record: &report.Record{
		Version: "v1", File: private, ExitCode: 4, Approvals: []string{private},
		Plugins: []report.Program{{Transform: private}},
		Error:   &report.Error{Code: "refused", Message: private, Hint: private, ID: private},
		Report: &run.Report{Pipeline: "catalog", Started: time.Now(), Read: 12345,
			FromOutput: &run.FromOutput{}, Tightened: &run.Tightened{Narrowed: []string{private}, Failed: private},
			Audience:   map[access.Audience]int{access.AllUsers: 678},
			Since:      &run.Since{Wider: 2, Widened: []baseline.Widened{{Ref: private}}},
			Rules:      map[string]int{"rule-1": 12},
			Reasons:    map[component.Ending]map[string]int{component.Rejected: {private: 1}},
			Rejections: []component.DeadLetter{{Ref: private, Reason: private}}, Notes: []string{private}},
	}}
	b, err := codec.Marshal(publicRecord(r))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), private) {
		t.Errorf("it has a private text: %s", b)
	}
	for _, number := range []string{"12345", "678", `"rule-1":12`, `"wider":2`, "2 documents with a wider audience"} {
		if !strings.Contains(string(b), number) {
			t.Errorf("it does not have %s: %s", number, b)
		}
	}
}
