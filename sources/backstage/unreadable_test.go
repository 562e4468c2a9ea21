package backstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sources/backstage/faults"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

func broken(names ...string) faults.Fault {
	return faults.Fault{Broken: func(ref string) bool {
		return slices.Contains(names, strings.TrimPrefix(ref, "component:default/"))
	}}
}

// TestUnreadable: an entity that Backstage cannot give is found and named with
// its position and its neighbours, and fails the run unless it is listed.
func TestUnreadable(t *testing.T) {
	const all = 100
	for name, tc := range map[string]struct {
		broken  []string
		skip    []string
		version string
		says    string // "" when it goes well
	}{
		"in the middle": {[]string{"c0056"}, nil, "",
			"row 57, after component:default/c0055 and before component:default/c0057, of 100 in the order of names cannot be " +
				"read"},
		"the first": {[]string{"c0000"}, nil, "", "row 1, before component:default/c0001, of 100"},
		"the last":  {[]string{"c0099"}, nil, "", "row 100, after component:default/c0098, of 100"},
		"two in a row": {[]string{"c0041", "c0042"}, nil, "",
			"rows 42 to 43, after component:default/c0040 and before component:default/c0043, of 100"},
		"an old server": {[]string{"c0056"}, nil, "1.12", "row 57, after component:default/c0055, of 100"},

		"listed":            {[]string{"c0056"}, []string{"c0056"}, "", ""},
		"the first, listed": {[]string{"c0000"}, []string{"c0000"}, "", ""},
		"the last, listed":  {[]string{"c0099"}, []string{"c0099"}, "", ""},
		"several, listed": {[]string{"c0007", "c0041", "c0042", "c0099"}, []string{"c0099", "c0042", "c0041", "c0007"},
			"", ""},
		"one of two listed":    {[]string{"c0041", "c0042"}, []string{"c0041"}, "", "rows 42 to 43"},
		"one of two apart":     {[]string{"c0007", "c0042"}, []string{"c0042"}, "", "row 43"},
		"another is listed":    {[]string{"c0056"}, []string{"c0055"}, "", "row 57"},
		"one that is not here": {[]string{"c0056"}, []string{"c0999"}, "", "row 57"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			people := []byte(`{"kind":"User","metadata":{"name":"ann"}}`)
			f := start(t, sandbox.Options{Entities: append(components(all), people), Version: tc.version}, only("Component"),
				func(c *Config) {
					for _, skip := range tc.skip {
						c.SkipUnreadable = append(c.SkipUnreadable, "Component:default/"+skip)
					}
				})
			f.Fail(broken(tc.broken...))
			got, err := f.readAll(t)
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) ||
					!strings.Contains(err.Error(), "500 Internal Server Error") ||
					!strings.Contains(fault.RemedyOf(err), "skip_unreadable: [component:default/NAME]") {
					t.Errorf("%v\n%s", err, fault.RemedyOf(err))
				}
				return
			}
			if err != nil || len(got.records) != all+1 {
				t.Fatalf("%d records, %v", len(got.records), err)
			}
			rejected := 0
			for _, r := range got.records {
				var rejection *fault.Rejection
				if errors.As(NewModel(f.cfg).Decode(r), &rejection) {
					rejected++
					if !slices.Contains(tc.skip, strings.TrimPrefix(r.Ref, "component:default/")) ||
						!strings.Contains(rejection.Reason, "skip_unreadable") {
						t.Errorf("%s: %v", r.Ref, rejection)
					}
				}
			}
			if rejected != len(tc.broken) || len(f.source.Notes()) > 0 {
				t.Errorf("%d rejected, notes %q", rejected, f.source.Notes())
			}
		})
	}
}

// If every request fails, a single entity is not to blame.
func TestUnreadableOrDown(t *testing.T) {
	for name, failed := range map[string]faults.Fault{
		"down":                  {Status: 500},
		"every page but counts": {Path: "orderField", Status: 500},
		"half of them":          {Broken: func(ref string) bool { return ref >= "component:default/c0050" }},
	} {
		f := start(t, sandbox.Options{Entities: append(components(100), []byte(`{"kind":"User","metadata":{"name":"ann"}}`))}, only("Component"))
		phases := f.cfg.phases()
		if err := f.source.Read(t.Context(), phases[0],
			func(context.Context, []*component.Record) error { return nil }); err != nil {
			t.Fatal(err)
		}
		f.Fail(failed)
		err := f.source.Read(t.Context(), phases[2], func(context.Context, []*component.Record) error { return nil })
		if err == nil || strings.Contains(err.Error(), "row") || fault.ClassOf(err) != fault.Transient {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnreadableShifted: rows that come or go between the halving and the search by offset
// shift the offsets. Then nothing is skipped, even if skip_unreadable lists the unreadable
// entity: other rows would be skipped with it.
func TestUnreadableShifted(t *testing.T) {
	for name, shift := range map[string]func(f *fixture) error{
		"one more":  func(f *fixture) error { return f.Put([]byte(`{"kind":"Component","metadata":{"name":"c0000a"}}`)) },
		"two fewer": func(f *fixture) error { f.Remove("component:default/c0003", "component:default/c0004"); return nil },
	} {
		f := start(t, sandbox.Options{Entities: append(components(100), []byte(`{"kind":"User","metadata":{"name":"ann"}}`))}, only("Component"), func(c *Config) {
			c.SkipUnreadable = []string{"component:default/c0056"}
		})
		f.Fail(broken("c0056"))
		shifted := false
		f.observe = func(r *http.Request) {
			if !shifted && r.URL.Query().Has("offset") {
				shifted = true
				if err := shift(f); err != nil {
					t.Error(err)
				}
			}
		}
		if _, err := f.readAll(t); !shifted || err == nil || strings.Contains(err.Error(), "row") ||
			fault.ClassOf(err) != fault.Transient {
			t.Errorf("%s: shifted %t, %v", name, shifted, err)
		}
	}
}

// An entity larger than an answer may be is one that cannot be read.
func TestUnreadablyLarge(t *testing.T) {
	large := fmt.Appendf(nil, `{"kind":"Component","metadata":{"name":"c0050x"},"spec":{"definition":"%s"}}`, strings.Repeat("x", 2<<20))
	for _, skip := range []bool{false, true} {
		f := start(t, sandbox.Options{Entities: append(components(100), large)}, only("Component"), func(c *Config) {
			c.MaxResponse = 1 << 20
			if skip {
				c.SkipUnreadable = []string{"component:default/c0050x"}
			}
		})
		got, err := f.readAll(t)
		if skip && (err != nil || len(got.records) != 101) {
			t.Errorf("%d records, %v", len(got.records), err)
		}
		if !skip && (err == nil || !strings.Contains(err.Error(), "row 52, after component:default/c0050 and before "+
			"component:default/c0051, of 101 in the order of names cannot be read: ") ||
			!strings.Contains(err.Error(), "larger than 1MiB")) {
			t.Error(err)
		}
	}
}

// TestUnreadableControl: a skipped entity is counted, and is not requested again as proof
// that Backstage answers.
func TestUnreadableControl(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(3)}, only("Component"), func(c *Config) {
		c.SkipUnreadable = []string{"component:default/c0001"}
	})
	f.Fail(broken("c0001"))
	got, err := f.readAll(t)
	if err != nil || len(got.records) != 3 {
		t.Fatal(len(got.records), err)
	}
	control := []string{"component:default/c0001", "component:default/c0000"}
	if err := f.source.Confirm(t.Context(), f.cfg.phases()[2], []string{"component:default/gone"}, control,
		got.emit); err != nil {
		t.Error(err)
	}
}

// A ref that can be read is none to skip: it is read, and the report says so.
func TestSkipReadable(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(3)}, only("Component"), func(c *Config) {
		c.SkipUnreadable = []string{"component:default/c0001"}
	})
	got, err := f.readAll(t)
	if err != nil || len(got.records) != 3 || NewModel(f.cfg).Decode(got.records["component:default/c0001"]) != nil {
		t.Error(len(got.records), err)
	}
	if notes := strings.Join(f.source.Notes(), "\n"); !strings.Contains(notes,
		"skip_unreadable names component:default/c0001, which Backstage returned") {
		t.Errorf("%q", notes)
	}
}

func TestSkipUnreadableKey(t *testing.T) {
	c := &Config{URL: "http://localhost", SkipUnreadable: []string{"component:default/a", "b"},
		Kinds: config.Map[bool]{kindEntry("Component", true)}}
	var fields []string
	c.Validate(func(field, _, message, _ string) { fields = append(fields, field+" "+message) })
	if got := strings.Join(fields, "\n"); !strings.Contains(got, `skip_unreadable.1 "b" is not an entity ref`) || strings.Contains(got, "skip_unreadable.0") {
		t.Errorf("%s", got)
	}
}

// TestMayBeUnread: more than 20 and more than a hundredth of the rows.
func TestMayBeUnread(t *testing.T) {
	for _, c := range []struct {
		p  pass
		ok bool
	}{{pass{brought: 100, nulls: 20}, true}, {pass{brought: 100, nulls: 21}, false},
		{pass{brought: 5000, nulls: 50}, true}, {pass{brought: 5000, nulls: 51}, false},
		{pass{brought: 5000, others: 50}, true}, {pass{brought: 5000, others: 51, sample: &otherKind{}}, false},
		{pass{brought: 500, promised: 5000, nulls: 50}, true}} {
		if err := c.p.tooManyUnread("Component"); err == nil != c.ok {
			t.Errorf("%+v: %v", c.p, err)
		}
	}
}

// TestReadNotesRows: both numbers are printed when they differ.
func TestReadNotesRows(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(50)}, only("Component"))
	f.Fail(faults.Fault{Kind: "component", Extra: slices.Concat(components(50)[48:], make([][]byte, 3), strangers(1))})
	if got, err := f.readAll(t); err != nil || len(got.records) != 50 {
		t.Fatal(len(got.records), err)
	}
	notes := strings.Join(f.source.Notes(), "\n")
	for _, want := range []string{
		"kind Component: Backstage counts 56 rows and returned 56 (50 entities, 2 repeated, 3 null, 1 of another " +
			"kind)",
		"returned null for 3 entities", `1 rows of another kind were skipped; the first: an entity of ` +
			`kind "API", but Component was requested (api:default/x0)`,
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in\n%s", want, notes)
		}
	}
}
