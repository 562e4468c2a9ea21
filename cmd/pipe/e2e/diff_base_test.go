package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestDiffBase: of an untrusted file only the treatment of records counts. The file can
// neither direct a request elsewhere, nor read a secret, nor start a program.
func TestDiffBase(t *testing.T) {
	w, file := reviewed(t)
	var stolen atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
	defer thief.Close()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	with := func(key, more string) string {
		return regexp.MustCompile("(?m)^"+key+":.*\n").ReplaceAllStringFunc(text,
			func(line string) string { return line + more })
	}
	const program = "  - name: mine\n    plugin:\n      command: /bin/sh\n      sha256: " +
		"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\n"
	for name, tc := range map[string]struct {
		change string
		code   job.Class
		says   string
	}{
		"nothing": {text, job.Done, "nothing would change"},
		"a title": {strings.Replace(text, "title: name", `title: name + "!"`, 1), job.Changes, "title"},
		"the address of the source": {strings.Replace(text, "url: ${BACKSTAGE_BASE_URL}", "url: "+thief.URL, 1), job.Done,
			"nothing would change"},
		"the address of the sink": {strings.Replace(text, "${GLEAN_SERVER_URL:-}", thief.URL, 1), job.Done,
			"nothing would change"},
		"a secret for expressions": {with("vars", "  stolen: ${GLEAN_INDEXING_API_KEY}\n"), job.Wrong,
			"untrusted: vars names the variable GLEAN_INDEXING_API_KEY"},
		"a secret in a default": {with("vars", "  stolen: ${BACKSTAGE_PAGE_SIZE:-${BACKSTAGE_API_TOKEN}}\n"), job.Wrong,
			"untrusted: vars names the variable BACKSTAGE_API_TOKEN"},
		"another variable": {with("vars", "  stolen: ${AWS_SECRET_ACCESS_KEY}\n"), job.Wrong,
			"untrusted: vars names the variable AWS_SECRET_ACCESS_KEY"},
		"a secret by an alias": {strings.Replace(with("vars", "  stolen: *token\n"), "\ndescription: ",
			"\ntaken: &token ${GLEAN_INDEXING_API_KEY}\ndescription: ", 1), job.Wrong,
			"untrusted: vars names the variable GLEAN_INDEXING_API_KEY"},
		"a secret by a merge key": {strings.Replace(with("vars", "  <<: *more\n"), "\ndescription: ",
			"\ntaken: &more\n  stolen: ${GLEAN_INDEXING_API_KEY}\ndescription: ", 1), job.Wrong,
			"untrusted: vars names the variable GLEAN_INDEXING_API_KEY"},
		"a property": {strings.Replace(text, "displayLabel: Entity ref", "displayLabel: Ref", 1), job.Done,
			"nothing would change"},
		"a file": {strings.Replace(text, "# iconUrl: ${file:icons/catalog.svg}", "iconUrl: ${file:/etc/passwd}", 1),
			job.Wrong, "untrusted: sink.glean.datasource names ${file:/etc/passwd}"},
		"a program": {with("transforms", program), job.Wrong, `untrusted: the transform "mine" runs a program`},
	} {
		t.Run(name, func(t *testing.T) {
			proposed := write(t, "proposed.yaml", tc.change)
			c := w.pipe(t, "diff", "--base", file, proposed)
			if c.code != int(tc.code) || !strings.Contains(c.both(), tc.says) {
				t.Errorf("exit %d, want %d\n%s", c.code, tc.code, c.both())
			}
			if name != "nothing" && tc.change == text {
				t.Error("the change changes nothing of the file")
			}
		})
	}
	if n := stolen.Load(); n != 0 {
		t.Errorf("%d requests went to an address of the proposed file", n)
	}
}

// TestDiffBaseLink: a proposed file that is a link shows no line of the file that it leads to.
func TestDiffBaseLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a right")
	}
	w, file := reviewed(t)
	const canary = "canary-of-the-machine"
	link := filepath.Join(t.TempDir(), "proposed.yaml")
	if err := os.Symlink(write(t, "environ", canary+"\n"), link); err != nil {
		t.Fatal(err)
	}
	w.pipe(t, "diff", "--base", file, link).expect(t, int(job.Wrong), "untrusted: the proposed file is a symbolic link",
		"!"+canary)
}

// TestDiffBaseSecrets: the providers of secrets are those of the trusted file, and no part
// that may be proposed reads a secret.
func TestDiffBaseSecrets(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are scripts")
	}
	w, shippedFile := reviewed(t)
	dir := t.TempDir()
	ran := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name+".ran"))
		return err == nil
	}
	script := func(name string) string {
		path := filepath.Join(dir, name)
		text := "#!/bin/sh\n: >" + path + ".ran\necho " + sourceToken + "\n"
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return "\nsecrets:\n  exec:\n    command: [" + path + "]\n"
	}
	b, err := os.ReadFile(shippedFile)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), "${BACKSTAGE_API_TOKEN:-}", "${secret:portal}", 1)
	base := write(t, "trusted.yaml", text+script("trusted"))
	for name, tc := range map[string]struct {
		change string
		code   job.Class
		says   string
	}{
		"another command": {text + script("thief"), job.Done, "nothing would change"},
		"no provider":     {text, job.Done, "nothing would change"},
		"a secret for expressions": {strings.Replace(text, "\nvars:", "\nvars:\n  x: ${secret:portal}", 1) +
			script("thief"), job.Wrong, "allowed only in a secret"},
	} {
		if name != "no provider" && tc.change == text {
			t.Errorf("%s: the change changes nothing", name)
		}
		c := w.pipe(t, "diff", "--base", base, write(t, "proposed.yaml", tc.change))
		if c.code != int(tc.code) || !strings.Contains(c.both(), tc.says) || strings.Contains(c.both(), sourceToken) {
			t.Errorf("%s: exit %d, want %d\n%s", name, c.code, tc.code, c.both())
		}
	}
	if ran("thief") || !ran("trusted") {
		t.Errorf("the command of the proposed file ran: %v; that of the trusted one: %v", ran("thief"), ran("trusted"))
	}
}
