package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPushPage runs the commands of the page about pushed records against a server.
func TestPushPage(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bash", "curl", "sed"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("there is no %s", name)
		}
	}
	_, section, found := strings.Cut(read(t, pushPage), "\n## Push over HTTP\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1)
	if !found || len(blocks) != 3 {
		t.Fatalf("%d blocks of commands", len(blocks))
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	s := startServerWith(t, map[string]string{"WIKI_STORE": filepath.Join(dir, "wiki.db"), "WIKI_OUT": out},
		filepath.Join(dir, "state"), wiki)
	var tokens []string
	for _, line := range strings.Split(strings.TrimSpace(blocks[0][1]), "\n") {
		c := s.command(strings.Fields(line)[1:]...)
		tokens = append(tokens, strings.TrimSpace(c.stdout))
		if c.code != 0 {
			t.Fatalf("%s: exit %d\n%s", line, c.code, c.both())
		}
	}
	script := exec.Command("bash", "-euo", "pipefail", "-c", blocks[1][1]+blocks[2][1])
	script.Dir = dir
	script.Env = append(os.Environ(), "SERVER="+s.origin, "TOKEN="+tokens[0])
	answers, err := script.CombinedOutput()
	for _, want := range []string{`{"append":1,"records":1,"total":1}`, `"records":1,"before":0,"run":"`,
		`{"ref":"news","changed":true,"generation":2,"run":"`, `{"ref":"news","changed":true,"generation":3,"run":"`} {
		if !strings.Contains(string(answers), want) {
			t.Errorf("no %s in the answers", want)
		}
	}
	if err != nil || t.Failed() {
		t.Fatalf("%v\n%s\n%s", err, answers, s.text())
	}
	documents := filepath.Join(out, "documents.ndjson")
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		text, _ := os.ReadFile(documents)
		if strings.Contains(string(text), `"id":"start"`) && !strings.Contains(string(text), `"id":"news"`) {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("the pushed record is not delivered:\n%s\n%s", text, s.text())
		}
	}
}
