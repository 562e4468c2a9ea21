package cli

import (
	"slices"
	"strconv"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/operate"
	"github.com/pipe-engine/pipe/engine/run"
)

func (a *app) adoptCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "adopt",
		Usage:     "take over a datasource that has no baseline here",
		ArgsUsage: "FILE",
		Description: "Shows what the datasource holds and who would find what after a run. It asks for the number of " +
			"restricted documents and stores an approval of exactly what it showed, for one complete run " +
			"within 24 hours. It publishes nothing. Without a terminal it prints the ID for pipe run " +
			"--approve and exits with 4.",
		Flags:  []urfave.Flag{allowUnpinned(), progressFlag()},
		Action: a.adoptAction,
	}
}

func progressFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "progress", Value: "auto",
		Usage: "`HOW` progress is shown: auto, bar, plain, json or none"}
}

// adoptionJSON is what --json prints of an adoption that is not stored yet.
type adoptionJSON struct {
	Holds      *component.Inspection `json:"holds"` // null: the datasource does not say
	Restricted int                   `json:"restricted"`
	Report     *run.Report           `json:"report"`
}

func (a *app) adoptAction(c *urfave.Context) error {
	path := c.Args().First()
	if c.Args().Len() != 1 {
		return usage{"pipe adopt takes one pipeline file", "write pipe adopt pipelines/backstage.yaml"}
	}
	j, err := a.open(c.Context, c, path, loading{})
	if err != nil {
		return err
	}
	defer j.Close()
	if j.State == nil {
		return usage{"an adoption is stored in the state folder, but there is none",
			"name the folder of the runs with --state DIR"}
	}
	_, err = a.adopt(c, j, "pipe adopt", func() string { return a.call("run") })
	return err
}

// adopt shows what a run would take over, and stores the approval of a person. It reports whether it
// stored one. again returns the command of a run that uses it.
func (a *app) adopt(c *urfave.Context, j *job.Job, reason string, again func() string) (bool, error) {
	progress, err := a.progress(c)
	if err != nil {
		return false, err
	}
	ctx, cancel := a.interruptible(c.Context)
	defer cancel()
	adoption, err := operate.Adopt(ctx, j.Pipeline,
		run.Options{RunID: j.RunID, State: j.State, Log: a.log, By: a.who(), Progress: progress})
	progress.end()
	if err = job.Located(j.Definition, err); err != nil {
		a.showProblems(c, j.Definition, err)
		return false, err
	}
	a.approvable = true
	if c.Bool("json") {
		out := adoptionJSON{adoption.Inspection, adoption.Restricted, adoption.Report}
		if adoption.Refusal == nil {
			return false, a.printJSON(out, nil)
		}
		return false, a.printJSON(out, adoption.Refusal)
	}
	if adoption.Refusal == nil {
		display.Fprintln(a.Stdout, "Nothing to adopt: the next run can compare access.")
		return false, nil
	}
	a.printAdoption(adoption)
	if !a.Interactive {
		return false, adoption.Refusal
	}
	question := "\nType the number of restricted documents to allow one such run within 24 hours: "
	if err := a.ask(ctx, question, strconv.Itoa(adoption.Restricted), ""); err != nil {
		return false, err
	}
	approval := baseline.Approval{ID: adoption.Refusal.ID, At: time.Now().UTC(), By: a.who(), Reason: reason}
	if _, _, err := baseline.Approve(j.State, j.Pipeline.Sink.Place(), approval); err != nil {
		return false, err
	}
	display.Fprintf(a.Stdout, "\nStored as approval %s. The next complete run until %s may publish this:\n  %s\n",
		approval.ID, approval.Until().Local().Format("2006-01-02 15:04"),
		display.Block(again()))
	return true, nil
}

// printAdoption prints the contents of the datasource, what a run would publish, and why.
func (a *app) printAdoption(adoption *operate.Adoption) {
	if held := adoption.Inspection; held == nil {
		display.Fprintf(a.Stdout, "The content of the datasource is unknown: %v\n", adoption.Unsaid)
	} else {
		display.Fprintf(a.Stdout, "datasource %s now holds (the counts may be three hours old): %s\n", held.Place,
			heldText(held))
		for _, t := range held.Types {
			if t.Uploaded != nil {
				display.Fprintf(a.Stdout, "%9s %s\n", display.Number(*t.Uploaded), t.Type)
			}
		}
		uploads := slices.DeleteFunc(slices.Clone(held.Uploads), func(u component.UploadState) bool {
			return u.Stream != "documents"
		})
		if len(uploads) > 0 {
			display.Fprintln(a.Stdout, "last uploads of documents:")
		}
		for _, u := range uploads {
			display.Fprintf(a.Stdout, "  %s  begun %s, %s\n", u.ID, display.Second(u.Began), originText(u))
		}
	}
	if !a.Interactive {
		display.Fprintf(a.Stdout, "\n"+hiddenUnknown+"\n")
		return // the refusal is printed as the error
	}
	display.Fprintln(a.Stdout)
	for r := adoption.Refusal; r != nil; r = r.Also {
		display.Fprintf(a.Stdout, "%s\n", r.Error())
		for _, line := range r.Table {
			display.Fprintf(a.Stdout, "  %s\n", line)
		}
	}
	display.Fprintf(a.Stdout, "\n"+hiddenUnknown+"\n")
}

const hiddenUnknown = "Documents hidden with pipe hide and another state folder are unknown here and\nwould be " +
	"published again; hide them after the adoption, before the run."

// originText describes where an upload came from.
func originText(u component.UploadState) string {
	switch {
	case u.Owner != "":
		return "owner " + u.Owner
	case u.Run != "":
		return "by an earlier version of pipe"
	}
	return "by another program"
}
