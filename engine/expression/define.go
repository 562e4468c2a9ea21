package expression

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// define is a Define with its program; nil while it has none.
type define struct {
	Define
	program *Program
	state   defineState
}

type defineState uint8

const (
	untouched defineState = iota
	underway
	finished
)

var wordPattern = regexp.MustCompile(`^[\pL_$][\pL\pN_$]*$`)

// compileDefines compiles each define after those that it reads.
func (l *Language) compileDefines(defines []Define) []*Error {
	var errs []*Error
	for _, d := range defines {
		if problem := l.taken(d.Name); problem != "" {
			errs = append(errs, &Error{
				Define: d.Name, Line: 1, Width: 1, Code: CodeTaken,
				Message: "define." + d.Name + ": " + problem, Hint: "choose another name",
			})
			continue
		}
		l.byName[d.Name] = len(l.defines)
		l.defines = append(l.defines, define{Define: d})
	}
	work := &defining{Language: l}
	l.needs = work.need
	for i := range l.defines {
		work.need(i)
	}
	l.needs = nil
	errs = append(errs, work.errs...)
	slices.SortStableFunc(errs, func(a, b *Error) int {
		return cmp.Or(strings.Compare(a.Define, b.Define), a.Line-b.Line, a.Col-b.Col)
	})
	return errs
}

// taken returns why a define or let cannot use a name; "" if it can.
func (l *Language) taken(name string) string {
	switch {
	case name == "ref" || name == "vars":
		return name + " has a special meaning"
	case isWord(name):
		return name + " is a reserved word"
	case !wordPattern.MatchString(name) || strings.HasPrefix(name, "$"):
		return "a name has letters, digits and _"
	case l.functions[name] != nil || predicates[name] > 0:
		return name + " is a function"
	}
	if _, ok := l.names[name]; ok {
		return name + " is a member of the record"
	}
	if _, ok := l.byName[name]; ok {
		return name + " is defined already"
	}
	return ""
}

// defining is the state of compiling all defines.
type defining struct {
	*Language
	chain []int // the defines being compiled, each read by the one before
	errs  []*Error
}

// need compiles a define if necessary. If the define is being compiled, need returns the names
// of the cycle.
func (w *defining) need(i int) (cycle string) {
	d := &w.defines[i]
	switch d.state {
	case finished:
		return ""
	case underway:
		for _, j := range w.chain[slices.Index(w.chain, i):] {
			cycle += w.defines[j].Name + " → "
		}
		return cycle + d.Name
	}
	d.state = underway
	w.chain = append(w.chain, i)
	program, err := w.compile(&source{define: d.Name, text: d.Text}, WantAny)
	w.chain = w.chain[:len(w.chain)-1]
	d.program, d.state = program, finished
	if err != nil {
		w.errs = append(w.errs, err)
	}
	return ""
}

// needDefine calls need while New compiles the defines; later all are compiled.
func (l *Language) needDefine(i int) (cycle string) {
	if l.needs == nil {
		return ""
	}
	return l.needs(i)
}

func isWord(name string) bool {
	switch name {
	case "true", "false", "nil", "not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if",
		"else":
		return true
	}
	return false
}
