package fleet

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/fleet/payload"
)

// TestIdentity: Temporal does not get the name of the machine, and two programs have different names.
func TestIdentity(t *testing.T) {
	w, err := read(t, "", "", Flags{})
	if err != nil {
		t.Fatal(err)
	}
	form, seen := regexp.MustCompile("^pipe-worker-[A-Z2-7]{26}$"), map[string]bool{}
	for range 2 {
		o, err := w.options(slog.New(slog.DiscardHandler), payload.DataConverter(w.Keys))
		if err != nil || !form.MatchString(o.Identity) || seen[o.Identity] {
			t.Errorf("%s, %v", o.Identity, err)
		}
		seen[o.Identity] = true
	}
}

// TestQuiet: the log of a worker has the warnings of the SDK, and not that it takes from a queue.
func TestQuiet(t *testing.T) {
	w, err := read(t, "", "", Flags{})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	o, err := w.options(slog.New(slog.NewTextHandler(&out, nil)), payload.DataConverter(w.Keys))
	if err != nil {
		t.Fatal(err)
	}
	o.Logger.Info("Started Worker")
	o.Logger.Warn("a warning", "queue", "eu")
	if got := out.String(); strings.Contains(got, "Started") || !strings.Contains(got, "queue=eu") {
		t.Error(got)
	}
}
