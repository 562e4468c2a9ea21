package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// A token with a dollar sign is sent unchanged.
func TestEnvFileDollar(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{Token: "abc$DEF9xyz"}, gleansandbox.Options{})
	b, err := os.ReadFile("../cli/testdata/inputs/dollar.env")
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "dollar.env", string(b))
	env := map[string]string{"CI": "true", "BACKSTAGE_BASE_URL": w.backstage.URL(), "DEF9xyz": "not this",
		"XDG_STATE_HOME": w.state}
	if c := pipe(t, env, "show", "--env-file", path, shipped, "components"); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	open := write(t, "open.env", strings.Replace(string(b), "abc$DEF9xyz", "abc${DEF9xyz", 1))
	c := pipe(t, env, "show", "--env-file", open, shipped, "components")
	if c.code != int(job.Wrong) || !strings.Contains(c.stderr, open+":2: ") || strings.Contains(c.both(), "DEF9xyz") {
		t.Errorf("an open ${: exit %d\n%s", c.code, c.both())
	}
}

// The mark that editors on Windows write is no part of the first name.
func TestEnvFileMark(t *testing.T) {
	b, err := os.ReadFile("../cli/testdata/inputs/bom.env")
	if err != nil {
		t.Fatal(err)
	}
	c := pipe(t, nil, "config", "--env-file", write(t, "bom.env", string(b)), shipped)
	if c.code != 0 || !strings.Contains(c.stdout, "http://127.0.0.1:28998") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}

func TestEnvFileRefused(t *testing.T) {
	folder := t.TempDir()
	shared := write(t, "shared.env", "A=canary-secret\n")
	if err := os.Chmod(shared, 0o666); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, want string }{
		"a line without =": {write(t, "x.env", "A=1\ncanary-secret\n"), "x.env:2: this line has no ="},
		"an open quote": {write(t, "x.env", "A=1\n\nB='canary-secret\n"),
			"x.env:3: the quotation mark at the start"},
		"everybody may write it":   {shared, "chmod o-w " + shared},
		"a folder":                 {folder, folder + ": it is a folder"},
		"a file that is not there": {folder + "/nope", "no such file"},
	} {
		got := pipe(t, nil, "check", "--env-file", c.path, shipped)
		if got.code != int(job.Wrong) || !strings.Contains(got.stderr, c.want) || strings.Contains(got.both(), "canary") {
			t.Errorf("%s: exit %d, want %q in\n%s", name, got.code, c.want, got.both())
		}
	}
}

// Names that nothing reads are reported with the nearest known name.
func TestEnvFileUnread(t *testing.T) {
	path := write(t, "x.env",
		"BACKSTAGE_BASE_ULR=https://x.example\nGLEAN_CLIENT_API_KEY=k\nLOG_LEVEL=info\nFOO=1\n"+
			"HTTPS_PROXY=http://x.example\nbackstage_api_token=t\nOUTPUT_JSON_DIR=x\n")
	for _, call := range [][]string{{"check", shipped}, {"show", "--sandbox", shipped, "components"}, {"run", shipped}} {
		c := pipe(t, nil, append(call, "--env-file", path)...)
		for _, want := range []string{
			path + ":1: nothing reads BACKSTAGE_BASE_ULR; did you mean BACKSTAGE_BASE_URL?",
			path + ":5: HTTPS_PROXY has an effect only in the environment",
			path + ":6: nothing reads backstage_api_token; did you mean BACKSTAGE_API_TOKEN?",
			path + ": nothing reads FOO (line 4)\n",
		} {
			if strings.Count(c.stderr, want) != 1 {
				t.Errorf("%s: %q is said %d times in\n%s", call[0], want, strings.Count(c.stderr, want), c.both())
			}
		}
		for _, known := range []string{"GLEAN_CLIENT_API_KEY", "LOG_LEVEL", "OUTPUT_JSON_DIR"} {
			if strings.Contains(c.stderr, "nothing reads "+known) {
				t.Errorf("%s: %s is reported\n%s", call[0], known, c.stderr)
			}
		}
	}
}

// A log level counts wherever it is set.
func TestEnvFileLogLevel(t *testing.T) {
	c := pipe(t, nil, "check", "--env-file", write(t, "x.env", "LOG_LEVEL=loud\n"), shipped)
	if c.code != int(job.Wrong) || !strings.Contains(c.stderr, "no log level") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}
