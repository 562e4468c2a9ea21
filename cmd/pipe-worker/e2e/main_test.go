//go:build linux

package e2e

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
)

var (
	seeded     = flag.Uint64("seed", 0, "the seed of TestFleet; 0 takes one from the time")
	faultCount = flag.Int("faults", 10, "how many faults happen in TestFleet")
	pipelines  = flag.Int("pipelines", 20, "how many pipelines TestFleet has")
)

// childVariable makes the test's own program pipe.
const childVariable = "PIPE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "pipe" {
		cli.Main(components.Registry())
	}
	flag.Parse()
	code := m.Run()
	if folder := programs(); folder != "" {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}

// programs is a folder for programs that tests build.
var programs = sync.OnceValue(func() string {
	folder, err := os.MkdirTemp("", "pipe-worker-")
	if err != nil {
		return ""
	}
	return folder
})

// built builds pipe-worker once.
var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programs(), "pipe-worker")
	c := exec.CommandContext(context.Background(), "go", "build", "-o", path, "..")
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return path, c.Run()
})

// pipe runs pipe in a process of its own.
func pipe(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, starting{program: program, args: args, env: append(env, childVariable+"=pipe")})
}
