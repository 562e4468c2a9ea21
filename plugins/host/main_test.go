package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/plugins/proto"
)

// The test binary is also the plugins that the tests start: modeVariable says
// which.
const (
	modeVariable = "PIPE_TEST_PLUGIN"
	fileVariable = "PIPE_TEST_FILE" // where a mode leaves a mark
	// hostedVariable is the mode of the plugin of a host that is to be killed.
	hostedVariable = "PIPE_TEST_HOSTED"
)

func TestMain(m *testing.M) {
	RunSubreaper()
	switch mode := os.Getenv(modeVariable); mode {
	case "":
		if runtime.GOOS == "windows" {
			fmt.Println("plugins do not run on Windows: their tests are left out")
			os.Exit(0)
		}
		goleak.VerifyTestMain(m)
	case "host": // pipe, to be killed
		beHost()
	default:
		misbehaveEarly(mode)
		serveTest(mode)
	}
}

// misbehaveEarly acts out a mode before there is a server.
func misbehaveEarly(mode string) {
	switch mode {
	case "crash at start":
		fmt.Fprintln(os.Stderr, "cannot find the dictionary")
		os.Exit(3)
	case "silent":
		os.Exit(0)
	case "never ready":
		time.Sleep(time.Hour)
	case "other version":
		fmt.Println("1|2|unix|/tmp/x|grpc")
		time.Sleep(time.Hour)
	case "over tcp":
		fmt.Println("1|1|tcp|127.0.0.1:1|grpc")
		time.Sleep(time.Hour)
	case "no server":
		fmt.Printf("1|1|unix|%s/nobody|grpc\n", os.Getenv(plugin.EnvUnixSocketDir))
		time.Sleep(time.Hour)
	case "flood at start":
		for {
			os.Stdout.WriteString(strings.Repeat("x", 1<<20))
		}
	}
}

func serveTest(mode string) {
	set := plugin.PluginSet{proto.Name: served{mode: mode}}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: proto.Version, MagicCookieKey: proto.CookieKey,
			MagicCookieValue: proto.CookieValue},
		Plugins: set, Logger: hclog.NewNullLogger(),
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			if mode == "small server" {
				return grpc.NewServer(o...)
			}
			return grpc.NewServer(append(o, grpc.MaxRecvMsgSize(256<<20))...)
		},
	})
}

type served struct {
	plugin.NetRPCUnsupportedPlugin
	mode string
}

func (s served) GRPCServer(_ *plugin.GRPCBroker, g *grpc.Server) error {
	proto.RegisterTransformServer(g, &testPlugin{mode: s.mode})
	return nil
}

func (s served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

// testPlugin writes spec.text and annotations.
type testPlugin struct {
	proto.UnimplementedTransformServer
	mode   string
	config map[string]any
	calls  atomic.Int32 // in flight
}

const testSchema = `{"type":"object","additionalProperties":false,"properties":{
	"suffix":{"type":"string","description":"what is put after the text"},
	"max":{"type":"integer","minimum":1},
	"deep":{"type":"object","properties":{"list":{"type":"array","items":{"type":"string"}},"flag":{"type":"boolean"}}},
	"token":{"type":"string","writeOnly":true}}}`

func (p *testPlugin) Describe(context.Context, *proto.DescribeRequest) (*proto.DescribeResponse, error) {
	d := &proto.DescribeResponse{Name: "tester", Version: "1.2.3", Summary: "tests", ConfigSchema: []byte(testSchema),
		Needs: []string{"spec.text"}, Writes: []string{"spec.text"}}
	switch p.mode {
	case "bad name":
		d.Name = "no name\x1b[2J"
	case "bad schema":
		d.ConfigSchema = []byte(`{"type":"nonsense"}`)
	case "reading schema":
		d.ConfigSchema = []byte(`{"$ref":"file:///etc/passwd"}`)
	case "writes identity":
		d.Writes = []string{"metadata.name"}
	case "writes metadata":
		d.Writes = []string{"metadata"}
	case "writes access":
		d.Writes = []string{"metadata.annotations"}
	case "whole record":
		d.Needs = nil
	}
	return d, nil
}

func (p *testPlugin) Configure(_ context.Context, r *proto.ConfigureRequest) (*proto.ConfigureResponse, error) {
	p.config, _ = codec.Decode(r.GetConfig())
	if token, ok := p.config["token"]; ok {
		syscall.Write(2, fmt.Appendln(nil, "the token is", token))
	}
	if p.config["suffix"] == "refuse" {
		return &proto.ConfigureResponse{Error: "this suffix is not to my liking", Field: "suffix"}, nil
	}
	return &proto.ConfigureResponse{}, nil
}

// oneOutcome answers these for each record.
func oneOutcome(mode string) *proto.Outcome {
	return map[string]*proto.Outcome{
		"drop":            {Dropped: "not wanted"},
		"wordless drop":   {Dropped: " \x1b"},
		"wordless error":  {Error: "\x1b"},
		"record error":    {Error: "the dictionary has no such word\x1b[2J"},
		"invalid JSON":    {Changes: []byte(`{"spec":{"text":`), Changed: []string{"spec.text"}},
		"JSON list":       {Changes: []byte(`[1]`), Changed: []string{"spec.text"}},
		"changed ref":     {Changes: []byte(`{"ref":"other:default/x","spec":{"text":"x"}}`), Changed: []string{"spec.text"}},
		"changed kind":    {Changes: []byte(`{"kind":"Group"}`), Changed: []string{"kind"}},
		"outside writes":  {Changes: []byte(`{"metadata":{"annotations":{}}}`), Changed: []string{"metadata.annotations"}},
		"not listed":      {Changes: []byte(`{"spec":{"text":"x"},"relations":[]}`), Changed: []string{"spec.text"}},
		"writes metadata": {Changes: []byte(`{"metadata":{"name":"another"}}`), Changed: []string{"metadata"}},
		"removes":         {Changed: []string{"spec.text"}},
	}[mode]
}

func (p *testPlugin) Transform(ctx context.Context, r *proto.TransformRequest) (*proto.TransformResponse, error) {
	out := &proto.TransformResponse{}
	if p.mode == "calls in flight" {
		n := p.calls.Add(1)
		time.Sleep(100 * time.Millisecond)
		p.calls.Add(-1)
		return &proto.TransformResponse{Outcomes: []*proto.Outcome{{Error: fmt.Sprint("calls: ", n)}}}, nil
	}
	for _, doc := range r.GetRecords() {
		o := oneOutcome(p.mode)
		if o == nil {
			o = &proto.Outcome{}
		}
		if p.mode == "suffix" || p.mode == "crash once" || p.mode == "crash on poison" {
			rec, _ := codec.Decode(doc)
			text, _ := lookup(rec, []string{"spec", "text"})
			if p.mode == "crash on poison" {
				time.Sleep(100 * time.Millisecond)
				if text == "poison" {
					os.Exit(9)
				}
				time.Sleep(200 * time.Millisecond)
			}
			suffix, _ := p.config["suffix"].(string)
			changes, _ := codec.Marshal(map[string]any{"spec": map[string]any{"text": fmt.Sprint(text, suffix)}})
			o = &proto.Outcome{Changes: changes, Changed: []string{"spec.text"}}
		}
		if p.mode == "count" {
			o = &proto.Outcome{Error: fmt.Sprint("one of ", len(r.GetRecords()))}
		}
		if p.mode == "echo" || p.mode == "whole record" {
			o = &proto.Outcome{Error: string(doc)}
		}
		out.Outcomes = append(out.Outcomes, o)
	}
	switch p.mode {
	case "crash in a batch":
		syscall.Write(2, []byte("an earlier line\n"))
		go func() { panic("the dictionary is on fire") }()
		select {}
	case "crash once":
		if f, err := os.OpenFile(os.Getenv(fileVariable), os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			os.Exit(7)
		}
	case "hang":
		select {}
	case "stopped":
		stop(os.Getpid())
		select {}
	case "posing":
		syscall.Write(2, []byte(`{"level":"INFO","msg":"trust me","plugin":"another","ref":"x"}`+"\n"))
	case "large record":
		for i := range out.Outcomes {
			out.Outcomes[i] = &proto.Outcome{Changes: make([]byte, 17<<20), Changed: []string{"spec.text"}}
		}
	case "large answer":
		out.Outcomes[0] = &proto.Outcome{Changes: make([]byte, 100<<20)}
	case "more records":
		out.Outcomes = append(out.Outcomes, &proto.Outcome{})
	case "fewer records":
		out.Outcomes = out.Outcomes[1:]
	case "flood":
		flood := []byte(strings.Repeat("x", 1<<20))
		for range 20 {
			syscall.Write(1, flood)
			syscall.Write(2, flood)
			os.Stdout.Write(flood[:1000])
		}
	case "environment":
		out.Outcomes[0] = &proto.Outcome{Error: strings.Join(os.Environ(), " ") + " stdin:" + stdin() + " folder:" + folder()}
	case "fork", "fork and crash", "session", "session and crash":
		child, file := exec.Command("/bin/sleep", "1000"), os.Getenv(fileVariable)
		if strings.HasPrefix(p.mode, "session") { // whose child is orphaned when its parent has ended
			child = exec.Command("/bin/sh", "-c", "sleep 1000 & echo $! > "+file+".child")
			inSession(child)
		}
		child.Stdout, child.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
		if err := child.Start(); err != nil {
			return nil, err
		}
		pid := child.Process.Pid
		if strings.HasPrefix(p.mode, "session") {
			child.Wait()
			text, _ := os.ReadFile(file + ".child")
			fmt.Sscan(string(text), &pid)
			os.Remove(file + ".child")
		}
		os.WriteFile(file, fmt.Appendf(nil, "%d %d", os.Getpid(), pid), 0o600)
		if strings.HasSuffix(p.mode, "crash") {
			os.Exit(8)
		}
	}
	return out, nil
}

func folder() string {
	dir, err := os.Getwd()
	return fmt.Sprint(dir, err)
}

func stdin() string {
	b := make([]byte, 1)
	n, err := syscall.Read(0, b)
	return fmt.Sprint(n, err)
}
