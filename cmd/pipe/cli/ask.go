package cli

import (
	"bufio"
	"context"
	"strings"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// ask asks a person a question. It returns an error unless the answer is the wanted one. If
// stdin is not a terminal, the error names flag. With flag "", the error of a wrong answer
// does not name the wanted one.
func (a *app) ask(ctx context.Context, question, want, flag string) error {
	if !a.Interactive {
		return usage{"nothing was changed: confirmation is needed, but standard input is not a terminal",
			"add " + flag + " to confirm without a terminal"}
	}
	display.Fprint(a.Stderr, display.Indent(question, ""))
	flush(a.Stderr)
	answers := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.Stdin).ReadString('\n')
		answers <- line
	}()
	var answer string
	select {
	case answer = <-answers:
	case <-ctx.Done():
		return fault.ErrStopped
	}
	if strings.TrimSpace(answer) != want {
		display.Fprintln(a.Stderr)
		if flag == "" { // the person has to find the answer
			return usage{"nothing was changed: the answer does not match", "read the output and answer again"}
		}
		return usage{"nothing was changed", "the answer to continue is " + want}
	}
	return nil
}
