package job_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
	filesink "github.com/pipe-engine/pipe/sinks/file"
	filesource "github.com/pipe-engine/pipe/sources/file"
	"github.com/pipe-engine/pipe/transforms/filter"
	"github.com/pipe-engine/pipe/transforms/mapping"
	"github.com/pipe-engine/pipe/transforms/permissions"
)

const handbook = "../../pipelines/examples/files/handbook.yaml"

// registry has the components of the handbook. Packages of the engine must not use those of the
// program, in cmd/internal/components.
func registry() component.Registry {
	return component.Registry{
		Sources:     []component.SourceSpec[any]{filesource.Spec().Any()},
		Transforms:  []component.TransformSpec[any]{filter.Spec().Any()},
		Mapper:      mapping.Spec().Any(),
		Permissions: permissions.Spec().Any(),
		Sinks:       []component.SinkSpec[any]{filesink.Spec().Any()},
	}
}

// frontEnd runs the handbook as a server would: only with package job, from a file of records
// to a folder.
type frontEnd struct {
	t       *testing.T
	dir     string
	records string
}

func newFrontEnd(t *testing.T) frontEnd {
	dir := t.TempDir()
	return frontEnd{t, dir, filepath.Join(dir, "handbook.ndjson")}
}

// write writes a person, a team and n pages; the first ones are restricted to the team.
func (f frontEnd) write(n, restricted int, more string) {
	f.t.Helper()
	var text strings.Builder
	text.WriteString(`{"id":"ann","kind":"person","name":"Ann","mail":"ann@example.com"}` + "\n" +
		`{"id":"team-42","kind":"team","name":"Payments","members":["ann"]}` + "\n")
	for i := range n {
		audience := "all"
		if i < restricted {
			audience = "team"
		}
		fmt.Fprintf(&text, `{"id":"page-%d","kind":"page","name":"Page","owner":"team-42","audience":%q}`+"\n", i, audience)
	}
	if err := os.WriteFile(f.records, []byte(text.String()+more), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f frontEnd) request() job.Request {
	variables := map[string]string{"HANDBOOK_FILE": f.records, "HANDBOOK_OUT": filepath.Join(f.dir, "out")}
	return job.Request{
		Open: job.Options{
			Path: handbook, Registry: registry(), State: state.Folder(filepath.Join(f.dir, "state")), Version: "v1.2.3",
			Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
			Log:    slog.New(slog.DiscardHandler),
		},
		Report: filepath.Join(f.dir, "report.ndjson"), Metrics: filepath.Join(f.dir, "pipe.prom"),
	}
}

// record is the part of a report line that the tests read.
type record struct {
	Version  string        `json:"version"`
	SHA256   string        `json:"sha256"`
	ExitCode int           `json:"exit_code"`
	Error    *report.Error `json:"error"`
	Report   struct {
		RunID string `json:"run_id"`
	} `json:"report"`
}

// reports returns the lines of the report file.
func (f frontEnd) reports() (out []record) {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, "report.ndjson"))
	if err != nil {
		f.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var r record
		if err := codec.Unmarshal([]byte(line), &r); err != nil {
			f.t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// TestRun: a front end gets the report, the class, the record and the metrics of a run.
func TestRun(t *testing.T) {
	f := newFrontEnd(t)
	f.write(100, 50, "")
	q := f.request()
	var open, ended bool
	q.Run.Ready = func(*job.RunOptions) error { open = true; return nil }
	q.Ended = func(j *job.Job, r *job.Result) {
		ended = open && r.Report != nil && j.Definition.File.Name == "handbook"
	}
	r := job.Run(t.Context(), q)
	if r.Err != nil || r.Class != job.Done || r.Report == nil || r.Report.Verdict != run.VerdictDelivered {
		t.Fatalf("%v, class %d, %+v", r.Err, r.Class, r.Report)
	}
	if !ended {
		t.Error("Ready and Ended were not called in their order")
	}
	records := f.reports()
	if len(records) != 1 || records[0].Version != "v1.2.3" || records[0].SHA256 == "" || records[0].ExitCode != 0 ||
		records[0].Error != nil || records[0].Report.RunID != r.Report.RunID {
		t.Errorf("records: %+v", records)
	}
	if b, err := os.ReadFile(q.Metrics); err != nil || !strings.Contains(string(b), "pipe_last_run_exit_code") {
		t.Errorf("metrics: %v\n%s", err, b)
	}
	if b, err := os.ReadFile(filepath.Join(f.dir, "out", "documents.ndjson")); err != nil ||
		strings.Count(string(b), "\n") != 100 {
		t.Errorf("documents: %v\n%s", err, b)
	}
}

// TestRunClasses: each outcome of a run has its class, in the result and in the record.
func TestRunClasses(t *testing.T) {
	const odd = `{"id":"odd","kind":"page","name":"Odd","audience":"team","owner":{"id":"team-42"}}` + "\n"
	for name, c := range map[string]struct {
		change func(f frontEnd, q *job.Request)
		class  job.Class
		code   string
	}{
		"rejected": {func(f frontEnd, _ *job.Request) { f.write(100, 50, odd) }, job.Rejected, ""},
		"refused by a guard": {
			func(f frontEnd, _ *job.Request) { f.write(30, 10, "") }, job.Refused, "refused",
		},
		"the source cannot be read": {
			func(f frontEnd, _ *job.Request) { f.write(100, 50, "{") }, job.Failed, "fatal",
		},
		"the file is wrong": {
			func(_ frontEnd, q *job.Request) {
				q.Open.Settings = []pipeline.Setting{{Path: "source.file.paht", Value: "x"}}
			}, job.Wrong, "pipeline",
		},
		"the state folder is no folder": {
			func(f frontEnd, q *job.Request) { q.Open.State = state.Folder(f.records) }, job.Wrong, "state",
		},
		"the output folder is no folder": {
			func(f frontEnd, q *job.Request) { q.Run.Output = f.records }, job.Wrong, "usage",
		},
		"the sink has nothing to set up": {
			func(_ frontEnd, q *job.Request) { q.Run.ApplyDatasource = true }, job.Wrong, "usage",
		},
		"no sandbox": {func(_ frontEnd, q *job.Request) { q.Open.Sandbox = true }, job.Wrong, "usage"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFrontEnd(t)
			f.write(100, 50, "")
			if r := job.Run(t.Context(), f.request()); r.Class != job.Done {
				t.Fatalf("the first run: %v", r.Err)
			}
			q := f.request()
			c.change(f, &q)
			r := job.Run(t.Context(), q)
			records := f.reports()
			last := records[len(records)-1]
			if r.Class != c.class || len(records) != 2 || last.ExitCode != int(c.class) {
				t.Errorf("class %d, want %d; exit code %d of %d records: %v", r.Class, c.class, last.ExitCode, len(records), r.Err)
			}
			switch {
			case c.code == "" && (r.Err != nil || last.Error != nil):
				t.Errorf("%v, record %+v", r.Err, last.Error)
			case c.code != "" && (r.Err == nil || last.Error == nil || last.Error.Code != c.code):
				t.Errorf("%v, record %+v, want code %s", r.Err, last.Error, c.code)
			}
		})
	}
}

// TestRunRecordsUnwritten: a record that cannot be written fails a successful run, and does not
// replace the error of a failed one.
func TestRunRecordsUnwritten(t *testing.T) {
	f := newFrontEnd(t)
	f.write(100, 50, "")
	q := f.request()
	q.Report = f.dir
	if r := job.Run(t.Context(), q); r.Class != job.Failed || r.Err == nil ||
		!strings.Contains(r.Err.Error(), "--report") {
		t.Errorf("class %d, %v", r.Class, r.Err)
	}
	f.write(30, 10, "")
	if r := job.Run(t.Context(), q); r.Class != job.Refused || !errors.As(r.Err, new(*fault.Refusal)) {
		t.Errorf("class %d, %v", r.Class, r.Err)
	}
}

// TestDiff: an output folder is compared with what a run would send now.
func TestDiff(t *testing.T) {
	f := newFrontEnd(t)
	f.write(100, 50, "")
	q := f.request()
	q.Run.Until, q.Run.Output = run.Reviewed, filepath.Join(f.dir, "before")
	if r := job.Run(t.Context(), q); r.Class != job.Done {
		t.Fatal(r.Err)
	}
	f.write(101, 49, "")
	q.Open.State = state.None{}
	j, err := job.Open(t.Context(), q.Open)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	d, made, err := j.Diff(t.Context(), q.Run.Output, 0, job.RunOptions{})
	if err != nil || made == nil || !d.Any() {
		t.Fatalf("%v, %+v", err, made)
	}
	for _, s := range d.Streams {
		if s.Name == "documents" && (s.Added != 1 || s.Wider != 1 || s.Removed != 0) {
			t.Errorf("%+v", s)
		}
	}
	if _, _, err := j.Diff(t.Context(), t.TempDir(), 0, job.RunOptions{}); job.ClassOf(err) != job.Wrong {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestLoad: a file with errors gives a *LoadError with the definition, and the hook may add
// problems before.
func TestLoad(t *testing.T) {
	o := newFrontEnd(t).request().Open
	o.Loaded = func(d *pipeline.Definition) {
		d.Problems = append(d.Problems, d.Document.Root().Problem("test", "added", ""))
	}
	_, err := job.Open(t.Context(), o)
	var wrong *job.LoadError
	if !errors.As(err, &wrong) || len(wrong.Definition.Problems) != 1 || job.ClassOf(err) != job.Wrong {
		t.Errorf("%v", err)
	}
}

// patientStore is a store whose next holder waits for requests of a lost one.
type patientStore struct {
	state.Folder
	wait time.Duration
}

func (s patientStore) RequestTime() (time.Duration, string) { return s.wait, "state.x.request_timeout" }

// timedSink is a sink whose requests end after a minute.
type timedSink struct{ component.Sink }

func (timedSink) RequestTime() (time.Duration, string) { return time.Minute, "sink.x.timeout" }

// TestRequestTime: a run is refused when a request may take longer than the next run waits for it.
func TestRequestTime(t *testing.T) {
	f := newFrontEnd(t)
	f.write(3, 0, "")
	for wait, want := range map[time.Duration]job.Class{time.Minute: job.Done, time.Minute - 1: job.Wrong} {
		q := f.request()
		q.Open.State = patientStore{state.Folder(filepath.Join(f.dir, "state")), wait}
		j, err := job.Open(t.Context(), q.Open)
		if err != nil {
			t.Fatal(err)
		}
		j.Pipeline.Sink = timedSink{j.Pipeline.Sink}
		_, err = j.Run(t.Context(), job.RunOptions{Until: run.Reviewed})
		j.Close()
		if job.ClassOf(err) != want {
			t.Errorf("%v: %v", wait, err)
		}
		if text := fmt.Sprint(err, fault.RemedyOf(err)); want == job.Wrong &&
			(!strings.Contains(text, "state.x.request_timeout") || !strings.Contains(text, "sink.x.timeout")) {
			t.Errorf("it names not both: %s", text)
		}
	}
}
