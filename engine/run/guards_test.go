package run

import (
	"errors"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// TestNumbers: how a refusal prints shares and counts.
func TestNumbers(t *testing.T) {
	for share, want := range map[float64]string{0: "0 %", 0.0001: "0.01 %", 0.005: "0.5 %", 0.0994: "9.94 %",
		0.0996: "10 %", 0.676: "68 %", 1: "100 %"} {
		if got := display.Percent(share); got != want {
			t.Errorf("%v: %s, want %s", share, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567",
		-123: "-123", -1234: "-1,234", -123456: "-123,456"} {
		if got := display.Number(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// TestBothGuards: one refusal contains the reasons of both guards.
func TestBothGuards(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(100, "of sam") })
	_, _, err := n.run(func(w *world) { w.Components(60, "fine") })
	var refused *fault.Refusal
	if !errors.As(err, &refused) || refused.Also == nil || refused.Also.Guard != "max_widen" {
		t.Errorf("%v", err)
	}
}

// TestOnlyGoodRuns: a run is compared only with what was delivered; a refused or failed run
// leaves the baseline unchanged.
func TestOnlyGoodRuns(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(100, "fine") })
	n.run(func(w *world) { w.Components(90, "fine"); w.o.Until = Reviewed })
	n.run(func(w *world) { w.Components(90, "fine"); w.Store.Fail["publish"] = errors.New("boom") })
	n.run(func(w *world) { w.Components(10, "fine") })
	_, report := n.good(func(w *world) { w.Components(85, "fine") })
	if ch := report.Streams[1].Changes; ch == nil || ch.Before != 100 || ch.Gone != 15 || ch.Same != 85 {
		t.Errorf("compared with %+v", ch)
	}
}

// TestUnwrittenIsKept: streams that a run does not write stay in the baseline.
func TestUnwrittenIsKept(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(100, "fine") })
	n.good(func(w *world) {
		w.Components(10, "fine")
		w.P.Unwritten = func(stream string) string {
			if stream == "documents" {
				return "not in --only"
			}
			return ""
		}
	})
	if _, _, err := n.run(func(w *world) { w.Components(10, "fine") }); err == nil {
		t.Error("90 documents went")
	}
}

// TestOneAtATime: a second run of the same place fails and names the holder; a dry run is
// allowed.
func TestOneAtATime(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) {
		w.Components(10, "fine")
		w.Company.Fail = func(phase string, page int) error {
			if phase == "catalog" && page == 0 {
				_, _, err := n.run(func(w *world) { w.Components(10, "fine") })
				var held *fault.Held
				if !errors.As(err, &held) || held.Since.IsZero() || !strings.Contains(held.Holder, w.o.RunID) {
					t.Errorf("the second: %v", err)
				}
				if _, _, err := n.run(func(w *world) { w.Components(10, "fine"); w.o.Until = Reviewed }); err != nil {
					t.Errorf("a dry run: %v", err)
				}
			}
			return nil
		}
	})
	n.good(func(w *world) { w.Components(10, "fine") })
}
