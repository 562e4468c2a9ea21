package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/job"
)

// served is a server of the sandbox in another process, with a client that sends a token.
type served struct {
	*process
	t      *testing.T
	state  string
	origin string
	token  string
}

var servingAt = regexp.MustCompile(`serving at (http://\S+), with the state in`)

func startServer(t *testing.T, state string, args ...string) *served {
	t.Helper()
	return startServerWith(t, nil, state, args...)
}

// startServerWith starts a server with variables.
func startServerWith(t *testing.T, env map[string]string, state string, args ...string) *served {
	t.Helper()
	s := &served{t: t, state: state, process: startProcess(t, env, append([]string{"serve", "--listen", "127.0.0.1:0",
		"--state", state}, args...)...)}
	for begun := time.Now(); s.origin == ""; time.Sleep(20 * time.Millisecond) {
		if m := servingAt.FindStringSubmatch(s.text()); m != nil {
			s.origin = m[1]
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("there is no server after a minute:\n%s", s.text())
		}
	}
	return s
}

// command calls the program on the state folder of the server.
func (s *served) command(args ...string) call {
	s.t.Helper()
	return pipe(s.t, nil, append(args, "--state", s.state)...)
}

// call calls the API, and returns the fields of the answer.
func (s *served) call(method, path, body string, status int) map[string]any {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.origin+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	fields, err := codec.Decode(b)
	if resp.StatusCode != status || err != nil {
		s.t.Fatalf("%s %s: %s, want %d: %v %s\n%s", method, path, resp.Status, status, err, b, s.text())
	}
	return fields
}

// ended waits until a run has ended, and returns it.
func (s *served) ended(run string) map[string]any {
	s.t.Helper()
	return s.endedOf("backstage", run)
}

// begun waits until a run has begun.
func (s *served) begun(run string) {
	s.t.Helper()
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if r := s.call("GET", "/pipelines/backstage/runs/"+run, "", http.StatusOK); r["started"] != nil {
			return
		}
	}
	s.t.Fatalf("run %s has not begun after a minute\n%s", run, s.text())
}

// endedOf is ended for a run of a pipeline.
func (s *served) endedOf(pipeline, run string) map[string]any {
	s.t.Helper()
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(50 * time.Millisecond) {
		if r := s.call("GET", "/pipelines/"+pipeline+"/runs/"+run, "", http.StatusOK); r["ended"] != nil {
			return r
		}
	}
	s.t.Fatalf("run %s has not ended after a minute\n%s", run, s.text())
	return nil
}

// TestServe: a server of the sandbox runs what its API asks for, survives a kill during a run
// with a right history, and ends with a signal.
func TestServe(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	s := startServer(t, state, "--sandbox", shipped)
	c := s.command("serve", "token", "add", "ci", "--role", "trigger,inspect")
	if s.token = strings.TrimSpace(c.stdout); c.code != 0 || !strings.HasPrefix(s.token, "pipe_") ||
		strings.Contains(c.stderr, s.token) {
		t.Fatalf("a token: exit %d\n%s", c.code, c.both())
	}
	asked := s.call("POST", "/pipelines/backstage/runs", `{"full": true}`, http.StatusAccepted)
	r := s.ended(asked["run"].(string))
	if r["exit_code"] != 0.0 || r["verdict"] != "delivered" || r["report"] == nil {
		t.Errorf("the run: %v", r)
	}
	if c := s.command("serve", "link"); c.code != int(job.Wrong) || !strings.Contains(c.stderr, "--person NAME") {
		t.Errorf("a link for a user without a name: exit %d\n%s", c.code, c.both())
	}
	if c := s.command("serve", "link", "--person", "ann"); c.code != 0 ||
		!strings.HasPrefix(c.stdout, s.origin+"/sign-in?code=") {
		t.Errorf("a link: exit %d\n%s", c.code, c.both())
	}
	second := pipe(t, nil, "serve", "--sandbox", "--listen", "127.0.0.1:0", "--state", state, shipped)
	if second.code != int(job.Wrong) || !strings.Contains(second.stderr, "another server uses the state folder") {
		t.Errorf("a second server: exit %d\n%s", second.code, second.both())
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(s.origin, "http://"), "/")
	taken := pipe(t, nil, "serve", "--sandbox", "--listen", host, "--state", t.TempDir(), shipped)
	if taken.code != int(job.Wrong) || !strings.Contains(taken.stderr, "cannot be opened") {
		t.Errorf("a port in use: exit %d\n%s", taken.code, taken.both())
	}

	killed := s.call("POST", "/pipelines/backstage/runs", "", http.StatusAccepted)
	s.begun(killed["run"].(string))
	s.cmd.Process.Kill()
	s.cmd.Wait()
	if c := s.command("serve", "link"); c.code != int(job.Wrong) || !strings.Contains(c.stderr, "no server uses") {
		t.Errorf("a link without a server: exit %d\n%s", c.code, c.both())
	}
	token := s.token
	s = startServer(t, state, "--sandbox", shipped)
	s.token = token
	s.ended(killed["run"].(string)) // the server answers before it has looked at the runs of the one before
	runs := s.call("GET", "/pipelines/backstage/runs", "", http.StatusOK)["runs"].([]any)
	found := slices.IndexFunc(runs, func(one any) bool { return one.(map[string]any)["id"] == killed["run"] })
	if found < 0 || runs[found].(map[string]any)["ended"] == nil {
		t.Errorf("the killed run, %s, is not among the runs or has no end: %v", killed["run"], runs)
	}
	asked = s.call("POST", "/pipelines/backstage/runs", "", http.StatusAccepted)
	if r := s.ended(asked["run"].(string)); r["verdict"] != "delivered" && r["verdict"] != "refused" {
		t.Errorf("the run after the kill: %v", r)
	}
	s.signal(syscall.SIGTERM, stopping)
	if code := s.exit(); code != 143 {
		t.Errorf("exit %d\n%s", code, s.text())
	}
	if text := s.text(); strings.Contains(text, token) || strings.Contains(text, "sign-in") {
		t.Errorf("the output holds a token or a link:\n%s", text)
	}
	checkHistory(t, state, token)
}

// checkHistory looks for a token and for the text of a document in the server's folder.
func checkHistory(t *testing.T, state, token string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(state, "serve"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, canary := range []string{token, "Fraud Scorer", "Amara Okafor"} {
			if bytes.Contains(b, []byte(canary)) {
				t.Errorf("%s holds %q", path, canary)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestServeCalls: calls that cannot work say why.
func TestServeCalls(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"serve", "--listen", "0.0.0.0:7979", shipped}, "open to other machines"},
		{[]string{"serve", "--listen", "7979", shipped}, "is not an address"},
		{[]string{"serve", "--sandbox", "--state", "none", shipped}, "needs a state folder"},
		{[]string{"serve", "--catalog", "x.json", shipped}, "--catalog goes with --sandbox"},
		{[]string{"serve", "--parallel", "0", shipped}, "--parallel is 0"},
		{[]string{"serve", "--sandbox", shipped, shipped}, "--sandbox serves one file"},
		{[]string{"serve", "token", "add", "ci"}, "a token without a role"},
		{[]string{"serve", "token", "add", "ci", "--role", "admin"}, `there is no role "admin"`},
		{[]string{"serve", "token", "add", "ci", "--role", "approve"}, "only a person may approve"},
		{[]string{"serve", "token", "add", "ci", "--role", "push"}, "names the kinds"},
		{[]string{"serve", "token", "add", "ci", "--role", "push", "--identities", "--kind", "API"}, "pushes nothing else"},
		{[]string{"serve", "token", "add", "ci", "--role", "view", "--kind", "API"}, "go with the role push"},
		{[]string{"serve", "token", "add", "ci", "--role", "view", "--expires", "soon"}, "is not a duration"},
		{[]string{"serve", "token", "revoke", "x"}, "there is no token x"},
		{[]string{"serve", "link"}, "no server has used"},
	} {
		c := pipe(t, map[string]string{"XDG_STATE_HOME": t.TempDir()}, tt.args...)
		if c.code != int(job.Wrong) || !strings.Contains(c.stderr, tt.want) || !strings.Contains(c.stderr, "→") {
			t.Errorf("%s: exit %d, want %q\n%s", fmt.Sprint(tt.args), c.code, tt.want, c.both())
		}
	}
}
