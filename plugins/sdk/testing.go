package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/pipe-engine/pipe/plugins/proto"
)

// Case is one record for a plugin, and the expected result. Config, Record and Want are JSON
// text, or values that encode to an object.
type Case struct {
	Name   string
	Config any // nil is an empty config
	Record any // with kind and ref
	// Want is the whole record afterwards; nil means unchanged.
	Want any
	// Dropped is the reason that the record must be dropped for.
	Dropped string
	// Error is part of the error that the record must fail with.
	Error string
	// ConfigError is part of the error that the config must be refused with.
	ConfigError string
}

// caseTimeout is pipe's default timeout of one call.
const caseTimeout = 30 * time.Second

// Test serves the plugin on a private socket in this process, and runs its Example and then
// each case. Like pipe, it sends only the paths that the plugin needs; a change that pipe
// would refuse fails the test.
func Test(t *testing.T, p Plugin, cases []Case) {
	t.Helper()
	tryAll(t, served(t, p), cases)
}

// served is the plugin, served until the test ends.
func served(t *testing.T, p Plugin) proto.TransformClient {
	t.Helper()
	s, err := newServer(p, testLog{t}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	reattach, done, err := serveInProcess(ctx, s)
	t.Cleanup(func() { stop(); <-done })
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, &plugin.ClientConfig{Reattach: reattach})
}

// TestCommand is Test for a plugin that is a program, in any language: the
// command and its arguments. It gets PATH and HOME of the environment.
func TestCommand(t *testing.T, command []string, cases []Case) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	tryAll(t, connect(t, &plugin.ClientConfig{
		Cmd:              cmd,
		SkipHostEnv:      true,
		Stderr:           testLog{t},
		StartTimeout:     10 * time.Second,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: t.TempDir()},
	}), cases)
}

func tryAll(t *testing.T, client proto.TransformClient, cases []Case) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), caseTimeout)
	defer stop()
	described, err := client.Describe(ctx, &proto.DescribeRequest{})
	if err != nil {
		t.Fatalf("describe: %v", err)
	}
	if len(described.GetExample()) > 0 {
		t.Run("Example", func(t *testing.T) {
			var example struct{ Config, Record json.RawMessage }
			if err := json.Unmarshal(described.GetExample(), &example); err != nil {
				t.Fatal(err)
			}
			c := Case{Config: []byte(example.Config), Record: []byte(example.Record)}
			if got, err := c.run(client, described); err != nil || got.GetError() != "" {
				t.Error(err, got.GetError())
			}
		})
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { c.try(t, client, described) })
	}
}

// connect connects to the plugin that config starts or names, until the test
// ends.
func connect(t *testing.T, config *plugin.ClientConfig) proto.TransformClient {
	t.Helper()
	config.HandshakeConfig = handshake()
	config.Plugins = plugin.PluginSet{proto.Name: &wire{}}
	config.AllowedProtocols = []plugin.Protocol{plugin.ProtocolGRPC}
	config.Logger = quiet()
	config.GRPCDialOptions = []grpc.DialOption{grpc.WithDefaultCallOptions(
		grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage))}
	client := plugin.NewClient(config)
	connection, err := client.Client()
	t.Cleanup(func() {
		client.Kill()
		if connection != nil {
			_ = connection.Close()
		}
	})
	if err != nil {
		t.Fatalf("connect to the plugin: %v", err)
	}
	transform, err := connection.Dispense(proto.Name)
	if err != nil {
		t.Fatalf("connect to the plugin: %v", err)
	}
	return transform.(proto.TransformClient)
}

func (c Case) try(t *testing.T, client proto.TransformClient, p *proto.DescribeResponse) {
	t.Helper()
	got, err := c.run(client, p)
	switch {
	case c.ConfigError != "":
		if err == nil || !strings.Contains(err.Error(), c.ConfigError) {
			t.Errorf("the config gave the error %v, want one with %q", err, c.ConfigError)
		}
	case err != nil:
		t.Error(err)
	case got.GetError() != "" && (c.Error == "" || !strings.Contains(got.GetError(), c.Error)):
		t.Errorf("the record failed: %s", got.GetError())
	case got.GetError() == "" && c.Error != "":
		t.Errorf("the record did not fail, want an error with %q", c.Error)
	case got.GetDropped() != c.Dropped:
		t.Errorf("dropped for the reason %q, want %q", got.GetDropped(), c.Dropped)
	case c.Error == "" && c.Dropped == "":
		c.compare(t, got, p.GetWrites())
	}
}

// run configures the plugin and sends it the record.
func (c Case) run(client proto.TransformClient, p *proto.DescribeResponse) (*proto.Outcome, error) {
	ctx, stop := context.WithTimeout(context.Background(), caseTimeout)
	defer stop()
	config, err := object(c.Config)
	if err != nil {
		return nil, fmt.Errorf("the case's Config: %w", err)
	}
	accepted, err := client.Configure(ctx, &proto.ConfigureRequest{Config: config})
	if err != nil {
		return nil, fmt.Errorf("configure: %w", err)
	}
	if e := accepted.GetError(); e != "" {
		return nil, fmt.Errorf("the config was refused: %s: %s", accepted.GetField(), e)
	}
	record, err := decode(c.Record)
	if err != nil {
		return nil, fmt.Errorf("the case's Record: %w", err)
	}
	sent, err := json.Marshal(part(record, p.GetNeeds()))
	if err != nil {
		return nil, err
	}
	answer, err := client.Transform(ctx, &proto.TransformRequest{Records: [][]byte{sent}})
	if err != nil {
		return nil, fmt.Errorf("transform: %w", err)
	}
	if n := len(answer.GetOutcomes()); n != 1 {
		return nil, fmt.Errorf("the plugin answered one record with %d outcomes", n)
	}
	return answer.GetOutcomes()[0], nil
}

// part is what pipe sends of a record to a plugin with these needs.
func part(record map[string]any, needs []string) map[string]any {
	if len(needs) == 0 {
		return record
	}
	r := &Record{value: map[string]any{}, writes: append([]string{"kind", "ref"}, needs...)}
	for _, path := range r.writes {
		if v, ok := find(record, path); ok {
			r.Set(path, v)
		}
	}
	return r.value
}

// compare applies the outcome to the record, as pipe does.
func (c Case) compare(t *testing.T, got *proto.Outcome, writes []string) {
	t.Helper()
	record, err := decode(c.Record)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := decode(got.GetChanges())
	if err != nil {
		t.Fatalf("the plugin's answer: %v", err)
	}
	after := &Record{value: record, writes: writes}
	for _, path := range got.GetChanged() {
		if v, ok := find(changes, path); ok {
			after.Set(path, v)
		} else {
			after.Delete(path)
		}
	}
	if after.err != nil {
		t.Errorf("pipe would refuse the answer: %v", after.err)
	}
	want, err := decode(c.Want)
	if err != nil {
		t.Fatalf("the case's Want: %v", err)
	}
	if c.Want == nil {
		if len(got.GetChanged()) > 0 {
			t.Errorf("the plugin changed %s, want the record unchanged", strings.Join(got.GetChanged(), ", "))
		}
		return
	}
	if !reflect.DeepEqual(after.value, want) {
		t.Errorf("the record became\n%s\nwant\n%s", indented(after.value), indented(want))
	}
}

func decode(v any) (map[string]any, error) {
	raw, err := object(v)
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&m)
	return m, err
}

func indented(v any) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(v)
	return buf.Bytes()
}

// testLog writes the plugin's log into the test's.
type testLog struct{ t *testing.T }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Logf("plugin: %s", bytes.TrimSpace(line))
	return len(line), nil
}

var _ io.Writer = testLog{}
