package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/state"
)

func (a *app) approveCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "approve",
		Usage:     "approve the changes of a refused run, once, for 24 hours",
		ArgsUsage: "FILE ID",
		Description: "Shows what the refused run would have changed and stores an approval of exactly these changes " +
			"in the state folder, for one complete run within 24 hours. Changes that the refusal did not " +
			"list are still checked by the guards. A dry run or a failed run does not use it up. To approve " +
			"and run in one step: pipe run --approve ID FILE.\n\n" +
			"With --server or --token-file a running pipe serve stores the approval and begins the run. FILE may " +
			"then be the " +
			"name of the pipeline. The token is that of a person with the role approve; without --token-file it " +
			"is in the " +
			"variable " + tokenVariable + ".",
		Flags:  append(serverFlags(), approvalFlags()...),
		Action: a.approveAction,
	}
}

func approvalFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "reason", Usage: "the reason, stored with the approval as `TEXT`"},
		&urfave.BoolFlag{Name: "alone",
			Usage: "in an emergency, do without the other people that guards.approvals asks for; needs --reason, and " +
				"sends a notification"},
	}
}

type approvedJSON struct {
	baseline.Refusal
	Approval baseline.Approval `json:"approval"`
	Until    time.Time         `json:"until"`
	Changes  []fault.Change    `json:"changes"`
}

func (a *app) approveAction(c *urfave.Context) error {
	if asksServer(c) {
		return a.approveAtServer(c)
	}
	if c.Args().Len() != 2 || !isFile(c.Args().First()) {
		return usage{"pipe approve takes a pipeline file and the ID of a refused run",
			"write pipe approve pipelines/backstage.yaml ID"}
	}
	ids, err := approvalIDs(c.Args().Tail())
	if err != nil {
		return err
	}
	f, dir, err := a.loadWithState(c, loading{unpinned: true})
	if err != nil {
		return err
	}
	if dir == "" {
		return usage{"an approval is stored in the state folder, but there is none",
			"name the folder of the refused run with --state DIR, or use pipe run --approve " + ids[0]}
	}
	_, err = a.approve(c, f, state.Folder(dir), ids[0])
	return err
}

// approve stores an approval and prints it. It reports whether the approval allows a run.
func (a *app) approve(c *urfave.Context, f *job.File, in state.Store, id string) (bool, error) {
	show := func(r *baseline.Refusal) { print.Refusal(a.Stdout, r) }
	if c.Bool("json") {
		show = nil
	}
	done, err := f.Approve(c.Context, in, job.Approving{ID: id, By: a.who(), Reason: c.String("reason"),
		Alone: c.Bool("alone"), Show: show})
	if err != nil {
		return false, err
	}
	a.printNotes(done.Notes)
	until := done.Approval.Until()
	if c.Bool("json") {
		return done.Missing == "", a.printJSON(approvedJSON{Refusal: *done.Refusal, Approval: *done.Approval,
			Until:   until,
			Changes: done.Refusal.Changes}, nil)
	}
	people := strings.Join(done.Approval.People(), " and ")
	if done.Missing != "" {
		a.printTooFew(people, done.Needed, until, done.Missing)
		return false, nil
	}
	display.Fprintf(a.Stdout, approvedText, people, until.Local().Format("2006-01-02 15:04"))
	return true, nil
}

// approvalOf adds the data for an approval to an error.
func (a *app) approvalOf(err error, b *report.Error) {
	var refused *fault.Refusal
	if !errors.As(err, &refused) || refused.ID == "" {
		return
	}
	b.ID, b.Changes = refused.ID, refused.AllChanges()
	if a.approvable {
		b.Approve = a.rerun(refused.ID)
	}
}

// approvalIDs checks the form of IDs, before anything is done.
func approvalIDs(given []string) ([]string, error) {
	var out []string
	all := commaList(given)
	if len(given) > 0 && len(all) == 0 {
		all = given
	}
	for _, id := range all {
		lower := strings.ToLower(id)
		if !fault.IsID(lower) {
			return nil,
				usage{fmt.Sprintf("%q is not the ID of a refused run: it has 12 characters, a to z and 2 to 7", id),
					"copy the ID from the output of the refused run"}
		}
		if !slices.Contains(out, lower) {
			out = append(out, lower)
		}
	}
	return out, nil
}
