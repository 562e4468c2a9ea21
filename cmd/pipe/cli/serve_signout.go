package cli

import (
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

func (a *app) serveSignOutCommand() *urfave.Command {
	return &urfave.Command{
		Name: "sign-out", ArgsUsage: "NAME", Action: a.serveSignOutAction,
		Usage: "end the sessions of a person on the pages at once",
		Description: "NAME is that in the audit log. Links of this person that were not used end, too. A token, a grant " +
			"of the OpenID provider or a new link lets them sign in again.",
		Flags: []urfave.Flag{&urfave.BoolFlag{Name: "all", Usage: "end the sessions and links of everybody"}},
	}
}

func (a *app) serveSignOutAction(c *urfave.Context) error {
	person := signin.Canonical(strings.TrimSpace(c.Args().First()))
	if c.Args().Len() > 1 || (person == "") != c.Bool("all") {
		return usage{"pipe serve sign-out takes one NAME, or --all", "write pipe serve sign-out NAME"}
	}
	state, err := a.servedState(c)
	if err != nil {
		return err
	}
	tokens, err := signin.PersonTokens(signin.TokensPath(serve.Folder(state)), person)
	if err != nil {
		return err
	}
	h, err := history.Open(c.Context, serve.HistoryPath(state), a.redactor)
	if err != nil {
		return err
	}
	defer h.Close()
	whose := person
	if c.Bool("all") {
		whose = "everybody"
	}
	now := time.Now()
	if err := h.Act(c.Context, history.Action{At: now, Who: a.who(), Action: "end sessions", Detail: whose}); err != nil {
		return err
	}
	known, err := h.SignOut(c.Context, person, now)
	if err != nil {
		return err
	}
	if !known && !c.Bool("all") {
		return &fault.Invalid{Reason: person + " has never signed in to this server", Remedy: "check the name: the audit " +
			"log has those of all sign-ins"}
	}
	if c.Bool("json") {
		return a.printJSON(map[string]any{"person": person, "all": c.Bool("all"), "tokens": tokens}, nil)
	}
	display.Fprintf(a.Stdout, "ended the sessions and links of %s\n", whose)
	for _, id := range tokens {
		display.Fprintf(a.Stdout, "  token %s still signs in; to end it: pipe serve token revoke %s\n", id, id)
	}
	return nil
}
