package diff

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/output"
)

// decoder decodes items such as {"id":"a","all":true,"title":"x"}.
type decoder struct{}

func (decoder) Decode(_ string, body []byte) (component.Stored, error) {
	v, err := codec.Decode(body)
	if err != nil {
		return component.Stored{}, err
	}
	s := component.Stored{Audience: access.Listed, Fields: map[string]any{"title": v["title"]}}
	s.ID, _ = v["id"].(string)
	if v["all"] == true {
		s.Audience = access.AllUsers
	}
	return s, nil
}

// stream returns a plan of documents, each "id body", and of withheld refs.
func stream(withheld []string, bodies ...string) component.StreamPlan {
	return component.StreamPlan{Name: "documents",
		Content: func(yield func(component.Encoded, error) bool) {
			for _, body := range bodies {
				s, err := decoder{}.Decode("", []byte(body))
				if !yield(component.Encoded{ID: s.ID, Ref: s.ID, Body: []byte(body), Rule: "r"}, err) {
					return
				}
			}
		},
		Withheld: refs(withheld),
	}
}

func refs(all []string) iter.Seq2[component.Encoded, error] {
	return func(yield func(component.Encoded, error) bool) {
		for _, ref := range all {
			if !yield(component.Encoded{Ref: ref, ID: ref}, nil) {
				return
			}
		}
	}
}

// written writes a plan to a folder and opens it.
func written(t *testing.T, s component.StreamPlan) *output.Written {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	folder, err := output.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.Ordered = func(yield func([]byte, error) bool) {
		for e, err := range s.Content {
			if !yield(e.Body, err) {
				return
			}
		}
	}
	if err := folder.Plan(t.Context(), &component.Plan{Streams: []component.StreamPlan{s}}); err != nil {
		t.Fatal(err)
	}
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}
	past, err := output.Open(dir, decoder{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(past.Close)
	return past
}

// TestCompare: items that are added, removed, have different fields, or a different audience; a
// withheld item counts as found by no one.
func TestCompare(t *testing.T) {
	before := stream([]string{"w"}, `{"id":"a","title":"x"}`, `{"id":"b"}`, `{"id":"c"}`, `{"id":"same"}`, `{"id":"h"}`)
	now := stream([]string{"h"}, `{"id":"a","title":"y"}`, `{"id":"b","all":true}`,
		`{"id":"same"}`, `{"id":"w"}`, `{"id":"n"}`)
	for limit, kept := range map[int]int{0: 5, 1: 1} {
		d := New(written(t, before), limit)
		plan := &component.Plan{Streams: []component.StreamPlan{now, {Name: "others"}}}
		if err := d.Compare(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		s := *d.Streams[0]
		if s.Before != 5 || s.Now != 5 || s.Added != 2 || s.Removed != 2 ||
			s.Changed != 1 || s.Wider != 2 || s.Narrower != 1 {
			t.Errorf("%+v", s)
		}
		if len(d.Items) != kept || len(d.Access) != min(3, kept) || !d.Any() {
			t.Errorf("limit %d: %d items, %d changes of access", limit, len(d.Items), len(d.Access))
		}
		if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "others is not in") {
			t.Errorf("notes: %q", d.Notes)
		}
	}
	d := New(written(t, before), 0)
	if err := d.Compare(t.Context(), &component.Plan{Streams: []component.StreamPlan{before}}); err != nil || d.Any() {
		t.Errorf("a plan differs from itself: %v, %+v", err, d.Streams[0])
	}
}

// TestOpenRefuses: a folder that no run wrote is a wrong request.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	_, err := output.Open(dir, decoder{})
	if err == nil || !strings.Contains(err.Error(), "has no output of a run") {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "documents.ndjson"), []byte("{\"id\":\"a\"}\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = output.Open(dir, decoder{}); err == nil ||
		!strings.Contains(err.Error(), "documents.ndjson:2 is not an item") {
		t.Errorf("an item without id: %v", err)
	}
}

// TestOpen: only items that every datasource user finds before the change are kept by ID, whatever
// the change makes of them, and each change of an item with an audience is counted once.
func TestOpen(t *testing.T) {
	before := stream([]string{"w"}, `{"id":"gone","all":true}`, `{"id":"narrowed","all":true}`,
		`{"id":"renamed","all":true,"title":"x"}`, `{"id":"both","all":true,"title":"x"}`, `{"id":"h","all":true}`,
		`{"id":"opened"}`, `{"id":"restricted","title":"x"}`, `{"id":"restricted-gone"}`, `{"id":"same","all":true}`)
	now := stream([]string{"h"}, `{"id":"narrowed"}`, `{"id":"renamed","all":true,"title":"y"}`,
		`{"id":"both","title":"y"}`,
		`{"id":"opened","all":true}`, `{"id":"restricted","title":"y"}`, `{"id":"same","all":true}`,
		`{"id":"w","all":true}`, `{"id":"new","all":true}`)
	d := New(written(t, before), 0)
	if err := d.Compare(t.Context(), &component.Plan{Streams: []component.StreamPlan{now}}); err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, c := range d.Open {
		open = append(open, c.ID+" "+c.Change+" "+c.To.String())
	}
	slices.Sort(open)
	if want := []string{"both changed listed", "gone removed undecided", "h removed nobody", "narrowed changed listed",
		"renamed changed all-users"}; !slices.Equal(open, want) {
		t.Errorf("%q, want %q", open, want)
	}
	total := 0
	for _, n := range d.Shifts {
		total += n
	}
	if total != 10 || d.Shifts[Shift{"documents", access.Listed, access.AllUsers, "r", true, false}] != 1 ||
		d.Shifts[Shift{"documents", access.Nobody, access.AllUsers, "r", true, false}] != 1 ||
		d.Shifts[Shift{"documents", access.AllUsers, access.Listed, "r", false, true}] != 2 {
		t.Errorf("%d: %v", total, d.Shifts)
	}
	d = New(written(t, before), 2)
	if err := d.Compare(t.Context(), &component.Plan{Streams: []component.StreamPlan{now}}); err != nil ||
		len(d.Open) != 2 || d.OpenMore != 3 {
		t.Errorf("%v, %d and %d more", err, len(d.Open), d.OpenMore)
	}
}
