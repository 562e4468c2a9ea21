package analysis

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/suite"
)

// Hover explains what is at a byte of a file, as Markdown, with the bytes that it is about; "" for
// nothing.
func (w *Workspace) Hover(ctx context.Context, path string, offset int) (markdown string, from, to int) {
	c := w.at(path, offset)
	if c.onKey {
		return w.keyHover(ctx, path, c), c.from, c.to
	}
	if w.expression(path, c) && c.offset >= c.from && c.offset <= c.to {
		return w.expressionHover(ctx, path, c)
	}
	if rule := w.ruleAt(path, c); rule != "" {
		return w.ruleHover(ctx, path, rule), c.from, c.to
	}
	if len(c.path) > 0 && c.style != literal && c.style != folded && c.offset >= c.from && c.offset <= c.to {
		return w.keyHover(ctx, path, c), c.from, c.to
	}
	return "", 0, 0
}

func (w *Workspace) keyHover(_ context.Context, path string, c cursor) string {
	f, ok := field(w.root(path), c.path)
	if !ok || f.Name == "" && f.Doc == "" {
		return ""
	}
	return fmt.Sprintf("**%s** (%s)\n\n%s", inline(f.Name), strings.Join(pipeline.Facts(f), ", "), f.Doc)
}

func (w *Workspace) expressionHover(ctx context.Context, path string, c cursor) (string, int, int) {
	d := w.language(path)
	if d == nil {
		return "", 0, 0
	}
	value := c.decoded()
	whole := value.text
	from, to := pathAt(whole, len(value.before(c.offset)))
	part := whole[from:to]
	if f, ok := d.Language.Function(part); ok && strings.HasPrefix(whole[to:], "(") {
		return fmt.Sprintf("```\n%s\n```\n%s", f.Signature, docOf(f)), value.at[from], value.at[to]
	}
	var b strings.Builder
	if e, ok := d.File.Define.Get(part); ok {
		fmt.Fprintf(&b, "**define** %s: `%s`\n\n", part, oneLine(e.Text))
	}
	asked := []string{whole}
	p, wrong := d.Language.Compile(part, expression.WantAny)
	if part != "" && wrong == nil && part != strings.TrimSpace(whole) {
		fmt.Fprintf(&b, "`%s` gives %s.\n\n", part, p.Gives())
		asked = append(asked, part)
	} else {
		part = ""
	}
	if p, wrong := d.Language.Compile(whole, expression.WantAny); wrong == nil {
		fmt.Fprintf(&b, "The expression gives %s.\n\n", p.Gives())
	}
	r, err := w.try(ctx, path, asked...)
	switch {
	case err != nil:
		fmt.Fprintf(&b, "no value: %s\n", inline(err.Error()))
	case r.ref == "":
		b.WriteString("no value: the sample has no such record\n")
	default:
		if v, ok := r.values[part][r.ref]; ok && part != "" {
			fmt.Fprintf(&b, "`%s` for %s: %s\n\n", part, inline(r.ref), v)
		}
		if v, ok := r.values[whole][r.ref]; ok {
			fmt.Fprintf(&b, "Value for %s: %s\n", inline(r.ref), v)
		}
		for _, note := range r.notes {
			fmt.Fprintf(&b, "\n%s\n", inline(note))
		}
	}
	if rule := w.ruleAt(path, c); rule != "" {
		b.WriteString("\n" + w.ruleHover(ctx, path, rule))
	}
	return b.String(), c.from, c.to
}

// ruleAt returns the permission rule that a place is in, "" for none.
func (w *Workspace) ruleAt(path string, c cursor) string {
	if suite.IsTestFile(path) || len(c.path) < 4 || c.path[0] != "permissions" || c.path[1] != "rules" {
		return ""
	}
	rule := ""
	for _, one := range w.tree(path).Get("permissions").Get("rules").Items() {
		if c.d.OffsetOf(one.Pos().Line, 1) <= c.offset {
			rule = one.Get("name").Text()
		}
	}
	return rule
}

// ruleHover says how many documents of the sample a rule decides.
func (w *Workspace) ruleHover(ctx context.Context, path, rule string) string {
	r, err := w.try(ctx, path)
	if err != nil {
		return ""
	}
	decided, all := 0, 0
	for _, ref := range r.Refs() {
		j := r.Journey(ref)
		if j == nil || j.Decision == nil {
			continue
		}
		all++
		if j.Decision.Rule == rule {
			decided++
		}
	}
	return fmt.Sprintf("The rule **%s** decides %d of the %s of the sample.", inline(rule), decided,
		display.Plural(all, "document"))
}

// mostShown is how many runes of a value are shown.
const mostShown = 600

// String returns the value as Markdown.
func (v value) String() string {
	if v.err != nil {
		return "no value: " + inline(v.err.Error())
	}
	if v.v == nil {
		return "`nil` (nothing)"
	}
	return shown(v.v)
}

// shown returns a value as code. Text from outside cannot end the code, and is not Markdown.
func shown(v any) string {
	b, err := codec.Marshal(v)
	if err != nil {
		return "no value: " + inline(err.Error())
	}
	s := display.Line(string(b))
	if utf8.RuneCountInString(s) > mostShown {
		s = string([]rune(s)[:mostShown]) + "…"
	}
	return "`" + strings.ReplaceAll(s, "`", "ˋ") + "`"
}

// inline returns a text for a line of Markdown, without its special characters.
func inline(s string) string {
	var b strings.Builder
	for _, r := range display.Line(s) {
		if strings.ContainsRune("\\`*_{}[]<>#|!", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > mostShown {
		s = string([]rune(s)[:mostShown]) + "…"
	}
	return strings.ReplaceAll(s, "`", "ˋ")
}
