package fleet

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
	"github.com/pipe-engine/pipe/engine/redact"
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

// TestStateSecrets: the log of a worker has no secret of its state store, with or without flags.
func TestStateSecrets(t *testing.T) {
	type settings struct {
		URL config.Secret `yaml:"url" doc:"The address."`
		Key config.Secret `yaml:"key" doc:"The key."`
	}
	store := StoreOf[settings]{Name: "database", At: func(c *settings, address string) (*settings, error) {
		return &settings{URL: config.NewSecret(address), Key: c.Key}, nil
	}}
	path := filepath.Join(t.TempDir(), "worker.yaml")
	write(t, path, "version: 1\npayload_key: ${KEY}\nstate: {database: {url: \"${URL}\", key: \"${STATE}\"}}\n")
	env := map[string]string{"KEY": payload.NewKey(), "URL": "db://canary-address", "STATE": "canary-state-key"}
	for flag, url := range map[string]string{"": env["URL"], "db://canary-flag": "db://canary-flag"} {
		secrets := &redact.Redactor{}
		_, err := ReadWorker(t.Context(), path, FileOptions{Secrets: secrets, Stores: []StoreSpec{store.Any()},
			Log: slog.New(slog.DiscardHandler), Flags: Flags{State: flag},
			Lookup: func(name string) (string, bool) { text, is := env[name]; return text, is }})
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{url, env["STATE"], env["KEY"]} {
			if text := secrets.Clean("connect with " + secret); strings.Contains(text, secret) {
				t.Errorf("--state %q: %s", flag, text)
			}
		}
	}
}

// TestFlagsTLS: each flag of TLS counts alone, and what a file may not have is refused with flags, too.
func TestFlagsTLS(t *testing.T) {
	for name, f := range map[string]Flags{"tls": {TLS: true}, "ca": {CAFile: "x.pem"}, "cert": {CertFile: "x.pem"},
		"key": {KeyFile: "x.pem"}, "name": {ServerName: "x"}} {
		w, err := read(t, "", "", f)
		if err != nil {
			t.Fatal(err)
		}
		if w.Temporal.TLS == nil {
			t.Errorf("%s: the worker connects without TLS", name)
		}
		_, err = w.Temporal.tls()
		if wrong := errors.As(err, new(*fault.Invalid)); wrong != (f.CAFile+f.CertFile+f.KeyFile != "") {
			t.Errorf("%s: a file that is not there: %v", name, err)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "worker.yaml")
	write(t, path, "version: 1\ntemporal: {api_key: \"${API}\"}\npayload_key: ${KEY}\n")
	for want, f := range map[string]Flags{
		"temporal.api_key": {CertFile: "x.pem", KeyFile: "x.pem"},
		"temporal.address": {Address: "temporal.example.com"},
	} {
		_, err := ReadWorker(t.Context(), path, FileOptions{Log: slog.New(slog.DiscardHandler), Flags: f,
			Lookup: func(name string) (string, bool) {
				return map[string]string{"API": "canary-api-key", "KEY": payload.NewKey()}[name], true
			}})
		if !errors.As(err, new(*fault.Invalid)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", f, err)
		}
	}
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
