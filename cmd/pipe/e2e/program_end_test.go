package e2e

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/job"
)

// ended runs pipe in a separate process, with a deadline, and returns its exit code, -1 for
// a signal that killed it, and its stderr.
func ended(t *testing.T, mode string, stdout *os.File, args ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var errs strings.Builder
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), childVariable+"="+mode, "CI=true", "XDG_STATE_HOME="+t.TempDir())
	cmd.Stdout, cmd.Stderr = stdout, &errs
	var exited *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exited) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), errs.String()
}

// TestFullOutput: a disk that is full under stdout is not exit 0.
func TestFullOutput(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("this system has no /dev/full: %v", err)
	}
	defer full.Close()
	for name, args := range map[string][]string{
		"functions": {"functions"}, "json": {"functions", "--json"}, "help": {"run", "--help"},
		"show": {"show", "--sandbox", shipped, "components"},
		"run":  {"run", "--sandbox", "--dry-run", "--progress", "none", shipped},
	} {
		code, errs := ended(t, "pipe", full, args...)
		if code != int(job.Failed) || !strings.Contains(errs, "no space left on device") {
			t.Errorf("%s: exit %d\n%s", name, code, errs)
		}
	}
}

// TestReaderThatStops: a reader that closes early, such as head, changes neither the exit
// code nor the messages, and does not end a run in the middle.
func TestReaderThatStops(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"functions": {"functions"}, "run": {"run", "--sandbox", "--progress", "none", shipped},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		code, errs := ended(t, "pipe", w, args...)
		w.Close()
		if code != int(job.Done) && name == "functions" || code != int(job.Rejected) && code != int(job.Done) ||
			strings.Contains(errs, "broken pipe") {
			t.Errorf("%s: exit %d\n%s", name, code, errs)
		}
	}
}

// failsAt is an input whose reader panics.
type failsAt struct{}

func (failsAt) Read([]byte) (int, error) { panic("out of cheese " + sinkToken) }

// TestDefect: a panic is exit 1 with a message that it is a defect, and its stack.
func TestDefect(t *testing.T) {
	for _, flags := range [][]string{nil, {"--json"}} {
		var out, errs strings.Builder
		code := cli.Run(t.Context(), cli.Host{
			Registry: components.Registry(), Args: append([]string{"pipe", "eval", shipped, "1", "--input", "-"}, flags...),
			Stdin: failsAt{}, Stdout: &out, Stderr: &errs, Width: oneLine,
			Env: func(name string) (string, bool) {
				v, ok := map[string]string{"CI": "true", "GLEAN_INDEXING_API_KEY": sinkToken}[name]
				return v, ok
			},
		})
		said := out.String() + errs.String()
		if code != int(job.Failed) || !strings.Contains(said, "this is a defect in pipe: out of cheese") ||
			!strings.Contains(errs.String(), "failsAt.Read") {
			t.Errorf("exit %d\n%s", code, said)
		}
		if flags != nil && !strings.Contains(out.String(), `"code": "defect"`) {
			t.Error(out.String())
		}
		if strings.Contains(said, sinkToken) {
			t.Errorf("the secret is there\n%s", said)
		}
	}
}

// TestCrash: what nothing can recover does not end with the code of a wrong file.
func TestCrash(t *testing.T) {
	t.Parallel()
	code, errs := ended(t, "crash", nil)
	if code == int(job.Wrong) || !strings.Contains(errs, "goroutine ") {
		t.Errorf("exit %d\n%s", code, errs)
	}
}

// TestSignalWithoutWatch: a command that does not watch for signals ends immediately.
func TestSignalWithoutWatch(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "pipeline.yaml")
	if err := makeFIFO(fifo); err != nil {
		t.Skipf("the temporary folder cannot hold a FIFO: %v", err)
	}
	p := startProcess(t, map[string]string{"CI": "true"}, "check", fifo)
	w := openWriter(t, fifo) // pipe reads
	defer w.Close()
	p.signal(syscall.SIGINT, "")
	if code := p.exit(); code != 130 {
		t.Errorf("exit %d\n%s", code, p.text())
	}
}

// openWriter opens a FIFO when it has a reader.
func openWriter(t *testing.T, path string) *os.File {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if w, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			return w
		}
	}
	t.Fatal("nothing reads " + path)
	return nil
}

// TestNohup: SIGHUP stays ignored if it was ignored at the start.
func TestNohup(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("there is no shell to ignore SIGHUP in: %v", err)
	}
	fifo := filepath.Join(t.TempDir(), "records")
	if err := makeFIFO(fifo); err != nil {
		t.Skipf("the temporary folder cannot hold a FIFO: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, sh, "-c", `trap '' HUP; exec "$0" eval "$1" 1 --input - <"$2"`, os.Args[0], shipped, fifo)
	cmd.Env = append(os.Environ(), childVariable+"=pipe", "CI=true")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := openWriter(t, fifo) // the shell has set the trap, which pipe inherits
	for range 100 {          // before, while and after pipe asks for signals
		cmd.Process.Signal(syscall.SIGHUP)
		time.Sleep(10 * time.Millisecond)
	}
	io.WriteString(w, "[]")
	w.Close()
	err = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code == 129 || code < 0 {
		t.Errorf("%v\n%s", err, out.String())
	}
}
