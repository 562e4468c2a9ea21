package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/expression/condition"
)

const codeMisspelt = "misspelt"

// lookAlikes warns about texts that have a meaning only when spelt correctly: kinds, and
// arguments of functions such as related. A misspelt text compiles, but its condition never
// holds.
func (b *builder) lookAlikes(e config.Expression) {
	if !e.IsSet() || b.language == nil {
		return
	}
	for _, c := range condition.Constants(e.Text) {
		if c.Of == "kind" && c.Argument < 0 {
			b.kind(e, c)
			continue
		}
		f, ok := b.language.Function(c.Of)
		if !ok || c.Argument < 0 || f.Knows == nil {
			continue
		}
		if b.ownership(e, c, f) {
			continue
		}
		known := f.Knows(c.Argument)
		if near := lookAlike(c.Text, known); near != "" {
			b.warnConstant(e, c, fmt.Sprintf("%s(…) has no %q", c.Of, c.Text), fmt.Sprintf("did you mean %q?", near))
		}
	}
}

// ownership warns about a relation to owned records where the relation to owners is meant:
// always in permissions.owners, elsewhere when the text is misspelt. It reports whether no
// further check of the text is needed.
func (b *builder) ownership(e config.Expression, c condition.Constant, f expression.Function) bool {
	near := lookAlike(c.Text, f.Knows(c.Argument))
	owners := e.Node().Path() == "permissions.owners"
	switch {
	case f.Owned == "" || c.Argument > 0:
		return false
	case owners && strings.EqualFold(c.Text, f.Owned):
		b.warnConstant(e, c, fmt.Sprintf("%s(%q) gives what a record owns, not its owners", c.Of, c.Text),
			fmt.Sprintf("write %q", f.Owners))
	case near != f.Owned:
		return false
	case owners:
		b.warnConstant(e, c, fmt.Sprintf("%s(…) has no %q", c.Of, c.Text), fmt.Sprintf("did you mean %q?", f.Owners))
	default:
		b.warnConstant(e, c, fmt.Sprintf("%s(…) has no %q", c.Of, c.Text),
			fmt.Sprintf("did you mean %q (its owners) or %q (what it owns)?", f.Owners, f.Owned))
	}
	return true
}

// kind checks a text that the kind is compared with.
func (b *builder) kind(e config.Expression, c condition.Constant) {
	if b.kinds == nil || slices.Contains(b.kinds, c.Text) {
		return
	}
	message := fmt.Sprintf("no record has the kind %q", c.Text)
	hint := "the kinds are " + strings.Join(b.kinds, ", ") + "; add your own kinds under kinds in the source"
	if near := config.Nearest(c.Text, b.kinds); near != "" {
		b.meant[near] = true
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	if i := slices.IndexFunc(b.kinds, func(k string) bool { return strings.EqualFold(k, c.Text) }); i >= 0 {
		hint = fmt.Sprintf("kinds are case-sensitive: write %q", b.kinds[i])
	}
	b.misspelt[e.Node()] = true
	b.warnConstant(e, c, message, hint)
}

func (b *builder) warnConstant(e config.Expression, c condition.Constant, message, hint string) {
	b.add(config.Problem{Pos: e.Pos(c.Line, c.Col), Width: c.Width, Code: codeMisspelt, Message: message, Hint: hint,
		Warning: true})
}

// lookAlike returns the known text that text probably means; "" when text itself is known,
// ignoring case, or resembles none.
func lookAlike(text string, known []string) string {
	const most = 2 // difference in length
	if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, text) }) {
		return ""
	}
	near := config.Nearest(text, known)
	if len(near)-len(text) > most || len(text)-len(near) > most {
		return ""
	}
	return near
}
