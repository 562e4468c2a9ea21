package cli

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/operate"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
)

func (a *app) stateCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "state",
		Usage: "show, export or import the state folder",
		Subcommands: []*urfave.Command{
			{
				Name: "show", ArgsUsage: "FILE", Action: a.stateShowAction, Flags: []urfave.Flag{allowUnpinned()},
				Usage: "show what the state folder knows of the datasource",
				Description: "Prints the baseline with its counts, the owner id, hidden documents, approvals and the paths of " +
					"the files. Changes nothing.",
			},
			{
				Name: "export", ArgsUsage: "FILE [ARCHIVE]", Action: a.stateExportAction, Flags: []urfave.Flag{allowUnpinned()},
				Usage: "write the state of the datasource to one file",
				Description: "The archive holds the baseline, the owner id, the hidden list, refusals, approvals and the " +
					"audit ledger, with a checksum. It is written whole or not at all, with mode 0600. Without " +
					"ARCHIVE it is named after the datasource, in the working directory.",
			},
			{
				Name: "import", ArgsUsage: "FILE ARCHIVE", Action: a.stateImportAction,
				Usage: "replace the state with an exported one",
				Description: "Refuses an archive that is damaged, newer than this program or of another datasource, and a " +
					"state folder that has a baseline, unless --force. Documents hidden here stay hidden.",
				Flags: []urfave.Flag{&urfave.BoolFlag{Name: "force", Usage: "replace the baseline that is there"}, allowUnpinned()},
			},
		},
	}
}

// statePlace is the state folder of a call and the place of its file.
func (a *app) statePlace(c *urfave.Context) (dir, place string, err error) {
	f, dir, err := a.loadWithState(c, loading{unpinned: true})
	if err != nil {
		return "", "", err
	}
	if dir == "" {
		return "", "", usage{"--state none has no state", "name the folder of the runs with --state DIR"}
	}
	sink, err := f.Definition.OpenSink(f.Settings())
	if err != nil {
		return "", "", err
	}
	defer sink.Close()
	return dir, sink.Place(), nil
}

func (a *app) stateExportAction(c *urfave.Context) error {
	if n := c.Args().Len(); n < 1 || n > 2 {
		return usage{"pipe state export takes a pipeline file and an archive",
			"write pipe state export pipelines/backstage.yaml state.archive"}
	}
	dir, place, err := a.statePlace(c)
	if err != nil {
		return err
	}
	path := c.Args().Get(1)
	if path == "" {
		store, err := baseline.Open(state.Folder(dir), place)
		if err != nil {
			return err
		}
		path = store.Name() + ".archive"
	}
	if err := operate.ExportState(state.Folder(dir), place, run.NewRunID(), path); err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(map[string]string{"place": place, "archive": path}, nil)
	}
	display.Fprintf(a.Stdout, "exported the state of %s to %s\n", place, path)
	return nil
}

func (a *app) stateImportAction(c *urfave.Context) error {
	if c.Args().Len() != 2 {
		return usage{"pipe state import takes a pipeline file and an archive",
			"write pipe state import pipelines/backstage.yaml state.archive"}
	}
	dir, place, err := a.statePlace(c)
	if err != nil {
		return err
	}
	archive, err := operate.ImportState(state.Folder(dir), place, run.NewRunID(), c.Args().Get(1), c.Bool("force"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(archive, nil)
	}
	display.Fprintf(a.Stdout,
		"imported the state of %s, exported on %s, into %s\nStop the runs on the machine that it came from: two "+
			"folders with the same owner id "+
			"would undo each other's work.\n", place, display.Second(archive.Made), dir)
	return nil
}

func (a *app) stateShowAction(c *urfave.Context) error {
	if c.Args().Len() != 1 {
		return usage{"pipe state show takes one pipeline file", "write pipe state show pipelines/backstage.yaml"}
	}
	dir, place, err := a.statePlace(c)
	if err != nil {
		return err
	}
	s, err := job.ReadState(state.Folder(dir), place)
	if err != nil {
		return &fault.StateError{Err: err,
			Remedy: "restore the state folder from a copy, or import an archive into an empty folder"}
	}
	if c.Bool("json") {
		return a.printJSON(s, nil)
	}
	a.printState(s)
	return nil
}

func (a *app) printState(s *job.State) {
	row := func(name, format string, args ...any) {
		display.Fprintf(a.Stdout, "%-10s "+format+"\n", append([]any{name}, args...)...)
	}
	row("place", "%s", s.Place)
	switch {
	case s.Problem != "":
		row("baseline", "%s: %s", s.Baseline, s.Problem)
	case s.LastRun == nil:
		row("baseline", "%s", s.Baseline)
	default:
		row("baseline", "of run %s, ended %s", s.LastRun.Run, display.Second(s.LastRun.Finished))
		var counts []string
		for _, stream := range slices.Sorted(maps.Keys(s.LastRun.Streams)) {
			counts = append(counts, display.Number(s.LastRun.Streams[stream])+" "+stream)
		}
		row("delivered", "%s", strings.Join(counts, ", "))
		if s.Whole != nil {
			row("published", "everything on %s, and since then what changed", display.Second(*s.Whole))
		}
	}
	if j := s.Journal; j != nil {
		switch {
		case j.Damaged != "":
			row("journal", "damaged: %s; the next run publishes everything", j.Damaged)
		case j.Interrupted:
			row("journal", "of a publish that was interrupted, with %s; the next run publishes everything",
				display.Plural(j.Items, "item"))
		default:
			row("journal", "%s sent since the last run", display.Plural(j.Items, "item"))
		}
	}
	row("owner", "%s", orNone(s.Owner))
	row("hidden", "%s", display.Plural(len(s.Hidden), "document"))
	for _, one := range s.Approvals {
		row("approval", "%s of %s, %s", one.ID, display.Second(one.At), approvalState(one, time.Now()))
	}
	row("folder", "%s", s.Folder)
	for _, file := range s.Files {
		display.Fprintf(a.Stdout, "  %s\n", filepath.Base(file))
	}
}

func orNone(text string) string {
	if text == "" {
		return "none yet"
	}
	return text
}

// approvalState describes whether an approval can still be used.
func approvalState(one baseline.Approval, now time.Time) string {
	switch {
	case one.UsedBy != "":
		return "used by run " + one.UsedBy
	case now.After(one.Until()):
		return "expired"
	case one.At.Sub(now) > guard.ClockError:
		return "not valid: dated in the future"
	}
	return "valid until " + one.Until().Local().Format("2006-01-02 15:04")
}
