package run

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/read"
	"github.com/pipe-engine/pipe/engine/stage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endingOf maps every fate of a record to its ending.
var endingOf = map[string]component.Ending{
	"fine": component.Delivered, "dropped": component.Filtered, "broken": component.Rejected,
	"unmapped": component.Filtered, "mapping error": component.Rejected,
	"undecided": component.Rejected, "rule error": component.Rejected, "private": component.Withheld,
	"of nobody": component.Withheld, "of strangers": component.Withheld,
	"not encodable": component.Rejected, "refused by the sink": component.Rejected,
}

// TestNothingLost is invariant 3 over random catalogs: every record ends as its fate says, and
// exactly the delivered documents were published.
func TestNothingLost(t *testing.T) {
	var names []string
	for name := range endingOf {
		names = append(names, name)
	}
	slices.Sort(names)
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		w.P.Limits.MaxRejected = component.Bound{Items: 1 << 30}
		w.P.Limits.SpillBytes = 1 << (6 + r.IntN(12))
		w.P.Limits.Workers = 1 + r.IntN(4)
		want := read.Counts{}
		var delivered []string
		for i := range 20 + r.IntN(200) {
			name := names[r.IntN(len(names))]
			phase, kind := [3]string{"identities", "structure", "catalog"}[r.IntN(3)], ""
			switch phase {
			case "identities":
				kind = [2]string{"user", "group"}[r.IntN(2)]
				if kind == "user" && endingOf[name] == component.Withheld ||
					kind == "user" && (name == "undecided" || name == "rule error") {
					name = "twin"
				}
			case "structure":
				kind = "system"
			default:
				kind = "component"
			}
			n := fmt.Sprintf("n%d", i)
			w.Add(phase, kind, n, name)
			ref := kind + ":default/" + n
			ending := endingOf[name]
			if name == "twin" {
				ending = component.Merged
			}
			if name == "refused by the sink" {
				w.Refusals[ref] = "no"
			}
			want[ending]++
			if ending == component.Delivered {
				delivered = append(delivered, ref)
			}
		}
		w.Add("catalog", "component", "always", "fine")
		w.Add("identities", "user", "always", "fine")
		want[component.Delivered] += 2
		delivered = append(delivered, "component:default/always", "user:default/always")

		report, err := w.run(t)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		sum := 0
		for _, e := range component.Endings {
			if report.Endings[e] != want[e] {
				t.Errorf("seed %d: %s %d, want %d", seed, e, report.Endings[e], want[e])
			}
			sum += report.Endings[e]
		}
		for e, reasons := range report.Reasons {
			n := 0
			for _, c := range reasons {
				n += c
			}
			if n > report.Endings[e] || e != component.Delivered && n != report.Endings[e] {
				t.Errorf("seed %d: %d %s, reasons %v", seed, report.Endings[e], e, reasons)
			}
		}
		if sum != report.Read {
			t.Errorf("seed %d: read %d, endings %d", seed, report.Read, sum)
		}
		got := slices.Concat(w.Published["users"], w.Published["documents"])
		slices.Sort(got)
		slices.Sort(delivered)
		if !slices.Equal(got, delivered) {
			t.Errorf("seed %d: published %v, want %v", seed, got, delivered)
		}
	}
}

// TestNothingBeforeEverything is invariant 1: when anything fails before the review has passed,
// nothing is published.
func TestNothingBeforeEverything(t *testing.T) {
	boom := errors.New("boom")
	for name, spoil := range map[string]func(*world){
		"the first page fails": func(w *world) { w.Company.Fail = func(string, int) error { return boom } },
		"the last page fails":  func(w *world) { w.Company.Fail = failAt("catalog", 2, boom) },
		"while streaming": func(w *world) {
			w.P.Limits.SpillBytes = 10
			w.Company.Fail = failAt("catalog", 2, boom)
		},
		"a transform gives up": func(w *world) { w.Add("catalog", "component", "x", "transform fails") },
		"a mapper panics":      func(w *world) { w.Add("identities", "group", "x", "panic") },
		"a panic while streaming": func(w *world) {
			w.P.Limits.SpillBytes = 10
			w.Add("catalog", "component", "x", "panic")
		},
		"the sink does not open":   func(w *world) { w.Store.Fail["open"] = boom },
		"identities do not seal":   func(w *world) { w.Store.Fail["seal"] = boom },
		"the sink does not answer": func(w *world) { w.Store.Fail["holds"] = boom },
		"nothing is read":          func(w *world) { clear(w.Records) },
		"everything is filtered": func(w *world) {
			clear(w.Records)
			w.Add("catalog", "component", "x", "dropped")
			w.Add("identities", "user", "x", "fine")
		},
		"too much is rejected": func(w *world) {
			w.P.Limits.MaxRejected = component.Bound{Share: 0.01, Items: 2}
			for i := range 3 {
				w.Add("catalog", "component", fmt.Sprint("bad", i), "broken")
			}
		},
		"too much would be deleted": func(w *world) {
			w.Holdings = component.Holdings{Streams: map[string]int{"users": 1, "documents": 60}}
		},
		"a type would disappear": func(w *world) {
			w.Holdings = component.Holdings{Streams: map[string]int{"users": 1, "documents": 31},
				Types: map[string]map[string]int{"documents": {"api": 21}}}
		},
		"stopped": func(w *world) {
			stop := make(chan struct{})
			w.o.Stop = stop
			w.Company.Fail = func(phase string, page int) error {
				if phase == "catalog" && page == 1 {
					close(stop)
					time.Sleep(10 * time.Millisecond)
				}
				return nil
			}
		},
		"timeout": func(w *world) {
			w.P.Limits.Timeout = time.Millisecond
			w.Company.Fail = func(string, int) error { time.Sleep(2 * time.Millisecond); return nil }
		},
		"dry run": func(w *world) { w.o.Until = Reviewed },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for i := range 30 {
				w.Add("catalog", "component", fmt.Sprint("c", i), "fine")
			}
			w.Add("identities", "user", "u", "fine")
			spoil(w)
			report, err := w.run(t)
			if w.Sent() || slices.Contains(w.Calls, "publish") || report.Sent {
				t.Error("something was published")
			}
			if (err == nil) != (w.o.Until == Reviewed) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func failAt(phase string, page int, err error) func(string, int) error {
	return func(ph string, p int) error {
		if ph == phase && p == page {
			return err
		}
		return nil
	}
}

// TestDecidedAccess is invariant 2: no document is published without a permission decision, and
// none that no one may find.
func TestDecidedAccess(t *testing.T) {
	for _, fate := range []string{"undecided", "rule error", "private", "of nobody", "of strangers"} {
		w := newWorld(t)
		w.Add("catalog", "component", "secret", fate)
		w.Add("catalog", "component", "open", "fine")
		w.Add("identities", "user", "u", "fine")
		report, err := w.run(t)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.Published["documents"], []string{"component:default/open"}) {
			t.Errorf("%s: published %v", fate, w.Published["documents"])
		}
		if n := report.Endings[component.Withheld] + report.Endings[component.Rejected]; n != 1 {
			t.Errorf("%s: %v", fate, report.Endings)
		}
		if endingOf[fate] == component.Withheld && report.Audience[access.Nobody] != 1 {
			t.Errorf("%s: audience %v", fate, report.Audience)
		}
	}
}

// TestPendingLookup: a rule that looks up a pending ref rejects the record; when the whole
// phase is visible, the rule decides (invariant 2).
func TestPendingLookup(t *testing.T) {
	for hold, want := range map[int]component.Ending{1 << 20: component.Delivered, 64: component.Rejected} {
		w := newWorld(t)
		w.P.Limits.SpillBytes = hold
		w.P.Limits.MaxRejected.Items = 1000
		w.P.Limits.MaxRejected.Share = 1
		w.Add("identities", "user", "u", "fine")
		w.Add("identities", "group", "g", "fine")
		for _, n := range []string{"a", "b", "c"} {
			w.Add("catalog", "component", n, "ruled by component:default/none")
			w.Add("catalog", "component", "t"+n, "filtered by component:default/none")
		}
		report, err := w.run(t)
		if err != nil || report.Kinds[0].Kind != "component" || report.Kinds[0].Counts[want] != 6 {
			t.Errorf("hold %d: %v, %+v", hold, err, report.Kinds)
		}
	}
}

func TestSameID(t *testing.T) {
	w := newWorld(t)
	w.Add("identities", "user", "u", "fine")
	w.Add("catalog", "component", "a", "same id")
	w.Add("catalog", "component", "b", "same id")
	w.Add("catalog", "component", "a", "same id") // the source returns it twice
	report, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Published["documents"]) != 1 || report.Endings[component.Rejected] != 1 || report.Read != 3 {
		t.Errorf("published %v, %v", w.Published, report.Endings)
	}
	if !strings.Contains(strings.Join(report.Notes, "\n"), "1 refs more than once") {
		t.Errorf("notes %v", report.Notes)
	}
}

// TestLookup: a mapping sees its own phase only when the phase is small, and earlier phases
// always.
func TestLookup(t *testing.T) {
	for _, tc := range []struct {
		about string
		hold  int
		want  string
	}{
		{"component:default/z", 1 << 20, "title of z"},
		{"component:default/z", 64, ""},
		{"component:default/a", 64, ""},
		{"system:default/s", 64, "title of s"},
		{"user:default/u", 64, "title of u"},
	} {
		w := newWorld(t)
		w.P.Limits.SpillBytes = tc.hold
		w.About = tc.about
		w.Add("identities", "user", "u", "fine")
		w.Add("structure", "system", "s", "fine")
		for _, n := range []string{"a", "b", "c", "z"} {
			w.Add("catalog", "component", n, "fine")
		}
		if _, err := w.run(t); err != nil {
			t.Fatal(err)
		}
		for _, n := range []string{"a", "z"} {
			if got := w.Display["component:default/"+n]; got != tc.want {
				t.Errorf("hold %d: %s saw %q of %s, want %q", tc.hold, n, got, tc.about, tc.want)
			}
		}
	}
}

// TestIDs: an ID is used once in a stream, whether or not it is a ref.
func TestIDs(t *testing.T) {
	s := stage.New()
	defer s.Close()
	known := func(ref string) bool { return ref == "a" || ref == "b" || ref == "c" }
	for i, tc := range []struct{ id, ref, taken string }{
		{"a", "a", ""}, {"x", "b", ""}, {"x", "c", "b"}, {"a", "c", "a"}, {"c", "c", ""}, {"y", "c", ""}, {"x", "x", "b"},
	} {
		taken, err := s.Put("documents", component.Encoded{ID: tc.id, Ref: tc.ref}, 1, known)
		if err != nil || taken != tc.taken {
			t.Errorf("%d: %q, %v", i, taken, err)
		}
	}
}

func TestUnwritten(t *testing.T) {
	w := newWorld(t)
	records := map[string]bool{}
	w.Company.Fail = func(phase string, _ int) error { records[phase] = true; return nil }
	w.Add("identities", "user", "u", "fine")
	w.Add("catalog", "component", "c", "fine")
	w.P.Unwritten = func(stream string) string {
		if stream == "documents" {
			return "documents not in --only"
		}
		return ""
	}
	report, err := w.run(t)
	if err != nil || records["catalog"] || len(w.Published["users"]) != 1 {
		t.Errorf("%v, read %v, published %v, %v", err, records, w.Published, report.Endings)
	}
	w = newWorld(t)
	w.Add("identities", "user", "u", "fine")
	w.Add("catalog", "component", "c", "fine")
	w.P.Unwritten = func(stream string) string {
		if stream == "users" {
			return "user switched off"
		}
		return ""
	}
	report, err = w.run(t)
	if _, there := w.Published["users"]; err != nil || there ||
		report.Reasons[component.Filtered]["user switched off"] != 1 {
		t.Errorf("%v, published %v, filtered %v", err, w.Published, report.Reasons)
	}
}

func TestDeadLetters(t *testing.T) {
	w := newWorld(t)
	w.P.Limits.MaxRejected = component.Bound{Items: 1000}
	w.Add("identities", "user", "u", "fine")
	w.Add("catalog", "component", "c", "fine")
	for i := range 30 {
		w.Add("catalog", "component", fmt.Sprint("bad", i), "broken")
	}
	var deadLetters []component.DeadLetter
	w.o.DeadLetters = func(d component.DeadLetter) error { deadLetters = append(deadLetters, d); return nil }
	report, err := w.run(t)
	if err != nil || len(deadLetters) != 30 || len(report.Rejections) != 20 {
		t.Fatalf("%v: %d deadLetters, %d shown", err, len(deadLetters), len(report.Rejections))
	}
	if d := deadLetters[0]; d.Ref != "component:default/bad0" || d.Stage != "transform" ||
		d.Reason != "cannot be transformed" {
		t.Errorf("%+v", d)
	}
	w.o.DeadLetters = func(component.DeadLetter) error { return errors.New("disk full") }
	w.Published = nil
	if _, err := w.run(t); err == nil || w.Sent() {
		t.Errorf("dead letters were lost: %v", err)
	}
}
