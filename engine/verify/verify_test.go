package verify_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/state"
	"github.com/pipe-engine/pipe/engine/verify"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
)

func registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{filesource.Spec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{filesink.Spec().Any()},
	}
}

const identities = `{"id":"ann","kind":"person","name":"Ann","mail":"ann@example.com"}
{"id":"ben","kind":"person","name":"Ben","mail":"ben@example.com"}
{"id":"team-42","kind":"team","name":"Payments","members":["ann"]}
`

// page returns the line of a page.
func page(id, audience string) string {
	return fmt.Sprintf(`{"id":%q,"kind":"page","name":"Page","owner":"team-42","audience":%q}`+"\n", id, audience)
}

// open opens the handbook on these records.
func open(t *testing.T, records string) *job.Job {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "records.ndjson")
	if err := os.WriteFile(path, []byte(records), 0o600); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{"HANDBOOK_FILE": path, "HANDBOOK_OUT": filepath.Join(dir, "out")}
	j, err := job.Open(t.Context(), job.Options{
		Path: "../../pipelines/examples/files/handbook.yaml", Registry: registry(), State: state.None{}, Version: "v1",
		Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
		Log:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j
}

func refsOf(all []verify.Difference) string {
	var out []string
	for _, d := range all {
		out = append(out, d.Ref+" ("+d.Rule+")")
	}
	return strings.Join(out, ", ")
}

// TestCompare: a document that a person would find although the source hides its record is found
// out, with its rule, and so is one that the person would miss.
func TestCompare(t *testing.T) {
	all := identities + page("open", "all") + page("wide", "all") + page("team", "team") + page("none", "none") +
		page("secret", "team")
	j := open(t, all)
	rules := []string{"unknown audience", "marked none", "the owner's team", "default"}
	d, err := verify.Read(t.Context(), j.Pipeline, nil, rules)
	if err != nil {
		t.Fatal(err)
	}
	shown := func(records string) map[string]bool {
		seen, err := verify.Shown(t.Context(), open(t, records).Pipeline)
		if err != nil {
			t.Fatal(err)
		}
		return seen
	}
	for name, tc := range map[string]struct {
		who, shown      string
		found           int
		hidden, missing string
		touched         string
	}{
		"Ben, and the source agrees": {"ben@example.com", page("open", "all") + page("wide", "all"), 2, "", "",
			"default"},
		"Ben, and the source hides wide": {"ben", page("open", "all"), 2, "wide (default)", "", "default"},
		"Ann, and the source hides secret": {"ann", page("open", "all") + page("wide", "all") + page("team", "team") +
			page("none", "none"), 4, "secret (the owner's team)", "none ()", "default, the owner's team"},
		"Ben, and the source shows team": {"ben", page("open", "all") + page("wide", "all") + page("team", "team"), 2, "",
			"team (the owner's team)", "default"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := d.Compare(tc.who, shown(identities+tc.shown))
			if err != nil {
				t.Fatal(err)
			}
			r.Missing = slices.DeleteFunc(r.Missing, func(m verify.Difference) bool { // people and teams are no documents
				return m.Ref == "ann" || m.Ref == "ben" || m.Ref == "team-42"
			})
			if r.Found != tc.found || refsOf(r.Hidden) != tc.hidden || refsOf(r.Missing) != tc.missing ||
				strings.Join(r.Touched, ", ") != tc.touched {
				t.Errorf("found %d, hidden %s, missing %s, touched %v", r.Found, refsOf(r.Hidden), refsOf(r.Missing), r.Touched)
			}
			want := []string{"unknown audience", "marked none", "the owner's team"}
			if strings.Contains(tc.touched, "owner") {
				want = want[:2]
			}
			if got := d.Untouched([]*verify.Result{r}); !slices.Equal(got, want) {
				t.Errorf("untouched rules: %v, want %v", got, want)
			}
		})
	}
	if _, err := d.Compare("cem@example.com", nil); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("an unknown person: %v", err)
	}
}
