package cli

import (
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/check"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/run"
)

// next prints the step that follows a command that succeeded, for a person at a terminal.
// FILE in text becomes the file of the call.
func (a *app) next(c *urfave.Context, text string) {
	if text == "" || !a.Interactive || c.Bool("json") {
		return
	}
	display.Fprintf(a.Stdout, "\nNext: %s\n", display.Block(a.named(text)))
}

// afterCheck is the step after a check without problems: of one file, by the variables
// that it still needs.
func afterCheck(all []check.Result) string {
	if len(all) != 1 {
		return ""
	}
	var missing []string
	for _, v := range all[0].Variables {
		if !v.Set && !v.Default {
			missing = append(missing, v.Name)
		}
	}
	if len(missing) > 0 {
		return "set " + strings.Join(missing, ", ") + " in .env, then pipe doctor FILE"
	}
	return "pipe doctor FILE"
}

// afterRun is the step after a run that delivered something, or would.
func afterRun(r *job.Result, box *job.Sandbox) string {
	switch {
	case r.Err != nil:
		return ""
	case box != nil && r.Report.Sent:
		return "pipe init writes this pipeline for your own Backstage and Glean"
	case r.Report.Verdict == run.VerdictDry && box == nil:
		return "pipe run FILE"
	case r.Report.Sent:
		return "pipe status FILE shows when people can find the changes; Glean processes them within about 20 minutes"
	}
	return ""
}
