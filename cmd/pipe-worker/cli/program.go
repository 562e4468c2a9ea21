package cli

import (
	"cmp"
	"errors"
	"io/fs"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
)

// Program is pipe-worker.
func Program() *cli.Program {
	return &cli.Program{
		Name: "pipe-worker", Usage: "run many pipelines on Temporal",
		About: "pipe-worker runs the pipelines of a fleet on Temporal: on their schedules, one run at most for each " +
			"datasource, on any worker that reaches it.",
		Call: "Usage: pipe-worker COMMAND [OPTIONS]",
		Notes: "The file of the worker (--config, default worker.yaml) names the Temporal service, the keys, the " +
			"state store " +
			"and the folder of the fleet. pipelines/fleet.md explains it.",
		Groups: []cli.Group{
			{Title: "Workers", Names: []string{"run", "state", "key"}},
			{Title: "Fleets", Names: []string{"fleet"}},
			{Title: "More", Names: []string{"completion", "version"}},
		},
		Examples: map[string][]string{
			"run":           {"pipe-worker run", "pipe-worker run --config /etc/pipe/worker.yaml --task-queue pipe-eu"},
			"key":           {"pipe-worker key", "pipe-worker key --json"},
			"state init":    {"pipe-worker state init", "pipe-worker state init --state postgres"},
			"state migrate": {"pipe-worker state migrate", "pipe-worker state migrate --config /etc/pipe/worker.yaml"},
			"state check":   {"pipe-worker state check", "pipe-worker state check --json"},
			"state reset":   {"pipe-worker state reset payments", "pipe-worker state reset --yes payments"},
			"fleet plan":    {"pipe-worker fleet plan", "pipe-worker fleet plan pipelines --prune"},
			"fleet apply":   {"pipe-worker fleet apply", "pipe-worker fleet apply --yes pipelines"},
			"fleet status":  {"pipe-worker fleet status", "pipe-worker fleet status payments"},
			"fleet run":     {"pipe-worker fleet run payments", "pipe-worker fleet run --full --wait payments"},
			"fleet approve": {"pipe-worker fleet approve payments aaaaaaaaaaaa",
				"pipe-worker fleet approve --reason 'team left' payments aaaaaaaaaaaa"},
			"fleet adopt": {"pipe-worker fleet adopt payments", "pipe-worker fleet adopt --progress none payments"},
			"fleet hide": {"pipe-worker fleet hide payments component:default/ledger",
				"pipe-worker fleet hide --unhide payments component:default/ledger"},
			"fleet pause": {"pipe-worker fleet pause payments --reason 'Glean moves'",
				"pipe-worker fleet pause --resume payments"},
			"completion": {"pipe-worker completion bash", "pipe-worker completion zsh > _pipe-worker"},
			"version":    {"pipe-worker version", "pipe-worker version --json"},
		},
		Commands: func(s *cli.Session) []*urfave.Command {
			p := &program{s}
			return append([]*urfave.Command{p.runCommand(), p.fleetCommand(), p.stateCommand(), p.keyCommand()},
				s.Common()...)
		},
	}
}

// program is one call.
type program struct{ *cli.Session }

// fileFlags are the flags of commands that read the file of the worker.
func fileFlags(more ...urfave.Flag) []urfave.Flag {
	return append([]urfave.Flag{
		&urfave.StringFlag{Name: "config", Usage: "the `FILE` of the worker (PIPE_WORKER_FILE; default: worker.yaml)"},
		&urfave.StringFlag{Name: "address", Usage: "host and port of Temporal, instead of temporal.address: `ADDRESS`"},
		&urfave.StringFlag{Name: "namespace", Usage: "the namespace `NAME`, instead of temporal.namespace"},
		&urfave.BoolFlag{Name: "tls", Usage: "connect to Temporal with TLS"},
		&urfave.StringFlag{Name: "tls-ca", Usage: "authorities of Temporal's certificate, a PEM `FILE`"},
		&urfave.StringFlag{Name: "tls-cert", Usage: "the client certificate, a PEM `FILE`"},
		&urfave.StringFlag{Name: "tls-key", Usage: "the key of --tls-cert, a PEM `FILE`"},
		&urfave.StringFlag{Name: "tls-server-name", Usage: "the `NAME` in Temporal's certificate"},
	}, more...)
}

const defaultFile = "worker.yaml"

// worker reads the file of the worker, and prints its warnings.
func (p *program) worker(c *urfave.Context) (*fleet.Worker, error) {
	path := c.String("config")
	if path == "" {
		named, _ := p.Lookup("PIPE_WORKER_FILE")
		path = cmp.Or(named, defaultFile)
	}
	if _, err := os.Stat(path); path == defaultFile && errors.Is(err, fs.ErrNotExist) {
		return nil, &fault.Invalid{
			Reason: "there is no " + defaultFile + " here: it names Temporal, the keys and the state",
			Remedy: "write it as pipelines/fleet.md shows, or name another file with --config FILE"}
	}
	w, err := fleet.ReadWorker(c.Context, path, fleet.FileOptions{
		Lookup: p.Lookup, Secrets: p.Secrets(), Log: p.Log(), UserAgent: "pipe-worker/" + version.Current().Version,
		Stores: stores(),
		Flags: fleet.Flags{Address: c.String("address"), Namespace: c.String("namespace"),
			TaskQueue: c.String("task-queue"),
			State:     c.String("state"), Pipelines: c.String("pipelines"), TLS: c.Bool("tls"),
			CAFile:   c.String("tls-ca"),
			CertFile: c.String("tls-cert"), KeyFile: c.String("tls-key"), ServerName: c.String("tls-server-name")},
	})
	if err != nil {
		return nil, p.FileError(c, err)
	}
	if !c.Bool("json") {
		p.Problems(w.Warnings, w.Source)
	}
	return w, nil
}

func (p *program) keyCommand() *urfave.Command {
	return &urfave.Command{
		Name: "key", Usage: "print a new key for payload_key",
		Description: "Keep it where the other secrets are. All workers and all people who use the fleet need the " +
			"same key. To " +
			"change it, write the new one under payload_key and the old one under old_payload_keys.",
		Action: func(c *urfave.Context) error {
			key := payload.NewKey()
			if c.Bool("json") {
				return p.JSON(map[string]string{"payload_key": key}, nil)
			}
			p.Printf("%s\n", key)
			return nil
		},
	}
}
