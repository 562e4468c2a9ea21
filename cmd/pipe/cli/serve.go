package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/schedule"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/metrics"
	"github.com/pipe-engine/pipe/engine/serve/web"
	"github.com/pipe-engine/pipe/engine/state"
	"github.com/pipe-engine/pipe/engine/trace"
)

func (a *app) serveCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "serve",
		Usage:     "run pipelines on their schedules, with pages, approvals and an API",
		ArgsUsage: "FILE…",
		Description: "Runs each pipeline at the times of schedule: in its file, and when a person or a program asks. The " +
			"pages show the runs; a person with the role approve allows what a guard refused. A link that signs you " +
			"in is printed to a terminal, and by pipe serve link; people sign in with a token of their own, too, and with " +
			"--openid at the company's provider. A file is read again when it changes.\n\n" +
			"The first SIGTERM or SIGINT stops reading and lets an upload that has begun end; a second one ends " +
			"everything.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "listen", Value: "127.0.0.1:7979",
				Usage: "the `ADDRESS` of pages and API; off this machine it needs TLS"},
			&urfave.StringFlag{Name: "public-url", Usage: "the `URL` that people open, when it is not that of --listen"},
			&urfave.StringFlag{Name: "tls-cert", Usage: "the server's certificate, a PEM `FILE`; read again when it changes"},
			&urfave.StringFlag{Name: "tls-key", Usage: "the key of --tls-cert, a PEM `FILE`"},
			&urfave.StringSliceFlag{Name: "behind-proxy",
				Usage: "the addresses of a proxy that adds TLS, a `RANGE` such as 10.0.0.0/8; others are refused"},
			&urfave.StringFlag{Name: "webhook-secret-file",
				Usage: "accept webhooks, signed with the secret in this `FILE`, as GitHub signs them"},
			&urfave.StringFlag{Name: "openid",
				Usage: "let people sign in at the OpenID provider in this `FILE`, with the roles that it gives them"},
			&urfave.IntFlag{Name: "parallel", Value: 1, Usage: "how many pipelines run at once: `N`"},
			&urfave.BoolFlag{Name: "review",
				Usage: "hold a run after an edit of what a file sends or of who finds it, until a person accepts it"},
			&urfave.BoolFlag{Name: "sandbox",
				Usage: "use a Backstage and a Glean on this machine, started for this call; a file without a schedule runs " +
					"every minute"},
			&urfave.StringFlag{Name: "catalog",
				Usage: "with --sandbox: serve the entities of this `FILE` (JSON, an answer of the catalog's API, NDJSON or YAML)"},
			allowUnpinned(),
		},
		Action: a.serveAction,
		Subcommands: []*urfave.Command{
			{
				Name: "link", Action: a.serveLinkAction,
				Usage: "print a link that signs you in to the running server",
				Description: "The link works once, for five minutes. The session may do everything but push; the audit log has " +
					"your name. Whoever may write the state folder may make a link.",
				Flags: []urfave.Flag{&urfave.StringFlag{Name: "person",
					Usage: "the `NAME` for the audit log (default: that of the user on this machine)"}},
			},
			a.serveSignOutCommand(),
			a.serveTokenCommand(),
		},
	}
}

func (a *app) serveAction(c *urfave.Context) error {
	if c.Args().Len() == 0 {
		return usage{"pipe serve needs at least one pipeline file", "write pipe serve pipelines/backstage.yaml"}
	}
	if c.IsSet("catalog") && !c.Bool("sandbox") {
		return usage{"--catalog goes with --sandbox", "add --sandbox: a catalog file is served by a server on this machine"}
	}
	if c.Int("parallel") < 1 {
		return usage{fmt.Sprintf("--parallel is %d", c.Int("parallel")), "write 1 or more"}
	}
	if c.Bool("sandbox") && c.Args().Len() > 1 {
		return usage{"--sandbox serves one file", "name one file"}
	}
	place := web.Options{Listen: c.String("listen"), PublicURL: c.String("public-url"), CertFile: c.String("tls-cert"),
		KeyFile: c.String("tls-key"), BehindProxy: c.StringSlice("behind-proxy"),
		WebhookSecretFile: c.String("webhook-secret-file"), OpenIDFile: c.String("openid"), Lookup: a.lookup}
	if err := place.Check(); err != nil {
		return err
	}
	if err := a.logRuns(c); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	open, err := a.options(c, c.Args().First(), loading{})
	if err != nil {
		return err
	}
	open.SignIns = config.RefuseSignIns // a server does not act with the sign-in of a person
	open.Loaded = func(d *pipeline.Definition) { a.nameHints(d.Problems) }
	if c.Bool("sandbox") {
		end, err := a.serveSandbox(ctx, c, &open)
		if err != nil {
			return a.loadError(c, err)
		}
		defer end()
	}
	open.Tracer = trace.Start(ctx, open.Version, a.log)
	defer open.Tracer.Close()
	o := serve.Options{Files: c.Args().Slice(), Job: open, Parallel: c.Int("parallel"), Review: c.Bool("review"),
		Log: a.log}
	if c.Bool("sandbox") {
		o.Schedule = schedule.Schedule{{Cron: "* * * * *", TimeZone: "UTC"}}
	}
	measured := metrics.New(version.Current().Version)
	measured.Watch(&o)
	server, err := serve.Open(ctx, o)
	if err != nil {
		return a.loadError(c, err)
	}
	defer server.Close()
	if err := measured.Attach(ctx, server); err != nil {
		return err
	}
	site, err := web.Listen(server, place, a.redactor, measured, version.Current().Version)
	if err != nil {
		return a.fileError(c, err)
	}
	forget, err := serve.Announce(server.State(), site.Origin())
	if err != nil {
		return errors.Join(err, site.Close())
	}
	defer forget()
	if err := a.announceServer(ctx, c, server, site); err != nil {
		return errors.Join(err, site.Close())
	}
	return serveUntil(a.watch(ctx, cancel), func(stop <-chan struct{}) error { return site.Serve(stop) },
		func(stop <-chan struct{}) error {
			defer cancel()
			return server.Run(ctx, stop)
		})
}

// serveUntil calls functions until a signal, or until one of them ends: a server without its pages
// or without its runs is none. It returns when all have ended.
func serveUntil(signal <-chan struct{}, all ...func(stop <-chan struct{}) error) error {
	stop := make(chan struct{})
	end := sync.OnceFunc(func() { close(stop) })
	errs := make(chan error, len(all))
	for _, one := range all {
		go func() {
			defer end()
			errs <- one(stop)
		}()
	}
	select {
	case <-signal:
		end()
	case <-stop:
	}
	var err error
	for range all {
		err = errors.Join(err, <-errs)
	}
	return err
}

// logRuns makes the log that of a server, which has its runs unless the call or LOG_LEVEL says
// otherwise.
func (a *app) logRuns(c *urfave.Context) error {
	a.serving = true
	if level, _ := a.lookup("LOG_LEVEL"); level != "" || c.IsSet("log-level") {
		return a.openLog(c)
	}
	if err := c.Set("log-level", "info"); err != nil {
		return err
	}
	return a.openLog(c)
}

// serveSandbox starts the servers of a sandbox for all runs, and gives the server a state folder
// of its own, unless the call names one.
func (a *app) serveSandbox(ctx context.Context, c *urfave.Context, open *job.Options) (end func(), err error) {
	servers, err := open.StartSandbox(ctx)
	if err != nil {
		return nil, err
	}
	open.Servers, open.Catalog = servers, ""
	end = servers.Close
	if open.State == nil {
		folder, err := os.MkdirTemp("", "pipe-serve-")
		if err != nil {
			end()
			return nil, err
		}
		open.State = state.Folder(folder)
		end = func() { servers.Close(); os.RemoveAll(folder) }
	}
	return end, nil
}

// announceServer prints where the server is, and to a terminal a link that signs in.
func (a *app) announceServer(ctx context.Context, c *urfave.Context, server *serve.Server, site *web.Web) error {
	if c.Bool("json") {
		if err := a.printJSON(map[string]any{"address": site.Origin(), "state": server.State()}, nil); err != nil {
			return err
		}
		flush(a.Stdout)
		return nil
	}
	display.Fprintf(a.Stdout, "serving at %s, with the state in %s\n", site.Origin(), server.State())
	for _, p := range server.Pipelines() {
		next := "has no schedule: it runs on request"
		if at := p.Status().Next; !at.IsZero() {
			next = "runs next at " + display.Time(at)
		}
		display.Fprintf(a.Stdout, "  %s %s\n", p.Name, next)
	}
	if !terminal(a.Stdout) {
		display.Fprintln(a.Stdout, "to sign in: "+a.serveLinkCall(server.State()))
		flush(a.Stdout)
		return nil
	}
	link, err := web.NewLink(ctx, server.History, site.Origin(), a.who())
	if err != nil {
		return err
	}
	display.Fprintf(a.Stdout, "this link signs you in, once, within five minutes:\n  %s\n", display.Block(link))
	flush(a.Stdout)
	return nil
}

func (a *app) serveLinkCall(state string) string {
	return "pipe serve link --state " + shellWord(state)
}

func (a *app) serveLinkAction(c *urfave.Context) error {
	if c.Args().Present() {
		return usage{"pipe serve link takes no words", "name the state folder of the server with --state DIR"}
	}
	state, err := a.servedState(c)
	if err != nil {
		return err
	}
	origin, err := serve.Announced(state)
	if err != nil {
		return err
	}
	person := strings.TrimSpace(c.String("person"))
	if person == "" {
		if person = a.userName(); person == "" {
			return usage{"the name of the user on this machine is not known, and the audit log needs one",
				"name the person with --person NAME"}
		}
		person = a.who()
	}
	h, err := history.Open(c.Context, serve.HistoryPath(state), a.redactor)
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := web.NewLink(c.Context, h, origin, person)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(map[string]any{"link": link, "person": person}, nil)
	}
	display.Fprintln(a.Stdout, display.Block(link))
	return nil
}

// servedState returns the state folder of a server, for other commands on this machine.
func (a *app) servedState(c *urfave.Context) (string, error) {
	state, err := a.stateFolder(c)
	if err == nil && state == "" {
		err = usage{"a server has a state folder, but --state is none", "name the folder of the server with --state DIR"}
	}
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(serve.Folder(state)); err != nil {
		return "", &fault.StateError{Err: fmt.Errorf("no server has used the state folder %s", state),
			Remedy: "name the folder that pipe serve prints, with --state DIR"}
	}
	return filepath.Clean(state), nil
}
