package upload_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// hiding is a hidden list that a test changes while a run publishes.
type hiding struct {
	asked    int
	on       func(asked int) ([]string, error) // names of documents
	withheld []string
}

// hideWith publishes documents with a hidden list.
func hideWith(f *gleantest.Fixture, h *hiding, items ...*component.Item) error {
	f.T.Helper()
	f.Reset()
	s := f.Read(items...)
	if _, err := s.Holds(f.T.Context()); err != nil {
		f.T.Fatal(err)
	}
	plan := f.Plan()
	plan.Hidden = func() (func(component.Encoded) bool, error) {
		h.asked++
		names, err := h.on(h.asked)
		if len(names) == 0 || err != nil {
			return nil, err
		}
		return func(e component.Encoded) bool {
			return slices.Contains(names, strings.TrimPrefix(e.ID, "component:default/"))
		}, nil
	}
	plan.Withhold = func(_ string, e component.Encoded, sent bool) {
		h.withheld = append(h.withheld, fmt.Sprintf("%s %v", strings.TrimPrefix(e.ID, "component:default/"), sent))
	}
	return s.Publish(f.T.Context(), plan)
}

// TestHiddenWhilePublishing: 12 documents in pages of 5; the list is read before each page
// and after the upload. Documents hidden before the last read are not in the index.
func TestHiddenWhilePublishing(t *testing.T) {
	for look, want := range map[int]string{
		1: "d001 false, d006 false, d011 false", // before the first page
		2: "d001 true, d006 false, d011 false",  // before the second
		3: "d001 true, d006 true, d011 false",   // before the last
		4: "d001 true, d006 true, d011 true",    // after the upload has closed
		5: "",
	} {
		for _, visible := range []bool{false, true} {
			f := gleantest.Start(t, sandbox.Rules{VisibleBeforeLastPage: visible})
			h := &hiding{on: func(asked int) ([]string, error) {
				if asked >= look {
					return []string{"d001", "d006", "d011"}, nil
				}
				return nil, nil
			}}
			err := hideWith(f, h, append(gleantest.Docs(12), gleantest.User("ann"))...)
			slices.Sort(h.withheld)
			if got := strings.Join(h.withheld, ", "); err != nil || h.asked != 4 || got != want {
				t.Errorf("look %d: %v, asked %d times, withheld %q", look, err, h.asked, got)
			}
			there := f.IDs()
			if n := len(there); n != 12-len(h.withheld) || look < 5 &&
				(slices.Contains(there, "d001") || slices.Contains(there, "d011")) {
				t.Errorf("look %d: %v", look, there)
			}
			if f.Made("processalldocuments") > 0 {
				t.Error("a run asked Glean to process")
			}
		}
	}
}

// TestHiddenListUnreadable: a list that cannot be read before a page leaves the
// upload unfinished; after the upload it makes the run unconfirmed.
func TestHiddenListUnreadable(t *testing.T) {
	for look := range 5 {
		f := gleantest.Start(t, sandbox.Rules{})
		h := &hiding{on: func(asked int) ([]string, error) {
			if asked == look {
				return nil, errors.New("no list")
			}
			return nil, nil
		}}
		err := hideWith(f, h, append(gleantest.Docs(12), gleantest.User("ann"))...)
		var unconfirmed *fault.Unconfirmed
		switch {
		case look == 0:
			if err != nil {
				t.Error(err)
			}
		case look == 4:
			if !errors.As(err, &unconfirmed) || len(f.IDs()) != 12 {
				t.Errorf("look %d: %v", look, err)
			}
		case err == nil || errors.As(err, &unconfirmed) || !strings.Contains(err.Error(), "no list") || len(f.IDs()) > 0:
			t.Errorf("look %d: %v, %v", look, err, f.IDs())
		}
	}
}

// TestHideAgainFails: documents that cannot be hidden again are not reported as withheld,
// and the run is unconfirmed.
func TestHideAgainFails(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: "/deletedocument", Status: http.StatusForbidden})
	h := &hiding{on: func(asked int) ([]string, error) {
		if asked == 4 {
			return []string{"d001"}, nil
		}
		return nil, nil
	}}
	err := hideWith(f, h, append(gleantest.Docs(12), gleantest.User("ann"))...)
	var unconfirmed *fault.Unconfirmed
	if !errors.As(err, &unconfirmed) || !strings.Contains(err.Error(), "d001") || len(h.withheld) > 0 {
		t.Errorf("%v, %v", err, h.withheld)
	}
}

// TestHiddenAfterAFailedUpload: pages that are found at once are taken back where
// the upload fails.
func TestHiddenAfterAFailedUpload(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{VisibleBeforeLastPage: true})
	f.Server.Fail(faults.Fault{Path: gleantest.DocumentsPath, Page: faults.LastPage, Status: http.StatusForbidden})
	h := &hiding{on: func(asked int) ([]string, error) {
		if asked == 4 {
			return []string{"d001"}, nil
		}
		return nil, nil
	}}
	err := hideWith(f, h, append(gleantest.Docs(12), gleantest.User("ann"))...)
	if there := f.IDs(); err == nil || slices.Contains(there, "d001") || !slices.Contains(there, "d002") {
		t.Errorf("%v, %v", err, there)
	}
}

// TestAllHidden: an upload whose documents are all hidden is not closed: it would
// empty the datasource without a guard.
func TestAllHidden(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	if err := f.Run(append(gleantest.Docs(2), gleantest.User("ann"))...); err != nil {
		t.Fatal(err)
	}
	h := &hiding{on: func(int) ([]string, error) { return []string{"d000"}, nil }}
	err := hideWith(f, h, gleantest.Docs(1)[0], gleantest.User("ann"))
	if err == nil || !strings.Contains(err.Error(), "every document was hidden") || !slices.Contains(f.IDs(), "d001") {
		t.Errorf("%v, %v", err, f.IDs())
	}
}
