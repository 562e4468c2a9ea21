package display

import (
	"io"
	"strconv"
	"strings"
)

// Annotation is a problem that GitHub shows at a line of a changed file.
type Annotation struct {
	Warning   bool // otherwise an error
	File      string
	Line, Col int // from 1; 0 is unknown
	Title     string
	Message   string
}

// Annotate writes a as a workflow command of GitHub on a line of its own. It is the only way for
// a workflow command past a Writer: no text in a can end the command, add a property or begin
// another command.
func (w *Writer) Annotate(a Annotation) error {
	if err := w.Flush(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	text := a.command() + "\n"
	if !w.guard.start {
		text = "\n" + text
	}
	if _, err := io.WriteString(w.w, text); err != nil && w.err == nil {
		w.err = err
	}
	w.guard.start, w.last = true, '\n'
	return w.err
}

func (a Annotation) command() string {
	var properties []string
	add := func(name, value string) {
		if value != "" {
			properties = append(properties, name+"="+commandProperty.Replace(annotationText(value)))
		}
	}
	add("file", a.File)
	if a.Line > 0 {
		add("line", strconv.Itoa(a.Line))
		if a.Col > 0 {
			add("col", strconv.Itoa(a.Col))
		}
	}
	add("title", a.Title)
	name := "error"
	if a.Warning {
		name = "warning"
	}
	return "::" + name + " " + strings.Join(properties, ",") + "::" + commandMessage.Replace(annotationText(a.Message))
}

// annotationText escapes invisible characters and old workflow commands.
func annotationText(s string) string { return guardCommands(unmarked(Lines(s))) }

var (
	commandMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
