package upload_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestFalseAnswers: an answer that is no acknowledgement, to any page of any
// upload, ends the run without a closed upload, and the next run delivers all.
func TestFalseAnswers(t *testing.T) {
	for _, what := range slices.Sorted(maps.Keys(faults.FalseAnswers())) {
		for _, stream := range slices.Sorted(maps.Keys(streamPaths)) {
			for _, page := range []faults.PageKind{faults.FirstPage, faults.MiddlePage, faults.LastPage} {
				t.Run(fmt.Sprintf("%s to page %d of %s", what, page, stream), func(t *testing.T) {
					f := gleantest.Start(t, sandbox.Rules{})
					failed := faults.FalseAnswers()[what]
					failed.Path, failed.Page = streamPaths[stream], page
					f.Server.Fail(failed)
					begun := f.Now()
					err := f.Run(gleantest.Company(0, 13)...)
					if failed.HTML && f.Now() != begun {
						t.Errorf("waited %v for a proxy that asks for a sign-in", f.Now().Sub(begun))
					}
					if err == nil || fault.RemedyOf(err) == "" || failed.HTML != (fault.ClassOf(err) == fault.Fatal) ||
						len(f.Rejected) > 0 {
						t.Errorf("%v (%v), rejected %v", err, fault.ClassOf(err), f.Rejected)
					}
					for _, u := range f.Index().Uploads {
						if u.Stream == stream && !u.Ended.IsZero() && stream != "memberships" {
							t.Errorf("the upload was closed: %+v", u)
						}
					}
					f.Server.Heal()
					if err := f.Run(gleantest.Company(0, 13)...); err != nil || f.Differs() != "" {
						t.Errorf("the next run: %v, differs in %s", err, f.Differs())
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
				f := gleantest.Start(t, sandbox.Rules{})
				failed.Path, failed.Page, failed.TakesEffect = gleantest.DocumentsPath, faults.LastPage, true
				f.Server.Fail(failed)
				if !history {
					f.Server.Fail(faults.Fault{Path: "/status", Status: http.StatusNotFound})
				}
				err := f.Run(gleantest.Company(0, size)...)
				if (err == nil) != history || f.Differs() != "" || len(f.Rejected) > 0 {
					t.Errorf("%s, history %v: %v, differs in %s, rejected %v", what, history, err, f.Differs(), f.Rejected)
				}
			}
		}
	}
}

// TestFalseAnswersToSingleWrites: commands outside a run also succeed only with an
// acknowledgement.
func TestFalseAnswersToSingleWrites(t *testing.T) {
	for name, tc := range map[string]struct {
		path string
		do   func(*gleantest.Fixture) error
	}{
		"deletedocument": {"/deletedocument", func(f *gleantest.Fixture) error {
			_, err := f.Sink.Hide(f.T.Context(), "component:default/a", []string{"component"})
			return err
		}},
		"adddatasource": {"/adddatasource", func(f *gleantest.Fixture) error {
			return f.API.Send(f.T.Context(), api.PathAddDatasource, gleantest.Catalog())
		}},
		"processallmemberships": {"/processallmemberships", func(f *gleantest.Fixture) error {
			return f.Sink.Process(f.T.Context())
		}},
		"processalldocuments": {"/processalldocuments", func(f *gleantest.Fixture) error {
			return f.Sink.Process(f.T.Context())
		}},
		"an upload of nothing": {gleantest.DocumentsPath, func(f *gleantest.Fixture) error {
			return f.Sink.Purge(f.T.Context(), nil, component.Opening{Pipeline: "pipe", RunID: f.RunID(),
				Written: func(string) bool { return true }})
		}},
	} {
		for what, failed := range faults.FalseAnswers() {
			f := gleantest.Start(t, sandbox.Rules{})
			if err := f.Run(gleantest.User("ann"), gleantest.Doc("a")); err != nil {
				t.Fatal(err)
			}
			failed.Path = tc.path
			f.Server.Fail(failed)
			err := tc.do(f)
			if err == nil || errors.As(err, new(*fault.Unconfirmed)) || api.StatusOf(err) != 0 {
				t.Errorf("%s answered with %s: %v", name, what, err)
			}
		}
	}
}

// TestErrorBodyIsShown: an error answer is quoted, without secrets and up to a limit.
func TestErrorBodyIsShown(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Status: http.StatusOK,
		Body: `{"error":"secret-token is over quota ` + strings.Repeat("x", 1<<20) + `"}`})
	err := f.Run(gleantest.User("ann"), gleantest.Doc("a"))
	if err == nil || !strings.Contains(err.Error(), "is over quota") || strings.Contains(err.Error(), "secret-token") ||
		len(err.Error()) > 700 {
		t.Errorf("%.900v", err)
	}
}
