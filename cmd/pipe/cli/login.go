package cli

import (
	"context"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/secret/store"
)

func (a *app) loginCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "login",
		Usage:     "sign in with a browser, for oauth2 with refresh_token",
		ArgsUsage: "FILE",
		Description: "Prints an address and a code for a browser on any machine, and waits until the identity provider " +
			"says that you have signed in. The refresh token goes into the secret store of the file, for that identity " +
			"provider alone. Only a command in a terminal uses it.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "name", Usage: "sign in for the ${secret:`NAME`} alone (default: for each of the file)"},
		},
		Action: a.loginAction,
	}
}

func (a *app) loginAction(c *urfave.Context) error {
	if err := noWords(c, "name one of several sign-ins with --name"); err != nil {
		return err
	}
	path, err := theFile(c, "")
	if err != nil {
		return err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	f, err := a.load(ctx, c, path, loading{lenient: true, secrets: true, unpinned: true, stateless: true, signIn: true})
	if err != nil {
		return err
	}
	defer f.Close()
	wanted, err := wantedSignIns(f, c.String("name"))
	if err != nil {
		return err
	}
	stored := []store.Entry{}
	for _, one := range wanted {
		entry, err := a.signIn(ctx, c, one)
		if a.stopped.Load() != 0 {
			return fault.ErrStopped
		}
		if err != nil {
			err = job.Located(f.Definition, err)
			a.showProblems(c, f.Definition, err)
			return err
		}
		stored = append(stored, entry)
	}
	if c.Bool("json") {
		return a.printJSON(stored, nil)
	}
	a.next(c, "pipe doctor FILE")
	return nil
}

// wantedSignIns are the sign-ins of a file, or the one of a name.
func wantedSignIns(f *job.File, name string) ([]job.SignIn, error) {
	all, err := f.SignIns()
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, usage{"the file uses no sign-in of a person",
			"set refresh_token: ${secret:portal-login} in an oauth2 item of auth"}
	}
	var names []string
	for _, one := range all {
		names = append(names, one.Name)
	}
	if name == "" {
		return all, nil
	}
	at := slices.Index(names, name)
	if at < 0 {
		return nil, usage{"the file uses no sign-in " + name, "it uses " + print.List(names)}
	}
	return all[at : at+1], nil
}

// signIn prints the address and the code, waits for the person and stores the sign-in.
func (a *app) signIn(ctx context.Context, c *urfave.Context, one job.SignIn) (store.Entry, error) {
	device, err := one.Start(ctx)
	if err != nil {
		return store.Entry{}, err
	}
	whole := func(text string) display.Block { return display.Block(display.Line(text)) }
	display.Fprintf(a.Stderr, "%s, for %s: sign in at %s.\n", one.Name, strings.Join(one.Where, ", "), one.Provider())
	display.Fprintf(a.Stderr, "Open this address in a browser:\n  %s\nand enter the code:\n  %s\n", whole(device.Address),
		whole(device.Code))
	if device.Complete != "" {
		display.Fprintf(a.Stderr, "or open this one, and check that it shows the same code:\n  %s\n", whole(device.Complete))
	}
	display.Fprintf(a.Stderr, "Waiting until %s …\n", device.Expires.Local().Format("15:04:05"))
	flush(a.Stderr)
	in, err := device.Wait(ctx)
	if err != nil {
		return store.Entry{}, err
	}
	a.redactor.Add(in.RefreshToken)
	entry, path, err := one.Store(in)
	if err == nil && !c.Bool("json") {
		display.Fprintf(a.Stdout, "signed in: %s has %s, for %s\n", path, entry.Name, sentTo(entry))
	}
	return entry, err
}
