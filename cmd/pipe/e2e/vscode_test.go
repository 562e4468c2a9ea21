//go:build editor && !windows

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/serve/browsertest"
)

// vscode is a window of VS Code in a browser, with the extension of pipe and a copy of the shipped
// pipelines.
type vscode struct {
	t *testing.T
	*browsertest.Tab
	folder   string
	program  string // pipe
	pictures string // where pictures are kept
	taken    int    // pictures
}

const (
	vscodeTime = 4 * time.Minute
	// vscodeSettings keep out what is not of the extension.
	vscodeSettings = `{
	"workbench.startupEditor": "none", "workbench.tips.enabled": false, "remote.autoForwardPorts": false,
	"files.autoSave": "off",
	"extensions.autoCheckUpdates": false, "extensions.autoUpdate": false, "telemetry.telemetryLevel": "off"
}`
	suggestions = ".suggest-widget.visible .monaco-list-row"
)

// openVSCode packages the extension as a release does, installs it, and opens VS Code. The login
// shell, from which VS Code takes its variables, finds pipe when there is one.
func openVSCode(t *testing.T, found bool) *vscode {
	t.Helper()
	home := os.Getenv("VSCODE_HOME")
	code := filepath.Join(home, "node_modules/code-server/out/node/entry.js")
	if _, err := os.Stat(code); home == "" || err != nil {
		t.Skip("VSCODE_HOME names no folder with VS Code, see .ci/full")
	}
	for _, tool := range []string{"npm", "node", "chromium", "bash", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s", tool)
		}
	}
	dir := t.TempDir()
	v := &vscode{t: t, folder: filepath.Join(dir, "pipelines"), program: filepath.Join(dir, "bin", "pipe")}
	if v.pictures = os.Getenv("SCREENSHOTS"); v.pictures == "" {
		v.pictures = t.TempDir()
	}
	v.command("go", "build", "-o", v.program, "../")
	vsix := filepath.Join(dir, "pipe.vsix")
	v.command("../../../.ci/release/vscode", vsix)
	if err := os.CopyFS(v.folder, os.DirFS("../../../pipelines")); err != nil {
		t.Fatal(err)
	}
	profile := ""
	if found {
		profile = "export PATH=" + filepath.Dir(v.program) + ":$PATH\n"
	}
	for name, content := range map[string]string{".profile": profile, "user/User/settings.json": vscodeSettings} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{code, "--config", filepath.Join(dir, "config.yaml"), "--user-data-dir", filepath.Join(dir, "user"),
		"--extensions-dir", filepath.Join(dir, "extensions")}
	v.command("node", append(args, "--install-extension", vsix)...)
	v.Tab = browsertest.New(t, vscodeTime)
	v.AllowAll()
	v.Size(1400, 900)
	v.Open(v.serve(dir, args) + "/?folder=" + v.folder)
	return v
}

// command runs a program to its end and returns its output.
func (v *vscode) command(name string, args ...string) string {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), vscodeTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		v.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// serve starts the server and returns its address. It ends with the test, and so does all that it
// started.
func (v *vscode) serve(home string, args []string) (address string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), vscodeTime)
	c := exec.CommandContext(ctx, "node", append(args, "--auth", "none", "--bind-addr", "127.0.0.1:0",
		"--disable-telemetry", "--disable-update-check", "--disable-getting-started-override",
		"--disable-workspace-trust")...)
	c.Env = append(os.Environ(), "HOME="+home, "SHELL=/bin/bash")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	out, err := c.StdoutPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		v.t.Fatal(err)
	}
	found, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		defer close(found)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, at, ok := strings.Cut(lines.Text(), "listening on http://"); ok {
				found <- "http://" + strings.TrimSuffix(at, "/")
			}
		}
	}()
	v.t.Cleanup(func() {
		cancel()
		<-done
		_ = c.Wait()
	})
	address, ok := <-found
	if !ok {
		v.t.Fatal("VS Code does not start")
	}
	return address
}

// picture stores what the window shows, numbered in the order of the test.
func (v *vscode) picture(name string) {
	v.t.Helper()
	v.Wait(`document.getAnimations().every(a => a.playState !== "running" || a.effect.getTiming().iterations > 1)`)
	v.taken++
	file := filepath.Join(v.pictures, fmt.Sprintf("%02d %s.png", v.taken, name))
	if err := os.WriteFile(file, v.Picture(), 0o600); err != nil {
		v.t.Fatal(err)
	}
}

// element is an expression in JavaScript for the uppermost visible element of a selector that has a
// text.
func element(selector, text string) string {
	quoted := func(s string) string {
		b, _ := codec.Marshal(s)
		return string(b)
	}
	return `[...document.querySelectorAll(` + quoted(selector) + `)].filter(e => e.checkVisibility() &&
		(e.innerText + " " + (e.ariaLabel ?? "")).replaceAll("\u00a0", " ").includes(` + quoted(text) + `)).
		sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)[0]`
}

func (v *vscode) see(selector, text string) {
	v.t.Helper()
	v.Wait("Boolean(" + element(selector, text) + ")")
}

func (v *vscode) gone(selector, text string) {
	v.t.Helper()
	v.Wait("!" + element(selector, text))
}

// after puts the cursor at the end of the line of a saved file that has a text.
func (v *vscode) after(file, text string) {
	v.t.Helper()
	before, _, ok := strings.Cut(read(v.t, filepath.Join(v.folder, file)), text)
	if !ok {
		v.t.Fatalf("%s has no %q", file, text)
	}
	line := fmt.Sprint(strings.Count(before, "\n") + 1)
	v.Press("ctrl+g")
	v.see(".quick-input-widget", "Current Line")
	v.Press(line)
	v.see(".quick-input-list .monaco-list-row", "line "+line)
	v.Press(browsertest.Enter)
	v.gone(".quick-input-widget", "")
	v.see("#status\\.editor\\.selection", "Ln "+line+",")
	v.Press(browsertest.End)
}

// complete opens the list of completions and takes one of them.
func (v *vscode) complete(label, picture string) {
	v.t.Helper()
	v.Press("ctrl+ ")
	v.take(label, picture)
}

// take takes one of the list of completions that typing has opened.
func (v *vscode) take(label, picture string) {
	v.t.Helper()
	v.see(suggestions+" .label-name", label)
	for range 40 {
		if v.Text(`document.querySelector("`+suggestions+`.focused .label-name")?.innerText ?? ""`) == label {
			if picture != "" {
				v.picture(picture)
			}
			v.Press(browsertest.Enter)
			v.gone(suggestions, "")
			return
		}
		v.Press(browsertest.Down)
	}
	v.t.Fatalf("completion does not offer %q", label)
}

// hover shows what is known about the place of the cursor. A change of the window's layout hides
// it.
func (v *vscode) hover(want, picture string) {
	v.t.Helper()
	shown := "Boolean(" + element(".monaco-hover", want) + ")"
	for range 5 {
		v.Press("ctrl+k", "ctrl+i")
		for begun := time.Now(); time.Since(begun) < 2*time.Second; time.Sleep(20 * time.Millisecond) {
			if v.Text(shown+" + ''") == "true" {
				v.picture(picture)
				v.Press(browsertest.Escape)
				v.gone(".monaco-hover", want)
				return
			}
		}
	}
	v.Wait(shown)
}

// palette runs a command of the palette.
func (v *vscode) palette(title string) {
	v.t.Helper()
	v.Press("ctrl+shift+p")
	v.see(".quick-input-widget", "")
	v.Press(title)
	v.see(".quick-input-list .monaco-list-row.focused", title)
	v.Press(browsertest.Enter)
}

// pick chooses an entry of a list that asks for it.
func (v *vscode) pick(question, entry, picture string) {
	v.t.Helper()
	v.Wait(`document.querySelector(".quick-input-widget input").placeholder.includes("` + question + `")`)
	v.Press(entry)
	v.see(".quick-input-list .monaco-list-row.focused", entry)
	v.picture(picture)
	v.Press(browsertest.Enter)
}

func (v *vscode) save(file string) {
	v.t.Helper()
	v.see(".tab.dirty", file)
	v.Press("ctrl+s")
	v.gone(".tab.dirty", file)
}

// TestVSCode is what a newcomer does who has not read the documentation: with what VS Code offers
// and shows, they add a facet, a rule, and a test of the rule. Each name is one that was offered.
func TestVSCode(t *testing.T) {
	v := openVSCode(t, true)
	defer func() {
		if t.Failed() {
			v.picture("failed")
		}
	}()
	const file, tests = "backstage.yaml", "backstage.test.yaml"
	before := read(t, filepath.Join(v.folder, file))
	v.Click(element(".explorer-folders-view .monaco-list-row", file))
	v.see(".view-line", "yaml-language-server")

	// The outline.
	v.Press("ctrl+shift+o")
	v.see(".quick-input-list .monaco-list-row", "transforms")
	v.Press("private to")
	v.see(".quick-input-list .monaco-list-row", "private to its owners")
	v.picture("outline")
	v.Press(browsertest.Enter)
	v.gone(".quick-input-widget", "")
	v.see(".view-line", "- name: private to its owners")

	// The facet in the sink.
	v.after(file, "{name: ref, displayLabel: Entity ref")
	v.Press(browsertest.Enter, "- ")
	v.complete("name", "keys of a property")
	v.Press("api", browsertest.Enter, "  ")
	v.complete("displayLabel", "more keys of a property")
	v.Press("API", browsertest.Enter)
	v.complete("propertyType", "")
	v.complete("PICKLIST", "types of a property")
	v.hover("PICKLIST makes a facet", "hover of a value")

	// A rule with a mistake, and its fix.
	v.after(file, "      allow: none")
	v.Press(browsertest.Enter, browsertest.Back, "- ")
	v.complete("name", "keys of a rule")
	v.Press("internal", browsertest.Enter, "  ")
	v.complete("when", "more keys of a rule")
	v.Press("m")
	v.take("metadata", "names")
	v.Press(".")
	v.see(suggestions+" .label-name", "namespace")
	v.picture("members")
	v.Press("namspace == ", `"`, "internal", browsertest.End, browsertest.Enter)
	v.complete("allow", "")
	v.complete("owner", "audiences")
	v.see("#status\\.problems", "Errors: 1")
	v.Press(browsertest.Up, browsertest.Home)
	for range len("when: metadata.n") {
		v.Press(browsertest.Right)
	}
	v.hover("did you mean namespace?", "mistake")
	v.Press("ctrl+.")
	v.see(".action-widget .monaco-list-row", "Change to namespace")
	v.picture("fix")
	v.Press(browsertest.Enter)
	v.gone("#status\\.problems", "Errors:")
	v.hover("The rule internal decides 0", "hover of a rule")
	v.save(file)

	// The facet in the mapping, with its value for a component.
	v.palette("pipe: Choose a sample")
	v.pick("Where the records come from", "tests", "source of samples")
	v.pick("The record that values are shown for", "component:default/checkout", "samples")
	v.after(file, "          namespace: metadata.namespace")
	v.Press(browsertest.Enter)
	v.complete("api", "properties")
	v.Press("dis")
	v.take("display", "functions")
	v.Press("(", "fir")
	v.take("first", "")
	v.Press("(", "rel")
	v.take("related", "")
	v.Press("(", `"`)
	v.complete("providesApi", "relations")
	v.gone("#status\\.problems", "Warnings:")
	v.hover(`Value for component:default/checkout: "Orders"`, "hover of an expression")
	v.save(file)
	v.Click(element(".codelens-decoration a", "explain for the sample"))
	v.see(".view-line", "Found by: rule")
	v.see(".view-line", "api: `\"Orders\"`")
	v.picture("explanation")

	// The test of the rule.
	v.Click(element(".explorer-folders-view .monaco-list-row", tests))
	v.see(".tab.active", tests)
	v.after(tests, "tests:")
	v.Press(browsertest.Enter, "  - ")
	v.complete("name", "keys of a test")
	v.Press("internal entities", browsertest.Enter, "  ")
	v.complete("records", "")
	v.Press(browsertest.Enter, "  - ")
	v.complete("fixture", "keys of a record")
	v.complete("checkout", "fixtures")
	v.Press(browsertest.Enter, "  ")
	v.complete("with", "")
	v.Press("{metadata: {namespace: internal", browsertest.End, browsertest.Enter, browsertest.Back, browsertest.Back)
	v.complete("expect", "")
	v.Press(browsertest.Enter, "  component:internal/checkout:", browsertest.Enter, "  ")
	v.complete("rule", "keys of an expectation")
	v.complete("internal", "rules")
	v.gone("#status\\.problems", "Errors:")
	v.save(tests)
	v.Click(element(".codelens-decoration a", "run this test"))
	v.see(".view-line", "ok  internal entities")
	v.picture("result of the test")

	after := read(t, filepath.Join(v.folder, file))
	for old, added := range map[string]string{
		"hideUiFacet: true}\n": "      - name: api\n        displayLabel: API\n        propertyType: PICKLIST\n",
		"      allow: none\n": "    - name: internal\n      when: metadata.namespace == \"internal\"\n" +
			"      allow: owner\n",
		"          namespace: metadata.namespace\n": "          api: display(first(related(\"providesApi\")))\n",
	} {
		before = strings.Replace(before, old, old+added, 1)
	}
	if after != before {
		t.Errorf("the saved file:\n%s", after)
	}
	path := filepath.Join(v.folder, file)
	if out := v.command(v.program, "check", path); strings.Contains(out, "warning") {
		t.Error(out)
	}
	if out := v.command(v.program, "test", path); !strings.Contains(out, "touch 4 of 4 permission rules") {
		t.Error(out)
	}
}

// TestVSCodeWithoutPipe: where pipe is not installed, a message says so and leads to the setting.
func TestVSCodeWithoutPipe(t *testing.T) {
	v := openVSCode(t, false)
	v.Click(element(".explorer-folders-view .monaco-list-row", "backstage.yaml"))
	v.see(".notifications-toasts", "The program pipe cannot be started")
	v.picture("without pipe")
	v.Click(element(".notifications-toasts .monaco-button", "Open the setting"))
	v.see(".settings-editor .setting-item", "The program pipe: a name in PATH, or its path.")
	v.picture("setting")
}
