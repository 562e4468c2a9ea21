package backstage

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/sourcegraph/conc/pool"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

const (
	// maxRefs and maxRefsBytes bound one request: Backstage reads no body of
	// more than 100 kB.
	maxRefs      = 1000
	maxRefsBytes = 90 << 10
	// maxControl is how many refs of existing entities are added to a request.
	maxControl = 20
)

// Confirm requests refs by POST /entities/by-refs, several kinds at a time. It skips refs of
// kinds that the phase does not read; control may be of any kind. An absence without any
// control is an error, too.
func (s *Source) Confirm(ctx context.Context, phase component.Phase, refs, control []string,
	emit component.Emit) error {
	emit = s.watch(emit)
	// they are counted and cannot be requested
	control = slices.DeleteFunc(slices.Clone(control), func(ref string) bool {
		return slices.ContainsFunc(s.cfg.SkipUnreadable, func(skip string) bool { return strings.EqualFold(skip, ref) })
	})
	kinds := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError().WithMaxGoroutines(max(1, s.cfg.Concurrency))
	for _, k := range phase.Kinds {
		asked := refsOf(refs, k.Name)
		if len(asked) == 0 {
			continue
		}
		kinds.Go(func(ctx context.Context) error {
			if err := s.confirmation(k.Name, control, emit).ask(ctx, asked); err != nil {
				return fmt.Errorf("request entities of kind %s that were not read: %w", k.Name, err)
			}
			return nil
		})
	}
	return kinds.Wait()
}

// refsOf returns the valid refs of a kind, without duplicates.
func refsOf(refs []string, kind string) []string {
	var out []string
	for _, r := range refs {
		r = strings.ToLower(r)
		if k, _, name, ok := ref.Split(r); ok && strings.EqualFold(k, kind) && !strings.HasPrefix(name, nameless) {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// confirmation requests refs of one kind.
type confirmation struct {
	api     api
	log     *slog.Logger
	kind    string
	control []string
	filter  []string
	size    *pageSize
	emit    component.Emit
}

// confirmation prefers controls of the kind itself: entities of another kind prove less.
func (s *Source) confirmation(kind string, control []string, emit component.Emit) *confirmation {
	c := &confirmation{
		api: s.api, log: s.log.With("kind", kind), kind: kind, emit: emit, control: refsOf(control, kind),
		size: newPageSize(min(s.cfg.PageSize, maxRefs-maxControl), int64(s.cfg.MaxResponse)),
	}
	kinds := []string{kind}
	for _, r := range control {
		k, _, _ := strings.Cut(r, ":")
		if len(c.control) < maxControl && !strings.EqualFold(k, kind) {
			c.control = append(c.control, refsOf([]string{r}, k)...)
			kinds = append(kinds, k)
		}
	}
	c.control = c.control[:min(len(c.control), maxControl)]
	c.filter = refsFilter(kinds, s.cfg.Filters)
	return c
}

// refsFilter returns the filter for reading these kinds, and none when only the kind is
// filtered: refs contain the kind, and without a filter Backstage reads the table that holds
// an entity the longest.
func refsFilter(kinds []string, filters []Filter) []string {
	var out []string
	restricted := false
	for _, kind := range kinds {
		for _, p := range parameters(kind, filters) {
			restricted = restricted || strings.Contains(p, ",")
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	if !restricted {
		return nil
	}
	return out
}

// ask emits the entities of refs that exist.
func (c *confirmation) ask(ctx context.Context, refs []string) error {
	for len(refs) > 0 {
		var (
			control, asked []string
			answer         found
		)
		err := c.size.ask(ctx, c.log, func(once bool) (int, error) {
			control = c.control[:min(len(c.control), c.size.now)]
			asked = refs[:fitting(control, refs[:min(len(refs), c.size.now)])]
			var err error
			answer, err = c.api.refs(ctx,
				refsRequest{refs: slices.Concat(control, asked), filter: c.filter, maxBytes: c.size.maxBytes(), once: once})
			return answer.bytes, err
		})
		if err != nil {
			return err
		}
		if err := c.deliver(ctx, control, asked, answer.items); err != nil {
			return err
		}
		refs = refs[len(asked):]
	}
	return nil
}

// fitting returns how many of refs, at least one, fit into a request with control.
func fitting(control, refs []string) int {
	const brackets = `{"entityRefs":[]}`
	var quoted []byte
	size := func(r string) int {
		quoted = codec.Quote(quoted[:0], r)
		return len(quoted) + len(",")
	}
	bytes := len(brackets)
	for _, r := range control {
		bytes += size(r)
	}
	for i, r := range refs {
		if bytes += size(r); bytes > maxRefsBytes && i > 0 {
			return i
		}
	}
	return len(refs)
}

// deliver checks the control first: if it is incomplete, the rest of the answer proves
// nothing.
func (c *confirmation) deliver(ctx context.Context, control, asked []string, items [][]byte) error {
	seen, err := c.records(control, items[:len(control)])
	if err != nil {
		return err
	}
	if len(seen) < len(control) {
		return halfBlind(control, seen)
	}
	records, err := c.records(asked, items[len(control):])
	switch {
	case err != nil:
		return err
	case len(control) == 0 && len(records) < len(asked):
		return fault.Errorf(fault.Transient, blindRemedy,
			"Backstage does not find %s, but no other entity was read that could confirm its answer",
			lacking(asked, records)[0])
	case len(records) == 0:
		return nil
	}
	return c.emit(ctx, records)
}

// records are the records of those refs that are there.
func (c *confirmation) records(refs []string, items [][]byte) ([]*component.Record, error) {
	var out []*component.Record
	for i, item := range items {
		if item == nil {
			continue
		}
		kind, _, _ := strings.Cut(refs[i], ":")
		if strings.EqualFold(kind, c.kind) {
			kind = c.kind
		}
		r, err := record(item, kind)
		if err == nil && r.Ref != refs[i] {
			err = fmt.Errorf("%s was not requested", r.Ref)
		}
		if err != nil {
			return nil, fault.Errorf(fault.Permanent, mixedUp, "another entity was returned for %s: %w", refs[i], err)
		}
		out = append(out, r)
	}
	return out, nil
}

const blindRemedy = "run again; if this repeats, the token sees only a part of the catalog (check its " +
	"accessRestrictions in backend.auth.externalAccess), or Backstage is being filled, restarted or updated"

// halfBlind is the error of an answer that lacks entities known to exist.
func halfBlind(control []string, seen []*component.Record) error {
	return fault.Errorf(fault.Transient, blindRemedy,
		"of %d entities that were just read, Backstage now finds only %d, and not %s: missing entities cannot be "+
			"treated as deleted", len(control), len(seen), lacking(control, seen)[0])
}

// lacking are the refs that no record has.
func lacking(refs []string, records []*component.Record) (out []string) {
	for _, want := range refs {
		if !slices.ContainsFunc(records, func(r *component.Record) bool { return r.Ref == want }) {
			out = append(out, want)
		}
	}
	return out
}
