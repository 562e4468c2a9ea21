//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/job"
)

// TestBrokerHubKnowsNothing: neither the memory nor the log nor the disk of a hub ever has a credential
// that is not the hub's, or a text of the catalog. The same searches find what is there.
func TestBrokerHubKnowsNothing(t *testing.T) {
	b := newBrokered(t, services(0, 100))
	folder := t.TempDir()
	for _, name := range []string{"hub.yaml", "hub.pem", "hub.key"} {
		text := strings.ReplaceAll(read(t, b.Path(name)), b.Folder, folder)
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{}
	for _, name := range []string{"HOME", "TMPDIR", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		env[name] = folder
	}
	b.hub = startProcessIn(t, folder, env, "hub", "run", "hub.yaml")
	b.startAgent(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	heard(ctx, b.hub.said, "an agent is connected") // the hub has protected its memory from all but root
	_, hidden := inMemory(b.hub, "acme")
	secret := []string{sourceToken, brokerText, "service-0042", b.Token, tunnel.ForAgent(b.Token), "/api/catalog"}
	known := []string{"acme", "nightly"}

	searches, inAgent := 0, map[string]bool{}
	// during is called for each request while the target has it: the hub has relayed it, and the answers
	// to those before.
	during := func(r *http.Request) {
		searches++
		r.Header.Del("Accept-Encoding") // a text could not be found in a compressed answer
		if hidden != nil {
			return
		}
		if has, err := inMemory(b.agent, secret...); err == nil {
			maps.Copy(inAgent, has)
		}
		has, err := inMemory(b.hub, append(secret, known...)...)
		for _, one := range secret {
			if has[one] || err != nil {
				t.Errorf("request %d: the memory of the hub has %q: %v", searches, one, err)
			}
		}
		if searches > 1 && !has["acme"] {
			t.Errorf("request %d: the search does not find the name of the agent", searches)
		}
	}
	b.mu.Lock()
	b.asked = during
	b.mu.Unlock()
	run := startProcess(t, b.env, "run", b.pipeline, "--set", "@source.page_size=10", "--set", "guards.max_loss=100%")
	if code := run.exitWithin(2 * patience); code != int(job.Done) || len(b.names()) != 100 {
		t.Fatalf("exit %d\n%s", code, run.text())
	}
	if searches < 10 {
		t.Errorf("%d searches", searches)
	}
	during(&http.Request{})
	delete(inAgent, b.Token)
	if len(inAgent) != len(secret)-1 && hidden == nil {
		t.Errorf("of what the memory of the agent has, the search finds only %v", slices.Collect(maps.Keys(inAgent)))
	}
	if hidden == nil {
		noneOpen(t, b.hub, folder)
	}
	b.hub.cmd.Process.Signal(os.Interrupt)
	b.hub.exit()
	log := b.hub.text()
	for _, one := range secret {
		if strings.Contains(log, one) {
			t.Errorf("the log of the hub has %q", one)
		}
	}
	if !strings.Contains(log, "acme") {
		t.Error("the log of the hub does not have the name of the agent")
	}
	if has := inFiles(t, folder, append(secret, tunnel.Hash(tunnel.ForHub(b.Token)))); len(has) != 1 {
		t.Errorf("the files of the hub have %v, and should have the hash of the token alone",
			slices.Collect(maps.Keys(has)))
	}
	if hidden != nil {
		t.Skipf("log and disk are searched, the memory of a process cannot be here: %v", hidden)
	}
	t.Logf("%d searches", searches)
}

// noneOpen checks that a process has no file open outside its folder.
func noneOpen(t *testing.T, p *process, folder string) {
	t.Helper()
	open := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	entries, err := os.ReadDir(open)
	if err != nil || len(entries) == 0 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		name := filepath.Join(open, e.Name())
		target, err := os.Readlink(name)
		if err != nil {
			continue // closed since
		}
		kernel := strings.HasPrefix(target, "/sys/") || strings.HasPrefix(target, "/proc/")
		info, err := os.Stat(name)
		if err == nil && info.Mode().IsRegular() && filepath.IsAbs(target) && !kernel && !strings.HasPrefix(target, folder) {
			t.Errorf("the hub has %s open", target)
		}
	}
}

// inFiles returns the texts that a file of a folder has.
func inFiles(t *testing.T, folder string, texts []string) map[string]bool {
	t.Helper()
	has := map[string]bool{}
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		search(has, b, texts)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return has
}

func search(has map[string]bool, in []byte, texts []string) {
	for _, text := range texts {
		if bytes.Contains(in, []byte(text)) {
			has[text] = true
		}
	}
}

// inMemory returns the texts that the writable memory of a process has.
func inMemory(p *process, texts ...string) (has map[string]bool, err error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", p.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	defer maps.Close()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", p.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	defer mem.Close()
	const most, overlap = 1 << 20, 256 // of a part, and what it has of the one before
	has = map[string]bool{}
	part, read := make([]byte, most), 0
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); n != 3 || !strings.HasPrefix(mode, "rw") {
			continue
		}
		for at := from; at < to; at += most - overlap {
			n, err := mem.ReadAt(part[:min(to-at, most)], at)
			if err != nil && err != io.EOF {
				continue // without pages
			}
			read += n
			search(has, part[:n], texts)
		}
	}
	if read == 0 {
		return nil, fmt.Errorf("nothing could be read")
	}
	return has, nil
}
