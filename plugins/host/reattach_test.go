package host

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/hashicorp/go-plugin"

	"github.com/pipe-engine/pipe/plugins/proto"
)

// debugged starts the test binary as a plugin under a debugger, and returns its address and
// process.
func debugged(t *testing.T, mode string) (address string, cmd *exec.Cmd) {
	t.Helper()
	cmd, line := spawn(t, modeVariable+"="+mode, proto.CookieKey+"="+proto.CookieValue,
		plugin.EnvUnixSocketDir+"="+shortTemp(t))
	parts := strings.Split(line, "|")
	if len(parts) < 5 {
		t.Fatalf("%q", line)
	}
	return parts[3], cmd
}

// TestReattach: the process of PIPE_REATTACH_PLUGINS is used more than once and never ended;
// no other process is started, so no checksum is needed.
func TestReattach(t *testing.T) {
	address, cmd := debugged(t, "drop")
	for range 2 {
		w := newWorld(t, "crash at start", func(o *Options) {
			o.Command, o.Unpinned = []string{"/nowhere/tester.py"}, false
			o.Lookup = func(name string) (string, bool) {
				return fmt.Sprintf(`{"tester":{"network":"unix","address":%q,"pid":%d,"version":1}}`, address, cmd.Process.Pid), name == ReattachVariable
			}
		})
		w.start(t)
		if out, err := w.apply(t, record("a", "x")); err != nil || out[0].Dropped != "tidy: not wanted" {
			t.Errorf("%v %+v", err, out)
		}
		w.Close()
		if !alive(cmd.Process.Pid) {
			t.Fatal("the process was ended")
		}
	}
}

// TestReattachBad: faults of the variable are reported.
func TestReattachBad(t *testing.T) {
	for value, want := range map[string]string{
		`{"tester":`: "PIPE_REATTACH_PLUGINS is not what a plugin prints",
		`{"tester":{"network":"unix","address":"/tmp/nobody-is-here","pid":1,"version":1}}`: "PIPE_REATTACH_PLUGINS: tester at /tmp/nobody-is-here does not answer",
		`{"tester":{"network":"unix","address":"/tmp/x","pid":1,"version":2}}`:              "tester speaks version 2 of the plugin protocol",
		`{"tester":{"network":"tcp","address":"localhost:1","pid":1,"version":1}}`:          `tester is reached over "tcp"`,
		`{"another":{}}`: "/nowhere/tester.py: there is no such file",
	} {
		w := newWorld(t, "", func(o *Options) {
			o.Command = []string{"/nowhere/tester.py"}
			o.Lookup = func(name string) (string, bool) { return value, name == ReattachVariable }
		})
		if err := w.Start(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nlacks: %s", value, err, want)
		}
	}
}
