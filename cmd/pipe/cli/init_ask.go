package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/report"
)

// initAnswers are the addresses and tokens for a new pipeline; "" is not known yet.
type initAnswers struct {
	variables []initVariable
	tester    string
}

// initVariable is a variable of the shipped pipeline with the question for it.
type initVariable struct {
	name, flag, question string
	secret               bool
	value                string
}

// initVariables returns the variables that a first run needs. A secret has no flag: it comes
// from the environment or from an answer.
func initVariables() []initVariable {
	return []initVariable{
		{name: "BACKSTAGE_BASE_URL", flag: "backstage-url",
			question: "Address of Backstage's backend, as https://backstage.example.com"},
		{name: "BACKSTAGE_API_TOKEN", question: "Token of backend.auth.externalAccess", secret: true},
		{name: "GLEAN_SERVER_URL", flag: "glean-url", question: "Address of Glean, as https://acme-be.glean.com"},
		{name: "GLEAN_INDEXING_API_KEY", question: "Indexing token of Glean", secret: true},
	}
}

func initFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: "force", Usage: "overwrite files that are there already"},
		&urfave.BoolFlag{Name: "yes", Usage: "ask nothing"},
		&urfave.StringFlag{Name: "backstage-url", Usage: "the `ADDRESS` of Backstage's backend, for .env"},
		&urfave.StringFlag{Name: "glean-url", Usage: "the `ADDRESS` of Glean, for .env"},
		&urfave.StringFlag{Name: "tester",
			Usage: "the `E-MAIL` of the person who alone sees the documents in Glean's test mode"},
	}
}

// initAnswersOf reads the answers from the flags of a call and, at a terminal, from a
// person. It neither asks for tokens in the environment nor writes them to .env.
func (a *app) initAnswersOf(c *urfave.Context) (initAnswers, error) {
	in := initAnswers{variables: initVariables(), tester: c.String("tester")}
	for i := range in.variables {
		if flag := in.variables[i].flag; flag != "" {
			in.variables[i].value = c.String(flag)
		}
	}
	if !a.Interactive || c.Bool("yes") || c.Bool("json") {
		return in, nil
	}
	display.Fprintln(a.Stderr, "Press Enter to leave an answer for later: it goes into .env.")
	lines := bufio.NewReader(a.Stdin)
	for i := range in.variables {
		v := &in.variables[i]
		if _, set := a.Env(v.name); set || v.value != "" {
			continue
		}
		var err error
		if v.value, err = a.validAnswer(c.Context, lines, v.question, v.secret, v.problem); err != nil {
			return in, err
		}
	}
	if in.tester != "" {
		return in, nil
	}
	var err error
	in.tester, err = a.validAnswer(c.Context, lines, "Your e-mail address in Glean, to begin in test mode", false,
		testerProblem)
	return in, err
}

// mostTries is how often a person is asked one question.
const mostTries = 5

// validAnswer asks a question again while there is a problem with the answer.
func (a *app) validAnswer(ctx context.Context, lines *bufio.Reader, question string, secret bool,
	problem func(string) error) (string, error) {
	for try := 1; ; try++ {
		text, err := a.answer(ctx, lines, question, secret)
		if err != nil || text == "" {
			return text, err
		}
		wrong := problem(text)
		if wrong == nil || try == mostTries {
			return text, wrong
		}
		display.Fprintf(a.Stderr, "  %v: %s\n", wrong, report.HintOf(wrong))
	}
}

// problem returns an error for a value that cannot be right, or that .env cannot hold.
func (v initVariable) problem(value string) error {
	if strings.ContainsAny(value, "'\n\r") {
		return usage{"the value of " + v.name + " has a quotation mark or a line break", "write .env by hand"}
	}
	if v.secret || value == "" {
		return nil
	}
	if _, err := config.Origin(value); err != nil {
		return usage{display.Short(value, 60) + " is not an address",
			"write https:// and a host, such as https://backstage.example.com"}
	}
	return nil
}

// testerProblem returns an error for a text that is no e-mail address.
func testerProblem(text string) error {
	if address, ok := component.Email(text); !ok || address != text {
		return usage{display.Short(text, 60) + " is not an e-mail address",
			"write the address with which you sign in to Glean"}
	}
	return nil
}

// answer asks a question and returns the line that a person types. A secret is not shown.
func (a *app) answer(ctx context.Context, lines *bufio.Reader, question string, secret bool) (string, error) {
	display.Fprint(a.Stderr, display.Indent(question+": ", ""))
	flush(a.Stderr)
	answers := make(chan string, 1)
	go func() {
		if f, is := a.Stdin.(*os.File); is && secret {
			text, _ := term.ReadPassword(int(f.Fd()))
			answers <- string(text)
			return
		}
		line, _ := lines.ReadString('\n')
		answers <- line
	}()
	select {
	case text := <-answers:
		if secret {
			display.Fprintln(a.Stderr)
		}
		return strings.TrimSpace(text), nil
	case <-ctx.Done():
		return "", fault.ErrStopped
	}
}

// any reports whether a variable has a value.
func (in initAnswers) any() bool {
	for _, v := range in.variables {
		if v.value != "" {
			return true
		}
	}
	return false
}

// all reports whether every variable has a value, here or in the environment.
func (in initAnswers) all(env func(string) (string, bool)) bool {
	for _, v := range in.variables {
		if _, set := env(v.name); !set && v.value == "" {
			return false
		}
	}
	return true
}

// env is .env with the answers.
func (in initAnswers) env() []byte {
	var b bytes.Buffer
	for _, v := range in.variables {
		if v.value != "" {
			fmt.Fprintf(&b, "%s='%s'\n", v.name, v.value)
		}
	}
	return b.Bytes()
}

// check refuses answers that a run cannot use, or that .env cannot hold.
func (in initAnswers) check() error {
	for _, v := range in.variables {
		if err := v.problem(v.value); err != nil {
			return err
		}
	}
	if in.tester == "" {
		return nil
	}
	return testerProblem(in.tester)
}

// testMode has the datasource begin in Glean's test mode, for one tester.
func (in initAnswers) testMode(pipeline []byte) []byte {
	if in.tester == "" {
		return pipeline
	}
	var out [][]byte
	for line := range bytes.Lines(pipeline) {
		switch {
		case bytes.HasPrefix(bytes.TrimSpace(line), []byte("# isTestDatasource: true")):
			line = []byte("      isTestDatasource: true               # only the testers see it; remove both lines to go " +
				"live\n")
		case bytes.HasPrefix(bytes.TrimSpace(line), []byte("# testers:")):
			line = []byte("      testers: [" + in.tester + "]\n")
		}
		out = append(out, line)
	}
	return bytes.Join(out, nil)
}
