package config

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
)

// interpolation is the work on one scalar.
type interpolation struct {
	d      *Decoder
	node   *Node
	secret bool

	variable   bool   // a variable or a file has a part in the text
	written    bool   // text of the file has a part in it
	files      bool   // a file was read, or a provider was asked
	path       string // of the last file, "" when a provider was asked last
	stored     string // the name that a provider was last asked for, "" when a file was read last
	content    string // the text of the last file or secret
	again      bool   // this is not the first time: a provider is to look again
	ctx        context.Context
	limits     []*limit
	unset      bool // a variable was not set
	unresolved bool // the value cannot be known (lenient)
	skipped    bool // a secret was not read (SkipSecrets)
	failed     bool // a problem was reported
}

// note remembers every variable of the parts, also of defaults that are not
// needed, and whether the file itself writes a value.
func (in *interpolation) note(parts []part, path bool) {
	for _, p := range parts {
		switch {
		case p.file != nil:
			in.note(p.file, true)
		case p.secret != "":
		case p.name != "":
			_, set := in.d.vars.lookup(p.name)
			u := Variable{Name: p.name, Set: set, HasDefault: p.hasDefault, Secret: in.secret && !path,
				Pos: in.node.span(p.start, p.end).Pos}
			if p.hasDefault && !u.Secret {
				u.Default = in.node.text[p.start+len("${")+len(p.name)+len(":-") : p.end-len("}")]
			}
			in.d.vars.use(u)
			in.note(p.fallback, path)
		case !path && strings.TrimSpace(p.text) != "":
			in.written = true
		}
	}
}

func (in *interpolation) text(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		switch {
		case p.file != nil:
			in.variable = true
			b.WriteString(in.file(p))
		case p.secret != "":
			in.variable = true
			b.WriteString(in.provided(p))
		case p.name != "":
			in.variable = true
			b.WriteString(in.value(p))
		default:
			b.WriteString(p.text)
		}
	}
	return b.String()
}

func (in *interpolation) value(p part) string {
	value, set := in.d.vars.lookup(p.name)
	if value != "" {
		return value
	}
	if p.hasDefault {
		in.unset = in.unset || !set
		return in.text(p.fallback)
	}
	if set {
		return ""
	}
	if in.d.vars.Lenient {
		in.unresolved = true
		return ""
	}
	hint := "set " + p.name + " in the environment or in .env"
	if !in.secret { // a secret's default would be a secret in the file
		hint += ", or give it a default: ${" + p.name + ":-…}"
	}
	in.problem(p, codeUndefined, p.name+" is not set", hint)
	return ""
}

func (in *interpolation) file(p part) string {
	if !in.secret {
		in.problem(p, codeBadVariable, "${file:…} is allowed only in a secret",
			"use ${NAME} here")
		return ""
	}
	inner := interpolation{d: in.d, node: in.node, ctx: in.ctx}
	path := inner.text(p.file)
	in.failed = in.failed || inner.failed
	shown := path
	if inner.variable {
		shown = in.node.text[p.start:p.end]
	}
	if in.failed || in.d.vars.SkipSecrets {
		in.unresolved = true
		in.skipped = in.skipped || !in.failed
		return ""
	}
	in.files = true
	text, err := in.d.vars.readSecret(in.node, path, shown)
	var why valueError
	if errors.As(err, &why) {
		in.problem(p, codeSecretFile, why.message, why.hint)
	}
	in.path, in.stored, in.content = in.node.fromFolder(path), "", text
	return text
}

// provided is the text of a ${secret:NAME}.
func (in *interpolation) provided(p part) string {
	switch {
	case !in.secret:
		in.problem(p, codeBadVariable, "${secret:…} is allowed only in a secret", "use ${NAME} here")
		return ""
	case in.d.vars.Secret == nil:
		in.problem(p, codeSecret, "the file has no secrets block that provides "+quote(p.secret),
			"add a secrets block with a provider, such as store")
		return ""
	}
	var why *SecretError
	if in.d.vars.SkipSecrets {
		in.unresolved, in.skipped = true, true
		if check := in.d.vars.CheckSecret; check != nil && errors.As(check(p.secret), &why) {
			in.problem(p, codeSecret, why.Message, why.Hint)
		}
		return ""
	}
	text, err := in.d.vars.Secret(in.ctx, p.secret, in.again)
	switch {
	case errors.As(err, &why):
		at := in.node.span(p.start, p.end)
		at.Transient = why.Transient
		in.failed = true
		in.d.fail(at, in.node, codeSecret, why.Message, why.Hint)
		return ""
	case err != nil:
		in.problem(p, codeSecret, "the secret "+quote(p.secret)+" cannot be read: "+err.Error(), "")
		return ""
	case text.Text == "":
		in.problem(p, codeSecret, "the secret "+quote(p.secret)+" is empty", "store a value under this name")
		return ""
	}
	in.files = true
	in.path, in.stored, in.content = "", p.secret, text.Text
	if len(text.Origins) > 0 {
		in.limits = append(in.limits, &limit{name: p.secret, origins: text.Origins, at: in.node.span(p.start, p.end)})
	}
	return text.Text
}

// reread resolves the parts once more, reporting the first file that cannot be
// read.
func (in interpolation) reread(ctx context.Context, parts []part) (string, error) {
	quiet := &Decoder{vars: in.d.vars}
	in.d, in.failed, in.again, in.limits, in.ctx = quiet, false, true, nil, ctx
	text := in.text(parts)
	if len(quiet.problems) > 0 {
		return "", quiet.problems[:1]
	}
	return text, nil
}

// fromFolder returns a path that starts from the folder of the pipeline file, also for a value that
// Set wrote. An absolute path stays as it is.
func (n *Node) fromFolder(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	if n.pos.Line == 0 && n.doc != nil {
		return filepath.Join(filepath.Dir(n.doc.file), path)
	}
	return filepath.Join(filepath.Dir(n.pos.File), path)
}

func (in *interpolation) problem(p part, code, message, hint string) {
	in.failed = true
	in.d.fail(in.node.span(p.start, p.end), in.node, code, message, hint)
}
