package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
)

// TestPluginConfined: with the recipe of the documentation a plugin has no network and no
// home folder, and still works.
func TestPluginConfined(t *testing.T) {
	needGrpcio(t)
	if out, err := exec.CommandContext(t.Context(), "unshare", "--map-root-user", "--net", "--mount",
		"true").CombinedOutput(); err != nil {
		t.Skipf("no namespace can be made here: %v %s", err, out)
	}
	var recipe []string
	for _, block := range blocks(read(t, pluginsPage), "yaml") {
		if strings.Contains(block, "/unshare") {
			doc, _ := config.Parse("README.md", []byte(block))
			for _, word := range doc.Root().Get("transforms").Items()[0].Get("plugin").Get("command").Items() {
				recipe = append(recipe, word.Text())
			}
		}
	}
	if len(recipe) < 3 {
		t.Fatal("the documentation shows no recipe")
	}
	redact, err := filepath.Abs(examplesFolder + "/redact/redact.py")
	if err != nil {
		t.Fatal(err)
	}
	env := pluginEnv()
	env["HOME"] = filepath.Dir(write(t, "a-secret", ""))
	for name, words := range map[string][]string{"free": nil, "confined": recipe[:len(recipe)-1]} {
		seen := write(t, "seen", "")
		spy := write(t, "spy.sh",
			"#!/bin/sh\n{ ls -A \"$HOME\"; tail -n +3 /proc/net/dev | cut -d: -f1; umount \"$HOME\"; ls -A \"$HOME\"; } > "+seen+
				" 2>&1\nexec "+python+" "+redact+"\n")
		if err := os.Chmod(spy, 0o700); err != nil {
			t.Fatal(err)
		}
		expected{0, []string{"1 record: 1 changed"}}.check(t,
			pipe(t, env, append([]string{"plugin", "try", "--example", "--"}, append(words, spy)...)...))
		b, err := os.ReadFile(seen)
		if err != nil {
			t.Fatal(err)
		}
		interfaces, _, _ := strings.Cut(string(b), "umount:")
		if saw := strings.Contains(string(b), "a-secret"); saw != (name == "free") ||
			!saw && strings.TrimSpace(interfaces) != "lo" {
			t.Errorf("%s: it saw\n%s", name, b)
		}
	}
}

// TestShippedPlugins: the plugins that the shipped pipeline has as comments work
// when the # is taken away and they are pinned.
func TestShippedPlugins(t *testing.T) {
	needGrpcio(t)
	digest := builtDigest(t)
	redact, err := filepath.Abs(examplesFolder + "/redact/redact.py")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(b), "  # - name: condense api definitions")
	comment, after, ended := strings.Cut("  # - name: condense api definitions"+rest, "\n\n")
	if !found || !ended {
		t.Fatal("the shipped pipeline has no plugins as comments")
	}
	block := strings.ReplaceAll("\n"+comment, "\n  # ", "\n  ")
	for name, path := range map[string]string{"../plugins/examples/apidigest/apidigest": digest,
		"../plugins/examples/redact/redact.py": redact} {
		at := strings.Index(block, name)
		if at < 0 {
			t.Fatalf("no %s in\n%s", name, block)
		}
		block = block[:at] + path + strings.Replace(block[at+len(name):], "sha256: …", "sha256: "+sumOf(t, path), 1)
	}
	path := write(t, "pipeline.yaml", before+block+"\n\n"+after)
	expected{0, []string{"ok"}}.check(t, pipe(t, pluginEnv(), "check", "--plugins", path))
	expected{0, []string{"delivered"}}.check(t, pipe(t, pluginEnv(), "run", "--sandbox", "--progress", "none", path))
}
