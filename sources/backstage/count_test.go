package backstage

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/faults"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestCountUnreadable: a count asks for no entity, and neither one that Backstage
// cannot give nor a catalog of such entities fails it.
func TestCountUnreadable(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(3)}, only("Component"))
	f.Fail(faults.Fault{Broken: func(string) bool { return true }})
	if n, err := f.source.api.count(t.Context(), nil); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, finding := range f.source.Check(t.Context()) {
		if strings.Contains(finding.Detail, "500") {
			t.Errorf("%s: %s", finding.What, finding.Detail)
		}
	}
}

// TestRecountUnreadable: the count after a pass that came short does not fail on the
// entity that skip_unreadable names.
func TestRecountUnreadable(t *testing.T) {
	const first = "c0000"
	f := start(t, sandbox.Options{Entities: components(100)}, only("Component"), func(c *Config) {
		c.SkipUnreadable = []string{"component:default/" + first}
	})
	failed, promise := broken(first), broken(first)
	promise.Path, promise.Promise = "orderField", 3
	f.Fail(promise, failed)
	if got, err := f.readAll(t); err != nil || len(got.records) != 100 {
		t.Errorf("%d records, %v", len(got.records), err)
	}
}

// TestCountLimitRefused: a server that requires a limit above 0 is asked for one entity.
func TestCountLimitRefused(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(3)}, only("Component"))
	f.Fail(faults.Fault{Path: "limit=0", Status: http.StatusBadRequest})
	if n, err := f.source.api.count(t.Context(), nil); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// TestEstimates: the source expects what the first page of a kind announces, before it has
// read the rest.
func TestEstimates(t *testing.T) {
	f := start(t, sandbox.Options{Entities: components(250)}, only("Component"), func(c *Config) { c.PageSize = 100 })
	var first map[string]int
	phases := f.cfg.phases()
	err := f.source.Read(t.Context(), phases[len(phases)-1], func(context.Context, []*component.Record) error {
		if first == nil {
			first = f.source.Estimates()
		}
		return nil
	})
	if err != nil || first["Component"] != 250 {
		t.Errorf("%v, %v", first, err)
	}
}
