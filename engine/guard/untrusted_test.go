package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/stage"
)

// twoStreams returns a pipeline with users and documents; only documents have permissions.
func twoStreams() *component.Pipeline {
	return &component.Pipeline{
		Streams: []component.Stream{{Name: "users", Identities: true}, {Name: "documents", Permissions: true}},
		Limits:  component.DefaultLimits(),
	}
}

// lastOf returns the snapshot of a last good run that wrote streams.
func lastOf(streams ...string) *baseline.Snapshot {
	s := &baseline.Snapshot{Header: baseline.Header{Streams: map[string]int{}}}
	for _, name := range streams {
		s.Streams[name] = 1
	}
	return s
}

// TestAnswerShown: the refusal of an upload of another owner names that owner and the one of this
// state folder.
func TestAnswerShown(t *testing.T) {
	store := fake.Folder{T: t, Dir: t.TempDir()}.Baseline()
	ours := baseline.Owner{ID: "ours", Created: time.Now()}
	const (
		whoseOwner   = "of another state folder, owner theirs"
		whoseRun     = "of an earlier version of pipe with another state folder, run 01R"
		whoseProgram = "of another program"
		thisOwner    = "; this state folder is owner ours;"
		thisNew      = "; no run with this state folder has written to the sink;"
		thisNone     = "; this run has no state folder (--state none);"
	)
	for name, tc := range map[string]struct {
		uploads     []component.Upload
		store       *baseline.Store
		owner       baseline.Owner
		whose, this string // "" when the run is not refused
	}{
		"no upload": {nil, store, ours, "", ""},
		"ours":      {[]component.Upload{{Owner: "ours"}, {Owner: "theirs"}}, store, ours, "", ""},
		"theirs": {
			[]component.Upload{{Owner: "theirs", Run: "01R"}, {Owner: "ours"}}, store, ours, whoseOwner,
			thisOwner,
		},
		"an unknown run":  {[]component.Upload{{Run: "01R"}}, store, ours, whoseRun, thisOwner},
		"another program": {[]component.Upload{{ID: "x"}}, store, ours, whoseProgram, thisOwner},
		"of a new state folder": {
			[]component.Upload{{Owner: "theirs"}}, store, baseline.Owner{ID: "ours"}, whoseOwner, thisNew,
		},
		"without a state folder": {
			[]component.Upload{{Owner: "theirs"}}, nil, baseline.Owner{ID: "ours"}, whoseOwner, thisNone,
		},
	} {
		holdings := component.Holdings{Uploads: tc.uploads}
		r := Known{Pipeline: twoStreams(), Store: tc.store, Owner: tc.owner, Holdings: holdings}
		refused := r.Foreign()
		switch {
		case (refused == nil) != (tc.whose == ""):
			t.Errorf("%s: %v", name, refused)
		case refused == nil:
		case refused.Guard != Owner || !strings.Contains(refused.Reason, tc.whose+" (") ||
			!strings.Contains(refused.Reason, tc.this) ||
			len(refused.Changes) != 1 || refused.Changes[0].Type != UploadChange:
			t.Errorf("%s: %v; %+v", name, refused, refused.Changes)
		}
	}
}

// TestLost: the refusal of a lost baseline says what happened to it and what to do. Items of
// this state folder's own killed first run are no reason to refuse.
func TestLost(t *testing.T) {
	store := fake.Folder{T: t, Dir: t.TempDir()}.Baseline()
	counted := component.Holdings{Streams: map[string]int{"documents": 5}}
	unsaid := component.Holdings{Unsaid: errors.New("404")}
	begun := baseline.Owner{Begun: true}
	kept := baseline.Owner{Begun: true, Kept: true}
	base := func(c baseline.Condition) baseline.Baseline {
		return baseline.Baseline{Condition: c, Path: "FILE", Problem: "PROBLEM"}
	}
	const (
		copied = "restore the state folder from a copy"
		moved  = "run with the state folder of the earlier runs"
		adopt  = ". If there is none: pipe adopt FILE"
	)
	for name, tc := range map[string]struct {
		held           component.Holdings
		noFolder       bool
		base           baseline.Baseline
		last           *baseline.Snapshot
		owner          baseline.Owner
		reason, remedy string // "" when the run is not refused
		alone          bool   // the remedy is the whole text
	}{
		"nothing is there": {owner: kept},
		"a baseline": {
			held: counted, base: base(baseline.Intact), last: lastOf("documents"), owner: kept,
		},
		"a killed first run": {held: counted, owner: begun},
		"a first run that is unknown": {
			held: unsaid, owner: begun,
			reason: "the baseline is missing: no run with this state folder has filled the sink",
			remedy: moved,
		},
		"no state folder": {
			held: counted, noFolder: true,
			reason: "there is no state folder to compare with (--state none), but the sink counts 5 documents",
			remedy: "--state DIR",
		},
		"damaged": {
			held: counted, base: base(baseline.Damaged), owner: kept,
			reason: "FILE is damaged: PROBLEM; the sink counts", remedy: copied + adopt,
		},
		"damaged after the first run": {
			held: counted, base: base(baseline.Damaged), owner: begun, reason: "FILE is damaged: PROBLEM",
			remedy: copied,
		},
		"damaged rows of a database": {
			held: counted, owner: kept,
			base:   baseline.Baseline{Condition: baseline.Damaged, Path: "FILE", Problem: "PROBLEM", Remedy: "RESET"},
			reason: "FILE is damaged: PROBLEM; the sink counts", remedy: "RESET", alone: true,
		},
		"newer": {
			held: counted, base: base(baseline.Newer), owner: kept,
			reason: "FILE is of a later version of pipe: PROBLEM; the sink counts",
			remedy: "run with that version of pipe" + adopt,
		},
		"a baseline of users only": {
			held: counted, base: base(baseline.Intact), last: lastOf("users"), owner: kept,
			reason: "does not cover every stream with permissions",
			remedy: "run with the state folder of the complete runs" + adopt,
		},
		"missing after earlier runs": {
			held: counted, base: baseline.Baseline{Path: "FILE"}, owner: kept,
			reason: "the baseline is missing: earlier runs wrote FILE; the sink counts",
			remedy: copied + adopt,
		},
		"missing, of a new folder": {
			held:   counted,
			reason: "no run with this state folder has filled the sink, but the sink counts",
			remedy: moved,
		},
		"missing, the sink is unknown": {held: unsaid, owner: kept, reason: "earlier runs wrote", remedy: copied},
	} {
		tc.base.Snapshot = tc.last
		r := Known{Pipeline: twoStreams(), Store: store, Holdings: tc.held, Base: tc.base, Owner: tc.owner}
		if tc.noFolder {
			r.Store = nil
		}
		refused := r.Lost()
		switch {
		case (refused == nil) != (tc.reason == ""):
			t.Errorf("%s: %v", name, refused)
		case refused == nil:
		case refused.Guard != Baseline || !strings.Contains(refused.Reason, tc.reason) ||
			!strings.Contains(refused.Remedy, tc.remedy):
			t.Errorf("%s: %v; %s", name, refused, refused.Remedy)
		case tc.noFolder && strings.Contains(refused.Remedy, adopt), tc.alone && refused.Remedy != tc.remedy:
			t.Errorf("%s: %s", name, refused.Remedy)
		}
	}
}

// TestListOfTheRun: the refusal of a run without a baseline lists every document, and counts
// them by audience and rule, the widest first.
func TestListOfTheRun(t *testing.T) {
	for withheld := range 2 {
		s := stage.New()
		t.Cleanup(s.Close)
		put := func(stream string, e component.Encoded) {
			if _, err := s.Put(stream, e, 1, func(string) bool { return false }); err != nil {
				t.Fatal(err)
			}
		}
		put("users", component.Encoded{ID: "sam", Ref: "user:sam"})
		for _, e := range []component.Encoded{
			fake.Staged("a", "owners", access.Listed, "sam"),
			fake.Staged("b", "default", access.AllUsers),
			fake.Staged("c", "open", access.AllUsers),
			fake.Staged("d", "open", access.AllUsers),
			fake.Staged("e", "team", access.Listed, "ann"),
			fake.Staged("f", "datasource", access.DatasourceUsers),
		} {
			put("documents", e)
		}
		for range withheld {
			if err := s.Withhold("documents", "secret", "secret", false); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Withhold("users", "ann", "ann", false); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
		plan := &component.Plan{Streams: []component.StreamPlan{{Name: "users"}, {Name: "documents"}}}
		refused := &fault.Refusal{}
		if err := (Known{Pipeline: twoStreams()}).List(refused, plan, s); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"who would find the documents after this run:",
			"        2 for all-users, rule open",
			"        1 for all-users, rule default",
			"        1 for datasource-users, rule datasource",
			"        1 for listed, rule owners",
			"        1 for listed, rule team",
			"        2 restricted in all (only the listed users and groups find them)",
		}
		if withheld > 0 {
			want = append(want, "        1 withheld")
		}
		if !slices.Equal(refused.Table, want) {
			t.Errorf("%d withheld:\n%s", withheld, strings.Join(refused.Table, "\n"))
		}
		if got := fake.Refs(refused.Changes); !slices.Equal(got, []string{"a", "b", "c", "d", "e", "f"}) ||
			refused.Changes[0].Before != fault.Unknown ||
			refused.Changes[0].After != access.AudienceText("listed", fake.Hashes("sam")) {
			t.Errorf("%d withheld: %+v", withheld, refused.Changes)
		}
	}
}

// TestUnsaid: only an error about what the sink holds, in a run without a baseline that was not
// interrupted, is left to the baseline guard.
func TestUnsaid(t *testing.T) {
	cause := errors.New("500")
	ended, end := context.WithCancel(t.Context())
	end()
	for name, tc := range map[string]struct {
		ctx    context.Context
		last   *baseline.Snapshot
		err    error
		unsaid bool
	}{
		"no baseline": {
			t.Context(), nil, fmt.Errorf("ask the sink: %w", &component.UnsaidError{Err: cause}), true,
		},
		"a partial baseline": {t.Context(), lastOf("users"), &component.UnsaidError{Err: cause}, true},
		"a baseline":         {t.Context(), lastOf("documents"), &component.UnsaidError{Err: cause}, false},
		"interrupted":        {ended, nil, &component.UnsaidError{Err: cause}, false},
		"another error":      {t.Context(), nil, cause, false},
		"no error":           {t.Context(), nil, nil, false},
	} {
		held, unsaid := Known{Pipeline: twoStreams(), Base: baseline.Baseline{Snapshot: tc.last}}.Unsaid(tc.ctx, tc.err)
		if unsaid != tc.unsaid || (held.Unsaid == cause) != tc.unsaid {
			t.Errorf("%s: %t, %v", name, unsaid, held.Unsaid)
		}
	}
}

// TestHolds: counted documents, a listed upload and a sink that does not report its content are
// evidence that the sink holds documents; users and a count of zero are not.
func TestHolds(t *testing.T) {
	upload := []component.Upload{{Stream: "documents", ID: "u"}, {Stream: "documents", ID: "older"}}
	for name, tc := range map[string]struct {
		held component.Holdings
		want string
	}{
		"nothing is reported": {component.Holdings{}, ""},
		"zero":                {component.Holdings{Streams: map[string]int{"documents": 0}}, ""},
		"users":               {component.Holdings{Streams: map[string]int{"users": 5, "documents": 0}}, ""},
		"a stream of its own": {component.Holdings{Streams: map[string]int{"members": 5}}, ""},
		"documents": {
			component.Holdings{Streams: map[string]int{"documents": 5}, Uploads: upload},
			"the sink counts 5 documents",
		},
		"an upload": {component.Holdings{Uploads: upload}, "the sink lists the upload of documents u"},
		"an upload, stale counts": {
			component.Holdings{Streams: map[string]int{"documents": 0}, Uploads: upload},
			"the sink lists the upload of documents u",
		},
		"the sink does not report": {
			component.Holdings{Unsaid: errors.New("404"), Uploads: upload},
			"the content of the sink is unknown (404)",
		},
	} {
		if got := (Known{Pipeline: twoStreams(), Holdings: tc.held}).Holds(); got != tc.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestOwns: an upload belongs to this state folder when its id contains the folder's owner. An
// upload id without an owner, of an earlier version, is recognized by its run.
func TestOwns(t *testing.T) {
	store := fake.Folder{T: t, Dir: t.TempDir()}.Baseline()
	base := baseline.Baseline{Snapshot: &baseline.Snapshot{Header: baseline.Header{Run: "last"}}}
	for name, tc := range map[string]struct {
		upload component.Upload
		store  *baseline.Store
		base   baseline.Baseline
		ours   bool
	}{
		"our owner":                 {component.Upload{Owner: "ours", Run: "other"}, store, base, true},
		"their owner, our run":      {component.Upload{Owner: "theirs", Run: "last"}, store, base, false},
		"of another program":        {component.Upload{ID: "u"}, store, base, false},
		"the last run":              {component.Upload{Run: "last"}, store, base, true},
		"another run":               {component.Upload{Run: "other"}, store, base, false},
		"the last run, no baseline": {component.Upload{Run: "last"}, store, baseline.Baseline{}, false},
		"the last run, no folder":   {component.Upload{Run: "last"}, nil, base, false},
	} {
		k := Known{Store: tc.store, Base: tc.base, Owner: baseline.Owner{ID: "ours"}}
		if got := k.Owns(tc.upload); got != tc.ours {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestCovered: a baseline covers a run when it has every stream with permissions.
func TestCovered(t *testing.T) {
	for name, tc := range map[string]struct {
		last    *baseline.Snapshot
		covered bool
	}{
		"no baseline": {nil, false},
		"users":       {lastOf("users"), false},
		"documents":   {lastOf("documents"), true},
		"both":        {lastOf("users", "documents"), true},
	} {
		if got := (Known{Pipeline: twoStreams(), Base: baseline.Baseline{Snapshot: tc.last}}).Covered(); got != tc.covered {
			t.Errorf("%s: %t", name, got)
		}
	}
}
