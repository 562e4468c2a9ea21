package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/operate"
	"github.com/pipe-engine/pipe/engine/state"
)

func (a *app) auditCommand() *urfave.Command {
	at := &urfave.StringFlag{Name: "at",
		Usage: "a `TIME`: 2026-06-03 (the end of that day), \"2026-06-03 14:00\", or with a zone as 2026-06-03T14:00:00Z"}
	const about = "Answers from the audit ledger in the state folder, which every run, push and hide writes. It records " +
		"what was sent to Glean; Glean's processing may lag behind. Connects to nothing."
	return &urfave.Command{
		Name:  "audit",
		Usage: "show who could find a document, today or on an earlier day",
		Subcommands: []*urfave.Command{
			{
				Name: "who", ArgsUsage: "FILE REF", Action: a.auditWhoAction, Flags: []urfave.Flag{at, allowUnpinned()},
				Usage: "who could find a document, and by which rule", Description: about,
			},
			{
				Name: "what", ArgsUsage: "FILE PERSON", Action: a.auditWhatAction, Flags: []urfave.Flag{at, allowUnpinned()},
				Usage: "which restricted documents a person could find, and through which group", Description: about,
			},
		},
	}
}

// told returns the ledger's state at the time of a call, with the ref or person of the call.
func (a *app) told(c *urfave.Context, what, example string) (then *audit.State, word string, err error) {
	if c.Args().Len() != 2 {
		return nil, "", usage{c.Command.HelpName + " takes a pipeline file and " + what,
			"write " + c.Command.HelpName + " pipelines/backstage.yaml " + example}
	}
	at, err := timeOf(c.String("at"))
	if err != nil {
		return nil, "", err
	}
	dir, place, err := a.statePlace(c)
	if err != nil {
		return nil, "", err
	}
	then, err = operate.ToldAt(state.Folder(dir), place, at)
	return then, c.Args().Get(1), err
}

// timeOf reads the value of --at. A day means its end.
func timeOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Nanosecond), nil
	}
	if minute, err := time.ParseInLocation("2006-01-02 15:04", text, time.Local); err == nil {
		return minute, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	return time.Time{}, usage{"--at " + text + " is not a time",
		"write a day as 2026-06-03, or a time as \"2026-06-03 14:00\" or 2026-06-03T14:00:00Z"}
}

func (a *app) auditWhoAction(c *urfave.Context) error {
	state, ref, err := a.told(c, "a ref", "component:default/payments")
	if err != nil {
		return err
	}
	answers := state.Who(strings.ToLower(ref))
	if len(answers) == 0 {
		answers = state.Who(ref)
	}
	if c.Bool("json") {
		return a.printJSON(answersOf(answers), nil)
	}
	if len(answers) == 0 {
		display.Fprintf(a.Stdout, "%s had not been sent: no run, push or hide before that time names it\n", ref)
	}
	for _, x := range answers {
		printWho(a.Stdout, x)
	}
	printLedgerEnd(a.Stdout, state)
	return nil
}

// answerBody is an answer as JSON.
type answerBody struct {
	audit.Document
	Since time.Time `json:"since"`
	Run   string    `json:"run"`
	By    string    `json:"event"`
	// Perhaps means that a run or push began to send it and did not end.
	Perhaps bool     `json:"perhaps,omitempty"`
	People  []string `json:"people,omitempty"`
	Through []string `json:"through,omitempty"`
}

func answersOf(answers []audit.Answer) []answerBody {
	out := []answerBody{}
	for _, x := range answers {
		out = append(out, answerBody{x.Document, x.Event.At, x.Event.Run, x.Event.Kind, x.Perhaps, names(x.People),
			x.Through})
	}
	return out
}

// names returns the sink's names of principals.
func names(principals []string) []string {
	var out []string
	for _, p := range principals {
		name, _ := component.PrincipalName(p)
		out = append(out, name)
	}
	return out
}

func printWho(w io.Writer, x audit.Answer) {
	if x.Perhaps {
		display.Fprintf(w, "! perhaps also: %s started to send this on %s and failed or has not ended\n", x.Event.Run,
			display.Second(x.Event.At))
	}
	display.Fprintf(w, "%s\n", x.Ref)
	line := func(what, format string, args ...any) {
		display.Fprintf(w, "  %-10s %s\n", what, fmt.Sprintf(format, args...))
	}
	switch x.Audience {
	case access.Nobody.String():
		line("found by", "no one: it is withheld, hidden or deleted")
	case access.AllUsers.String():
		line("found by", "everyone who can sign in")
	case access.DatasourceUsers.String():
		line("found by", "every user of the datasource")
	default:
		people := display.Number(len(x.People)) + " people"
		if len(x.People) == 1 {
			people = "1 person"
		}
		line("found by", "%s", people)
		for _, p := range names(x.People) {
			line("", "%s", p)
		}
		line("through", "%s", strings.Join(append(names(x.Principals), sets(x.AllOf)...), ", "))
	}
	if x.Rule != "" {
		line("rule", "%s", x.Rule)
	}
	if !x.Perhaps {
		line("since", "%s (%s %s)", display.Second(x.Event.At), x.Event.Kind, x.Event.Run)
	}
	for _, used := range x.Event.Approvals {
		by := ""
		if used.By != "" {
			by = " of " + used.By
		}
		line("", "with the approval %s%s", used.ID, by)
	}
}

func sets(allOf [][]string) (out []string) {
	for _, set := range allOf {
		out = append(out, "all of "+strings.Join(names(set), " and "))
	}
	return out
}

func (a *app) auditWhatAction(c *urfave.Context) error {
	state, person, err := a.told(c, "a person", "ann@example.com")
	if err != nil {
		return err
	}
	user := component.UserPrincipal(strings.ToLower(person))
	if !state.Names(user) {
		user = component.UserPrincipal(person)
	}
	known := state.Names(user)
	listed, open := state.What(user)
	if c.Bool("json") {
		return a.printJSON(map[string]any{"person": person, "documents": answersOf(listed), "open": open}, nil)
	}
	sure, perhaps := split(listed)
	display.Fprintf(a.Stdout, "%s could find %s that are for named people and groups\n", person,
		display.Plural(len(sure), "document"))
	printWhat(a.Stdout, sure)
	if n := open[access.DatasourceUsers.String()]; n > 0 {
		display.Fprintf(a.Stdout, "and, as a user of the datasource, %s more\n", display.Plural(n, "document"))
	}
	if n := open[access.AllUsers.String()]; n > 0 {
		display.Fprintf(a.Stdout, "and %s that everyone who can sign in finds\n", display.Plural(n, "document"))
	}
	if len(perhaps) > 0 {
		display.Fprintf(a.Stdout, "and perhaps %s that a run or push started to send and that failed or has not "+
			"ended\n",
			display.Plural(len(perhaps), "document"))
		printWhat(a.Stdout, perhaps)
	}
	if !known {
		display.Fprintf(a.Stdout, "! no document and no group in the ledger names %s: check the spelling in Glean\n",
			person)
	}
	printLedgerEnd(a.Stdout, state)
	return nil
}

// split separates certain answers from possible ones.
func split(all []audit.Answer) (sure, perhaps []audit.Answer) {
	for _, x := range all {
		if x.Perhaps {
			perhaps = append(perhaps, x)
		} else {
			sure = append(sure, x)
		}
	}
	return sure, perhaps
}

func printWhat(w io.Writer, all []audit.Answer) {
	for _, x := range all {
		through := strings.Join(names(x.Through), ", ")
		if through == "" {
			through = x.Audience
		}
		display.Fprintf(w, "  %s\n    through %s, rule %s\n", x.Ref, through, x.Rule)
	}
}

// printLedgerEnd prints the last event that the answer includes.
func printLedgerEnd(w io.Writer, s *audit.State) {
	display.Fprintf(w, "\n")
	for _, begun := range s.Begun {
		display.Fprintf(w, "! %s started to publish on %s and failed or has not ended\n",
			begun.Run, display.Second(begun.At))
	}
	if len(s.Events) == 0 {
		return
	}
	last := s.Events[len(s.Events)-1]
	display.Fprintf(w, "This is what had been sent up to %s (%s %s). Glean processes it with a delay.\n",
		display.Second(last.At), last.Kind, last.Run)
}
