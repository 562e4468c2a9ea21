package cli

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/api"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// tokenVariable is the variable with the token for a server.
const tokenVariable = "PIPE_TOKEN"

func (a *app) triggerCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "trigger",
		Usage:     "ask a running pipe serve for a run",
		ArgsUsage: "PIPELINE",
		Description: "PIPELINE is its name. The token needs the role trigger; it is in the variable " + tokenVariable +
			" or in the file of --token-file. Without --server, the server is the one on this machine that uses the state " +
			"folder. With --wait the exit code is that of the run.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "server", Usage: "the `URL` of the server (default: the one on this machine)"},
			&urfave.StringFlag{Name: "token-file", Usage: "read the token from this `FILE`, which only its owner may read"},
			&urfave.BoolFlag{Name: "full", Usage: "publish everything"},
			&urfave.BoolFlag{Name: "dry-run", Usage: "read and review, send nothing"},
			newWaitFlag("wait up to 30 minutes until the run has ended"),
		},
		Action: a.triggerAction,
	}
}

// servedRun is a run of a server.
type servedRun struct {
	Run     string     `json:"run"`
	Joined  bool       `json:"joined"`
	Ended   *time.Time `json:"ended,omitempty"`
	Verdict string     `json:"verdict,omitempty"`
	Exit    *int       `json:"exit_code,omitempty"`
	Causes  []string   `json:"causes,omitempty"`
}

func (a *app) triggerAction(c *urfave.Context) error {
	if err := spacedWait(c); err != nil {
		return err
	}
	if c.Args().Len() != 1 {
		return usage{"pipe trigger takes the name of one pipeline", "write pipe trigger backstage"}
	}
	if name := c.Args().First(); strings.ContainsAny(name, `/\`) {
		return usage{name + " is not the name of a pipeline", "write the name in the file, as pipe trigger backstage"}
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	server, err := a.openServer(c)
	if err != nil {
		return err
	}
	defer server.Close()
	path := api.Prefix + "/pipelines/" + c.Args().First() + "/runs"
	body, err := codec.Marshal(map[string]bool{"full": c.Bool("full"), "dry_run": c.Bool("dry-run")})
	if err != nil {
		return err
	}
	var run servedRun
	err = request(ctx, server, connection.Request{Method: http.MethodPost, Path: path, Body: body,
		Idempotent: true}, &run)
	if err == nil && waitOf(c) > 0 {
		err = waitForRun(ctx, server, path, &run, waitOf(c))
	}
	if a.stopped.Load() != 0 {
		return fault.ErrStopped
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		if err := a.printJSON(run, nil); err != nil {
			return err
		}
	} else {
		a.printServedRun(&run)
	}
	if run.Exit != nil && *run.Exit != int(job.Done) {
		a.shown = true
		return exit(max(*run.Exit, int(job.Failed)))
	}
	return nil
}

func (a *app) printServedRun(run *servedRun) {
	switch {
	case run.Ended != nil:
		display.Fprintf(a.Stdout, "run %s has ended: %s\n", run.Run, run.Verdict)
		for _, cause := range run.Causes {
			display.Fprintf(a.Stdout, "  %s\n", cause)
		}
	case run.Joined:
		display.Fprintf(a.Stdout, "run %s was asked for before and answers this call, too\n", run.Run)
	default:
		display.Fprintf(a.Stdout, "run %s begins as soon as the server can run it\n", run.Run)
	}
}

// openServer returns a connection to the server that a call names.
func (a *app) openServer(c *urfave.Context) (*connection.Connection, error) {
	token, err := a.serverToken(c)
	if err != nil {
		return nil, err
	}
	a.redactor.Add(token)
	address := strings.TrimSuffix(c.String("server"), "/")
	if address == "" {
		state, err := a.servedState(c)
		if err == nil {
			address, err = serve.Announced(state)
		}
		if err != nil {
			return nil, err
		}
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.User != nil {
		return nil, usage{"--server " + address + " is not the address of a server",
			"write it as https://pipe.example.com"}
	}
	cfg, secret := connection.Default(), config.NewSecret(token)
	var wrong error
	cfg.ValidateEncryption("--server", address, secret, func(_, _, message, _ string) {
		wrong = usage{message, "write https://, or use a server on this machine"}
	})
	if wrong != nil {
		return nil, wrong
	}
	return connection.New(cfg, connection.Settings{
		Name: "pipe serve", URL: address, Token: secret, UserAgent: "pipe/" + version.Current().Version,
		Redactor: a.redactor, Log: a.log,
		Allow: func(method, path string) bool { return strings.HasPrefix(path, api.Prefix+"/pipelines/") },
	})
}

// serverToken returns the token for a server.
func (a *app) serverToken(c *urfave.Context) (string, error) {
	if path := c.String("token-file"); path != "" {
		return signin.ReadSecret(path)
	}
	if token, _ := a.lookup(tokenVariable); token != "" {
		return token, nil
	}
	return "", usage{"a server needs a token, but " + tokenVariable + " is not set",
		"set it, or write --token-file FILE; pipe serve token add makes a token"}
}

// request makes a request to a server and decodes its answer.
func request(ctx context.Context, server *connection.Connection, r connection.Request, answer any) error {
	response, err := server.Do(ctx, r)
	if err != nil {
		if status := new(connection.StatusError); errors.As(err, &status) {
			return fault.Errorf(fault.ClassOf(err), serverRemedy(status.Status), "the server answers %d: %s", status.Status,
				status.Reason)
		}
		return err
	}
	return codec.Unmarshal(response.Body, answer)
}

func serverRemedy(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "check the token; pipe serve token list shows those that the server knows"
	case http.StatusForbidden:
		return "use a token with the role trigger for this pipeline"
	case http.StatusNotFound:
		return "check the name of the pipeline and the pipelines of the token"
	}
	return "the log of the server may have the reason"
}

// waitForRun waits until a run has ended.
func waitForRun(ctx context.Context, server *connection.Connection, path string, run *servedRun,
	most time.Duration,
) error {
	const pause = time.Second
	for begun := time.Now(); run.Ended == nil; {
		err := request(ctx, server, connection.Request{Method: http.MethodGet, Path: path + "/" + run.Run}, run)
		if err != nil || run.Ended != nil {
			return err
		}
		if time.Since(begun) > most {
			return fault.Errorf(fault.Transient, "wait longer, as --wait=2h; the run goes on",
				"run %s has not ended after %s", run.Run, most)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return nil
}
