package glean

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// tryable is a sink whose datasource is one for tests, set up in Glean with two
// testers.
func tryable(t *testing.T, rules sandbox.Rules, adjust ...func(*Config)) *fixture {
	t.Helper()
	f := start(t, rules, append([]func(*Config){func(c *Config) {
		c.Datasource.IsTestDatasource, c.Datasource.HomeURL = yes(), "https://portal.example"
		c.Datasource.Testers = []string{"ann@x.example", "bob@x.example", "cid@x.example"}
	}}, adjust...)...)
	f.apply(engine.ProvisionOptions{})
	f.purpose = engine.ForRun
	return f
}

func (f *fixture) probe(within time.Duration) (map[string]engine.ProbeAnswer, error) {
	f.t.Helper()
	answers, err := f.ProbeSink(f.t.Context(), engine.SinkProbeOptions{RunID: f.runID(), Within: within, Stop: f.stop})
	out := map[string]engine.ProbeAnswer{}
	for _, a := range answers {
		if _, twice := out[a.Question]; twice || a.Answer == "" || a.Seen == "" {
			f.t.Errorf("%+v", a)
		}
		out[a.Question] = a
	}
	return out, err
}

// clean fails when the probe left something.
func (f *fixture) clean() {
	f.t.Helper()
	i := f.index()
	if len(i.Documents)+len(i.Users)+len(i.Groups)+len(i.Unfinished()) > 0 {
		f.t.Errorf("left behind: %v %v %v %+v", i.Documents, i.Users, i.Groups, i.Unfinished())
	}
	if want := []string{"ann@x.example", "bob@x.example", "cid@x.example"}; !slices.Equal(i.Testers, want) {
		f.t.Errorf("the testers are %v", i.Testers)
	}
}

// TestProbe: the probe finds out each reading of Glean's documents.
func TestProbe(t *testing.T) {
	yesNo := map[bool]string{true: "yes", false: "no"}
	for _, reading := range sandbox.Readings() {
		t.Run(reading.Name, func(t *testing.T) {
			f, r := tryable(t, reading.Rules), reading.Rules
			got, err := f.probe(10 * time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			refusal := "it is refused with 409"
			if r.ConflictIsBadRequest {
				refusal = "it is refused with 400"
			}
			want := map[string]string{
				askPrefix: yesNo[r.EchoCustomNames], askDefaults: yesNo[r.EchoDefaults], askMissing: "400",
				askTwoGroups: yesNo[r.Scope == sandbox.OfStream], askBeside: yesNo[r.Scope != sandbox.OfDatasource],
				askStranger: yesNo[!r.RefuseUnknownPrincipals], askIndexing: "less than a second", askStatus: "less than a second",
				askInactive: "no", askConflict: refusal, askSameFirst: refusal, askVisible: yesNo[r.VisibleBeforeLastPage],
				askPrincipals: yesNo[!r.RefuseUnknownPrincipals], askTwice: yesNo[!r.StrictIDs], askCase: yesNo[!r.StrictIDs],
				askEmpty: "nobody", askForce: "yes", askGroupCase: yesNo[r.GroupsIgnoreCase], askReused: yesNo[!r.RefuseReusedUploadIDs],
				askDeletion: "less than a second",
			}
			if r.SameIDBeginsAnew {
				want[askSameFirst] = "it begins anew"
			}
			if r.MissingIsNotFound {
				want[askMissing] = "404"
			}
			for question, answer := range want {
				if a := got[question]; a.Answer != answer || !a.Known {
					t.Errorf("%s? %+v, want %s", question, a, answer)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d answers, want %d", len(got), len(want))
			}
			f.clean()
			if err := f.run(user("ann"), doc("a")); err != nil {
				t.Errorf("a run after it: %v", err)
			}
		})
	}
}

// TestProbeTime: what takes longer than there is time for is not taken for a no,
// and times are measured.
func TestProbeTime(t *testing.T) {
	slow := tryable(t, sandbox.Rules{IndexingTakes: 20 * time.Minute})
	got, err := slow.probe(5 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{askIndexing, askVisible, askInactive, askEmpty, askGroupCase} {
		if a := got[q]; a.Known || a.Answer != "could not be seen within 5m0s" {
			t.Errorf("%s? %+v", q, a)
		}
	}
	if a := got[askConflict]; !a.Known {
		t.Errorf("%+v", a)
	}
	if now := slow.clock(); now.Sub(time.Unix(1_800_000_000, 0)) > 6*time.Minute {
		t.Errorf("it took until %s", now)
	}
	slow.clean()

	known := tryable(t, sandbox.Rules{IndexingTakes: 3 * time.Minute})
	if got, err = known.probe(time.Hour); err != nil {
		t.Fatal(err)
	}
	if a := got[askIndexing]; !a.Known || !strings.HasPrefix(a.Answer, "about 3m") {
		t.Errorf("%+v", a)
	}
	if a := got[askVisible]; !a.Known || a.Answer != "no" || got[askInactive].Answer != "no" {
		t.Errorf("%+v %+v", a, got[askInactive])
	}
}

// TestProbeWithoutTesters: nobody whom the probe could ask about sees the
// datasource, so that nothing is said of what people find.
func TestProbeWithoutTesters(t *testing.T) {
	f := tryable(t, sandbox.Rules{}, func(c *Config) { c.Datasource.Testers = nil })
	got, err := f.probe(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{askInactive, askEmpty} {
		if a := got[q]; a.Known || !strings.Contains(a.Seen, "name two people under datasource.testers") {
			t.Errorf("%s? %+v", q, a)
		}
	}
}

// TestProbeByID: users that are named by an id.
func TestProbeByID(t *testing.T) {
	f := tryable(t, sandbox.Rules{RefuseUnknownPrincipals: true}, func(c *Config) { c.Datasource.IsUserReferencedByEmail = new(false) })
	if got, err := f.probe(time.Minute); err != nil || got[askInactive].Answer != "no" {
		t.Errorf("%v %+v", err, got[askInactive])
	}
	f.clean()
}

// TestProbeOpenAnswers: what the sandbox has no reading for.
func TestProbeOpenAnswers(t *testing.T) {
	f := tryable(t, sandbox.Rules{})
	f.server.Fail(sandbox.Fault{Path: "bulkindexdocuments", Match: func(b []byte) bool { return strings.Contains(string(b), `"permissions":{}`) }, Status: 400, Body: "permissions must name somebody"})
	f.server.Fail(sandbox.Fault{Path: "getdatasourceconfig", Match: func(b []byte) bool { return strings.Contains(string(b), probeNobody) }, Status: 403, Body: "out of scope"})
	got, err := f.probe(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if a := got[askEmpty]; a.Answer != "refused" || !strings.Contains(a.Seen, "permissions must name somebody") {
		t.Errorf("%+v", a)
	}
	if a := got[askMissing]; a.Known || !strings.Contains(a.Seen, "out of scope") {
		t.Errorf("%+v", a)
	}
	f.clean()
}

// TestProbeRefuses: nothing is tried where something else is, or may be.
func TestProbeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		adjust func(*Config)
		before func(*fixture)
		want   string
	}{
		"no test datasource":   {adjust: func(c *Config) { c.Datasource.IsTestDatasource = nil }, want: "is not a test datasource"},
		"not in the file":      {before: func(f *fixture) { f.cfg.Datasource.IsTestDatasource = nil }, want: "is not a test datasource"},
		"documents":            {before: func(f *fixture) { f.must(f.run(user("dan"), doc("a"))); f.later(4 * time.Hour) }, want: "holds 1 documents, 1 users and 0 groups, of which 0 documents"},
		"a tester of others":   {before: func(f *fixture) { f.must(f.run(user("ann"), user("dan"), doc("a"))); f.later(4 * time.Hour) }, want: "of which 0 documents and 1 users"},
		"counts may be old":    {before: func(f *fixture) { f.must(f.run(user("dan"), doc("a"))); f.later(2 * time.Hour) }, want: "is under way, or not long ago"},
		"an unfinished one":    {before: func(f *fixture) { f.must(f.open("other", "documents")); f.later(40 * time.Hour) }, want: "other to backstage is under way"},
		"an address elsewhere": {adjust: func(c *Config) { c.Datasource.HomeURL = "https://other.example" }, want: "does not match the urlRegex"},
		"no counts": {before: func(f *fixture) {
			f.server.Fail(sandbox.Fault{Path: "status", Status: 200, Body: `{"documents":{}}`, Header: map[string][]string{"Content-Type": {"application/json"}}})
		}, want: "does not say what backstage holds"},
		"no status": {before: func(f *fixture) { f.server.Fail(sandbox.Fault{Path: "status", Status: 404}) }, want: "must be known before something is tried"},
	} {
		t.Run(name, func(t *testing.T) {
			adjust := c.adjust
			if adjust == nil {
				adjust = func(*Config) {}
			}
			f := tryable(t, sandbox.Rules{}, adjust)
			if c.before != nil {
				c.before(f)
			}
			docs, uploads := f.ids(), len(f.index().Uploads)
			answers, err := f.probe(time.Minute)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(answers) > 0 {
				t.Errorf("%v %v", err, answers)
			}
			var refused *engine.Refusal
			if name != "no status" && (!errors.As(err, &refused) || refused.Remedy == "") {
				t.Errorf("%#v", err)
			}
			if i := f.index(); !slices.Equal(f.ids(), docs) || len(i.Uploads) != uploads {
				t.Error("something was written")
			}
		})
	}
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) later(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// open begins an upload and leaves it.
func (f *fixture) open(id, stream string) error {
	return f.send(f.t.Context(), api.PathBulkIndexDocuments, map[string]any{"uploadId": id, "datasource": "backstage", "isFirstPage": true, stream: []any{}})
}

// TestProbeEnds: however a probe ends, what it made is taken away, and what a
// killed one left is its own.
func TestProbeEnds(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"stopped":        {},
		"refused":        {Path: "indexgroup", Status: 400, After: 2, Times: 1, Body: "no more groups"},
		"a page refused": {Path: "bulkindexdocuments", Page: sandbox.LastPage, Status: 400, After: 1, Times: 1, Body: "not now"},
		"unauthorized":   {Path: "document", Status: 401, After: 6, Times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			f := tryable(t, sandbox.Rules{IndexingTakes: time.Hour})
			if name == "stopped" {
				sleep, naps := f.Sink.sleep, 0
				f.Sink.sleep = func(ctx context.Context, d time.Duration) error {
					if naps++; naps == 2 {
						close(f.stop)
						<-ctx.Done()
						return ctx.Err()
					}
					return sleep(ctx, d)
				}
			} else {
				f.server.Fail(fault)
			}
			_, err := f.probe(10 * time.Minute)
			if err == nil || errors.Is(err, engine.ErrStopped) != (name == "stopped") {
				t.Errorf("%v", err)
			}
			f.clean()
		})
	}

	f := tryable(t, sandbox.Rules{})
	ctx, kill := context.WithCancel(t.Context())
	f.observe = func(e sandbox.Exchange) {
		if f.made("bulkindexdocuments") == 5 {
			kill()
		}
	}
	if _, err := f.ProbeSink(ctx, engine.SinkProbeOptions{RunID: f.runID(), Within: time.Minute, Stop: f.stop}); err == nil {
		t.Fatal("it was not killed")
	}
	if i := f.index(); len(i.Documents) == 0 || len(i.Users) == 0 {
		t.Fatal("nothing was left: the test proves nothing")
	}
	f.observe = nil
	if _, err := f.probe(time.Minute); err != nil {
		t.Error(err)
	}
	f.clean()
}

// TestProbeAllowList: a sink that probes nothing may not make a probe's requests
// (invariant 8 for the other end).
func TestProbeAllowList(t *testing.T) {
	f := tryable(t, sandbox.Rules{})
	for _, path := range []string{api.PathIndexUser, api.PathDeleteUser, api.PathIndexGroup, api.PathDeleteGroup, api.PathCheckDocumentAccess} {
		if _, err := f.conn.Do(t.Context(), connection.Request{Method: "POST", Path: path}); err == nil || !strings.Contains(err.Error(), "refused before it was made") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
