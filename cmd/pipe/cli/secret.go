package cli

import (
	"bufio"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/secret/store"
)

func (a *app) secretCommand() *urfave.Command {
	recipients := func() urfave.Flag {
		return &urfave.StringSliceFlag{Name: "recipient", Usage: "a `KEY` (age1…) that can open the store, too; repeatable"}
	}
	return &urfave.Command{
		Name:  "secret",
		Usage: "keep secrets in an encrypted file next to the pipeline",
		Subcommands: []*urfave.Command{
			{
				Name: "init", ArgsUsage: "FILE", Action: a.secretInitAction, Flags: []urfave.Flag{recipients()},
				Usage: "create the store of a pipeline file, and its identity",
				Description: "The store is the file of secrets.store.file, encrypted with age; commit it. The identity opens it: " +
					"keep that out of version control. An identity that is there is used.",
			},
			{
				Name: "set", ArgsUsage: "FILE NAME", Action: a.secretSetAction,
				Usage: "store a value under a name",
				Description: "The value comes from a prompt that does not show it, or from standard input, never from an " +
					"argument. With --for, a pipeline that sends the secret elsewhere is refused.",
				Flags: []urfave.Flag{
					&urfave.StringSliceFlag{Name: "for", Usage: "an `ORIGIN` that the secret may be sent to, such as " +
						"https://portal.example.com; repeatable (default: those of the secret that is replaced)"},
					&urfave.BoolFlag{Name: "anywhere", Usage: "let the secret be sent to any address"},
				},
			},
			{
				Name: "list", ArgsUsage: "FILE", Action: a.secretListAction,
				Usage: "list the names, with where each secret may be sent; values are not shown",
			},
			{
				Name: "remove", ArgsUsage: "FILE NAME", Action: a.secretRemoveAction,
				Usage: "remove a secret from the store",
			},
			{
				Name: "rekey", ArgsUsage: "FILE", Action: a.secretRekeyAction,
				Usage: "encrypt the store for a new identity",
				Description: "The new identity replaces the old one in its file. Only it and the keys of --recipient open the " +
					"store afterwards. Whoever has the old identity can still open earlier versions of the store: replace " +
					"the secrets, too.",
				Flags: []urfave.Flag{
					&urfave.StringFlag{Name: "new-identity", Usage: "write the new identity to this `FILE`, which must not exist"},
					recipients(),
				},
			},
		},
	}
}

// secretPlace is where the file of a call keeps its store.
func (a *app) secretPlace(c *urfave.Context, words int, usageHint string) (store.Place, error) {
	if c.Args().Len() != words {
		return store.Place{}, usage{c.Command.HelpName + " takes " + c.Command.ArgsUsage, "write " + c.Command.HelpName +
			" pipelines/backstage.yaml" + usageHint}
	}
	return store.Locate(c.Args().First(), &config.Variables{Lookup: a.lookup})
}

func (a *app) secretInitAction(c *urfave.Context) error {
	place, err := a.secretPlace(c, 1, "")
	if err != nil {
		return err
	}
	created, err := place.Init(c.StringSlice("recipient"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(map[string]any{"store": place.Path, "identity": place.IdentityFile,
			"identity_created": created}, nil)
	}
	display.Fprintf(a.Stdout, "created %s, which you can commit\n", place.Path)
	if created {
		display.Fprintf(a.Stdout, "created %s, which opens it: keep it out of version control, and keep a copy\n",
			place.IdentityFile)
	}
	return nil
}

func (a *app) secretSetAction(c *urfave.Context) error {
	place, err := a.secretPlace(c, 2, " backstage-token --for https://portal.example.com")
	if err != nil {
		return err
	}
	if c.Bool("anywhere") && len(c.StringSlice("for")) > 0 {
		return usage{"--anywhere and --for exclude each other", "keep one of the two"}
	}
	s, err := place.Open()
	if err != nil {
		return err
	}
	name := c.Args().Get(1)
	if _, err := s.List(); err != nil { // before a person types the value
		return err
	}
	value, err := a.secretValue(c, name)
	if err != nil {
		return err
	}
	a.redactor.Add(value)
	set, err := s.Set(name, value, c.StringSlice("for"), c.Bool("anywhere"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(set, nil)
	}
	display.Fprintf(a.Stdout, "stored %s, for %s; use it as ${secret:%s}\n", set.Name, sentTo(set), set.Name)
	return nil
}

// secretValue asks a person for a value, or reads it from standard input.
func (a *app) secretValue(c *urfave.Context, name string) (string, error) {
	if a.Interactive {
		return a.answer(c.Context, bufio.NewReader(a.Stdin), "Value of "+name, true)
	}
	text, err := io.ReadAll(io.LimitReader(a.Stdin, maxSecretInput))
	return string(text), err
}

// maxSecretInput is more than a store accepts: a longer value is read far enough to be refused.
const maxSecretInput = 128 << 10

func sentTo(e store.Entry) string {
	if len(e.Origins) == 0 {
		return "any address"
	}
	return strings.Join(e.Origins, ", ")
}

func (a *app) secretListAction(c *urfave.Context) error {
	place, err := a.secretPlace(c, 1, "")
	if err != nil {
		return err
	}
	s, err := place.Open()
	if err != nil {
		return err
	}
	all, err := s.List()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(all, nil)
	}
	if len(all) == 0 {
		display.Fprintf(a.Stdout, "%s has no secrets yet\n", place.Path)
		return nil
	}
	var rows [][]string
	for _, e := range all {
		rows = append(rows, []string{e.Name, sentTo(e), display.Second(e.Changed)})
	}
	display.Fprintln(a.Stdout, print.Grid([]string{"name", "may be sent to", "changed"}, rows, 3, a.colors(c)))
	return nil
}

func (a *app) secretRemoveAction(c *urfave.Context) error {
	place, err := a.secretPlace(c, 2, " backstage-token")
	if err != nil {
		return err
	}
	s, err := place.Open()
	if err != nil {
		return err
	}
	if err := s.Remove(c.Args().Get(1)); err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(map[string]string{"removed": c.Args().Get(1)}, nil)
	}
	display.Fprintf(a.Stdout, "removed %s\n", c.Args().Get(1))
	return nil
}

func (a *app) secretRekeyAction(c *urfave.Context) error {
	place, err := a.secretPlace(c, 1, "")
	if err != nil {
		return err
	}
	next := c.String("new-identity")
	if err := place.Rekey(next, c.StringSlice("recipient")); err != nil {
		return err
	}
	where := place.IdentityFile
	if next != "" {
		where = next
	}
	if c.Bool("json") {
		return a.printJSON(map[string]string{"store": place.Path, "identity": where}, nil)
	}
	display.Fprintf(a.Stdout, "%s has a new identity, in %s\nThe old identity opens earlier versions of the store: "+
		"replace the secrets, too.\n", place.Path, where)
	return nil
}
