package schedules

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/fleet/folder"
	"github.com/pipe-engine/pipe/engine/fleet/payload"
	"github.com/pipe-engine/pipe/engine/schedule"
)

func service(t *testing.T) (Service, *fake) {
	t.Helper()
	keys, err := payload.ParseKeys(payload.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{c: payload.DataConverter(keys), all: map[string]*client.ScheduleDescription{}}
	return Service{f, keys}, f
}

func wanted(change func(p []Pipeline)) []Wanted {
	f := &folder.Fleet{Name: "larkspur", Limits: folder.Limits{Run: config.Duration(time.Hour)}}
	all := []Pipeline{
		{folder.Pipeline{Name: "payments", TaskQueue: "eu", Team: "a", Region: "eu"},
			schedule.Schedule{{Cron: "30 2 * * *", TimeZone: "UTC"}, {Cron: "0 6 1,15 * MON", TimeZone: "Europe/Berlin",
				Jitter: config.Duration(5 * time.Minute), Full: true}}, strings.Repeat("a", 64)},
		{folder.Pipeline{Name: "ledger", TaskQueue: "us", Pin: true},
			schedule.Schedule{{Cron: "*/15 * * * *", TimeZone: "UTC"}}, strings.Repeat("b", 64)},
	}
	if change != nil {
		change(all)
	}
	return WantedOf(f, all, true)
}

func actions(p *Plan) map[string]string {
	out := map[string]string{}
	for _, s := range p.Steps {
		out[strings.TrimPrefix(s.ID, "pipe/larkspur/")] = s.Action + " " + strings.Join(s.What, ",")
	}
	return out
}

// TestPlan: what Temporal has not is created, what differs in any part is changed with the parts
// named, the rest stays.
func TestPlan(t *testing.T) {
	s, f := service(t)
	plan, err := s.Plan(t.Context(), "larkspur", wanted(nil), false)
	if err != nil || plan.Changes() != 3 {
		t.Fatalf("%+v, %v", plan, err)
	}
	if err := s.Apply(t.Context(), plan, func(Step) {}); err != nil || len(f.wrote) != 3 {
		t.Fatalf("%v, wrote %v", err, f.wrote)
	}
	if plan, err = s.Plan(t.Context(), "larkspur", wanted(nil), true); err != nil || plan.Changes() != 0 {
		t.Fatalf("the second plan: %v, %v", actions(plan), err)
	}
	f.all["pipe/larkspur/payments/1"].Schedule.State.Paused = true
	for what, change := range map[string]func(p []Pipeline){
		"cron":       func(p []Pipeline) { p[0].Schedule[0].Cron = "31 2 * * *" },
		"time_zone":  func(p []Pipeline) { p[0].Schedule[0].TimeZone = "Europe/Paris" },
		"jitter":     func(p []Pipeline) { p[0].Schedule[0].Jitter = config.Duration(time.Minute) },
		"full":       func(p []Pipeline) { p[0].Schedule[0].Full = true },
		"task_queue": func(p []Pipeline) { p[0].TaskQueue = "other" },
		"pin":        func(p []Pipeline) { p[0].Pin = true },
		"settings":   func(p []Pipeline) { p[0].Team = "b" },
	} {
		plan, err := s.Plan(t.Context(), "larkspur", wanted(change), false)
		if err != nil || actions(plan)["payments/1"] != "change "+what {
			t.Errorf("%s: %v, %v", what, actions(plan), err)
		}
		if err := s.Apply(t.Context(), plan, func(Step) {}); err != nil {
			t.Fatal(err)
		}
		if !f.all["pipe/larkspur/payments/1"].Schedule.State.Paused {
			t.Errorf("%s: the schedule goes on", what)
		}
		if plan, _ = s.Plan(t.Context(), "larkspur", wanted(change), false); plan.Changes() != 0 {
			t.Errorf("%s: the second plan: %v", what, actions(plan))
		}
		plan, err = s.Plan(t.Context(), "larkspur", wanted(nil), false)
		if err == nil {
			err = s.Apply(t.Context(), plan, func(Step) {})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// A change by other means is found, too.
	f.all["pipe/larkspur/ledger/1"].Schedule.Spec.Intervals = []client.ScheduleIntervalSpec{{Every: time.Hour}}
	if plan, _ := s.Plan(t.Context(), "larkspur", wanted(nil), false); actions(plan)["ledger/1"] != "change cron" {
		t.Errorf("%v", actions(plan))
	}
}

// TestKeyChange: after a change of the key every schedule is made again, paused as it was and with its
// note, so the earlier key is not needed any more.
func TestKeyChange(t *testing.T) {
	old, next := payload.NewKey(), payload.NewKey()
	keysOf := func(texts ...string) *payload.Keys {
		t.Helper()
		keys, err := payload.ParseKeys(texts...)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	f := &fake{all: map[string]*client.ScheduleDescription{}}
	with := func(texts ...string) Service {
		keys := keysOf(texts...)
		f.c = payload.DataConverter(keys)
		return Service{f, keys}
	}
	apply := func(s Service) map[string]string {
		t.Helper()
		plan, err := s.Plan(t.Context(), "larkspur", wanted(nil), true)
		if err == nil {
			err = s.Apply(t.Context(), plan, func(Step) {})
		}
		if err != nil {
			t.Fatal(err)
		}
		return actions(plan)
	}
	apply(with(old))
	state := f.all["pipe/larkspur/payments/1"].Schedule.State
	state.Paused, state.Note = true, keysOf(old).Seal("ann: Glean moves")
	s := with(next, old)
	for id, action := range apply(s) {
		if action != "change payload_key" {
			t.Errorf("%s: %s", id, action)
		}
	}
	for id, action := range apply(s) {
		if action != "same " {
			t.Errorf("the second time, %s: %s", id, action)
		}
	}
	s = with(next)
	if err := s.Readable(t.Context(), "larkspur"); err != nil {
		t.Error(err)
	}
	for id, action := range apply(s) {
		if action != "same " {
			t.Errorf("without the earlier key, %s: %s", id, action)
		}
	}
	for id, d := range f.all {
		note, _ := s.Keys.Open(d.Schedule.State.Note)
		if paused := id == "pipe/larkspur/payments/1"; d.Schedule.State.Paused != paused ||
			note != map[bool]string{true: "ann: Glean moves"}[paused] {
			t.Errorf("%s: paused %t, %q", id, d.Schedule.State.Paused, note)
		}
	}
	// Only a part is of the earlier key.
	d := f.all["pipe/larkspur/payments/1"]
	both := keysOf(next, old)
	for part, change := range map[string]func(){
		"note": func() { d.Schedule.State.Note = keysOf(old).Seal("x") },
		"input": func() {
			p, err := payload.DataConverter(keysOf(old)).ToPayload(wanted(nil)[0].Input)
			if err != nil {
				t.Fatal(err)
			}
			d.Schedule.Action.(*client.ScheduleWorkflowAction).Args = []any{p}
		},
	} {
		change()
		if got := wanted(nil)[0].differences(d, both); !slices.Equal(got, []string{"payload_key"}) {
			t.Errorf("%s: %v", part, got)
		}
		apply(Service{f, both})
		d = f.all["pipe/larkspur/payments/1"]
	}
}

// TestKeyChangeFails: when a schedule cannot be created again, the error has what it was.
func TestKeyChangeFails(t *testing.T) {
	s, f := service(t)
	plan, err := s.Plan(t.Context(), "larkspur", wanted(nil)[:1], false)
	if err == nil {
		err = s.Apply(t.Context(), plan, func(Step) {})
	}
	if err != nil {
		t.Fatal(err)
	}
	f.all[wanted(nil)[0].ID].Schedule.State.Paused = true
	plan.Steps[0].Action, plan.Steps[0].What = Change, []string{partKey}
	f.refused = errors.New("full")
	if err := s.Apply(t.Context(), plan, func(Step) {}); err == nil || !strings.Contains(err.Error(), "it was paused") {
		t.Error(err)
	}
}

// TestPrune: a schedule that the folder does not have stays without prune, and others are never
// touched: those of another fleet, of another key, and those that someone made by hand.
func TestPrune(t *testing.T) {
	s, f := service(t)
	foreignService, foreign := service(t)
	foreign.all = f.all
	must := func(s Service, fleet string, w []Wanted) {
		t.Helper()
		plan, err := s.Plan(t.Context(), fleet, w, false)
		if err == nil {
			err = s.Apply(t.Context(), plan, func(Step) {})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s, "larkspur", wanted(nil))
	must(foreignService, "larkspur", wanted(func(p []Pipeline) { p[0].Name, p[1].Name = "other", "other2" }))
	other := wanted(nil)
	for i := range other {
		other[i].ID = strings.Replace(other[i].ID, "larkspur", "larkspur-eu", 1)
	}
	must(s, "larkspur-eu", other)
	if _, err := s.Client.Create(t.Context(), client.ScheduleOptions{ID: "pipe/larkspur/by-hand/1",
		Action: other[0].action()}); err != nil {
		t.Fatal(err)
	}
	before := slices.Sorted(maps.Keys(f.all))
	left := wanted(nil)[:1]
	plan, err := s.Plan(t.Context(), "larkspur", left, false)
	if err != nil || plan.Changes() != 0 || actions(plan)["ledger/1"] != "keep " || len(plan.Steps) != 3 {
		t.Fatalf("%v, %v", actions(plan), err)
	}
	f.wrote = nil
	must(s, "larkspur", left)
	if plan, err = s.Plan(t.Context(), "larkspur", left, true); err != nil || plan.Changes() != 2 {
		t.Fatalf("%v, %v", actions(plan), err)
	}
	if err := s.Apply(t.Context(), plan, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.wrote, []string{"remove pipe/larkspur/ledger/1", "remove pipe/larkspur/payments/2"}) ||
		len(f.all) != len(before)-2 {
		t.Errorf("wrote %v", f.wrote)
	}
	// A wanted ID that is another's is not taken over.
	if _, err := foreignService.Plan(t.Context(), "larkspur", left, false); !errors.As(err, new(*fault.Invalid)) {
		t.Errorf("another key: %v", err)
	}
}

// TestRemoveNeedsProof: a schedule that lost its mark between plan and apply stays.
func TestRemoveNeedsProof(t *testing.T) {
	s, f := service(t)
	plan, _ := s.Plan(t.Context(), "larkspur", wanted(nil), false)
	if err := s.Apply(t.Context(), plan, func(Step) {}); err != nil {
		t.Fatal(err)
	}
	plan, err := s.Plan(t.Context(), "larkspur", nil, true)
	if err != nil || plan.Changes() != 3 {
		t.Fatal(actions(plan), err)
	}
	for _, d := range f.all {
		d.Memo = nil
	}
	if err := s.Apply(t.Context(), plan, func(Step) {}); err == nil || len(f.all) != 3 {
		t.Errorf("%v, %d schedules", err, len(f.all))
	}
}

type operators struct {
	has       map[string]enumspb.IndexedValueType
	list, add error
	added     map[string]enumspb.IndexedValueType
}

func (o *operators) ListSearchAttributes(context.Context, string) (map[string]enumspb.IndexedValueType, error) {
	return o.has, o.list
}

func (o *operators) AddSearchAttributes(_ context.Context, _ string, all map[string]enumspb.IndexedValueType) error {
	o.added = all
	return o.add
}

// TestRegister: missing search attributes are registered; where that is not allowed the result has the
// command for it.
func TestRegister(t *testing.T) {
	const keyword = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	all := map[string]enumspb.IndexedValueType{"PipePipeline": keyword, "PipeTeam": keyword, "PipeRegion": keyword,
		"PipeResult": keyword}
	some := map[string]enumspb.IndexedValueType{"PipePipeline": keyword, "PipeTeam": keyword}
	text := maps.Clone(all)
	text["PipeTeam"] = enumspb.INDEXED_VALUE_TYPE_TEXT
	delete(text, "PipeResult")
	for name, tc := range map[string]struct {
		o       operators
		dry     bool
		missing int
		why     string
		command string
	}{
		"there":      {operators{has: all}, false, 0, "", ""},
		"some":       {operators{has: some}, false, 0, "", ""},
		"dry":        {operators{has: some}, true, 2, "", ""},
		"wrong type": {operators{has: text}, false, 0, "PipeTeam has the type Text", ""},
		"no list":    {operators{list: errors.New("denied")}, false, 0, "listed", "--name PipePipeline --type Keyword"},
		"no rights": {operators{has: some, add: errors.New("denied")}, false, 2, "registered: denied",
			"--name PipeRegion --type Keyword"},
	} {
		a := Register(t.Context(), &tc.o, "prod", tc.dry)
		if len(a.Missing) != tc.missing || !strings.Contains(a.Why, tc.why) || (a.Why == "") != (tc.why == "") ||
			!strings.Contains(a.Command, tc.command) || (a.Command == "") != (tc.command == "") ||
			a.Present() != (tc.missing == 0 && tc.why == "") {
			t.Errorf("%s: %+v", name, a)
		}
		if tc.dry && tc.o.added != nil {
			t.Errorf("%s: registered %v", name, tc.o.added)
		}
	}
}
