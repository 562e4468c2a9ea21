package cli

import (
	"context"
	"net/http"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/serve/client"
)

// servedApprovalJSON is approvedJSON for an approval that a server has stored.
type servedApprovalJSON struct {
	approvedJSON
	Needed  int    `json:"needed"` // people
	Missing string `json:"missing,omitempty"`
	Next    string `json:"next_run,omitempty"` // the run that the server begins
}

// approveAtServer approves a refusal that waits at a server.
func (a *app) approveAtServer(c *urfave.Context) error {
	if c.Args().Len() != 2 {
		return usage{"pipe approve takes a pipeline and the ID of a refused run",
			"write pipe approve --server URL backstage ID"}
	}
	if c.Bool("alone") {
		return usage{"--alone works on the machine of the server alone", "leave out --server and --token-file there"}
	}
	ids, err := approvalIDs(c.Args().Tail())
	if err != nil {
		return err
	}
	var refused *client.Refusal
	var approved *client.Approved
	err = a.atServer(c, func(ctx context.Context, server *client.Client, pipeline string) (err error) {
		refused, err = server.Refusal(ctx, pipeline)
		if client.IsStatus(err, http.StatusForbidden, http.StatusNotFound) {
			refused, err = &client.Refusal{}, nil // the answer to the approval says more
		}
		if err != nil {
			return err
		}
		if refused.ID == ids[0] && !c.Bool("json") {
			print.Refusal(a.Stdout, &refused.Refusal)
		}
		approved, err = server.Approve(ctx, pipeline, ids[0], c.String("reason"))
		return err
	})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(servedApprovalJSON{
			approvedJSON: approvedJSON{Refusal: refused.Refusal, Approval: approved.Approval, Until: approved.Until,
				Changes: refused.Changes},
			Needed: approved.Needed, Missing: approved.Missing, Next: approved.Run,
		}, nil)
	}
	a.printServedApproval(approved)
	return nil
}

func (a *app) printServedApproval(approved *client.Approved) {
	people := strings.Join(approved.Approval.People(), " and ")
	if approved.Missing != "" {
		a.printTooFew(people, approved.Needed, approved.Until, approved.Missing)
		return
	}
	display.Fprintf(a.Stdout, approvedText, people, approved.Until.Local().Format("2006-01-02 15:04"))
	if approved.Run != "" {
		display.Fprintf(a.Stdout, "%s\n", begins(approved.Run))
	}
}

// approvedText says who approved, and until when.
const approvedText = "\nApproved by %s: one complete run until %s may make these changes.\n"

// printTooFew says that other people must approve, too.
func (a *app) printTooFew(people string, needed int, until time.Time, missing string) {
	display.Fprintf(a.Stdout, "\nApproved by %s, but this refusal needs %d people until %s: %s.\n", people, needed,
		until.Local().Format("2006-01-02 15:04"), missing)
}
