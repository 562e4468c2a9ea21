package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/internal/golden"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/job"
)

const examplesDir = "../../../pipelines/examples"

// TestExampleWorkflow: the example is what `pipe init` writes.
func TestExampleWorkflow(t *testing.T) {
	files, err := (&app{Host: Host{Registry: components.Registry()}}).initFiles()
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, filepath.Join(examplesDir, "github-actions.yaml"), string(files[".github/workflows/backstage.yaml"]))
}

// TestExamplesParse: each example is parsed by its tool if that is installed, and each YAML
// file is valid YAML.
func TestExamplesParse(t *testing.T) {
	for _, f := range exampleFiles(t) {
		if filepath.Ext(f) != ".yaml" {
			continue
		}
		for i, doc := range strings.Split(fileText(t, f), "\n---\n") {
			if _, problems := config.Parse(fmt.Sprintf("%s#%d", f, i+1), []byte(doc)); len(problems) > 0 {
				t.Error(problems)
			}
		}
	}
	for tool, args := range map[string][]string{
		"systemd-analyze": append([]string{"verify", "--man=no"},
			installed(t, "pipe.service", "pipe.timer", "pipe-worker.service")...),
		"crontab": {"-T", filepath.Join(examplesDir, "crontab")},
	} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("%s is not here", tool)
			continue
		}
		if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil ||
			strings.Contains(string(out), "Unknown") {
			t.Errorf("%s: %v\n%s", tool, err, out)
		}
	}
}

// installed puts units into a folder, with an existing program in place of pipe, as
// systemd-analyze requires.
func installed(t *testing.T, units ...string) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, unit := range units {
		path := filepath.Join(dir, unit)
		text := strings.NewReplacer("/usr/local/bin/pipe-worker", "/bin/true", "/usr/local/bin/pipe", "/bin/true").Replace(
			fileText(t, filepath.Join(examplesDir, unit)))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func exampleFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(examplesDir, "*"))
	files = slices.DeleteFunc(files, func(f string) bool {
		return slices.Contains([]string{"files", "kubernetes", "monitoring", "push"}, filepath.Base(f))
	})
	for _, folder := range []string{"kubernetes", "kubernetes/serve", "monitoring"} {
		more, moreErr := filepath.Glob(filepath.Join(examplesDir, folder, "*.yaml"))
		files, err = append(files, more...), errors.Join(err, moreErr)
	}
	if err != nil || len(files) != 20 {
		t.Fatalf("%v, %v", files, err)
	}
	return files
}

// TestExampleCommands: every call of pipe in an example is valid: its command and flags
// exist.
func TestExampleCommands(t *testing.T) {
	for _, f := range exampleFiles(t) {
		text := fileText(t, f)
		call := regexp.MustCompile(`(?m)(?:^|[ (/])pipe ((?:run|check|test|diff) [^>|;)\n]*)`)
		switch filepath.Base(f) { // the words of a call are a list there
		case "cronjob.yaml":
			text = regexp.MustCompile(`\n +- (pipe|run|--?\S+|none|json|\S+=\S+|/\S+)`).ReplaceAllString(text, " $1")
		case "deployment.yaml":
			text = regexp.MustCompile(`\n +- (pipe|serve|--?\S+|json|\$\S+|\S+=\S+|/\S+)( +#.*)?`).ReplaceAllString(text, " $1")
			call = regexp.MustCompile(` pipe (serve (?:\S+ )*\S+\.yaml)\n`)
		}
		calls := 0
		for _, m := range call.FindAllStringSubmatch(text, -1) {
			calls++
			if err := knownCall(strings.Fields(strings.TrimSuffix(strings.TrimSpace(m[1]), " 2"))); err != nil {
				t.Errorf("%s: pipe %s: %v", f, m[1], err)
			}
		}
		if want := map[string]int{"crontab": 1, "pipe.service": 1, "pipe.timer": 0, "cronjob.yaml": 1, "deployment.yaml": 1,
			"github-actions.yaml": 2}[filepath.Base(f)]; calls < want || want == 0 && calls > 0 {
			t.Errorf("%s: %d calls, want %d", f, calls, want)
		}
	}
	if knownCall([]string{"run", "--stat", "x", "pipelines/backstage.yaml"}) == nil ||
		knownCall([]string{"rum", "x"}) == nil || knownCall([]string{"run", "--state", "x"}) == nil {
		t.Error("wrong calls are taken")
	}
}

// knownCall reports what is wrong with a call without making it.
func knownCall(words []string) error {
	a := &app{Host: Host{Registry: components.Registry()}}
	c := a.cli()
	i := slices.IndexFunc(c.Commands, func(cmd *urfave.Command) bool { return cmd.HasName(words[0]) })
	if i < 0 {
		return fmt.Errorf("there is no command %s", words[0])
	}
	flags := c.Commands[i].Flags
	files := 0
	for n := 1; n < len(words); n++ {
		name, isFlag := strings.CutPrefix(words[n], "--")
		if !isFlag {
			files++
			continue
		}
		if !slices.ContainsFunc(flags, func(f urfave.Flag) bool { return slices.Contains(f.Names(), name) }) {
			return fmt.Errorf("there is no flag --%s", name)
		}
		if takesValue(flags, words[n]) {
			n++
		}
	}
	if files != 1 {
		return fmt.Errorf("%d files", files)
	}
	return nil
}

// TestExampleExitCodes: the examples retry, and never retry, the program's exit codes.
func TestExampleExitCodes(t *testing.T) {
	never := []int{int(job.Wrong), int(job.Rejected), int(job.Refused), int(job.Unconfirmed)}
	var listed []int
	cronjob := fileText(t, filepath.Join(examplesDir, "kubernetes", "cronjob.yaml"))
	for _, m := range regexp.MustCompile(`(?m)^ {16}- (\d+)$`).FindAllStringSubmatch(cronjob, -1) {
		n, _ := strconv.Atoi(m[1])
		listed = append(listed, n)
	}
	if slices.Sort(listed); !slices.Equal(listed, never) {
		t.Errorf("podFailurePolicy names %v, want %v", listed, never)
	}
	if want := fmt.Sprintf("RestartPreventExitStatus=%d %d %d %d\n", int(job.Wrong), int(job.Rejected), int(job.Refused),
		int(job.Unconfirmed)); !strings.Contains(fileText(t, filepath.Join(examplesDir, "pipe.service")), want) {
		t.Errorf("pipe.service has no %s", want)
	}
	if want := fmt.Sprintf("case $code in %d|%d) sleep", int(job.Failed),
		int(job.Held)); !strings.Contains(fileText(t, filepath.Join(examplesDir, "crontab")), want) {
		t.Errorf("crontab has no %s", want)
	}
}

// TestExampleCrontab runs the line with a pipe that ends with each exit code: temporary
// failures are retried, a success prints nothing, a failure is printed.
func TestExampleCrontab(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	_, line, ok := strings.Cut(fileText(t, filepath.Join(examplesDir, "crontab")), "17 2 * * * cd /srv/pipe && ")
	if !ok {
		t.Fatal("the line is not there")
	}
	for _, tc := range []struct {
		codes, says string
		calls       int
	}{
		{"0", "", 1}, {"1 0", "", 2}, {"6 1 0", "", 3}, {"1 1 1", "exit 1\nit says so", 3}, {"4 0", "exit 4\nit says so", 1},
		{"2 0", "exit 2\nit says so", 1},
	} {
		dir := t.TempDir()
		script := fmt.Sprintf("codes=(%s)\npipe() { n=$(cat %s/n 2>/dev/null || echo 0); echo $((n+1)) > %[2]s/n; echo it "+
			"says so; return ${codes[$n]}; }\nsleep() { :; }\n%[3]s", tc.codes, dir, line)
		out, _ := exec.CommandContext(t.Context(), bash, "-c", script).CombinedOutput()
		if got := strings.TrimSpace(string(out)); got != tc.says ||
			strings.TrimSpace(fileText(t, filepath.Join(dir, "n"))) != strconv.Itoa(tc.calls) {
			t.Errorf("%s: %q after %s calls", tc.codes, got, fileText(t, filepath.Join(dir, "n")))
		}
	}
}
