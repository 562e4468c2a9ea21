package e2e

import (
	"strings"
	"testing"

	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagefaults "github.com/pipe-engine/pipe/sources/backstage/faults"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestUnreadableEntity: one entity that Backstage cannot give fails the run and
// is named. Listed under skip_unreadable it is a rejection (exit 3), and its
// document is lost as far as the guards are concerned.
func TestUnreadableEntity(t *testing.T) {
	t.Parallel()
	const ref = "component:default/driver.app"
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	args := append([]string{"run", "--progress", "none"}, impatient...)
	if c := w.pipe(t, append(args, shipped)...); c.code != 0 {
		t.Fatal(c.both())
	}
	before := len(w.index().Documents)
	w.backstage.Fail(backstagefaults.Fault{Broken: func(r string) bool { return r == ref }})
	c := w.pipe(t, append(args, shipped)...)
	if c.code != 1 || !strings.Contains(c.stderr, "in the order of names cannot be read") ||
		!strings.Contains(c.stderr, "skip_unreadable") || len(w.index().Documents) != before {
		t.Errorf("exit %d\n%s", c.code, c.both())
	}
	skipping := edited(t, "    tls:\n", "    skip_unreadable: ["+ref+"]\n    tls:\n")
	c = w.pipe(t, append(args, skipping)...)
	if c.code != 3 || !strings.Contains(c.both(), "skip_unreadable leaves it out\n    "+ref) ||
		len(w.index().Documents) != before-1 {
		t.Errorf("exit %d, %d documents of %d\n%s", c.code, len(w.index().Documents), before, c.both())
	}
}

// TestUnreadableType: leaving out a whole object type is a loss that the guard
// refuses (invariant 4).
func TestUnreadableType(t *testing.T) {
	t.Parallel()
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	args := append([]string{"run", "--progress", "none"}, impatient...)
	if c := w.pipe(t, append(args, shipped)...); c.code != 0 {
		t.Fatal(c.both())
	}
	var apis []string
	for _, d := range w.index().Documents {
		if d.ObjectType == "api" {
			apis = append(apis, d.ID)
		}
	}
	w.backstage.Fail(backstagefaults.Fault{Broken: func(r string) bool { return strings.HasPrefix(r, "api:") }})
	skipping := edited(t, "    tls:\n", "    skip_unreadable: ["+strings.Join(apis, ", ")+"]\n    tls:\n")
	before := len(w.index().Documents)
	c := w.pipe(t, append(args, skipping)...)
	if c.code != 4 || !strings.Contains(c.both(), "documents api") || len(w.index().Documents) != before || len(apis) < 6 {
		t.Errorf("exit %d, %d APIs\n%s", c.code, len(apis), c.both())
	}
}
