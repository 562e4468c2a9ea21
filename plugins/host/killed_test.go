package host

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine"
)

// beHost runs a plugin that forks, says so, and waits to be killed.
func beHost() {
	values := map[string]string{modeVariable: "fork", fileVariable: os.Getenv(fileVariable)}
	t := New(Options{
		Name: "tidy", Command: []string{os.Args[0]}, Unpinned: true, Env: []string{modeVariable, fileVariable}, Timeout: 10 * time.Second, Batch: 10, OnError: onErrorFail,
		Lookup: func(name string) (string, bool) { v, ok := values[name]; return v, ok },
	})
	err := t.Start(context.Background())
	if err == nil {
		_, err = t.Apply(context.Background(), nil, []*engine.Record{record("a", "x")})
	}
	fmt.Println("ready", err)
	time.Sleep(time.Hour)
}

// TestKilled: SIGKILL of pipe leaves no process and no socket.
func TestKilled(t *testing.T) {
	temp := shortTemp(t)
	file := temp + "/mark"
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), modeVariable+"=host", fileVariable+"="+file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	cmd.Process.Kill()
	cmd.Wait()
	if err != nil || line != "ready <nil>\n" {
		t.Fatalf("%q %v", line, err)
	}
	for _, pid := range pidsIn(t, file) {
		gone(t, pid, 2*time.Second)
	}
	os.Remove(file)
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
