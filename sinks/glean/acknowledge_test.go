package glean

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestFalseAnswers: an answer that is no acknowledgement, to any page of any
// upload, ends the run without a closed upload, and the next run delivers all.
func TestFalseAnswers(t *testing.T) {
	for _, what := range slices.Sorted(maps.Keys(faults.FalseAnswers())) {
		for _, stream := range slices.Sorted(maps.Keys(streamPaths)) {
			for _, page := range []faults.PageKind{faults.FirstPage, faults.MiddlePage, faults.LastPage} {
				t.Run(fmt.Sprintf("%s to page %d of %s", what, page, stream), func(t *testing.T) {
					f := start(t, sandbox.Rules{})
					failed := faults.FalseAnswers()[what]
					failed.Path, failed.Page = streamPaths[stream], page
					f.server.Fail(failed)
					begun := f.clock()
					err := f.run(company(0, 13)...)
					if failed.HTML && f.clock() != begun {
						t.Errorf("waited %v for a proxy that asks for a sign-in", f.clock().Sub(begun))
					}
					if err == nil || fault.RemedyOf(err) == "" || failed.HTML != (fault.ClassOf(err) == fault.Fatal) ||
						len(f.rejected) > 0 {
						t.Errorf("%v (%v), rejected %v", err, fault.ClassOf(err), f.rejected)
					}
					for _, u := range f.index().Uploads {
						if u.Stream == stream && !u.Ended.IsZero() && stream != "memberships" {
							t.Errorf("the upload was closed: %+v", u)
						}
					}
					f.server.Heal()
					if err := f.run(company(0, 13)...); err != nil || f.differs() != "" {
						t.Errorf("the next run: %v, differs in %s", err, f.differs())
					}
				})
			}
		}
	}
}

// TestFalseAnswerAfterEffect: a last page that closed its upload although its
// answer is no acknowledgement is found in Glean's history. Without a history the
// run fails.
func TestFalseAnswerAfterEffect(t *testing.T) {
	for _, size := range []int{13, 4} { // several pages, and one that is the first and the last
		for what, failed := range faults.FalseAnswers() {
			for _, history := range []bool{true, false} {
				f := start(t, sandbox.Rules{})
				failed.Path, failed.Page, failed.TakesEffect = documentsPath, faults.LastPage, true
				f.server.Fail(failed)
				if !history {
					f.server.Fail(faults.Fault{Path: "/status", Status: http.StatusNotFound})
				}
				err := f.run(company(0, size)...)
				if (err == nil) != history || f.differs() != "" || len(f.rejected) > 0 {
					t.Errorf("%s, history %v: %v, differs in %s, rejected %v", what, history, err, f.differs(), f.rejected)
				}
			}
		}
	}
}

// TestFalseAnswersToSingleWrites: what a person does by hand succeeds by an
// acknowledgement alone, too.
func TestFalseAnswersToSingleWrites(t *testing.T) {
	for name, tc := range map[string]struct {
		path string
		do   func(*fixture) error
	}{
		"deletedocument": {"/deletedocument", func(f *fixture) error {
			_, err := f.Hide(f.t.Context(), "component:default/a", []string{"component"})
			return err
		}},
		"adddatasource": {"/adddatasource", func(f *fixture) error {
			return f.api.Send(f.t.Context(), api.PathAddDatasource, catalog())
		}},
		"processallmemberships": {"/processallmemberships", func(f *fixture) error { return f.Process(f.t.Context()) }},
		"processalldocuments":   {"/processalldocuments", func(f *fixture) error { return f.Process(f.t.Context()) }},
		"an upload of nothing": {documentsPath, func(f *fixture) error {
			return f.Purge(f.t.Context(), nil, component.Opening{Pipeline: "pipe", RunID: f.runID(),
				Written: func(string) bool { return true }})
		}},
	} {
		for what, failed := range faults.FalseAnswers() {
			f := start(t, sandbox.Rules{})
			if err := f.run(user("ann"), doc("a")); err != nil {
				t.Fatal(err)
			}
			failed.Path = tc.path
			f.server.Fail(failed)
			err := tc.do(f)
			if err == nil || errors.As(err, new(*fault.Unconfirmed)) || api.StatusOf(err) != 0 {
				t.Errorf("%s answered with %s: %v", name, what, err)
			}
		}
	}
}

// TestErrorBodyIsShown: what an answer says is quoted, without secrets and
// within a bound.
func TestErrorBodyIsShown(t *testing.T) {
	f := start(t, sandbox.Rules{})
	f.server.Fail(faults.Fault{Path: documentsPath, Status: http.StatusOK,
		Body: `{"error":"secret-token is over quota ` + strings.Repeat("x", 1<<20) + `"}`})
	err := f.run(user("ann"), doc("a"))
	if err == nil || !strings.Contains(err.Error(), "is over quota") || strings.Contains(err.Error(), "secret-token") ||
		len(err.Error()) > 700 {
		t.Errorf("%.900v", err)
	}
}

// TestEveryWriteIsAcknowledged: requests are made by the client, and by what
// reads the answer.
func TestEveryWriteIsAcknowledged(t *testing.T) {
	want := map[string]int{"api/client.go": 2, "operate/item.go": 1, "operate/rotate.go": 1}
	got := map[string]int{}
	err := filepath.WalkDir(".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		if n := strings.Count(string(text), "onn.Do("); n > 0 {
			got[file] = n
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("files that make requests: %v, want %v; a write goes through Client.Write", got, want)
	}
}
