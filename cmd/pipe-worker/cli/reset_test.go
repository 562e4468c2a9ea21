//go:build unix

package cli_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
	"github.com/pipe-engine/pipe/engine/fleet/postgres"
	"github.com/pipe-engine/pipe/engine/fleet/postgres/postgrestest"
	"github.com/pipe-engine/pipe/engine/state"
)

// TestReset: a datasource whose state is damaged is reset after a confirmation, without Temporal. A folder
// has nothing to reset.
func TestReset(t *testing.T) {
	server := postgrestest.Start(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "worker.yaml")
	handbook, err := os.ReadFile("../../../pipelines/examples/files/handbook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	configure := func(store string) {
		t.Helper()
		for name, text := range map[string]string{
			"worker.yaml": "version: 1\ntemporal: {address: \"127.0.0.1:1\"}\ntask_queue: eu\npayload_key: ${KEY}\n" +
				"pipelines: " + dir + "\nstate: {" + store + "}\n",
			"fleet.yaml":    "version: 1\nfleet: a\ndefaults: {task_queue: eu}\npipelines: {handbook: {}}\n",
			"handbook.yaml": string(handbook),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	env := map[string]string{"KEY": payload.NewKey(), "STATE_KEY": postgrestest.Key, "PIPE_WORKER_FILE": path,
		"HANDBOOK_FILE": filepath.Join(dir, "in"), "HANDBOOK_OUT": filepath.Join(dir, "out")}
	expect := func(code int, want string, args ...string) {
		t.Helper()
		r := worker(t, env, args...)
		text := strings.Join(strings.Fields(r.stdout+r.stderr), " ")
		if r.code != code || !strings.Contains(text, want) {
			t.Errorf("%s: exit %d: %s", strings.Join(args, " "), r.code, text)
		}
	}
	configure("folder: " + dir)
	expect(2, "cannot be reset", "state", "reset", "--yes", "handbook")

	configure(fmt.Sprintf("postgres: {url: %q, key: \"${STATE_KEY}\"}", server.URL()))
	expect(0, "made the schema pipe_handbook", "state", "init")
	store, err := postgres.Open(t.Context(), postgres.Config{URL: config.NewSecret(server.URL()),
		Key: config.NewSecret(postgrestest.Key)}.For("handbook"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	files, err := store.Open("file:" + filepath.Join(dir, "out"))
	if err == nil {
		err = state.Replace(files, ".state", func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err })
	}
	if err != nil {
		t.Fatal(err)
	}
	server.Exec(t, "UPDATE pipe_handbook.places SET version = version + 1")
	expect(2, "pipe-worker state reset", "state", "check")
	expect(2, "add --yes", "state", "reset", "handbook")
	expect(2, "is damaged", "state", "check")
	expect(0, "THE HIDDEN LIST IS LOST", "state", "reset", "--yes", "handbook")
	expect(0, "1 place", "state", "check")
	expect(2, "one pipeline", "state", "reset")
}
