package e2e

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"
	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	pluginhost "github.com/pipe-engine/pipe/plugins/host"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sources/backstage/generate"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// The test binary is also the programs that tests start: pipe itself, to be measured and
// killed, and the two servers, to keep their work out of the measurement of pipe.
const childVariable = "PIPE_TEST_CHILD"

func TestMain(m *testing.M) {
	pluginhost.RunSubreaper()
	switch mode := os.Getenv(childVariable); mode {
	case "pipe":
		cli.Main(components.Registry())
	case "unsealed": // pipe, which others may look into
		os.Exit(cli.Run(context.Background(),
			cli.Host{Registry: components.Registry(), Args: os.Args, Env: os.LookupEnv, Stdin: os.Stdin, Stdout: os.Stdout,
				Stderr: os.Stderr, Width: oneLine}))
	case "plugin-drop", "plugin-hang", "plugin-access", "plugin-hostile", "plugin-noop":
		servePlugin(mode)
	case "job-postgres":
		os.Exit(runJob())
	case "crash":
		cli.AbortOnCrash()
		go panic("nothing recovers this")
		select {}
	case "servers":
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		urfave.HelpFlag = helpFlag{urfave.HelpFlag.(*urfave.BoolFlag)}
		waitTogether()
		goleak.VerifyTestMain(m)
	}
}

// waitTogether runs more tests at a time than there are processors, unless -parallel is set:
// they mostly wait for servers and processes.
func waitTogether() {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))) // a number is a value of it
	}
}

// helpFlag is the library's flag for help, shared by all calls and made safe for concurrent
// ones: the library writes to its flags when it parses.
type helpFlag struct{ *urfave.BoolFlag }

func (h helpFlag) Apply(set *flag.FlagSet) error {
	own := *h.BoolFlag
	return own.Apply(set)
}

// serve runs both servers until its input ends. PIPE_TEST_ENTITIES sets the number of
// entities.
func serve(in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt)
	n, err := strconv.Atoi(os.Getenv("PIPE_TEST_ENTITIES"))
	if err != nil {
		return err
	}
	var entities [][]byte
	if field := os.Getenv(largeVariable); field == "" {
		entities = generate.Catalog(n, 1)
	} else if entities, err = largeCatalog(field, n); err != nil {
		return err
	}
	b, err := backstagesandbox.Start(backstagesandbox.Options{Token: "source-token", Entities: entities})
	if err != nil {
		return err
	}
	defer b.Close()
	g, err := gleansandbox.Start(gleansandbox.Options{Token: "sink-token",
		Datasources: []gleanapi.DatasourceConfig{datasourceOf(shipped, b.URL())}})
	if err != nil {
		return err
	}
	defer g.Close()
	fmt.Fprintln(out, b.URL(), g.URL())
	_, err = io.Copy(io.Discard, in)
	return err
}

// servers are both servers in a separate process.
type servers struct{ backstage, glean string }

func startServers(t testing.TB, entities int, env ...string) servers {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(append(os.Environ(), childVariable+"=servers", fmt.Sprintf("PIPE_TEST_ENTITIES=%d", entities)),
		env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cancel(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the servers did not start: %v", err)
	}
	urls := strings.Fields(line)
	return servers{urls[0], urls[1]}
}

func (s servers) env() []string {
	return []string{
		"BACKSTAGE_BASE_URL=" + s.backstage, "BACKSTAGE_API_TOKEN=source-token",
		"GLEAN_SERVER_URL=" + s.glean, "GLEAN_INDEXING_API_KEY=sink-token", "CI=true",
	}
}

// usageOf is the resource usage of a finished child.
type usageOf struct {
	cpu, wall float64 // seconds
	peak      float64 // MB
	output    string
}

// runChild runs pipe in a separate process.
func runChild(t testing.TB, env []string, args ...string) usageOf {
	t.Helper()
	var out strings.Builder
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), childVariable+"=pipe", "XDG_STATE_HOME="+t.TempDir()), env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	wall := stopwatch()
	if err := cmd.Run(); err != nil {
		t.Fatalf("pipe %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	state := cmd.ProcessState
	return usageOf{
		cpu:  (state.UserTime() + state.SystemTime()).Seconds(),
		wall: wall(), output: out.String(),
		peak: peakMB(state),
	}
}
