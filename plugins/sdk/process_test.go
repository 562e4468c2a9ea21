//go:build unix

package sdk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pipe-engine/pipe/plugins/proto"
)

// start runs the sample as a separate process, as pipe does.
func start(t *testing.T) (*plugin.Client, proto.TransformClient, *buffer) {
	t.Helper()
	cmd, stderr := exec.Command(os.Args[0]), new(buffer)
	cmd.Env = []string{as + "=plugin", "PATH=" + os.Getenv("PATH")}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake(),
		Plugins:          plugin.PluginSet{proto.Name: &wire{}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Cmd:              cmd,
		SkipHostEnv:      true,
		Stderr:           stderr,
		Logger:           quiet(),
		AutoMTLS:         true,
		StartTimeout:     10 * time.Second,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: t.TempDir()},
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage))},
	})
	t.Cleanup(client.Kill)
	connection, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	transform, err := connection.Dispense(proto.Name)
	if err != nil {
		t.Fatal(err)
	}
	return client, transform.(proto.TransformClient), stderr
}

func transform(t *testing.T, client proto.TransformClient, titles ...string) []*proto.Outcome {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	if got, err := client.Configure(ctx, &proto.ConfigureRequest{}); err != nil || got.GetError() != "" {
		t.Fatalf("configure: %v %v", got, err)
	}
	request := &proto.TransformRequest{}
	for _, title := range titles {
		request.Records = append(request.Records, []byte(titled(title)))
	}
	answer, err := client.Transform(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetOutcomes()
}

func TestProcess(t *testing.T) {
	_, client, stderr := start(t)
	got := transform(t, client, "A", "print", "panic", strings.Repeat("y", 20<<20), "big")
	if string(got[0].GetChanges()) != `{"metadata":{"title":"A!"}}` || !strings.Contains(got[2].GetError(), "sdk.sample") {
		t.Errorf("outcomes %v %v", got[0], got[2])
	}
	if len(got[3].GetChanges()) < 20<<20 || len(got[4].GetChanges()) < 20<<20 {
		t.Error("large records did not come back")
	}
	for _, want := range []string{"printed on stdout", "printed by a child", "logged"} {
		stderr.await(t, want)
	}
}

// TestEndsAfterLastConnection: a host that has gone without a kill leaves no
// plugin, even a busy one.
func TestEndsAfterLastConnection(t *testing.T) {
	client, transformer, _ := start(t)
	transform(t, transformer, "A")
	go func() {
		_, _ = transformer.Transform(t.Context(), &proto.TransformRequest{Records: [][]byte{[]byte(titled("hang"))}})
	}()
	connection, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	_ = connection.(*plugin.GRPCClient).Conn.Close()
	ended(t, client.Exited)
}

// TestEndsWithItsParent: without a connection, a plugin ends when its parent does.
func TestEndsWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), as+"=parent", proto.CookieKey+"="+proto.CookieValue, "TMPDIR="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "1|"+strconv.Itoa(proto.Version)+"|unix|") {
		t.Fatalf("handshake %q, %v", line, err)
	}
	_ = parent.Process.Kill()
	closed := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, lines); close(closed) }()
	select {
	case <-closed: // the plugin held the other end
	case <-time.After(5 * time.Second):
		t.Error("the plugin lives on")
	}
	_ = parent.Wait()
}

func TestStartedByHand(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{as + "=plugin"}
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 2 ||
		!strings.Contains(string(out), "sample 1.2.3 is a plugin of pipe") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestDebug(t *testing.T) {
	cmd := exec.Command(os.Args[0], "--debug")
	cmd.Env = []string{as + "=plugin", "TMPDIR=" + t.TempDir()}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	value, ok := strings.CutPrefix(strings.TrimSpace(line), "PIPE_REATTACH_PLUGINS='")
	var plugins map[string]struct {
		Network, Address string
		Pid, Version     int
	}
	if e := json.Unmarshal([]byte(strings.TrimSuffix(value, "'")), &plugins); err != nil || !ok || e != nil {
		t.Fatalf("line %q, %v, %v", line, err, e)
	}
	got := plugins["sample"]
	if got.Network != "unix" || got.Pid != cmd.Process.Pid || got.Version != proto.Version {
		t.Errorf("line %s", line)
	}
	for range 2 { // the end of one host is not the end of the plugin
		client := plugin.NewClient(&plugin.ClientConfig{
			HandshakeConfig: handshake(), Plugins: plugin.PluginSet{proto.Name: &wire{}}, Logger: quiet(),
			Reattach: &plugin.ReattachConfig{Protocol: plugin.ProtocolGRPC, ProtocolVersion: got.Version,
				Addr: &net.UnixAddr{Name: got.Address, Net: got.Network}, Pid: got.Pid, Test: true},
		})
		connection, err := client.Client()
		if err != nil {
			t.Fatal(err)
		}
		transformer, err := connection.Dispense(proto.Name)
		if err != nil {
			t.Fatal(err)
		}
		if out := transform(t, transformer.(proto.TransformClient), "A"); string(out[0].GetChanges()) == "" {
			t.Errorf("outcome %v", out)
		}
		_ = connection.Close()
	}
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the end: %v", err)
	}
	if _, err := os.Stat(got.Address); err == nil {
		t.Error("the socket is left behind")
	}
}

func ended(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatal("the plugin lives on")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) await(t *testing.T, want string) {
	t.Helper()
	ended(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return strings.Contains(b.buf.String(), want)
	})
}
