package page

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/diff"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
)

var update = pipelinetest.UpdateFlag()

var started = time.Date(2026, 3, 14, 2, 0, 7, 0, time.UTC)

// catalogRun returns a run of a catalog of 2,204 records.
func catalogRun(verdict run.Verdict) *run.Report {
	r := &run.Report{
		Pipeline: "catalog", RunID: "01JPA3V6W4Q2N8Z5T7R9KXBCDE", Started: started, Verdict: verdict, Read: 2204,
		Sent: verdict == run.VerdictDelivered,
		Endings: read.Counts{component.Delivered: 2011, component.Merged: 3, component.Filtered: 141,
			component.Withheld: 37, component.Rejected: 12},
		Reasons: map[component.Ending]map[string]int{
			component.Delivered: {"sent": 2011},
			component.Filtered:  {"filter no-templates": 96, "experimental lifecycle": 45},
			component.Withheld:  {"rule \"private to its owners\": none of its users or groups is active": 37},
			component.Rejected:  {"mapping": 12},
		},
		Kinds: []read.KindReport{
			{Kind: "User", Read: 612, Counts: read.Counts{component.Delivered: 609, component.Merged: 3}},
			{Kind: "Group", Read: 88, Counts: read.Counts{component.Delivered: 88}},
			{Kind: "Component", Read: 1190, Counts: read.Counts{component.Delivered: 1100, component.Filtered: 45,
				component.Withheld: 37, component.Rejected: 8}},
			{Kind: "API", Read: 314, Counts: read.Counts{component.Delivered: 214, component.Filtered: 96,
				component.Rejected: 4}},
		},
		Streams: []run.StreamReport{
			{Name: "users", Written: true, Staged: 609, Counts: read.Counts{component.Delivered: 609},
				Changes: &baseline.Changes{Before: 605, Added: 6, Changed: 14, Same: 589, Gone: 2}},
			{Name: "groups", Written: true, Staged: 88, Counts: read.Counts{component.Delivered: 88},
				Changes: &baseline.Changes{Before: 88, Same: 88}},
			{Name: "documents", Written: true, Staged: 1314, Counts: read.Counts{component.Delivered: 1314},
				Changes: &baseline.Changes{Before: 1349, Added: 21, Changed: 310, Same: 983, Gone: 56}},
			{Name: "memberships", Written: true, Staged: 88, Rows: 1873},
			{Name: "pages"},
		},
		Audience: map[access.Audience]int{access.Nobody: 37, access.Listed: 412, access.DatasourceUsers: 870,
			access.AllUsers: 32},
		Since: &run.Since{Run: "01JP7…", Finished: started.AddDate(0, 0, -1), Wider: 31,
			Audience: map[access.Audience]int{access.Nobody: 35, access.Listed: 443, access.DatasourceUsers: 871}},
		Rules: map[string]int{"private to its owners": 412, "default": 870, "public pages": 32, "retired": 37},
		Publish: &run.Publish{Mode: component.PublishChanges, Seconds: 40,
			Steps: []run.PublishStep{{Step: "write", Stream: "documents", Items: 331}}},
		Notes: []string{
			"three users share an e-mail address with another and are one user of Glean: anna.one, anna.two, anna.three",
			"Backstage announces that /entities will be removed on 2027-01-01; see `pipe doctor FILE`",
		},
		Seconds: run.ActSeconds{Read: 21.4, Review: 1.2, Publish: 44.9},
	}
	for i := range 31 {
		r.Since.Widened = append(r.Since.Widened, baseline.Widened{Ref: fmt.Sprintf("component:default/ledger-%02d-api", i),
			Rule: "public pages", Before: access.Listed, After: access.AllUsers})
	}
	for i := range 12 {
		r.Rejections = append(r.Rejections, component.DeadLetter{
			Ref: fmt.Sprintf("component:payments/legacy-batch-%d", i), Stage: fault.StageMapping, Field: "documents.title",
			Reason: "is empty",
		})
	}
	r.Rejections[3].Field, r.Rejections[3].Reason = "", "spec.owner is a list where a text is expected"
	return r
}

func gone() run.Differences {
	var d run.Differences
	for i := range 5 {
		d.Gone = append(d.Gone, fault.Change{Stream: "documents", Type: "component", ID: fault.HexID(uint64(i)),
			Ref: fmt.Sprintf("component:default/retired-%d", i), Before: "listed:ab12", After: fault.Gone, N: 1})
	}
	d.Gone = append(d.Gone, fault.Change{Stream: "memberships", ID: fault.HexID(9), Ref: "group:default/platform",
		After: "left", N: 4})
	return d
}

func refusedRun() Run {
	refusal := &fault.Refusal{
		Guard: "max_widen", ID: "k3v7q2m5xa4d",
		Reason: "31 of 1,351 documents would be found by more people (2.3 %, limit 1 % and more than 20). " +
			"The pipeline file changed since the last run (2026-03-13 02:00)",
		Table: []string{"31 × rule \"public pages\": listed → all-users",
			"  component:default/ledger-00-api, component:default/ledger-01-api and 29 more"},
		Remedy: "check the rule with `pipe explain FILE REF`",
		Also: &fault.Refusal{Guard: "max_loss",
			Reason: "this run would delete 56 of 1,349 documents (4.2 %, limit 4 %)"},
	}
	rep := catalogRun(run.VerdictRefused)
	rep.Tightened = &run.Tightened{Narrowed: []string{"api:default/accounts"}, Unsure: 2}
	return Run{Changes: gone(), Record: &report.Record{Version: "1.4.0", File: "pipelines/backstage.yaml",
		ExitCode: 4, Report: rep, Error: report.ErrorOf(refusal)}}
}

func calls() Calls {
	return Calls{
		Text: func(s string) string { return strings.ReplaceAll(s, "FILE", "pipelines/backstage.yaml") },
		Approve: func(r *report.Error) string {
			return "pipe run --approve " + r.ID + " pipelines/backstage.yaml"
		},
	}
}

// changedDiff returns a diff with every form of change.
func changedDiff() Diff {
	d := &diff.Diff{Against: "out", Written: started.AddDate(0, 0, -1)}
	d.Access = []diff.AccessChange{
		{Stream: "documents", ID: "api:default/accounts", Title: "Accounts API", Narrower: true, From: "listed", To: "listed",
			Rule: "private to its owners", Lost: []string{"group:default/interns"}},
		{Stream: "documents", ID: "component:default/ledger", Title: "Ledger", Wider: true, From: "listed", To: "all-users",
			Rule: "public pages", Lost: []string{"group:default/payments", "user:default/anna"}},
		{Stream: "memberships", ID: "group:default/platform", Wider: true, Narrower: true,
			Gained: []string{"ben@example.com"}, Lost: []string{"eve@example.com"}},
	}
	d.Items = []diff.ItemChange{
		{Stream: "documents", ID: "component:default/ledger", Title: "Ledger", Change: "changed", Fields: []codec.Difference{
			{Path: "customProperties.onCall", After: "payments-oncall"},
			{Path: "body", Before: "Keeps the books.\nOwner: payments",
				After: "Keeps the books of all accounts.\nOwner: payments"},
		}},
		{Stream: "documents", ID: "component:default/mailer", Title: "Mailer", Change: "added", To: "listed",
			Rule: "private to its owners"},
		{Stream: "documents", ID: "component:default/old-mailer", Title: "Old mailer", Change: "removed"},
	}
	d.Streams = []*diff.StreamDiff{{Name: "documents", Before: 1349, Now: 1314,
		Added: 21, Changed: 310, Removed: 56, Wider: 1,
		Narrower: 1, Fields: map[string]int{"customProperties.onCall": 290, "body": 60}},
		{Name: "memberships", Before: 88, Now: 88, Wider: 1, Narrower: 1}}
	d.Notes = []string{"pages is not in out and was not compared"}
	return Diff{Diff: d, Report: catalogRun(run.VerdictDry), File: "pipelines/backstage.yaml", Version: "1.4.0"}
}

func pages() map[string]*Page {
	delivered := catalogRun(run.VerdictDelivered)
	delivered.Since.Widened, delivered.Since.Wider = delivered.Since.Widened[:2], 2
	delete(delivered.Reasons, component.Rejected)
	delivered.Rejections, delivered.Endings = nil, read.Counts{component.Delivered: 2023, component.Merged: 3,
		component.Filtered: 141, component.Withheld: 37}
	return map[string]*Page{
		"refused": RunPage(refusedRun(), calls()),
		"delivered": RunPage(Run{Changes: gone(), Record: &report.Record{Version: "1.4.0", File: "pipelines/backstage.yaml",
			Report: delivered}}, calls()),
		"not-begun": RunPage(Run{Record: &report.Record{Version: "1.4.0", File: "pipelines/backstage.yaml", ExitCode: 2,
			Error: report.ErrorOf(errors.New("pipelines/backstage.yaml:7:3: required: source is missing"))}}, calls()),
		"diff": DiffPage(changedDiff(), calls()),
	}
}

func render(t *testing.T, p *Page, secrets *redact.Redactor) string {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, p, secrets); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, p := range pages() {
		got, file := render(t, p, nil), filepath.Join("testdata", name+".html")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is not what is written; -update writes it", file)
		}
	}
}

// loads matches everything that makes a browser load something or run a script.
var loads = regexp.MustCompile(`(?i)https?:|\s(src|href|srcset|action|on[a-z]+|style)\s*=|url\(|@import|<script|<link|<iframe`)

// TestSelfContained: a page loads nothing, and its policy forbids it.
func TestSelfContained(t *testing.T) {
	for name, p := range pages() {
		text := render(t, p, nil)
		if found := loads.FindString(text); found != "" {
			t.Errorf("%s: %q", name, found)
		}
		if !strings.Contains(text, `content="default-src &#39;none&#39;;`) {
			t.Errorf("%s has no policy", name)
		}
	}
}

// hostile ends a tag, an attribute and a line, and controls a terminal and the direction of
// text.
const hostile = "</bdi></style><script>alert(1)</script>\"'><img src=x onerror=y>" +
	"\nFORGED\x00\x1b[31m\u202e\u2066\u200b\u2028 " +
	"##vso[task.x] {{.Title}}"

// TestHostileTexts: every text of a page is escaped as in the terminal and as HTML.
func TestHostileTexts(t *testing.T) {
	for name, p := range pages() {
		n := plant(reflect.ValueOf(p).Elem(), hostile)
		text := render(t, p, nil)
		if name != "not-begun" && n < 100 {
			t.Errorf("%s has %d texts", name, n)
		}
		for _, active := range []string{"<script", "<img", "</bdi></style", "\nFORGED", "##vso[", `"'>`} {
			if strings.Contains(text, active) {
				t.Errorf("%s: %q is active", name, active)
			}
		}
		for i, r := range text {
			if r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
				t.Fatalf("%s: %U in %q", name, r, text[max(0, i-60):i])
			}
		}
		if !strings.Contains(text, `\nFORGED\u0000\u001b[31m\u202e\u2066\u200b\u2028`) {
			t.Errorf("%s: the texts are not escaped as in the terminal", name)
		}
	}
}

// plant appends a text to every text of a value, and counts them.
func plant(v reflect.Value, text string) (n int) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() != reflect.TypeFor[Tone]() {
			v.SetString(v.String() + text)
		} else {
			v.SetString(text)
		}
		return 1
	case reflect.Struct:
		for i := range v.NumField() {
			n += plant(v.Field(i), text)
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += plant(v.Index(i), text)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			n += plant(v.Elem(), text)
		}
	}
	return n
}

// TestSecrets: no text of a page contains a secret, in any HTML escaping.
func TestSecrets(t *testing.T) {
	const secret = `s3cr<t>&"token"+1`
	var secrets redact.Redactor
	secrets.Add(secret)
	for name, p := range pages() {
		plant(reflect.ValueOf(p).Elem(), secret)
		text := render(t, p, &secrets)
		if strings.Contains(text, "s3cr") || strings.Contains(text, "token&") {
			t.Errorf("%s shows a secret", name)
		}
	}
}

// TestWriteFile: only the owner can read a page, whatever the mode of the file before.
func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.html")
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, pages()["diff"], nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if b, _ := os.ReadFile(path); !strings.HasSuffix(string(b), "</html>\n") {
		t.Error("the page is not whole")
	}
}

// TestChart: the parts of a bar fill it and are visible, and without documents there is no
// chart.
func TestChart(t *testing.T) {
	if audienceChart(nil, nil, "", "now") != nil {
		t.Error("a chart without documents")
	}
	c := audienceChart(map[access.Audience]int{access.Nobody: 1, access.AllUsers: 99998, access.Listed: 1}, nil, "", "now")
	at := 0.0
	for _, part := range c.Bars[0].Parts {
		if part.X != at || part.Width < thinnest*0.9 {
			t.Errorf("part %+v begins not at %v, or is too thin", part, at)
		}
		at += part.Width
	}
	if at < 999.9 || at > 1000.1 || len(c.Bars[0].Parts) != 3 {
		t.Errorf("the parts fill %v of 1000", at)
	}
	if !strings.Contains(c.Text, "now, all-users: 99,998. now, listed: 1.") {
		t.Errorf("text %q", c.Text)
	}
}

// TestRowsAreBounded: a cell lists some of very many documents and counts the others.
func TestRowsAreBounded(t *testing.T) {
	r := refusedRun()
	rep := r.Record.Report
	for len(rep.Since.Widened) < 1000 {
		rep.Since.Widened = append(rep.Since.Widened, rep.Since.Widened[0])
	}
	cell := widened(r).Tables[0].Rows[0][2]
	n := len(cell.Refs.Shown) + len(cell.Refs.Folded)
	if n != mostRows || !strings.HasPrefix(cell.Refs.More, "700 more;") {
		t.Errorf("%d refs, %q", n, cell.Refs.More)
	}
	r.Served = true
	if more := widened(r).Tables[0].Rows[0][2].Refs.More; more != "700 more; the API lists them." {
		t.Errorf("on a server: %q", more)
	}
}
