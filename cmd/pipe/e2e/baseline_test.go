package e2e

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// stored is the one file of the world's state folder with a suffix.
func (w *world) stored(t testing.TB, suffix string) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(w.state, "pipe", "*"+suffix))
	if len(files) != 1 {
		t.Fatalf("%s files %v", suffix, files)
	}
	return files[0]
}

// refused fails unless the run that opens everything to everyone is refused with the texts
// and sends nothing.
func (w *world) refused(t *testing.T, says []string, more ...string) {
	t.Helper()
	before := len(w.index().Uploads)
	w.env["DEFAULT_PERMISSIONS"] = "all-users"
	c := w.run(t, more...)
	if c.code != int(job.Refused) {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	for _, want := range says {
		if !strings.Contains(c.stderr, want) {
			t.Errorf("%q is not said in\n%s", want, c.stderr)
		}
	}
	if after := len(w.index().Uploads); after != before {
		t.Errorf("%d uploads were begun", after-before)
	}
}

// TestLostBaseline: a damaged, newer or missing baseline refuses the run with its own
// message, for any status of the datasource and any failure of it.
func TestLostBaseline(t *testing.T) {
	for name, condition := range map[string]struct {
		spoil func(t *testing.T, w *world)
		says  string
	}{
		"damaged": {func(t *testing.T, w *world) {
			path := w.stored(t, ".state")
			b := read(t, path)
			if err := os.WriteFile(path, []byte(b[:len(b)/2]), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ".state is damaged"},
		"newer": {func(t *testing.T, w *world) {
			if err := os.WriteFile(w.stored(t, ".state"), []byte(newerState(w.glean.URL()+" backstage")), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is of a later version of pipe: its format is 9"},
		"missing": {func(t *testing.T, w *world) {
			if err := os.Remove(w.stored(t, ".state")); err != nil {
				t.Fatal(err)
			}
		}, "the baseline is missing: earlier runs wrote"},
	} {
		for status, tc := range map[string]struct {
			rules gleansandbox.Rules
			fault gleanfaults.Fault
			says  string
		}{
			"counts": {says: "counts 56 documents"},
			"stale counts": {rules: gleansandbox.Rules{CountsLag: 3 * time.Hour},
				says: "lists the upload of documents backstage-documents-"},
			"failing status": {fault: gleanfaults.Fault{Path: "status", Status: http.StatusInternalServerError},
				says: "the content of the sink is unknown"},
			"no status": {fault: gleanfaults.Fault{Path: "status", Status: http.StatusNotFound},
				says: "the content of the sink is unknown"},
		} {
			t.Run(name+", "+status, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{Rules: tc.rules})
				w.run(t).expect(t, int(job.Done))
				condition.spoil(t, w)
				text := ""
				if name != "missing" {
					text = read(t, w.stored(t, ".state"))
				}
				if tc.fault.Path != "" {
					w.glean.Fail(tc.fault)
				}
				w.refused(t,
					[]string{condition.says, tc.says, "after this run:", "for all-users, rule default",
						" --set @sink.retries.attempts=1 " + shipped + " (it shows what the run would do"}, "--set",
					"@sink.retries.attempts=1")
				if text != "" && read(t, w.stored(t, ".state")) != text {
					t.Error("the baseline was changed")
				}
			})
		}
		t.Run(name+", new datasource", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
			w.run(t).expect(t, int(job.Done))
			condition.spoil(t, w)
			w.glean.Fail(gleanfaults.Fault{Path: "status", Times: 2, Status: http.StatusOK,
				Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"documents":{"bulkUploadHistory":[],"counts":{"uploaded":null}}}`})
			w.run(t).expect(t, int(job.Done))
		})
	}
}

// newerState returns an intact state file of a later version.
func newerState(place string) string {
	head := "pipe-state\t{\"version\":9,\"place\":\"" + place + "\"}\n"
	return head + fmt.Sprintf("end\t0\t%x\n", sha256.Sum256([]byte(head)))
}

// TestStateless: --state none does not bypass the baseline; it is for a datasource without
// documents.
func TestStateless(t *testing.T) {
	t.Parallel()
	w := night(t)
	w.refused(t, []string{"this run has no state folder (--state none)", "after this run:"}, "--state", "none")
	w.glean.Fail(gleanfaults.Fault{Path: "status", Status: http.StatusNotFound})
	w.refused(t, []string{"there is no state folder to compare with (--state none)"}, "--state", "none")
	fresh := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	fresh.run(t, "--state", "none").expect(t, int(job.Done), "No state folder")
	fresh.run(t, "--state", "none").expect(t, int(job.Refused), "of another state folder")
}

// TestOtherMachine: a copy of the pipeline on another machine, or with another name
// there, is refused; with the state folder of this one it is compared.
func TestOtherMachine(t *testing.T) {
	t.Parallel()
	w := night(t)
	owner := strings.Split(read(t, w.stored(t, ".owner")), `"owner":"`)[1][:16]
	renamed := edited(t, "name: backstage\n", "name: copy\n")
	home := w.state
	w.state = t.TempDir()
	w.env["XDG_STATE_HOME"] = w.state
	w.refused(t, []string{"of another state folder, owner " + owner, "for all-users, rule default"})
	c := w.pipe(t, "run", renamed, "--progress", "none")
	c.expect(t, int(job.Refused), "of another state folder, owner "+owner)
	w.env["XDG_STATE_HOME"] = home
	w.pipe(t, "run", renamed, "--progress", "none").expect(t, int(job.Refused), "max_widen")
	w.env["DEFAULT_PERMISSIONS"] = ""
	w.pipe(t, "run", renamed, "--progress", "none").expect(t, int(job.Done))
}

// TestTwoStatesInTurn: a run with an intact baseline is refused after another state folder
// has written.
func TestTwoStatesInTurn(t *testing.T) {
	t.Parallel()
	w := night(t)
	w.foreignUpload(t, "connector-42")
	w.refused(t, []string{"the last upload is of another program", "connector-42"})
}

// foreignUpload uploads one document as another program does.
func (w *world) foreignUpload(t *testing.T, id string) {
	t.Helper()
	body := `{"uploadId":"` + id + `","datasource":"backstage","isFirstPage":true,"isLastPage":true,"forceRestartUpload":true,"documents":[{"datasource":"backstage","id":"x","objectType":"component","title":"x","viewURL":"` + w.backstage.URL() + `/catalog/default/component/x","permissions":{"allowAnonymousAccess":true}}]}`
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.glean.URL()+gleanapi.PathBulkIndexDocuments,
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+sinkToken)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		t.Fatalf("%d: %s", resp.StatusCode, b)
	}
}

// TestFirstRunKilled: a first run that is killed while it uploads documents is no
// missing baseline for the next one.
func TestFirstRunKilled(t *testing.T) {
	for name, rules := range map[string]gleansandbox.Rules{"listed at once": {},
		"counted late": {CountsLag: 3 * time.Hour}, "listed late": {StatusLags: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{Rules: rules})
			var p atomic.Pointer[process]
			w.glean.Fail(gleanfaults.Fault{Path: "bulkindexdocuments", Page: gleanfaults.MiddlePage, Match: func([]byte) bool {
				p.Load().cmd.Process.Kill()
				return false
			}})
			ready := make(chan struct{})
			w.glean.Fail(gleanfaults.Fault{Match: func([]byte) bool { <-ready; return false }})
			p.Store(startProcess(t, w.env, "run", shipped, "--progress", "none", "--set", "@sink.batch.documents=9"))
			close(ready)
			if code := p.Load().exit(); code != -1 {
				t.Fatalf("exit %d\n%s", code, p.Load().text())
			}
			w.glean.Heal()
			if left := w.index().Unfinished(); len(left) == 0 {
				t.Fatal("nothing was left unfinished")
			}
			more := []string{}
			if rules.StatusLags > 0 { // Glean refuses the first page and does not list why
				more = append(more, "--discard-upload", "unnamed")
			}
			w.run(t, more...).expect(t, int(job.Done))
			w.run(t, more...).expect(t, int(job.Done))
		})
	}
}

// TestStateFolderErrors: a state folder that cannot be used, or has something else
// than files in it, is exit 2 before anything is read, and no command hangs.
func TestStateFolderErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, w *world) (flags []string)
		says  []string
	}{
		"no HOME": {func(_ *testing.T, w *world) []string {
			w.env["XDG_STATE_HOME"] = ""
			return nil
		}, []string{"neither HOME nor XDG_STATE_HOME is set", "--state DIR"}},
		"a file": {func(*testing.T, *world) []string {
			return []string{"--state", shipped}
		}, []string{"the state folder cannot be used", "--state DIR"}},
		"the default is a file": {func(t *testing.T, w *world) []string {
			w.env["XDG_STATE_HOME"] = filepath.Dir(write(t, "pipe", ""))
			return nil
		}, []string{"the state folder cannot be used", "--state DIR"}},
		"not writable": {func(t *testing.T, w *world) []string {
			if _, err := os.Stat("/proc/self"); err != nil {
				t.Skip("this system has no /proc: there is no folder that root cannot write")
			}
			return []string{"--state", "/proc/self/state"}
		}, []string{"the state folder cannot be used"}},
		"a FIFO": {func(t *testing.T, w *world) []string {
			path := w.stored(t, ".state")
			if err := errors.Join(os.Remove(path), makeFIFO(path)); err != nil {
				t.Skipf("the state folder cannot hold a FIFO: %v", err)
			}
			return nil
		}, []string{".state is not a regular file but a FIFO"}},
		"a FIFO for an owner": {func(t *testing.T, w *world) []string {
			path := w.stored(t, ".owner")
			if err := errors.Join(os.Remove(path), makeFIFO(path)); err != nil {
				t.Skipf("the state folder cannot hold a FIFO: %v", err)
			}
			return nil
		}, []string{".owner is not a regular file but a FIFO"}},
		"a directory": {func(t *testing.T, w *world) []string {
			path := w.stored(t, ".state")
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
			return nil
		}, []string{".state is not a regular file but a directory"}},
		"a damaged owner": {func(t *testing.T, w *world) []string {
			if err := os.WriteFile(w.stored(t, ".owner"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			return nil
		}, []string{".owner is damaged", "remove it"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := night(t)
			flags := tc.spoil(t, w)
			var asked atomic.Int64
			w.backstage.Fail(backstagefaults.Fault{Hide: func(string) bool { asked.Add(1); return false }})
			for _, more := range [][]string{nil, {"--dry-run"}} {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				c := pipeIn(ctx, w.env, append(append([]string{"run", shipped, "--progress", "none"}, flags...), more...)...)
				cancel()
				c.expect(t, int(job.Wrong), tc.says...)
			}
			if asked.Load() > 0 {
				t.Error("the source was read")
			}
		})
	}
}
