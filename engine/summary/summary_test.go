package summary

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/diff"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/run"
)

const hostile = "a|b](https://evil.example) <img src=x> `c` *d* _e_ ~f~ @team #1 &amp; \\| " +
	"\n### g\n::error::h\n##[error]i"

// TestMarkdown: no text is read as Markdown, HTML or a workflow command, and no row breaks.
func TestMarkdown(t *testing.T) {
	s := &Summary{Title: "Title", Subject: hostile, Result: hostile, Notes: []string{hostile}, Tables: []Table{{
		Caption: hostile, Columns: []string{hostile, "n"}, Left: 1, Rows: [][]string{{hostile, hostile}}, More: hostile}}}
	text := s.Markdown()
	for _, bad := range []string{"](", "<img", "`", "*d*", "_e_", "~f~", "@team", "#1 ", "&amp;", "https:",
		"\n### g", "::", "##["} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in\n%s", bad, text)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") != 3 {
			t.Errorf("%d cells: %s", strings.Count(line, "|"), line)
		}
	}
	if !strings.Contains(text, "<code>a&#124;b&#93;") || !strings.Contains(text, "| --- | ---: |\n") {
		t.Error(text)
	}
}

// secret is in every text of a report and an error that a summary must not show.
const secret = "component:default/merger"

func reported() *run.Report {
	return &run.Report{RunID: "R1", Read: 9, Verdict: run.VerdictDelivered,
		Endings:    read.Counts{component.Delivered: 8, component.Rejected: 1},
		Audience:   map[access.Audience]int{access.Listed: 3, access.AllUsers: 5},
		Rules:      map[string]int{"staff": 3, "default": 5},
		Reasons:    map[component.Ending]map[string]int{component.Rejected: {secret: 1}},
		Rejections: []component.DeadLetter{{Ref: secret, Stage: fault.StageMapping, Field: "title", Reason: secret}},
		Since:      &run.Since{Widened: []baseline.Widened{{Ref: secret, Rule: "staff"}}},
		Kinds:      []read.KindReport{{Kind: secret, Read: 9}},
		Tightened:  &run.Tightened{Narrowed: []string{secret}, Failed: secret}, Notes: []string{secret}}
}

func TestRun(t *testing.T) {
	refusal := &fault.Refusal{Guard: "max_widen", Reason: secret, Table: []string{secret}, Remedy: secret,
		Changes: []fault.Change{{Stream: "documents", Ref: secret, ID: secret, Before: "listed", After: "all-users", N: 2}}}
	for name, tc := range map[string]struct {
		err  error
		want []string
	}{
		"good":      {nil, []string{"mapping&#44; title&#58; 1 record", "staff", "Documents by rule"}},
		"refused":   {refusal, []string{"max&#95;widen&#58; 2 documents with a wider audience"}},
		"transient": {fault.Errorf(fault.Transient, secret, "%s", secret), []string{"transient error"}},
		"other":     {errors.New(secret), []string{"permanent error"}},
	} {
		text := Run("a.yaml", reported(), tc.err, "Done.").Markdown()
		if strings.Contains(text, "merger") {
			t.Errorf("%s: names a document:\n%s", name, text)
		}
		for _, want := range tc.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, text)
			}
		}
	}
	if text := Failed("a.yaml", errors.New(secret)).Markdown(); strings.Contains(text, "merger") ||
		!strings.Contains(text, "permanent error") {
		t.Error(text)
	}
}

func TestDiff(t *testing.T) {
	d := &diff.Diff{Access: []diff.AccessChange{{ID: secret, Title: secret, Gained: []string{secret}}},
		Items:   []diff.ItemChange{{ID: secret, Title: secret}},
		Streams: []*diff.StreamDiff{{Name: "documents", Changed: 1, Wider: 150, Fields: map[string]int{secret: 1}}},
		Shifts: map[diff.Shift]int{
			{Stream: "documents", From: access.Listed, To: access.AllUsers, Rule: "staff", Wider: true}: 150},
		Open: []diff.OpenChange{{Stream: "documents", ID: "component:default/open", Change: "removed"}}, OpenMore: 7}
	for i := range 2 * mostRows {
		d.Shifts[diff.Shift{Stream: "documents", To: access.Listed, Rule: fmt.Sprint(i)}] = 1
	}
	text := Diff("a.yaml", d, reported(), nil).Markdown()
	for _, want := range []string{"component&#58;default&#47;open", "and 7 more", "and 101 more",
		"More people would find 150",
		"| <code>listed</code> | <code>all&#45;users</code> | <code>staff</code> | <code>wider</code> | 150 |"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "merger") {
		t.Errorf("names a document:\n%s", text)
	}
}
