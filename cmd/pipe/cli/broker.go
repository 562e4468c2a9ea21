package cli

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"syscall"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/broker/agent"
	"github.com/pipe-engine/pipe/engine/broker/hub"
	"github.com/pipe-engine/pipe/engine/broker/policy"
	"github.com/pipe-engine/pipe/engine/broker/requestlog"
	"github.com/pipe-engine/pipe/engine/broker/tunnel"
	"github.com/pipe-engine/pipe/engine/display"
)

func (a *app) hubCommand() *urfave.Command {
	return &urfave.Command{
		Name: "hub", Usage: "connect pipelines with agents in other networks",
		Subcommands: []*urfave.Command{{
			Name: "run", ArgsUsage: "HUB.yaml", Action: a.hubRun,
			Usage: "accept agents and pipelines, and relay between them",
			Description: "The file names the agents and the pipelines that may use them; it is read again when it changes, " +
				"and at SIGHUP. What is relayed is encrypted with a key that the hub does not have.",
		}, {
			Name: "check", ArgsUsage: "HUB.yaml", Action: a.hubCheck,
			Usage: "report every problem of the file, and of the files that it names; connects to nothing",
		}},
	}
}

func (a *app) agentCommand() *urfave.Command {
	return &urfave.Command{
		Name: "agent", Usage: "let pipelines read a server of an internal network, by a list of allowed requests",
		Subcommands: []*urfave.Command{
			{
				Name: "run", ArgsUsage: "AGENT.yaml", Action: a.agentRun,
				Usage: "connect to the hub, and answer the requests that the file allows",
				Description: "The agent dials the hub and accepts no connection. Every request is in the audit log before it is " +
					"sent. The file is read again when it changes, and at SIGHUP. The first SIGTERM or SIGINT lets requests end.",
			},
			{Name: "check", ArgsUsage: "AGENT.yaml", Action: a.agentCheck,
				Usage: "go to the hub and to each target step by step"},
			{Name: "pause", ArgsUsage: "AGENT.yaml", Action: a.agentPause,
				Usage: "cut the connection to the hub, and refuse requests until resume"},
			{Name: "resume", ArgsUsage: "AGENT.yaml", Action: a.agentResume, Usage: "end pause"},
			{Name: "key", ArgsUsage: "FILE", Action: a.agentKey,
				Usage: "write the key of an agent when there is none, and print its pin for agent_key"},
			{Name: "token", Action: a.agentToken,
				Usage: "make a token of a pipeline or an agent, and print it with what the files have of it"},
			{
				Name: "audit", Usage: "read the audit log",
				Subcommands: []*urfave.Command{{
					Name: "verify", ArgsUsage: "LOG", Action: a.agentVerify,
					Usage: "check that no line of an audit log was changed, removed or added",
					Flags: []urfave.Flag{&urfave.StringFlag{Name: "head",
						Usage: "the `MARK` of a line, from the report of a run: the log must have it"}},
				}},
			},
		},
	}
}

// oneWord returns the only argument of a call.
func oneWord(c *urfave.Context) (string, error) {
	if c.Args().Len() != 1 {
		return "", usage{c.Command.HelpName + " takes " + c.Command.ArgsUsage, "name one file"}
	}
	return c.Args().First(), nil
}

// presets are the allow rules of all sources.
func (a *app) presets() policy.Presets {
	out := policy.Presets{}
	for _, s := range a.Registry.Sources {
		maps.Copy(out, s.Presets)
	}
	return out
}

func (a *app) hubRun(c *urfave.Context) error {
	file, err := oneWord(c)
	if err != nil {
		return err
	}
	if err := a.logRuns(c); err != nil {
		return err
	}
	h, err := hub.Listen(file, a.lookup, a.log)
	if err != nil {
		return a.fileError(c, err)
	}
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	return serveUntil(a.watchAnd(ctx, cancel, h.Reload), h.Run)
}

func (a *app) hubCheck(c *urfave.Context) error {
	file, err := oneWord(c)
	if err != nil {
		return err
	}
	warnings, text, err := hub.Check(file, a.lookup)
	if err != nil {
		return a.fileError(c, err)
	}
	a.render(a.Stderr, warnings, func(string) []byte { return text })
	display.Fprintf(a.Stdout, "%s: no problem\n", file)
	return nil
}

// watchAnd is watch for a command that reads its file again at SIGHUP.
func (a *app) watchAnd(ctx context.Context, end context.CancelFunc, reload func()) <-chan struct{} {
	if from := a.Signal; from != nil {
		to := make(chan os.Signal, 2)
		a.Signal = to
		go func() {
			for {
				select {
				case s := <-from:
					if s == syscall.SIGHUP {
						reload()
						continue
					}
					to <- s
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	return a.watch(ctx, end)
}

func (a *app) openAgent(c *urfave.Context) (*agent.Agent, error) {
	file, err := oneWord(c)
	if err != nil {
		return nil, err
	}
	one, err := agent.Open(file, agent.Options{Presets: a.presets(), Lookup: a.lookup,
		Version: version.Current().Version,
		Log:     a.log, Redactor: a.redactor})
	if err != nil {
		return nil, a.fileError(c, err)
	}
	if !c.Bool("json") {
		a.render(a.Stderr, one.Warnings(), func(string) []byte { return one.Source() })
	}
	return one, nil
}

func (a *app) agentRun(c *urfave.Context) error {
	if err := a.logRuns(c); err != nil {
		return err
	}
	one, err := a.openAgent(c)
	if err != nil {
		return err
	}
	defer one.Close()
	a.log.Info("the agent starts", "agent_key", one.Pin(), "audit", one.AuditFile())
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	return serveUntil(a.watchAnd(ctx, cancel, one.Reload), one.Run)
}

func (a *app) agentCheck(c *urfave.Context) error {
	one, err := a.openAgent(c)
	if err != nil {
		return err
	}
	defer one.Close()
	found := one.Check(c.Context)
	var all []finding
	for _, end := range slices.Sorted(maps.Keys(found)) {
		all = append(all, a.section(end, found[end])...)
	}
	return a.printFindings(c, all)
}

func (a *app) agentPause(c *urfave.Context) error {
	one, err := a.openAgent(c)
	if err == nil {
		defer one.Close()
		if err = one.Pause(); err == nil {
			display.Fprintln(a.Stderr, "pipe: paused; pipe agent resume ends it")
		}
	}
	return err
}

func (a *app) agentResume(c *urfave.Context) error {
	one, err := a.openAgent(c)
	if err == nil {
		defer one.Close()
		err = one.Resume()
	}
	return err
}

func (a *app) agentKey(c *urfave.Context) error {
	file, err := oneWord(c)
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		if err := tunnel.NewKey(file); err != nil {
			return err
		}
	}
	_, pin, err := tunnel.LoadKey(file)
	if err == nil {
		display.Fprintln(a.Stdout, pin)
	}
	return err
}

func (a *app) agentToken(c *urfave.Context) error {
	token := tunnel.NewToken()
	own, forHub, forAgent := tunnel.Hash(token), tunnel.Hash(tunnel.ForHub(token)), tunnel.Hash(tunnel.ForAgent(token))
	if c.Bool("json") {
		return a.printJSON(map[string]string{"token": token, "hub_caller_sha256": forHub,
			"agent_caller_sha256": forAgent,
			"hub_agent_sha256":    own}, nil)
	}
	display.Fprintf(a.Stdout, "token                 %s\n", token)
	display.Fprintf(a.Stdout, "of a pipeline:\n")
	display.Fprintf(a.Stdout, "  HUB.yaml, callers   token_sha256: %s\n", forHub)
	display.Fprintf(a.Stdout, "  AGENT.yaml, callers token_sha256: %s\n", forAgent)
	display.Fprintf(a.Stdout, "of an agent:\n")
	display.Fprintf(a.Stdout, "  HUB.yaml, agents    token_sha256: %s\n", own)
	return nil
}

func (a *app) agentVerify(c *urfave.Context) error {
	file, err := oneWord(c)
	if err != nil {
		return err
	}
	var head requestlog.Mark
	if text := c.String("head"); text != "" {
		if head, err = requestlog.ParseMark(text); err != nil {
			return usage{"--head: " + err.Error(), "copy it from the report of a run"}
		}
	}
	v, err := requestlog.Verify(file, head)
	if c.Bool("json") {
		return a.printJSON(v, err)
	}
	if err != nil {
		return err
	}
	display.Fprintf(a.Stdout, "%s: intact, lines %d to %d in %s, %s to %s\n", file, v.First, v.Last.Number,
		display.Plural(v.Files, "file"), v.Began, v.Ended)
	display.Fprintf(a.Stdout, "allowed %d, denied %d, without an answer %d\nhead %s\n", v.Allowed, v.Denied,
		v.Unfinished,
		v.Last)
	if v.First > 1 {
		display.Fprintf(a.Stdout, "lines before %d were removed by rotation\n", v.First)
	}
	return nil
}
