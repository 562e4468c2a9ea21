package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const actionDir = "../../../.github/actions/pipe"

// runner is a folder laid out as on a runner of GitHub, with a pipe that notes its calls.
type runner struct {
	dir string
	env []string
}

func newRunner(t *testing.T, env ...string) *runner {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the scripts run on runners with Linux and macOS")
	}
	r := &runner{dir: t.TempDir()}
	r.write(t, "bin/pipe", "#!/bin/sh\n{ echo \"CALL $*\"; env; } >>"+r.dir+"/calls\nexit $(cat "+r.dir+"/code)\n")
	r.write(t, "code", "0")
	r.write(t, "temp/x", "")
	r.write(t, "repository/pipelines/a.yaml", "name: changed\n")
	r.write(t, "repository/.pipe-base/pipelines/a.yaml", "name: base\n")
	r.env = append([]string{"PATH=" + r.dir + "/bin:" + os.Getenv("PATH"), "HOME=" + r.dir, "RUNNER_OS=Linux",
		"RUNNER_ARCH=X64", "RUNNER_TEMP=" + r.dir + "/temp", "GITHUB_WORKSPACE=" + r.dir + "/repository",
		"GITHUB_STEP_SUMMARY=" + r.dir + "/summary", "GITHUB_PATH=" + r.dir + "/path", "GITHUB_REPOSITORY=acme/catalog",
		"GITHUB_ACTOR=ada", "GITHUB_EVENT_NAME=schedule", "PIPE_FILE_INPUT=pipelines/a.yaml",
		"BACKSTAGE_API_TOKEN=canary-token"}, env...)
	return r
}

func (r *runner) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func (r *runner) expect(t *testing.T, script string, code int, says string, env ...string) (calls string) {
	t.Helper()
	os.Remove(filepath.Join(r.dir, "calls"))
	path, err := filepath.Abs(filepath.Join(actionDir, script))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "bash", path)
	c.Dir, c.Env = filepath.Join(r.dir, "repository"), append(slices.Clone(r.env), env...)
	out, _ := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != code || !strings.Contains(string(out), says) {
		t.Errorf("%s %v: exit %d, want %d and %q\n%s", script, env, got, code, says, out)
	}
	b, err := os.ReadFile(filepath.Join(r.dir, "calls"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(b)
}

// TestActionInstall: only an archive with the checksum is installed.
func TestActionInstall(t *testing.T) {
	r := newRunner(t)
	var archive bytes.Buffer
	zip := gzip.NewWriter(&archive)
	w := tar.NewWriter(zip)
	w.WriteHeader(&tar.Header{Name: "pipe_1.2.3_linux_amd64/pipe", Mode: 0o755, Size: 2})
	w.Write([]byte("ok"))
	w.Close()
	zip.Close()
	releases := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/v1.2.3/pipe_1.2.3_linux_amd64.tar.gz" {
			http.NotFound(rw, q)
			return
		}
		rw.Write(archive.Bytes())
	}))
	defer releases.Close()
	sum := sha256.Sum256(archive.Bytes())
	right := "PIPE_CHECKSUM=" + hex.EncodeToString(sum[:])
	at := "PIPE_RELEASES=" + releases.URL
	r.expect(t, "install.sh", 0, "", at, "PIPE_VERSION=v1.2.3", right)
	if dir := strings.TrimSpace(read(t, r.dir+"/path")); read(t, dir+"/pipe") != "ok" {
		t.Error("the program is not on the path")
	}
	os.Remove(r.dir + "/path")
	for _, tc := range []struct {
		says string
		env  []string
	}{
		{"the checksum of the archive is wrong", []string{"PIPE_VERSION=v1.2.3", "PIPE_CHECKSUM=" + strings.Repeat("0", 64)}},
		{"there is no SHA-256 checksum", []string{"PIPE_VERSION=v1.2.3"}},
		{"there is no SHA-256 checksum", []string{"PIPE_VERSION=v1.2.3", "PIPE_CHECKSUM=0"}},
		{"pins no release", nil},
		{"checksum needs version", []string{right}},
		{"version is not like", []string{"PIPE_VERSION=v1.2.3/../x", right}},
		{"cannot be downloaded", []string{"PIPE_VERSION=v1.2.4", right}},
		{"not supported", []string{"RUNNER_OS=Windows", "PIPE_VERSION=v1.2.3", right}},
	} {
		r.expect(t, "install.sh", 2, tc.says, append(tc.env, at)...)
	}
	if _, err := os.Stat(r.dir + "/path"); err == nil {
		t.Error("a refused archive is on the path")
	}
}

// TestActionDiff: only a branch of the repository itself reads the source, with the base branch's
// file; what a fork proposes gets no variable of the job.
func TestActionDiff(t *testing.T) {
	r := newRunner(t)
	r.write(t, "repository/.pipe-base/entities.json", "[]")
	own := []string{"PIPE_LIVE=true", "PIPE_HEAD_REPOSITORY=acme/catalog"}
	calls := r.expect(t, "diff.sh", 0, "", own...)
	if !strings.Contains(calls, "canary-token") || strings.Contains(calls, "--sandbox") ||
		!strings.Contains(calls, "--base "+r.dir+"/repository/.pipe-base/pipelines/a.yaml --summary "+r.dir+"/summary "+
			r.dir+"/repository/pipelines/a.yaml\n") {
		t.Errorf("own branch:\n%s", calls)
	}
	for _, env := range [][]string{
		{"PIPE_LIVE=true", "PIPE_HEAD_REPOSITORY=mallory/catalog"}, {"PIPE_LIVE=true", "PIPE_HEAD_REPOSITORY="},
		{"PIPE_LIVE=false", "PIPE_HEAD_REPOSITORY=acme/catalog"}, append([]string{"GITHUB_ACTOR=dependabot[bot]"}, own...),
	} {
		calls := r.expect(t, "diff.sh", 0, "", append(env, "PIPE_CATALOG=entities.json", "PIPE_STATE_KEY=canary-key")...)
		if strings.Contains(calls, "canary") || strings.Count(calls, "--sandbox --catalog "+r.dir) != 2 ||
			!strings.Contains(calls, "--base ") {
			t.Errorf("%v:\n%s", env, calls)
		}
	}
	r.write(t, "code", "5")
	r.expect(t, "diff.sh", 5, "", own...) // of the base branch's own dry run
	r.write(t, "code", "0")
	os.Remove(r.dir + "/repository/pipelines/a.yaml")
	for _, to := range []string{"/proc/self/environ", "../../code"} {
		os.Symlink(to, r.dir+"/repository/pipelines/a.yaml")
		if calls := r.expect(t, "diff.sh", 2, "outside of the repository", own...); calls != "" {
			t.Errorf("a link to %s is read:\n%s", to, calls)
		}
		os.Remove(r.dir + "/repository/pipelines/a.yaml")
	}
	r.write(t, "repository/pipelines/a.yaml", "")
	r.expect(t, "diff.sh", 2, "the catalog is not in the base branch", "PIPE_CATALOG=../../code")
	r.expect(t, "diff.sh", 0, "nothing to compare with", "PIPE_FILE_INPUT=new.yaml")
	os.RemoveAll(r.dir + "/repository/.pipe-base")
	os.Symlink(r.dir+"/repository", r.dir+"/repository/.pipe-base")
	r.expect(t, "diff.sh", 2, "by a link", own...)
}

// TestActionState: the state is kept encrypted, and a run without it, or with one that was changed,
// ends with 4 before pipe is called.
func TestActionState(t *testing.T) {
	if _, err := exec.LookPath("age-keygen"); err != nil {
		t.Skip("age is not here")
	}
	key := func() string {
		out, err := exec.CommandContext(t.Context(), "age-keygen").Output()
		if err != nil {
			t.Fatal(err)
		}
		return "PIPE_STATE_KEY=" + strings.TrimSpace(string(out))
	}
	r := newRunner(t, key())
	refused := func(says string, env ...string) {
		t.Helper()
		if calls := r.expect(t, "run.sh", 4, says, env...); calls != "" {
			t.Errorf("pipe is called:\n%s", calls)
		}
	}
	refused("the state of the last run is missing")
	refused("state-key is empty", "PIPE_STATE_KEY=")
	refused("a pull request gets no state", "GITHUB_EVENT_NAME=pull_request_target", "PIPE_FIRST_RUN=true")
	r.write(t, "bin/pipe", "#!/bin/sh\necho \"CALL $*\" >>"+r.dir+"/calls\nenv | grep AGE-SECRET >>"+r.dir+
		"/calls\ncat $5/s >>"+r.dir+"/calls\necho canary-state >$5/s\nexit $(cat "+r.dir+"/code)\n")
	r.write(t, "code", "3")
	r.expect(t, "run.sh", 3, "", "PIPE_FIRST_RUN=true")
	kept := r.dir + "/repository/.pipe-state/state.tar.age"
	text := read(t, kept)
	if strings.Contains(text, "canary") {
		t.Error("the state is not encrypted")
	}
	r.write(t, "code", "0")
	calls := r.expect(t, "run.sh", 0, "", "PIPE_APPROVE=k3v7q2m5xa4d")
	if !strings.Contains(calls, "canary-state") || strings.Contains(calls, "AGE-SECRET") ||
		!strings.Contains(calls, "--approve k3v7q2m5xa4d pipelines/a.yaml") {
		t.Errorf("the second run:\n%s", calls)
	}
	refused("there is a state of an earlier run", "PIPE_FIRST_RUN=true")
	refused("cannot be decrypted", key())
	changed := []byte(text)
	changed[len(changed)-1] ^= 1
	for _, bad := range []string{string(changed), text[:len(text)/2], "", "x"} {
		r.write(t, "repository/.pipe-state/state.tar.age", bad)
		refused("cannot be decrypted")
	}
	if left, _ := filepath.Glob(r.dir + "/temp/pipe-run.*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
