//go:build linux

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// temporalVariable names the program of the module in temporal.
const temporalVariable = "PIPE_TEMPORAL"

// namespace is the one of the fleet.
const namespace = "fleet"

// temporal is a Temporal server, with all that it knows in a file.
type temporal struct {
	t                   testing.TB // of the server, which outlives subtests
	program, file, port string
	server              *process
}

// newTemporal skips the test where the program is not there.
func newTemporal(t testing.TB) *temporal {
	t.Helper()
	program := os.Getenv(temporalVariable)
	if program == "" {
		t.Skipf("%s does not name the program of cmd/pipe-worker/e2e/temporal", temporalVariable)
	}
	s := &temporal{t: t, program: program, file: filepath.Join(t.TempDir(), "temporal.db"), port: "0"}
	s.start(t)
	return s
}

func (s *temporal) address() string { return net.JoinHostPort("127.0.0.1", s.port) }

// start starts it, again on the port that it had.
func (s *temporal) start(t testing.TB) {
	t.Helper()
	s.server = start(s.t, starting{program: s.program, args: []string{"serve", "--file", s.file, "--port", s.port,
		"--namespace", namespace, "--keywords", "PipePipeline,PipeTeam,PipeRegion,PipeResult"}})
	_, port, err := net.SplitHostPort(s.server.line(t, "127.0.0.1:"))
	if err != nil {
		t.Fatal(err)
	}
	s.port = port
}

// execution is a workflow execution, as the program prints it.
type execution struct {
	ID         string            `json:"id"`
	Run        string            `json:"run"`
	Type       string            `json:"type"`
	Status     string            `json:"status"`
	Started    time.Time         `json:"started"`
	Closed     time.Time         `json:"closed"`
	Attributes map[string]string `json:"attributes"`
	Bytes      int               `json:"bytes"`
	Events     []map[string]any  `json:"events"`
}

// planned is a schedule, as the program prints it.
type planned struct {
	ID      string `json:"id"`
	Paused  bool   `json:"paused"`
	Overlap string `json:"overlap"`
	CatchUp string `json:"catchUp"`
	Ran     int    `json:"ran"`
	Missed  int    `json:"missed"`
	Skipped int    `json:"skipped"`
}

// executions are without their events, histories with them.
func (s *temporal) executions(t testing.TB) []execution { return lines[execution](t, s, "executions") }

func (s *temporal) histories(t testing.TB) []execution { return lines[execution](t, s, "histories") }

func (s *temporal) schedules(t testing.TB) []planned { return lines[planned](t, s, "schedules") }

// cancel cancels the execution that runs with an ID.
func (s *temporal) cancel(t testing.TB, id string) { s.call(t, "cancel", id) }

func (s *temporal) call(t testing.TB, command string, args ...string) string {
	t.Helper()
	p := start(t, starting{program: s.program,
		args: append([]string{command, "--address", s.address(), "--namespace", namespace}, args...)})
	if code := p.exit(t); code != 0 {
		t.Fatalf("temporal %s: exit %d: %s", command, code, p.said())
	}
	return p.answer()
}

func lines[T any](t testing.TB, s *temporal, command string) (all []T) {
	t.Helper()
	for line := range strings.Lines(s.call(t, command)) {
		var one T
		if err := codec.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// stored is all that the server has written, whatever it is for.
func (s *temporal) stored(t testing.TB) string {
	t.Helper()
	files, err := filepath.Glob(s.file + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}
