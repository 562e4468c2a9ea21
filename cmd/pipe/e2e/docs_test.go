package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// The pages of the documentation.
const (
	readme         = "../../../README.md"
	mappingPage    = "../../../pipelines/mapping.md"
	operationsPage = "../../../pipelines/operations.md"
	guaranteesPage = "../../../pipelines/guarantees.md"
	pushPage       = "../../../pipelines/push.md"
	editorsPage    = "../../../pipelines/editors.md"
	servePage      = "../../../pipelines/serve.md"
	brokerPage     = "../../../pipelines/broker.md"
	fleetPage      = "../../../pipelines/fleet.md"
	pluginsPage    = "../../../plugins/README.md"
	contributing   = "../../../.github/CONTRIBUTING.md"
	security       = "../../../.github/SECURITY.md"
)

// docsPages are all of them.
func docsPages(t *testing.T) []string {
	pages := []string{readme, pipelinesReadme, mappingPage, operationsPage, guaranteesPage, pluginsPage, secretsPage,
		pushPage, servePage, editorsPage, brokerPage, fleetPage, connectionsPage, contributing, security}
	return append(pages, runbooks(t)...)
}

// runbooks are the pages about nights that go wrong.
func runbooks(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../../../pipelines/runbooks/*.md")
	if err != nil || len(pages) < 13 {
		t.Fatalf("%d runbooks, %v", len(pages), err)
	}
	return pages
}

// TestRunbooks: each runbook says whether something is exposed and whether it can wait,
// has a command to begin with, and is in the list.
func TestRunbooks(t *testing.T) {
	list := read(t, "../../../pipelines/runbooks/README.md")
	for _, page := range runbooks(t) {
		name, text := filepath.Base(page), read(t, page)
		if name == "README.md" {
			continue
		}
		for _, part := range []string{"**Is anything exposed now?** ", "**Can it wait?** "} {
			if strings.Count(text, part) != 1 {
				t.Errorf("%s does not answer %s", name, part)
			}
		}
		if !strings.Contains(text, "pipe ") || !strings.Contains(list, "]("+name+")") {
			t.Errorf("%s has no command, or is not in the list", name)
		}
	}
}

// blocks are the fenced blocks of a language.
func blocks(text, language string) []string {
	var out []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

var command = regexp.MustCompile("`((?:(?:go run \\./cmd/)?pipe|go build) [^`]+)`")

// TestDocsCommands runs every command that the docs show, in the repository's
// root as their reader does, against servers on loopback.
func TestDocsCommands(t *testing.T) {
	commands := map[string]int{readme: 10, pipelinesReadme: 14, mappingPage: 9, operationsPage: 12, pluginsPage: 7}
	for _, page := range runbooks(t) {
		commands[page] = 0
	}
	for name, least := range commands {
		t.Run(strings.TrimLeft(name, "./"), func(t *testing.T) { docsCommands(t, read(t, name), least) })
	}
}

func docsCommands(t *testing.T, text string, least int) {
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	if strings.Contains(text, "pipe audit ") { // there has been a run before
		if c := w.run(t); c.code != 0 {
			t.Fatal(c.both())
		}
	}
	var lines []string
	for _, b := range blocks(text, "sh") {
		lines = append(lines, strings.Split(strings.TrimSpace(b), "\n")...)
	}
	for _, m := range command.FindAllStringSubmatch(text, -1) {
		lines = append(lines, m[1])
	}
	t.Chdir("../../..")
	out := t.TempDir()
	env := merge(pluginEnv(), w.env)
	ran := 0
	for _, line := range lines {
		if args, ok := strings.CutPrefix(line, "go -C out/"); ok { // in a project that a line before made
			folder, rest, _ := strings.Cut(args, " ")
			goTool(t, filepath.Join(out, folder), strings.Fields(rest)...)
			continue
		}
		if args, ok := strings.CutPrefix(line, "go build -o "); ok {
			program, pkg, _ := strings.Cut(args, " ")
			goTool(t, ".", "build", "-o", filepath.Join(out, filepath.Base(program)), pkg)
			continue
		}
		if module, ok := strings.CutPrefix(line, "go build -C "); ok {
			buildModule(t, module, filepath.Join(out, filepath.Base(module)))
			continue
		}
		// The first three serve until they are stopped: TestSandboxCommand, TestPreview, TestPlay; the last
		// needs the token of a person: TestVerify.
		serving := []string{"pipe sandbox ", "pipe preview ", "pipe play ", "pipe verify "}
		if slices.ContainsFunc(serving, func(one string) bool { return strings.HasPrefix(line, one) }) {
			continue
		}
		if line == "go test -timeout 30m ./..." || strings.Contains(line, "COMMAND") || strings.Contains(line, "FILE") ||
			strings.HasSuffix(line, " NAME") || len(strings.Fields(line)) < 3 && line != "pipe help" {
			continue
		}
		args, ok := strings.CutPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "go run ./cmd/"), "./"), "pipe ")
		if !ok {
			t.Errorf("the docs show a command that is not tested: %s", line)
			continue
		}
		args, input, _ := strings.Cut(args, " < out/")
		records := ""
		if input != "" {
			records = fileText(t, filepath.Join(out, input))
		}
		words := strings.Fields(args)
		for i, word := range words {
			if word == "out" || strings.HasPrefix(word, "out/") {
				words[i] = out + word[len("out"):]
			}
		}
		ran++
		if c := fed(t, env, records, words...); c.code != 0 {
			t.Errorf("%s: exit %d\n%s", line, c.code, c.both())
		}
	}
	if ran < least {
		t.Errorf("only %d commands were found", ran)
	}
}

// TestDocsYAML replaces blocks of the shipped pipeline with every YAML block of the
// documentation, and checks the result.
func TestDocsYAML(t *testing.T) {
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, page := range []string{mappingPage, pluginsPage} {
		all := blocks(read(t, page), "yaml")
		if len(all) == 0 {
			t.Fatalf("%s has no YAML block", page)
		}
		found = append(found, all...)
	}
	for _, block := range found {
		path := write(t, "docs.yaml", replaced(string(b), block))
		if c := pipe(t, nil, "check", path); c.code != 0 {
			t.Errorf("exit %d\n%s\n%s", c.code, block, c.both())
		}
	}
}

// TestDocsOtherYAML: blocks for files of other programs are valid YAML, too.
func TestDocsOtherYAML(t *testing.T) {
	found := blocks(read(t, pipelinesReadme), "yml")
	for _, block := range found {
		if _, problems := config.Parse("docs.yml", []byte(block)); len(problems) > 0 {
			t.Errorf("%v\n%s", problems, block)
		}
	}
	if len(found) == 0 {
		t.Error("no block was found")
	}
}

// TestDocsLinks: what the docs link to is there, files and headings.
func TestDocsLinks(t *testing.T) {
	for _, page := range docsPages(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s: %s has no heading %s", page, target, anchor)
			}
		}
	}
}

// anchors returns GitHub's anchors of the headings of a page.
func anchors(text string) (out []string) {
	for _, m := range regexp.MustCompile("(?m)^#+ (.*)$").FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, strings.ReplaceAll(name, " ", "-"))
	}
	return out
}

// replaced returns a pipeline with some of its top-level blocks replaced.
func replaced(text, blocks string) string {
	for _, part := range topLevel(blocks) {
		found := false
		for _, old := range topLevel(text) {
			if old[:strings.Index(old, ":")] == part[:strings.Index(part, ":")] {
				text, found = strings.Replace(text, old, part, 1), true
			}
		}
		if !found {
			text += part
		}
	}
	return text
}

// topLevel splits a YAML text at its top-level keys.
func topLevel(text string) []string {
	var out []string
	for _, line := range strings.SplitAfter(text, "\n") {
		if regexp.MustCompile(`^[a-z_]+:`).MatchString(line) {
			out = append(out, "")
		}
		if len(out) > 0 {
			out[len(out)-1] += line
		}
	}
	return out
}

// TestShippedPipeline: the file that is shipped has neither problems nor
// warnings, and explains every variable it uses.
func TestShippedPipeline(t *testing.T) {
	c := pipe(t, nil, "check", shipped)
	if c.code != 0 || strings.Contains(c.both(), "warning") {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)`).FindAllStringSubmatch(text, -1) {
		explained := strings.Contains(text, "# "+m[1]+":") ||
			strings.HasPrefix(m[1], "SYNC_") && strings.Contains(text, "# SYNC_…_ENABLED:") ||
			m[1] == "CF_ACCESS_CLIENT_ID" ||
			m[1] == "VARIABLE" || m[1] == "NAME"
		if !explained {
			t.Errorf("%s is not explained", m[1])
		}
	}
}

// TestReadmeRun: the output in the README is that of the run above it, shortened.
func TestReadmeRun(t *testing.T) {
	shown := blocks(read(t, readme), "text")
	if len(shown) == 0 {
		t.Fatal("the README shows no run")
	}
	out := pipe(t, nil, "run", "--sandbox", "--progress", "none", shipped).stdout
	for line := range strings.Lines(shown[0]) {
		line, _, _ = strings.Cut(line, "   run 01") // the id of the run
		i := strings.Index(out, strings.TrimRight(line, "\n"))
		if i < 0 {
			t.Fatalf("a run does not print %q, or prints it earlier", line)
		}
		out = out[i:]
	}
}

// TestTestsInDocs: every test and benchmark that the documentation names is there.
func TestTestsInDocs(t *testing.T) {
	named := regexp.MustCompile("`go test ((?:-run - )?(?:\\./\\S+)?[^`]*)`").FindAllStringSubmatch(
		strings.ReplaceAll(read(t, guaranteesPage), `\|`, "|"), -1)
	tests := 0
	for _, m := range named {
		folder := regexp.MustCompile(`\./\S+`).FindString(m[1])
		for _, flag := range regexp.MustCompile(`-(run|bench) '?([^ ']+)`).FindAllStringSubmatch(m[1], -1) {
			prefix := map[string]string{"run": "Test", "bench": "Benchmark"}[flag[1]]
			for _, one := range strings.Split(flag[2], "|") {
				if one == "-" {
					continue
				}
				tests++
				if !declares(t, "../../../"+folder, prefix, one) {
					t.Errorf("%s: there is no %s", m[0], one)
				}
			}
		}
	}
	if tests < 10 {
		t.Errorf("only %d tests were found in the documentation", tests)
	}
}

// declares reports whether the tests of a folder have one whose name matches a pattern.
func declares(t *testing.T, folder, prefix, pattern string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)^func ` + prefix + `\w*` + strings.TrimPrefix(pattern, prefix)).Match(b) {
			return true
		}
	}
	return false
}

// TestShippedNotify checks the shipped file with the example of notify uncommented.
func TestShippedNotify(t *testing.T) {
	before, example, found := strings.Cut(read(t, shipped), "# notify:\n")
	if !found {
		t.Fatal("the shipped file has no example of notify")
	}
	var b strings.Builder
	b.WriteString(before + "notify:\n")
	for line := range strings.Lines(example) {
		b.WriteString(strings.TrimPrefix(line, "# "))
	}
	path := write(t, "notify.yaml", b.String())
	if c := pipe(t, nil, "check", path); c.code != 0 || strings.Contains(c.both(), "warning") {
		t.Errorf("exit %d\n%s\n%s", c.code, example, c.both())
	}
}
