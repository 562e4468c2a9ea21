package cli

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/page"
	"github.com/pipe-engine/pipe/engine/report"
)

// htmlFlag names the file of a page about something.
func htmlFlag(what string) urfave.Flag {
	return &urfave.StringFlag{Name: "html", Usage: "write an HTML page about the " + what + " to `FILE`"}
}

// pageCalls completes the calls in a page as they are completed in the terminal.
func (a *app) pageCalls() page.Calls {
	return page.Calls{Text: a.named, Approve: func(r *report.Error) string {
		switch {
		case !a.approvable:
			return ""
		case r.Used:
			return a.call("approve") + " " + r.ID
		}
		return a.rerun(r.ID)
	}}
}
