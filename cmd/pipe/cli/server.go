package cli

import (
	"context"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/version"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/client"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// tokenVariable is the variable with the token for a server.
const tokenVariable = "PIPE_TOKEN"

// serverFlags are the flags that name a server and the token for it.
func serverFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "server", Usage: "the `URL` of the server (default: the one on this machine)"},
		&urfave.StringFlag{Name: "token-file", Usage: "read the token from this `FILE`, which only its owner may read"},
	}
}

// asksServer reports whether a call is for a server.
func asksServer(c *urfave.Context) bool { return c.IsSet("server") || c.IsSet("token-file") }

// openServer returns a client of the server that a call names.
func (a *app) openServer(c *urfave.Context) (*client.Client, error) {
	token, err := a.serverToken(c)
	if err != nil {
		return nil, err
	}
	address := c.String("server")
	if address == "" {
		state, err := a.servedState(c)
		if err == nil {
			address, err = serve.Announced(state)
		}
		if err != nil {
			return nil, err
		}
	}
	return client.Open(client.Options{Address: address, Token: token, UserAgent: "pipe/" + version.Current().Version,
		Redactor: a.redactor, Log: a.log})
}

// atServer calls do with the server of a call and the name of its pipeline. It returns
// fault.ErrStopped when a signal ended it.
func (a *app) atServer(c *urfave.Context, do func(ctx context.Context, server *client.Client, pipeline string) error,
) error {
	name, err := a.servedName(c)
	if err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	server, err := a.openServer(c)
	if err != nil {
		return err
	}
	defer server.Close()
	err = do(ctx, server, name)
	if a.stopped.Load() != 0 {
		return fault.ErrStopped
	}
	return err
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

// servedName returns the name of the pipeline that the first word of a call names: by its name, or
// by its file.
func (a *app) servedName(c *urfave.Context) (string, error) {
	word := c.Args().First()
	if isFile(word) {
		d, err := a.parse(c, word, loading{lenient: true, unpinned: true})
		if err != nil {
			return "", err
		}
		if d.File.Name != "" {
			return d.File.Name, nil
		}
	}
	if word == "" || isFile(word) || strings.ContainsAny(word, `/\`) {
		return "", usage{word + " is neither the name of a pipeline nor its file",
			"write the name in the file, as " + c.Command.HelpName + " backstage"}
	}
	return word, nil
}
