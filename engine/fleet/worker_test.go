package fleet

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// read reads the file of a worker of a fleet in a new folder.
func read(t *testing.T, more, limits string, flags Flags) (*Worker, error) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "fleet.yaml"), "version: 1\nfleet: larkspur\ndefaults: {task_queue: eu}\n"+
		"pipelines: {payments: {}}\nlimits: {"+limits+"}\n")
	path := filepath.Join(dir, "worker.yaml")
	write(t, path, "version: 1\ntemporal: {address: \"127.0.0.1:1\"}\ntask_queue: eu\npayload_key: ${KEY}\npipelines: .\n"+
		"state: {folder: state}\n"+more)
	key := payload.NewKey()
	return ReadWorker(t.Context(), path, FileOptions{
		Lookup: func(name string) (string, bool) { return key, name == "KEY" },
		Log:    slog.New(slog.DiscardHandler), Stores: []StoreSpec{FolderStore()}, Flags: flags})
}

// TestGrace: a worker whose grace time leaves a run no time does not start.
func TestGrace(t *testing.T) {
	w, err := read(t, "grace: 10m\n", "run: 10m", Flags{})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Run(t.Context(), RunOptions{Log: slog.New(slog.DiscardHandler)}, nil)
	if !errors.As(err, new(*fault.Invalid)) || !strings.Contains(err.Error(), "grace") {
		t.Error(err)
	}
}
