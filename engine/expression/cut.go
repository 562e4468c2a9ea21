package expression

import (
	"errors"
	"maps"
	"slices"
	"unicode/utf8"
)

// view bounds the part of each value of a record that an evaluation sees.
type view struct {
	text  int // bytes of one text
	items int // elements of one list, members of one object
}

// views are tried in this order until an evaluation is within its limits.
var views = [...]view{{1 << 20, 100_000}, {64 << 10, 5_000}, {4 << 10, 500}, {256, 50}}

// Ellipsis ends a cut text.
const Ellipsis = "…"

// EvalCut is Eval for a value that may be cut. When the evaluation exceeds a limit, it is
// repeated with the long texts and lists of the record cut; cut reports whether that happened.
// Never use EvalCut for a value that decides who may find an item, or what becomes of the
// record.
func (r *Run) EvalCut(p *Program) (v any, cut bool, err error) {
	v, err = r.Eval(p)
	whole := r.record
	for i := 0; i < len(views) && exceeds(err); i++ {
		cut = true
		r.record = views[i].object(whole)
		r.Forget()
		v, err = r.Eval(p)
	}
	if cut {
		r.record = whole
		r.Forget()
	}
	return v, cut, err
}

// exceeds reports whether err is the error of a limit.
func exceeds(err error) bool {
	if err == nil {
		return false
	}
	var e *RuntimeError
	return errors.As(err, &e) && e.limit
}

func (w view) object(object map[string]any) map[string]any {
	out := make(map[string]any, min(len(object), w.items))
	if len(object) <= w.items {
		for key, member := range object {
			out[key] = w.value(member)
		}
		return out
	}
	for _, key := range slices.Sorted(maps.Keys(object))[:w.items] {
		out[key] = w.value(object[key])
	}
	return out
}

func (w view) value(v any) any {
	switch v := v.(type) {
	case string:
		return CutText(v, w.text)
	case []any:
		out := make([]any, min(len(v), w.items))
		for i := range out {
			out[i] = w.value(v[i])
		}
		return out
	case map[string]any:
		return w.object(v)
	}
	return v
}

// CutText returns a text of at most limit bytes: a longer text is cut at a rune boundary and
// ends with an ellipsis.
func CutText(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := max(0, limit-len(Ellipsis))
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + Ellipsis
}
