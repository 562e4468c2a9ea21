package schedules

import (
	"slices"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"

	"github.com/pipe-engine/pipe/engine/schedule"
)

// TestPause: the schedules of the pipeline are paused, those too that the list does not have yet, and no
// other: those of another pipeline, another fleet, another key, and those that someone made by hand.
func TestPause(t *testing.T) {
	s, f := service(t)
	other, foreign := service(t)
	foreign.all = f.all
	apply := func(s Service, fleet string, change func([]Pipeline)) {
		t.Helper()
		w := wanted(change)
		for i := range w {
			w[i].ID = strings.Replace(w[i].ID, "larkspur", fleet, 1)
		}
		plan, err := s.Plan(t.Context(), fleet, w, false)
		if err == nil {
			err = s.Apply(t.Context(), plan, func(Step) {})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	apply(s, "larkspur", nil)
	apply(s, "larkspur-eu", nil)
	apply(other, "larkspur", func(p []Pipeline) { p[0].Name, p[1].Name = "payments2", "other" })
	for _, id := range []string{"pipe/larkspur/payments/3", "pipe/larkspur/payments/by-hand"} {
		if _, err := s.Client.Create(t.Context(),
			client.ScheduleOptions{ID: id, Action: wanted(nil)[0].action()}); err != nil {
			t.Fatal(err)
		}
	}
	stolen, err := other.Client.Create(t.Context(), client.ScheduleOptions{ID: "pipe/larkspur/payments/4",
		Action: wanted(nil)[0].action(), Memo: map[string]any{memoFleet: "larkspur"}})
	if err != nil || stolen == nil {
		t.Fatal(err)
	}
	f.unlisted = map[string]bool{"pipe/larkspur/payments/2": true}
	both := []string{"pipe/larkspur/payments/1", "pipe/larkspur/payments/2"}
	for _, resume := range []bool{false, true} {
		f.wrote = nil
		if n, err := s.Pause(t.Context(), "larkspur", "payments", "why", resume); err != nil || n != 2 {
			t.Fatalf("%d, %v", n, err)
		}
		for id, d := range f.all {
			paused := slices.Contains(both, id) && !resume
			if d.Schedule.State.Paused != paused || paused && d.Schedule.State.Note != "why" {
				t.Errorf("resume %t: %s has %+v", resume, id, d.Schedule.State)
			}
		}
		if len(f.wrote) != 2 {
			t.Errorf("wrote %v", f.wrote)
		}
	}
	if n, err := s.Pause(t.Context(), "larkspur", "nothing", "why", false); err != nil || n != 0 {
		t.Errorf("a pipeline without schedules: %d, %v", n, err)
	}
}

// TestCreatePaused: a new schedule of a pipeline that is paused is paused, too, and one of a pipeline
// with a schedule that goes on is not.
func TestCreatePaused(t *testing.T) {
	for name, tc := range map[string]struct {
		paused int // how many of the two
		want   bool
	}{"all": {2, true}, "one": {1, false}, "none": {0, false}} {
		s, f := service(t)
		apply := func(w []Wanted) {
			t.Helper()
			plan, err := s.Plan(t.Context(), "larkspur", w, true)
			if err == nil {
				err = s.Apply(t.Context(), plan, func(Step) {})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		apply(wanted(nil))
		for i := range tc.paused {
			state := f.all[wanted(nil)[i].ID].Schedule.State
			state.Paused, state.Note = true, "why"
		}
		f.unlisted = map[string]bool{wanted(nil)[0].ID: true, wanted(nil)[1].ID: true}
		apply(wanted(func(p []Pipeline) {
			for _, cron := range []string{"0 1 * * *", "0 2 * * *"} {
				p[0].Schedule = append(p[0].Schedule, schedule.Entry{Cron: cron, TimeZone: "UTC"})
				p[1].Schedule = append(p[1].Schedule, schedule.Entry{Cron: cron, TimeZone: "UTC"})
			}
		}))
		for _, id := range []string{"payments/3", "payments/4"} {
			if state := f.all["pipe/larkspur/"+id].Schedule.State; state.Paused != tc.want ||
				(state.Note == "why") != tc.want {
				t.Errorf("%s: %s has %+v", name, id, state)
			}
		}
		if f.all["pipe/larkspur/ledger/2"].Schedule.State.Paused {
			t.Errorf("%s: another pipeline is paused", name)
		}
	}
}
