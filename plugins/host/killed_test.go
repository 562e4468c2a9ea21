package host

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
)

// beHost runs a plugin that forks, says so, and waits to be killed.
func beHost() {
	values := map[string]string{modeVariable: os.Getenv(hostedVariable), fileVariable: os.Getenv(fileVariable)}
	t := New(Options{
		Name: "tidy", Command: []string{os.Args[0]}, Unpinned: true, Env: []string{modeVariable, fileVariable},
		Timeout: 10 * time.Second, Batch: 10, OnError: onErrorFail,
		Lookup: func(name string) (string, bool) { v, ok := values[name]; return v, ok },
	})
	err := t.Start(context.Background())
	if err == nil {
		_, err = t.Apply(context.Background(), nil, []*component.Record{record("a", "x")})
	}
	fmt.Println("ready", err)
	time.Sleep(time.Hour)
}

// spawn starts the test binary with more variables and gives the first line that it
// prints. It is killed at the end of the test.
func spawn(t *testing.T, env ...string) (cmd *exec.Cmd, line string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%q %v", line, err)
	}
	return cmd, line
}

// hosted starts a host whose plugin forked, and gives both pids of the plugin.
func hosted(t *testing.T, mode, temp string) (host *exec.Cmd, pids []int) {
	t.Helper()
	file := temp + "/mark"
	host, line := spawn(t, modeVariable+"=host", hostedVariable+"="+mode, fileVariable+"="+file)
	if line != "ready <nil>\n" {
		t.Fatalf("%q", line)
	}
	pids = pidsIn(t, file)
	os.Remove(file)
	return host, pids
}

// TestKilled: SIGKILL of pipe leaves no process and no socket.
func TestKilled(t *testing.T) {
	for _, mode := range []string{"fork", "session"} {
		if mode == "session" && runtime.GOOS != "linux" {
			continue // other systems have no subreaper
		}
		t.Run(mode, func(t *testing.T) {
			temp := shortTemp(t)
			host, pids := hosted(t, mode, temp)
			host.Process.Kill()
			host.Wait()
			late := time.Now().Add(2 * time.Second)
			for _, pid := range pids {
				gone(t, pid, time.Until(late))
			}
			for left, _ := os.ReadDir(temp); len(left) > 0; left, _ = os.ReadDir(temp) {
				if time.Now().After(late) {
					t.Fatalf("left behind: %v", left)
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}
