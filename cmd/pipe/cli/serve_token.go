package cli

import (
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

func (a *app) serveTokenCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "token",
		Usage: "add, list and revoke the tokens of the server's API",
		Subcommands: []*urfave.Command{
			{
				Name: "add", ArgsUsage: "NAME", Action: a.serveTokenAdd,
				Usage: "make a token, and print it: the only time that it is shown",
				Description: "Roles: view (counts and causes), inspect (also what names restricted documents), trigger, approve " +
					"(includes inspect; only with --person), push.",
				Flags: []urfave.Flag{
					&urfave.StringSliceFlag{Name: "role", Usage: "a `ROLE`: view, inspect, trigger, approve or push; repeatable"},
					&urfave.StringSliceFlag{Name: "pipeline", Usage: "only for the pipeline `NAME`; repeatable (default: all)"},
					&urfave.BoolFlag{Name: "person", Usage: "a person of this NAME uses the token, and may approve with it"},
					&urfave.StringFlag{Name: "expires", Usage: "the `TIME` after which the token ends, as 90d (default: never)"},
					&urfave.StringSliceFlag{Name: "kind",
						Usage: "with the role push: a `KIND` that may be pushed, or '*' for all but people and groups; repeatable"},
					&urfave.StringSliceFlag{Name: "namespace",
						Usage: "with the role push: a `NAMESPACE` that may be pushed; repeatable (default: all)"},
					&urfave.BoolFlag{Name: "identities",
						Usage: "with the role push: full sets of people and groups may be pushed, and nothing else"},
				},
			},
			{Name: "list", Action: a.serveTokenList, Usage: "list the tokens with their roles; the tokens are not shown"},
			{Name: "revoke", ArgsUsage: "ID", Action: a.serveTokenRevoke, Usage: "end a token at once"},
		},
	}
}

// tokensPlace returns the path of the tokens file for a call with n words.
func (a *app) tokensPlace(c *urfave.Context, n int) (string, error) {
	if c.Args().Len() != n {
		return "", usage{strings.TrimSpace(c.Command.HelpName + " takes " + c.Command.ArgsUsage), "pipe help serve token"}
	}
	state, err := a.stateFolder(c)
	if err == nil && state == "" {
		err = usage{"the tokens are in the state folder, but --state is none",
			"name the folder of the server with --state DIR"}
	}
	return signin.TokensPath(serve.Folder(state)), err
}

func (a *app) serveTokenAdd(c *urfave.Context) error {
	path, err := a.tokensPlace(c, 1)
	if err != nil {
		return err
	}
	t := signin.Token{Name: c.Args().First(), Person: c.Bool("person"), Created: time.Now().UTC().Truncate(time.Second),
		Grant: signin.Grant{Pipelines: c.StringSlice("pipeline")},
		Records: signin.Records{Kinds: commaList(c.StringSlice("kind")), Namespaces: commaList(c.StringSlice("namespace")),
			Identities: c.Bool("identities")}}
	if len(t.Grant.Pipelines) == 0 {
		t.Grant.Pipelines = []string{signin.AllPipelines}
	}
	if t.Grant.Roles, err = signin.ParseRoles(commaList(c.StringSlice("role"))); err != nil {
		return usage{err.Error(), "pipe help serve token add says what each may do"}
	}
	if text := c.String("expires"); text != "" {
		var d config.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d == 0 {
			return usage{"--expires " + text + " is not a duration", "write a number with its unit, such as 90d"}
		}
		t.Expires = t.Created.Add(d.D())
	}
	token, t, err := signin.AddToken(path, t)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(map[string]any{"token": token, "id": t.ID, "name": t.Name}, nil)
	}
	display.Fprintf(a.Stderr, "pipe: token %s of %s; it is not shown again:\n", t.ID, t.Name)
	display.Fprintln(a.Stdout, display.Block(token))
	return nil
}

func joined(roles []signin.Role) string {
	var names []string
	for _, r := range roles {
		names = append(names, string(r))
	}
	return strings.Join(names, ",")
}

func (a *app) serveTokenList(c *urfave.Context) error {
	path, err := a.tokensPlace(c, 0)
	if err != nil {
		return err
	}
	tokens, err := signin.ReadTokens(path)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		list := []map[string]any{}
		for _, t := range tokens {
			list = append(list, map[string]any{"id": t.ID, "name": t.Name, "person": t.Person, "roles": t.Grant.Roles,
				"pipelines": t.Grant.Pipelines, "records": t.Records, "created": t.Created, "expires": t.Expires})
		}
		return a.printJSON(map[string]any{"tokens": list}, nil)
	}
	for _, t := range tokens {
		who, until := t.Name, "does not expire"
		if t.Person {
			who += " (a person)"
		}
		if !t.Expires.IsZero() {
			until = "until " + display.Time(t.Expires)
		}
		display.Fprintf(a.Stdout, "%s  %s: %s for %s, %s\n", t.ID, who, joined(t.Grant.Roles),
			strings.Join(t.Grant.Pipelines, ", "), until)
	}
	if len(tokens) == 0 {
		display.Fprintln(a.Stdout, "there are no tokens")
	}
	return nil
}

func (a *app) serveTokenRevoke(c *urfave.Context) error {
	path, err := a.tokensPlace(c, 1)
	if err != nil {
		return err
	}
	t, err := signin.RevokeToken(path, c.Args().First())
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(map[string]any{"id": t.ID, "name": t.Name}, nil)
	}
	display.Fprintln(a.Stdout, fmt.Sprintf("revoked token %s of %s", t.ID, t.Name))
	return nil
}
