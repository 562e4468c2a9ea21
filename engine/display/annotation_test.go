package display

import (
	"strings"
	"testing"
)

func TestAnnotate(t *testing.T) {
	for name, tc := range map[string]struct {
		before string
		a      Annotation
		want   string
	}{
		"all": {"", Annotation{File: "a.yaml", Line: 3, Col: 7, Title: "shape", Message: "m"},
			"::error file=a.yaml,line=3,col=7,title=shape::m\n"},
		"a warning without a place": {"", Annotation{Warning: true, Title: "t", Message: "m"}, "::warning title=t::m\n"},
		"within a line":             {"half", Annotation{Title: "t", Message: "m"}, "half\n::error title=t::m\n"},
		"within a kept colon":       {"half:", Annotation{Title: "t", Message: "m"}, "half:\n::error title=t::m\n"},
		"the message ends the line": {"", Annotation{Title: "t", Message: "a\n::error::b\r::set-output name=x::y"},
			"::error title=t::a%0A\\u003a:error::b\\r::set-output name=x::y\n"},
		"the message is encoded already": {"", Annotation{Title: "t", Message: "a%0A::error::b"},
			"::error title=t::a%250A::error::b\n"},
		"the title ends the command": {"", Annotation{Title: "a::b,file=/etc/passwd\n::error::c", Message: "m"},
			"::error title=a%3A%3Ab%2Cfile=/etc/passwd%0A\\u003a%3Aerror%3A%3Ac::m\n"},
		"the file adds a property": {"", Annotation{File: "x,line=1::y", Line: 2, Message: "m"},
			"::error file=x%2Cline=1%3A%3Ay,line=2::m\n"},
		"an old command": {"", Annotation{Title: "t", Message: "##[add-mask]x \x1b[2J"},
			"::error title=t::\\u0023#[add-mask]x \\u001b[2J\n"},
	} {
		var b strings.Builder
		w := NewWriter(&b)
		if _, err := w.Write([]byte(tc.before)); err != nil {
			t.Fatal(err)
		}
		if err := w.Annotate(tc.a); err != nil {
			t.Fatal(err)
		}
		if b.String() != tc.want {
			t.Errorf("%s:\n%q, want\n%q", name, b.String(), tc.want)
		}
		b.Reset()
		if w.Write([]byte("::error::x\n")); b.String() != "\\u003a:error::x\n" {
			t.Errorf("%s: after it %q", name, b.String())
		}
	}
	w := NewWriter(&failing{})
	if w.Annotate(Annotation{Message: "m"}) == nil || w.Err() == nil {
		t.Error("the error of the output is lost")
	}
}
