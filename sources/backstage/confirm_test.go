package backstage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sources/backstage/faults"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// names are refs of components().
func names(from, to int) (refs []string) {
	for i := from; i < to; i++ {
		refs = append(refs, fmt.Sprintf("component:default/c%04d", i))
	}
	return refs
}

// confirm asks for refs of all phases.
func (f *fixture) confirm(t testing.TB, refs, control []string) (*crop, error) {
	t.Helper()
	c := &crop{records: map[string]*component.Record{}}
	for _, p := range f.cfg.phases() {
		if err := f.source.Confirm(t.Context(), p, refs, control, c.emit); err != nil {
			return c, err
		}
	}
	if len(c.twice) > 0 {
		t.Errorf("handed over twice: %v", c.twice)
	}
	return c, nil
}

// TestConfirm (invariant 4): entities that a list omits but that exist are emitted as if
// they had been read; deleted ones are not.
func TestConfirm(t *testing.T) {
	company := sandbox.Company()
	for _, version := range []string{"1.12", "1.40", "1.55"} {
		f := start(t, sandbox.Options{Entities: company, Version: version, Prefix: "/backstage"})
		whole, err := f.readAll(t)
		if err != nil {
			t.Fatal(version, err)
		}
		f.Fail(faults.Fault{Path: "/by-query", Hide: faults.Half})
		part, err := f.readAll(t)
		if err != nil || len(part.records) == 0 || len(part.records) > len(company)*3/4 {
			t.Fatalf("%s: %d of %d entities, %v", version, len(part.records), len(company), err)
		}
		var lacking, control []string
		for ref := range whole.records {
			if part.records[ref] == nil {
				lacking = append(lacking, ref)
			} else {
				control = append(control, ref)
			}
		}
		gone := lacking[0]
		f.Remove(gone)
		got, err := f.confirm(t,
			append(lacking, "component:default/never-was", "component:default/(no name, 0a)", lacking[1], "nonsense",
				"gadget:default/x"), control)
		if err != nil {
			t.Fatal(version, err)
		}
		for _, ref := range lacking[1:] {
			r := got.records[ref]
			if r == nil || r.Entry != whole.records[ref].Entry || string(r.Raw) != string(whole.records[ref].Raw) {
				t.Errorf("%s: %s came as %+v", version, ref, r)
			}
		}
		if len(got.records) != len(lacking)-1 {
			t.Errorf("%s: %d entities for %d refs, one of them removed", version, len(got.records), len(lacking))
		}
	}
}

func TestConfirmFaults(t *testing.T) {
	type failed = faults.Fault
	const byRefs = "/by-refs"
	half := func(ref string) bool { return ref >= "component:default/c0050" }
	for name, tc := range map[string]struct {
		faults  []failed
		control []string
		want    int // when it goes well
		class   fault.Class
		says    string
		remedy  string
	}{
		"all there":         {nil, names(0, 20), 100, 0, "", ""},
		"gone":              {[]failed{{Path: byRefs, Hide: half}}, names(0, 20), 0, 0, "", ""},
		"hidden from lists": {[]failed{{Path: "/by-query", Hide: half}}, names(0, 20), 100, 0, "", ""},
		"nothing to be seen": {[]failed{{Path: byRefs, Empty: true}}, names(0, 20), 0, fault.Transient,
			"of 20 entities that were just read, Backstage now finds only 0", "accessRestrictions"},
		"control seen in part": {[]failed{{Path: byRefs, Hide: func(ref string) bool {
			return strings.HasSuffix(ref, "7")
		}}}, names(0, 20), 0, fault.Transient,
			"finds only 18, and not component:default/c0007", "run again"},
		"no control, all": {nil, nil, 100, 0, "", ""},
		"no control, some": {[]failed{{Path: byRefs, Hide: half}}, nil, 0, fault.Transient,
			"does not find component:default/c0100, but no other entity was read", "run again"},
		"control of people": {nil, []string{"user:default/ann"}, 100, 0, "", ""},
		"control unseen":    {nil, []string{"user:default/gone"}, 0, fault.Transient, "user:default/gone", ""},
		"reset once":        {[]failed{{Path: byRefs, Times: 1, Reset: true}}, names(0, 20), 100, 0, "", ""},
		"reset": {[]failed{{Path: byRefs, Reset: true}}, names(0, 20), 0, fault.Transient,
			"closed the connection", ""},
		"error once": {[]failed{{Path: byRefs, Times: 1, Status: 500}}, names(0, 20), 100, 0, "", ""},
		"errors": {[]failed{{Path: byRefs, Status: 500}}, names(0, 20), 0, fault.Transient,
			"500 Internal Server Error", ""},
		"too slow": {[]failed{{Path: byRefs, Times: 3, Status: 504}}, names(0, 20), 100, 0, "", ""},
		"throttled": {[]failed{{Path: byRefs, Times: 1, Status: 429, RetryAfter: "1"}}, names(0, 20), 100, 0, "",
			""},
		"cut": {[]failed{{Path: byRefs, Times: 1, Cut: 200}}, names(0, 20), 100, 0, "", ""},
		"truncated": {[]failed{{Path: byRefs, Truncate: 200}}, names(0, 20), 0, fault.Transient, "incomplete",
			""},
		"not there": {[]failed{{Path: byRefs, Status: 404}}, names(0, 20), 0, fault.Permanent,
			"asking Backstage whether entities are gone failed", "POST /api/catalog/entities/by-refs"},
		"not allowed": {[]failed{{Path: byRefs, Status: 405}}, names(0, 20), 0, fault.Permanent,
			"asking Backstage whether entities are gone failed", "POST /api/catalog/entities/by-refs"},
		"401": {[]failed{{Path: byRefs, Status: 401}}, names(0, 20), 0, fault.Fatal, "Illegal token",
			"backend.auth.externalAccess"},
		"403": {[]failed{{Path: byRefs, Status: 403}}, names(0, 20), 0, fault.Permanent,
			"restricted to plugin(s)", "plugin: catalog"},
		"a sign-in page": {[]failed{{Path: byRefs, HTML: true}}, names(0, 20), 0, fault.Fatal, "Sign in to continue",
			"proxy"},
		"a redirect": {[]failed{{Path: byRefs, Redirect: "/login"}}, names(0, 20), 0, fault.Fatal, "redirects",
			"proxy"},
		"a page of a list": {[]failed{{Path: byRefs, Items: components(7)}}, names(0, 20), 0, fault.Permanent,
			"refs were requested, 7 returned", "mixes up"},
		"others": {[]failed{{Path: byRefs, Items: components(32)}}, nil, 0, fault.Permanent,
			"another entity was returned for component:default/c0100: component:default/c0000 was not requested", "mixes up"},
		"others for control": {[]failed{{Path: byRefs, Items: components(40)}}, names(20, 28), 0, fault.Permanent,
			"another entity was returned for component:default/c0020", "mixes up"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, sandbox.Options{Entities: append(components(200), []byte(`{"kind":"User","metadata":{"name":"ann"}}`))}, only("Component"))
			f.Fail(tc.faults...)
			got, err := f.confirm(t, names(100, 200), tc.control)
			if tc.says == "" {
				if err != nil || len(got.records) != tc.want {
					t.Errorf("%d entities, %v", len(got.records), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.says) || fault.ClassOf(err) != tc.class ||
				!strings.Contains(fault.RemedyOf(err), tc.remedy) {
				t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			}
			if len(got.records) > 0 {
				t.Errorf("%d entities were handed over of a source that is not to be believed", len(got.records))
			}
			if strings.Contains(fmt.Sprint(err, fault.RemedyOf(err)), token) {
				t.Error("the error holds the token")
			}
		})
	}
}

// A source that is found to see a part only after some answers stops there.
func TestConfirmStops(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(200)}, only("Component"))
	n := 0
	err := f.source.Confirm(t.Context(), f.cfg.phases()[2], names(100, 200), names(0, 20),
		func(context.Context, []*component.Record) error {
			n++
			f.Fail(faults.Fault{Path: "/by-refs", Empty: true})
			return nil
		})
	if err == nil || n != 1 || !strings.Contains(err.Error(), "finds only 0") {
		t.Errorf("%d answers handed over, %v", n, err)
	}
	full := errors.New("full")
	f.Heal()
	err = f.source.Confirm(t.Context(), f.cfg.phases()[2], names(100, 200), names(0, 20),
		func(context.Context, []*component.Record) error { return full })
	if !errors.Is(err, full) {
		t.Error(err)
	}
}

// The filters are those of reading: entities that they exclude are absent.
func TestConfirmFilters(t *testing.T) {
	entities := append(components(4), []byte(`{"kind":"User","metadata":{"name":"ann"}}`),
		[]byte(`{"kind":"Component","metadata":{"name":"live","namespace":"default"},"spec":{"lifecycle":"production"}}`),
		[]byte(`{"kind":"Component","metadata":{"name":"live2","namespace":"default"},"spec":{"lifecycle":"production"}}`))
	production := Filter{[]condition{{"spec.lifecycle", []string{"production"}}}}
	for name, tc := range map[string]struct {
		filters []Filter
		control string
		asked   string // the filters in the request to Backstage
		want    int
	}{
		"none": {nil, "component:default/live2", "", 3},
		"one": {[]Filter{production}, "component:default/live2",
			"kind=component,spec.lifecycle=production", 1},
		"control that none restricts": {[]Filter{production}, "user:default/ann",
			"kind=component,spec.lifecycle=production kind=user", 1},
	} {
		f := start(t, sandbox.Options{Entities: entities}, only("Component"), func(c *Config) { c.Filters = tc.filters })
		got, err := f.confirm(t, []string{"component:default/c0000", "component:default/c0001", "component:default/live"},
			[]string{tc.control})
		if err != nil || len(got.records) != tc.want || got.records["component:default/live"] == nil {
			t.Errorf("%s: %d entities, %v", name, len(got.records), err)
		}
		if asked := strings.Join(f.asked()[0].URL.Query()["filter"], " "); asked != tc.asked {
			t.Errorf("%s: asked with %q", name, asked)
		}
	}
}

// Each request stays below what Backstage reads, and has its control.
func TestConfirmRequests(t *testing.T) {
	long := func(n, length int) (refs []string) {
		for i := range n {
			refs = append(refs, fmt.Sprintf("component:default/%0*d", length, i))
		}
		return refs
	}
	for name, tc := range map[string]struct {
		refs     []string
		page     int
		requests int
	}{
		"by number": {long(2000, 8), 10000, 3},
		"by size":   {long(2000, 160), 10000, 4},
		"page_size": {long(100, 8), 25, 4},
	} {
		var mu sync.Mutex
		var sizes, refs []int
		f := start(t, sandbox.Options{}, only("Component"), func(c *Config) { c.PageSize = tc.page })
		asked := map[string]int{}
		f.observe = func(r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			body, _ := io.ReadAll(r.Body)
			var q struct {
				Refs []string `json:"entityRefs"`
			}
			if err := codec.Unmarshal(body, &q); err != nil {
				t.Error(name, err)
			}
			sizes, refs = append(sizes, len(body)), append(refs, len(q.Refs))
			for _, ref := range q.Refs {
				asked[ref]++
			}
		}
		for i := range 30 {
			if err := f.Put(componentEntity(fmt.Sprintf("c%04d", i))); err != nil {
				t.Fatal(err)
			}
		}
		_, err := f.confirm(t, tc.refs, names(0, 30))
		if err != nil || len(sizes) != tc.requests || slices.Max(sizes) > maxRefsBytes || slices.Max(refs) > maxRefs {
			t.Errorf("%s: %d refs in %d requests of %v bytes, %v", name, refs, len(sizes), sizes, err)
		}
		for _, ref := range tc.refs {
			if asked[ref] != 1 {
				t.Errorf("%s: %s was asked for %d times", name, ref, asked[ref])
			}
		}
		if n := asked["component:default/c0000"]; n != len(sizes) {
			t.Errorf("%s: control in %d of %d requests", name, n, len(sizes))
		}
	}
}

// An answer that is too large is requested in parts.
func TestConfirmBytes(t *testing.T) {
	big := func(name string) []byte {
		return fmt.Appendf(nil, `{"kind":"Component","metadata":{"name":%q},"spec":{"definition":"%s"}}`, name, strings.Repeat("x", 400<<10))
	}
	f := start(t, sandbox.Options{Entities: [][]byte{big("a"), big("b"), big("c"), big("d"), big("e")}}, only("Component"),
		func(c *Config) {
			c.MaxResponse = 1 << 20
		})
	got, err := f.confirm(t, []string{"component:default/a", "component:default/b", "component:default/c"},
		[]string{"component:default/d", "component:default/e"})
	if err != nil || len(got.records) != 3 {
		t.Errorf("%d entities, %v", len(got.records), err)
	}
}
