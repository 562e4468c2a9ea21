package output_test

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/output"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/run"
)

// sink is a store that can decode its items.
type sink struct {
	*fake.Store
	place, encoding string
}

func (s sink) Place() string    { return s.place }
func (s sink) Encoding() string { return s.encoding }

// Decode decodes an item of the form {"id": …, "who": …}.
func (sink) Decode(_ string, body []byte) (component.Stored, error) {
	var item struct {
		ID  string `json:"id"`
		Who string `json:"who"`
	}
	err := codec.Unmarshal(body, &item)
	out := component.Stored{ID: item.ID, Type: "component", Audience: access.ParseAudience(item.Who)}
	if out.Audience == access.Listed {
		out.Principals = []string{component.UserPrincipal("ann")}
	}
	return out, err
}

func pipeline(unwritten ...string) *component.Pipeline {
	return &component.Pipeline{
		Name: "test", Sink: sink{place: "https://store.example.com", encoding: "1"},
		Streams: []component.Stream{
			{Name: "users", Identities: true}, {Name: "documents", Permissions: true},
		},
		Unwritten: func(stream string) string {
			if slices.Contains(unwritten, stream) {
				return "not in --only"
			}
			return ""
		},
	}
}

// items returns a stream of a plan with these items in order.
func items(all ...component.Encoded) component.StreamPlan {
	return component.StreamPlan{
		Count: len(all),
		Content: func(yield func(component.Encoded, error) bool) {
			for _, e := range slices.Backward(all) { // in the order of staging
				if !yield(e, nil) {
					return
				}
			}
		},
		Ordered: func(yield func([]byte, error) bool) {
			for _, e := range all {
				if !yield(e.Body, nil) {
					return
				}
			}
		},
		Withheld: func(func(component.Encoded, error) bool) {},
	}
}

func encoded(ref, id, body string, more func(*component.Encoded)) component.Encoded {
	e := component.Encoded{Ref: ref, ID: id, Body: []byte(body)}
	if more != nil {
		more(&e)
	}
	e.Hash()
	return e
}

// kept writes a folder as a run with a verdict does.
func kept(t *testing.T, verdict run.Verdict, streams ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	folder, err := output.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]component.StreamPlan{
		"users": items(encoded("user:ann", "ann@example.com", `{"id":"ann@example.com"}`, func(e *component.Encoded) {
			e.Principal = component.UserPrincipal("ann")
		}), encoded("user:gone", "gone@example.com", `{"id":"gone@example.com"}`, nil)),
		"documents": items(encoded("a", "a", `{"id":"a","who":"all-users"}`, func(e *component.Encoded) {
			e.Rule, e.Access, e.Resolved = "default", 8, true
		}), encoded("b", "number 2", `{"id":"number 2","who":"listed"}`, func(e *component.Encoded) { e.Rule = "owners" })),
		"members": items(encoded("group:team", "team", `{"id":"team"}`, nil)),
	}
	d := all["documents"]
	d.Withheld = func(yield func(component.Encoded, error) bool) {
		_ = yield(component.Encoded{Ref: "w", ID: "w"}, nil) && yield(component.Encoded{Ref: "v", ID: "number 4"}, nil) &&
			yield(component.Encoded{Ref: "u"}, nil)
	}
	all["documents"] = d
	plan := &component.Plan{Kind: func(ref string) string { return "kind of " + ref }}
	for _, name := range streams {
		s := all[name]
		s.Name, s.Own = name, name == "members"
		plan.Streams = append(plan.Streams, s)
	}
	if err := folder.Plan(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	report := &run.Report{RunID: "r", Pipeline: "test", Verdict: verdict}
	if err := errors.Join(folder.Close(), folder.End(pipeline(), report)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestKept: the output of a run is read as it was written.
func TestKept(t *testing.T) {
	dir := kept(t, run.VerdictDelivered, "users", "documents", "members")
	k, err := output.OpenKept(dir, pipeline())
	if err != nil {
		t.Fatal(err)
	}
	e := k.Earlier()
	if !slices.Equal(e.Streams, []string{"users", "documents", "members"}) || !e.Own["members"] || e.Own["users"] ||
		e.Run != "r" || e.Dir != dir || e.Dry || time.Since(e.Ended) > time.Minute {
		t.Errorf("%+v", e)
	}
	all := func(items iter.Seq2[read.EarlierItem, error]) (out []read.EarlierItem) {
		for item, err := range items {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, item)
		}
		return out
	}
	docs := all(e.Items("documents"))
	want := []component.Encoded{
		{Ref: "a", ID: "a", Type: "component", Rule: "default", Audience: access.AllUsers,
			Body: []byte(`{"id":"a","who":"all-users"}`)},
		{Ref: "b", ID: "number 2", Type: "component", Rule: "owners", Audience: access.Listed,
			Principals: []string{component.UserPrincipal("ann")}, Body: []byte(`{"id":"number 2","who":"listed"}`)},
	}
	want[0].Access, want[0].Resolved = 8, true
	for i := range want {
		want[i].Hash()
		want[i].Content, want[i].Access = 0, 0 // the run sets Content
		if !reflect.DeepEqual(docs[i], read.EarlierItem{Encoded: want[i], Kind: "kind of " + want[i].Ref}) {
			t.Errorf("%+v\nwant %+v", docs[i], want[i])
		}
	}
	users := all(e.Items("users"))
	if len(users) != 2 || users[0].Principal == "" || users[1].Principal != "" || users[0].Audience != access.Undecided {
		t.Errorf("%+v", users)
	}
	var withheld []string
	for _, w := range all(e.Withheld("documents")) {
		withheld = append(withheld, w.Ref+"="+w.ID+" "+w.Kind)
	}
	if got := strings.Join(withheld, ", "); got != "u= kind of u, v=number 4 kind of v, w=w kind of w" {
		t.Error(got)
	}
	if left := all(e.Withheld("users")); left != nil {
		t.Errorf("%+v", left)
	}
}

// TestKeptRefused: a folder that is incomplete, changed, of a failed run or of another place is
// refused with the reason.
func TestKeptRefused(t *testing.T) {
	all := []string{"users", "documents", "members"}
	remove := func(name string) func(t *testing.T, dir string, p *component.Pipeline) {
		return func(t *testing.T, dir string, _ *component.Pipeline) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	edit := func(name, from, to string) func(t *testing.T, dir string, p *component.Pipeline) {
		return func(t *testing.T, dir string, _ *component.Pipeline) {
			path := filepath.Join(dir, name)
			b, err := os.ReadFile(path)
			if err == nil && !strings.Contains(string(b), from) {
				t.Fatalf("%q is not in %s", from, b)
			}
			if err := errors.Join(err, os.WriteFile(path, []byte(strings.Replace(string(b), from, to, 1)), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	sinkOf := func(s sink) func(t *testing.T, dir string, p *component.Pipeline) {
		return func(_ *testing.T, _ string, p *component.Pipeline) { p.Sink = s }
	}
	for name, tc := range map[string]struct {
		verdict run.Verdict
		streams []string
		change  func(t *testing.T, dir string, p *component.Pipeline)
		says    string // part of the error; "" when the folder is accepted
	}{
		"delivered":         {verdict: run.VerdictDelivered, streams: all},
		"not confirmed":     {verdict: run.VerdictUnconfirmed, streams: all},
		"a dry run":         {verdict: run.VerdictDry, streams: all},
		"refused":           {verdict: run.VerdictRefused, streams: all, says: "was refused by a guard on"},
		"failed":            {verdict: run.VerdictFailed, streams: all, says: "which failed on"},
		"stopped":           {verdict: run.VerdictStopped, streams: all, says: "which was stopped on"},
		"no manifest":       {streams: all, change: remove("run.json"), says: "run.json is missing"},
		"a broken manifest": {streams: all, change: edit("run.json", "{", "["), says: "run.json:1: "},
		"another version": {streams: all, change: edit("run.json", `"version":1`, `"version":2`),
			says: "run.json:1: version 2"},
		"a stream is missing": {streams: all[1:], says: "lacks users, which run r did not write"},
		"an extra stream": {streams: all, change: edit("run.json", `"name":"members","own":true`, `"name":"members"`),
			says: "has the stream members"},
		"a file is missing": {streams: all, change: remove("documents.ndjson"), says: "documents.ndjson is missing"},
		"descriptions missing": {streams: all, change: remove("documents.items.jsonl"),
			says: "documents.items.jsonl is missing"},
		"an item changed": {streams: all, change: edit("documents.ndjson", "listed", "all-users"),
			says: "documents.ndjson changed since run r wrote it"},
		"a ref changed": {streams: all, change: edit("documents.items.jsonl", `"ref":"b"`, `"ref":"c"`),
			says: "changed since run r wrote it"},
		"withheld changed": {streams: all, change: edit("withheld.ndjson", `"w"`, `"x"`),
			says: "withheld.ndjson changed since run r"},
		"another place": {streams: all, change: sinkOf(sink{place: "https://other.example.com", encoding: "1"}),
			says: "was written for https://store.example.com"},
		"another encoding": {streams: all, change: sinkOf(sink{place: "https://store.example.com", encoding: "2"}),
			says: "changed since run r wrote"},
		"a sink without a decoder": {streams: all, change: func(_ *testing.T, _ string, p *component.Pipeline) {
			p.Sink = &fake.Store{}
		},
			says: "cannot read back"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.verdict == "" {
				tc.verdict = run.VerdictDelivered
			}
			dir, p := kept(t, tc.verdict, tc.streams...), pipeline()
			if tc.change != nil {
				tc.change(t, dir, p)
			}
			_, err := output.OpenKept(dir, p)
			var invalid *fault.Invalid
			if errors.As(err, &invalid) != (tc.says != "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
		})
	}
	if _, err := output.OpenKept(kept(t, run.VerdictDelivered, "documents"), pipeline("users")); err != nil {
		t.Errorf("what is not written may be lacking: %v", err)
	}
}

// TestKeptItems: an item that does not match its description, or has no audience, is an error
// with its position.
func TestKeptItems(t *testing.T) {
	for says, e := range map[string]component.Encoded{
		`documents.ndjson:2 is not an item of documents as run r wrote it: its id is "b", but`: encoded("b", "c",
			`{"id":"b","who":"all-users"}`, nil),
		"documents.ndjson:2 is not an item of documents as run r wrote it: it has no audience": encoded("b", "b",
			`{"id":"b"}`, nil),
		"ndjson:2 is not an item": encoded("b", "b", `{"id":`, nil),
	} {
		dir := filepath.Join(t.TempDir(), "out")
		folder, err := output.Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		s := items(encoded("a", "a", `{"id":"a","who":"all-users"}`, nil), e)
		s.Name = "documents"
		report := &run.Report{RunID: "r", Verdict: run.VerdictDelivered}
		if err := errors.Join(folder.Plan(t.Context(), &component.Plan{Streams: []component.StreamPlan{s}}), folder.Close(),
			folder.End(pipeline(), report)); err != nil {
			t.Fatal(err)
		}
		k, err := output.OpenKept(dir, pipeline("users"))
		if err != nil {
			t.Fatal(err)
		}
		var failed error
		n := 0
		for _, err := range k.Earlier().Items("documents") {
			failed = err
			n++
		}
		if !errors.As(failed, new(*fault.Invalid)) || !strings.Contains(failed.Error(), says) || n != 2 {
			t.Errorf("%v, want %s", failed, says)
		}
	}
}

// TestKeptOfNothing: the folder of a run that did not read its source has no manifest; that of
// an earlier run in the folder is removed.
func TestKeptOfNothing(t *testing.T) {
	dir := kept(t, run.VerdictDelivered, "users", "documents", "members")
	folder, err := output.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(folder.Close(), folder.End(pipeline(), &run.Report{Verdict: run.VerdictFailed})); err != nil {
		t.Fatal(err)
	}
	if _, err := output.OpenKept(dir, pipeline()); err == nil || !strings.Contains(err.Error(), "run.json is missing") {
		t.Error(err)
	}
}
