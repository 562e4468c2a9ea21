package cli

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"
	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/cmd/internal/components"
)

// shipped is the pipeline that people run.
const shipped = "../../../pipelines/backstage.yaml"

// oneLine is a width at which no line is broken.
const oneLine = 1 << 20

// call is one call of the program in this process.
type call struct {
	code           int
	stdout, stderr string
}

func (c call) both() string { return c.stdout + c.stderr }

// expect checks a call's exit code and that its output has the texts in order; a text that
// begins with ! must be absent.
func (c call) expect(t *testing.T, code int, says ...string) {
	t.Helper()
	text := c.both()
	for _, s := range says {
		unsaid := strings.HasPrefix(s, "!")
		if strings.Contains(text, strings.TrimPrefix(s, "!")) == unsaid {
			t.Errorf("%q is wrong about\n%s", s, text)
		}
	}
	if c.code != code {
		t.Errorf("exit %d, want %d\n%s", c.code, code, text)
	}
}

// pipe calls the program with only env as its environment.
func pipe(t testing.TB, env map[string]string, args ...string) call {
	t.Helper()
	return fed(t, env, "", args...)
}

// fed is pipe with something at its input.
func fed(t testing.TB, env map[string]string, input string, args ...string) call {
	t.Helper()
	var out, errs strings.Builder
	code := Run(t.Context(), Host{
		Registry: components.Registry(), Args: append([]string{"pipe"}, args...),
		Env:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Stdin: strings.NewReader(input), Stdout: &out, Stderr: &errs, Width: oneLine,
	})
	return call{code, out.String(), errs.String()}
}

// write makes a file in a temporary folder.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// edited is the shipped pipeline with some of its text replaced.
func edited(t testing.TB, oldnew ...string) string {
	t.Helper()
	b, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			t.Fatalf("the shipped pipeline has no %q", oldnew[i])
		}
		text = strings.Replace(text, oldnew[i], oldnew[i+1], 1)
	}
	return write(t, "pipeline.yaml", text)
}

func fileText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMain allows tests to call the program concurrently, and looks for leaked goroutines.
func TestMain(m *testing.M) {
	urfave.HelpFlag = helpFlag{urfave.HelpFlag.(*urfave.BoolFlag)}
	goleak.VerifyTestMain(m)
}

// helpFlag is the library's flag for help, shared by all calls: the library writes to its
// flags when it parses.
type helpFlag struct{ *urfave.BoolFlag }

func (h helpFlag) Apply(set *flag.FlagSet) error {
	own := *h.BoolFlag
	return own.Apply(set)
}
