package main

import (
	"strings"
	"testing"

	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestDatasourceApply: the error of a run without a datasource names the
// command that makes it, and that command asks first.
func TestDatasourceApply(t *testing.T) {
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{Datasources: []gleanapi.DatasourceConfig{}})
	c := w.pipe(t, "run", shipped, "--progress", "none")
	if c.code != exitFailed || !strings.Contains(c.stderr, "pipe datasource apply") {
		t.Fatalf("exit %d\n%s", c.code, c.both())
	}
	if c := w.pipe(t, "datasource", "apply", shipped); c.code != exitWrong || !strings.Contains(c.stderr, "--yes") || !strings.Contains(c.stderr, "make the datasource backstage") {
		t.Errorf("it did not ask: exit %d\n%s", c.code, c.both())
	}
	if c := w.pipe(t, "run", shipped, "--progress", "none"); c.code != exitFailed {
		t.Errorf("it was made without a yes: exit %d\n%s", c.code, c.both())
	}
	if c := w.pipe(t, "datasource", "apply", shipped, "--yes"); c.code != 0 || !strings.Contains(c.stdout, "done") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if c := w.pipe(t, "datasource", "apply", shipped); c.code != 0 || !strings.Contains(c.stdout, "nothing to change") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	if c := w.pipe(t, "run", shipped, "--progress", "none"); c.code != 0 {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
}
