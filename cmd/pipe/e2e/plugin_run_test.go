package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
	"github.com/pipe-engine/pipe/plugins/sdk"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// markVariable names a file to which a test plugin writes what it saw.
const markVariable = "PIPE_TEST_MARK"

// servePlugin is the test binary as a plugin.
func servePlugin(mode string) {
	leave := func(text string) { os.WriteFile(os.Getenv(markVariable), []byte(text), 0o666) }
	leave("started " + fmt.Sprint(os.Getpid()))
	p := sdk.Plugin{
		Name: "tester", Version: "1.0.0", Summary: "tests pipe",
		Needs: []string{"metadata.description"}, Writes: []string{"metadata.description"},
	}
	switch mode {
	case "plugin-drop":
		p.Transform = func(_ context.Context, r *sdk.Record) error {
			if r.Kind() == "API" {
				return sdk.Drop("no interfaces please")
			}
			r.Set("metadata.description", "words of a plugin")
			return nil
		}
	case "plugin-hang":
		p.Transform = func(context.Context, *sdk.Record) error {
			child := exec.Command("/bin/sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!")
			inSession(child) // it is orphaned, in its own session
			pid, err := child.Output()
			leave(fmt.Sprintf("hangs %d %s %v", os.Getpid(), strings.TrimSpace(string(pid)), err))
			select {}
		}
	case "plugin-access":
		p.Writes = []string{"metadata.annotations"}
		p.Transform = func(context.Context, *sdk.Record) error { return nil }
	case "plugin-hostile":
		p.Transform = func(context.Context, *sdk.Record) error { return fmt.Errorf("%s", spy()) }
	case "plugin-noop":
		p.Needs, p.Writes = nil, nil
		p.Transform = func(_ context.Context, r *sdk.Record) error {
			if r.Text("metadata.name") == "" {
				return sdk.Drop("no name")
			}
			return nil
		}
	}
	sdk.Serve(p)
}

// spy tries to read the environment and the memory of the processes that started this one,
// and returns which of their files it inherited.
func spy() string {
	var got []string
	for pid, steps := os.Getppid(), 0; pid > 1 && steps < 2; steps++ { // pipe, below it the subreaper
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err == nil {
			got = append(got, "environ: "+strings.ReplaceAll(string(b), "\x00", " "))
		}
		if f, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid)); err == nil {
			f.Close()
			got = append(got, "mem could be opened")
		}
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := strings.Cut(string(b), ") ")
		fmt.Sscanf(rest, "%1s %d", new(string), &pid)
	}
	files, _ := filepath.Glob("/proc/self/fd/*")
	for _, file := range files {
		if to, err := os.Readlink(file); err == nil && strings.HasSuffix(to, "/left-open") {
			got = append(got, "left open: "+filepath.Base(file))
		}
	}
	if len(got) == 0 {
		return "nothing could be read"
	}
	return strings.Join(got, "; ")
}

// withPlugin is the shipped pipeline with a plugin transform, and the variables
// that make the test binary that plugin.
func withPlugin(t testing.TB, mode string, lines ...string) (path, mark string, env map[string]string) {
	t.Helper()
	mark = filepath.Join(t.TempDir(), "mark")
	block := "transforms:\n  - name: ours\n    plugin:\n      command: " + os.Args[0] + "\n      env: [" + childVariable +
		", " + markVariable + ", GORACE]\n"
	for _, line := range lines {
		block += "      " + line + "\n"
	}
	return edited(t, "transforms:   ", block+"#"), mark,
		map[string]string{childVariable: mode, markVariable: mark, "GORACE": "atexit_sleep_ms=0"}
}

func withPluginEnv(maps ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range maps {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

// TestPluginRun: a pinned plugin changes records and drops them under its name.
func TestPluginRun(t *testing.T) {
	t.Parallel()
	sum, err := pluginhost.Checksum(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	path, _, env := withPlugin(t, "plugin-drop", "sha256: "+sum)
	c := pipe(t, withPluginEnv(w.env, env), "run", "--progress", "none", path)
	if !strings.Contains(c.stdout, "ours: no interfaces please") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	for ref, d := range w.index().Documents {
		if strings.HasPrefix(ref, "api:") {
			t.Errorf("%s was delivered", ref)
		}
		sent, err := codec.Marshal(d)
		if strings.HasPrefix(ref, "component:") && !strings.Contains(string(sent), "words of a plugin") {
			t.Errorf("%s: %s %v", ref, sent, err)
		}
	}
}

// TestPluginCheck: check starts nothing and requires a checksum; --plugins starts pinned
// plugins and reports problems that only that shows.
func TestPluginCheck(t *testing.T) {
	t.Parallel()
	path, mark, env := withPlugin(t, "plugin-access")
	if c := pipe(t, env, "check", path); c.code != 2 ||
		!strings.Contains(c.stdout, "unpinned: the plugin has no checksum") {
		t.Errorf("check: exit %d\n%s", c.code, c.both())
	}
	if c := pipe(t, env, "check", "--allow-unpinned", path); c.code != 0 {
		t.Errorf("check --allow-unpinned: exit %d\n%s", c.code, c.both())
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("check started the plugin")
	}
	c := pipe(t, env, "check", "--allow-unpinned", "--plugins", path)
	if c.code != 2 || !strings.Contains(c.stdout, "plugin-access: tester writes metadata.annotations, and permissions "+
		"read metadata.annotations") {
		t.Errorf("check --plugins: exit %d\n%s", c.code, c.both())
	}
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	c = pipe(t, withPluginEnv(w.env, env), "run", "--allow-unpinned", "--progress", "none", path)
	if c.code != 2 || !strings.Contains(c.stderr, "plugin-access") || w.backstage == nil || len(w.index().Uploads) > 0 {
		t.Errorf("run: exit %d\n%s", c.code, c.both())
	}
}

// TestPluginSignals: Ctrl-C ends a run whose plugin hangs, and neither it nor SIGKILL leaves
// a process, not even in its own session.
func TestPluginSignals(t *testing.T) {
	for name, signal := range map[string]os.Signal{"SIGINT": os.Interrupt, "SIGKILL": os.Kill} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
			path, mark, env := withPlugin(t, "plugin-hang")
			env["TMPDIR"] = "/tmp"
			// The child's own mode is not that of its plugin.
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			script := write(t, "plugin.sh", "#!/bin/sh\n"+childVariable+"=plugin-hang exec "+os.Args[0]+"\n")
			if err := os.Chmod(script, 0o700); err != nil {
				t.Fatal(err)
			}
			path = write(t, "pipeline.yaml", strings.Replace(string(text), "command: "+os.Args[0], "command: "+script, 1))
			delete(env, childVariable)
			p := startProcess(t, withPluginEnv(w.env, env), "run", "--allow-unpinned", "--progress", "none", path)
			pid, child := 0, 0
			for late := time.Now().Add(patience); child == 0 && time.Now().Before(late); time.Sleep(10 * time.Millisecond) {
				if b, err := os.ReadFile(mark); err == nil {
					fmt.Sscanf(string(b), "hangs %d %d", &pid, &child)
				}
			}
			if child == 0 {
				t.Fatalf("the plugin was not reached\n%s", p.text())
			}
			p.cmd.Process.Signal(signal)
			began := time.Now()
			code := p.exit()
			if signal == os.Interrupt &&
				(code != 130 || !strings.Contains(p.text(), "nothing sent") || time.Since(began) > 8*time.Second) {
				t.Errorf("exit %d after %s\n%s", code, time.Since(began), p.text())
			}
			for late := time.Now().Add(2 * time.Second); runs(pid) ||
				runtime.GOOS == "linux" && runs(child); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(late) {
					t.Fatalf("the plugin or its child is still there: %t %t", runs(pid), runs(child))
				}
			}
		})
	}
}

// runs reports whether a process exists and is not a zombie.
func runs(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}

// TestHostilePlugin: a plugin cannot read the environment or memory of pipe, with the same
// user or as root, and inherits no file that pipe was started with. Without the seal it can,
// which proves the test; the subreaper already stops root.
func TestHostilePlugin(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux can seal a file")
	}
	const nobody = 65534
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	for _, tc := range []struct {
		child string
		root  bool
		want  []string
	}{
		{"pipe", false, []string{"nothing could be read"}},
		{"pipe", true, []string{"nothing could be read"}},
		{"unsealed", false, []string{"environ: ", "left open: "}},
	} {
		if tc.root && os.Getuid() != 0 {
			continue
		}
		script := write(t, "plugin.sh", "#!/bin/sh\n"+childVariable+"=plugin-hostile exec "+os.Args[0]+"\n")
		path, mark, _ := withPlugin(t, "plugin-hostile")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		path = write(t, "pipeline.yaml", strings.Replace(string(text), "command: "+os.Args[0], "command: "+script, 1))
		readable(t, script, path, mark, os.Args[0])
		cmd := exec.Command(os.Args[0], "run", "--allow-unpinned", "--progress", "none", "--state", "none", path)
		cmd.Env = []string{childVariable + "=" + tc.child, markVariable + "=" + mark, "PATH=/usr/bin:/bin", "TMPDIR=/tmp"}
		for name, value := range w.env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		if os.Getuid() == 0 && !tc.root {
			runAs(cmd, nobody)
		}
		open, err := os.Create(filepath.Join(t.TempDir(), "left-open"))
		if err != nil {
			t.Fatal(err)
		}
		defer open.Close()
		cmd.ExtraFiles = []*os.File{open, open, open}
		cmd.Dir = "/"
		out, _ := cmd.CombinedOutput()
		for _, want := range tc.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s, root %t: lacks %q\n%s", tc.child, tc.root, want, out)
			}
		}
		if strings.Contains(string(out), sinkToken) && tc.child == "pipe" {
			t.Errorf("the token was read:\n%s", out)
		}
	}
}

// readable makes files of a test readable for everyone.
func readable(t *testing.T, files ...string) {
	t.Helper()
	for _, file := range files {
		if filepath.Base(file) == "plugin.sh" {
			os.Chmod(file, 0o755)
		} else if file != os.Args[0] {
			os.Chmod(file, 0o644)
		}
		for dir := filepath.Dir(file); dir != "/" && dir != "/tmp"; dir = filepath.Dir(dir) {
			info, err := os.Stat(dir)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode()&0o005 != 0o005 {
				if err := os.Chmod(dir, info.Mode()|0o055); err != nil {
					t.Skipf("%s cannot be opened to others: %v", dir, err)
				}
			}
		}
	}
}
