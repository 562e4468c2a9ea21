package read

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// chain is the steps of a batch in a worker: decode, transforms, mapping, permissions, encode.
// It has no mutable state; one goroutine commits its results in order.
type chain struct {
	p       *component.Pipeline
	session component.Session
	hidden  baseline.Hiding
	off     map[string]bool // kinds that are read for the look-up only
	hosts   *hosts          // nil when no item can be attached
	hostOf  component.Hosts
	watch   component.Observer // nil in ordinary runs
}

// ended is the ending of a record, or of one of its items when stream is set.
type ended struct {
	stream, ref string
	id          string // of a withheld item, where it is known
	ending      component.Ending
	reason      string
	decided     bool // withheld by the decision of a rule
	err         error
}

// result is the result of one batch.
type result struct {
	ends   []ended
	staged []stagedItem
	later  []*component.Record // for the pass over other streams; Raw is the record after the transforms
	// reread are hosts of attached records whose transforms depend on more than these records: the
	// next run must read the hosts, also when they do not change.
	reread []string
}

type stagedItem struct {
	stream      string
	e           component.Encoded
	permissions access.Permissions
}

func (r *result) reject(stream, ref string, err error) {
	r.ends = append(r.ends, ended{stream: stream, ref: ref, ending: component.Rejected, err: err})
}

// transform decodes a batch and applies the transforms. It returns the records that remain.
func (c *chain) transform(ctx context.Context, w *component.Worker, batch []*component.Record,
	res *result) ([]*component.Record, error) {
	kept := batch[:0]
	for _, r := range batch {
		if err := c.p.Model.Decode(r); err != nil {
			res.reject("", r.Ref, at(fault.StageRead, err))
			continue
		}
		if o := component.Watching(c.watch, r.Ref); o != nil {
			o.Decoded(r)
		}
		kept = append(kept, r)
	}
	for _, t := range c.p.Transforms {
		if len(kept) == 0 {
			return nil, nil
		}
		hosts, lookups := c.hostsOf(kept), w.Lookups()
		before := c.values(kept)
		outcomes, err := t.Apply(ctx, w, kept)
		if err != nil {
			return nil, fmt.Errorf("transform %q: %w", t.Name(), err)
		}
		if len(outcomes) != len(kept) {
			return nil, fmt.Errorf("transform %q returned %d outcomes for %d records",
				t.Name(), len(outcomes), len(kept))
		}
		_, program := component.Capability[component.Programmed](t)
		if w.Lookups() > lookups || program && slices.ContainsFunc(outcomes, notSkipped) {
			res.reread = append(res.reread, hosts...)
		}
		still := kept[:0]
		for i, r := range kept {
			if o := component.Watching(c.watch, r.Ref); o != nil {
				o.Transformed(w, t, before[i], r, outcomes[i])
			}
			switch o := outcomes[i]; {
			case o.Err != nil:
				res.reject("", r.Ref, at(fault.StageTransform, o.Err))
			case o.Dropped != "":
				res.ends = append(res.ends, ended{ref: r.Ref, ending: component.Filtered, reason: o.Dropped})
			default:
				still = append(still, r)
			}
		}
		kept = still
	}
	return kept, nil
}

func notSkipped(o component.Outcome) bool { return !o.Skipped }

// hostsOf returns the hosts of the attached records of a batch.
func (c *chain) hostsOf(batch []*component.Record) (hosts []string) {
	for _, r := range batch {
		if host, attached := c.hostOf(r.Ref); attached && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// values returns the values of a batch before a transform; nil without an observer.
func (c *chain) values(batch []*component.Record) []map[string]any {
	if c.watch == nil {
		return nil
	}
	out := make([]map[string]any, len(batch))
	for i, r := range batch {
		out[i] = r.Value
	}
	return out
}

// mapped maps a record in one pass.
func (c *chain) mapped(w *component.Worker, r *component.Record, pass component.Pass) (component.Mapped, error) {
	w.Begin(r)
	o := component.Watching(c.watch, r.Ref)
	if o != nil {
		o.Mapping(w, r)
	}
	m, err := c.p.Mapper.Map(w, r, pass)
	if o != nil && err == nil {
		o.Mapped(r, m)
	}
	return m, err
}

// identities is the pass over identity streams of a batch.
func (c *chain) identities(ctx context.Context, w *component.Worker, batch []*component.Record) (*result, error) {
	res := &result{}
	kept, err := c.transform(ctx, w, batch, res)
	if err != nil {
		return nil, err
	}
	for _, r := range kept {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		m, err := c.mapped(w, r, component.IdentityStreams)
		if err != nil {
			res.reject("", r.Ref, at(fault.StageMapping, err))
			continue
		}
		c.encode(m.Items, res)
		switch {
		case m.Later && c.off[r.Kind]:
			if len(m.Items) == 0 {
				res.ends = append(res.ends, ended{ref: r.Ref, ending: component.Filtered, reason: r.Kind + " is switched off"})
			}
		case m.Later:
			raw, err := codec.Marshal(r.Value)
			if err != nil {
				res.reject("", r.Ref, at(fault.StageTransform, err))
				continue
			}
			res.later = append(res.later, &component.Record{Entry: r.Entry, Raw: raw})
		case m.Omitted != "":
			res.ends = append(res.ends, ended{ref: r.Ref, ending: component.Filtered, reason: m.Omitted})
		}
	}
	return res, nil
}

// others is the pass over all other streams of a batch that comes from the source.
func (c *chain) others(ctx context.Context, w *component.Worker, batch []*component.Record) (*result, error) {
	res := &result{}
	kept, err := c.transform(ctx, w, batch, res)
	if err != nil {
		return nil, err
	}
	return c.eachOther(ctx, w, kept, res)
}

// decoded is the pass over all other streams of a batch that has had the pass over identities.
// Raw of its records is the value after the transforms.
func (c *chain) decoded(ctx context.Context, w *component.Worker, batch []*component.Record) (*result, error) {
	for _, r := range batch {
		v, err := codec.DecodeShared(r.Raw)
		if err != nil {
			return nil, fmt.Errorf("read %s back from the stage: %w", r.Ref, err)
		}
		r.Value = v
	}
	return c.eachOther(ctx, w, batch, &result{})
}

// eachOther maps, decides and encodes records for all streams except identities. It ends with ctx.
func (c *chain) eachOther(ctx context.Context, w *component.Worker, records []*component.Record, res *result) (*result,
	error) {
	for _, r := range records {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c.other(w, r, res)
		r.Value, r.Raw = nil, nil
	}
	return res, nil
}

func (c *chain) other(w *component.Worker, r *component.Record, res *result) {
	m, err := c.mapped(w, r, component.OtherStreams)
	if err != nil {
		res.reject("", r.Ref, at(fault.StageMapping, err))
		return
	}
	if m.Omitted != "" {
		res.ends = append(res.ends, ended{ref: r.Ref, ending: component.Filtered, reason: m.Omitted})
	}
	if host, attached := c.hostOf(r.Ref); attached {
		c.encode(c.inherit(r, host, m.Items, res), res)
		return
	}
	var decided access.Permissions
	for i := range m.Items {
		item := &m.Items[i]
		if s, _ := c.p.Stream(item.Stream); !s.Permissions {
			continue
		}
		if decided.Audience == access.Undecided {
			if decided, err = c.decide(w, r); err != nil {
				res.reject(item.Stream, r.Ref, at(fault.StagePermissions, err))
				return
			}
		}
		item.Permissions = decided
	}
	c.encode(m.Items, res)
}

// inherit gives the items of an attached record the permissions of its host, and returns those
// that are left when the host's own item is not delivered (invariant 2). No rule is evaluated.
func (c *chain) inherit(r *component.Record, host string, items []component.Item, res *result) []component.Item {
	from := c.hosts.inherit(host)
	if o := component.Watching(c.watch, r.Ref); o != nil && from.Audience != access.Undecided {
		o.Decided(r, from.Permissions)
	}
	left := items[:0]
	for _, item := range items {
		switch s, _ := c.p.Stream(item.Stream); {
		case !s.Permissions:
			left = append(left, item)
		case from.Audience == access.Undecided:
			res.ends = append(res.ends, ended{stream: item.Stream, ref: item.Ref, id: c.idOf(&item), ending: from.ending,
				reason: from.reason, decided: from.decided})
		default:
			item.Permissions = from.Permissions
			left = append(left, item)
		}
	}
	return left
}

// decide evaluates the permission rules.
func (c *chain) decide(w *component.Worker, r *component.Record) (access.Permissions, error) {
	w.Begin(r) // repeats the look-ups of the mapping
	p, err := c.p.Decider.Decide(w, r)
	if err != nil {
		return p, err
	}
	if o := component.Watching(c.watch, r.Ref); o != nil {
		o.Decided(r, p)
	}
	return p, nil
}

// encode encodes items with the session and adds the outcomes to res.
func (c *chain) encode(items []component.Item, res *result) {
	for i := range items {
		item := &items[i]
		s, ok := c.p.Stream(item.Stream)
		if !ok {
			res.reject("", item.Ref, fault.Reject(fault.StageMapping, item.Stream, "the sink has no such stream"))
			continue
		}
		if !s.Identities {
			if why := c.p.Unwritten(item.Stream); why != "" {
				res.ends = append(res.ends, ended{stream: item.Stream, ref: item.Ref, ending: component.Filtered, reason: why})
				continue
			}
		}
		if s.Permissions && item.Permissions.Audience == access.Undecided { // invariant 2
			res.reject(item.Stream, item.Ref, fault.Reject(fault.StagePermissions, "", "no rule decided who may find "+
				"the document"))
			continue
		}
		why, decided := withheld(item.Permissions), item.Permissions.Audience == access.Nobody
		if s.Permissions && c.hidden.HasRef(item.Ref) {
			why, decided = c.hidden.WhyRef(item.Ref), false
		}
		if why != "" {
			res.ends = append(res.ends,
				ended{stream: item.Stream, ref: item.Ref, id: c.idOf(item), ending: component.Withheld, reason: why,
					decided: decided})
			continue
		}
		e, kept, err := c.session.Encode(item)
		switch {
		case err != nil:
			res.reject(item.Stream, item.Ref, at(fault.StageEncode, err))
		case !kept:
		case s.Permissions && e.Audience == access.Undecided: // invariant 2
			res.reject(item.Stream, item.Ref,
				fault.Reject(fault.StageEncode, "", "the sink made no permissions from the decision"))
		case s.Permissions && e.Audience == access.Nobody:
			res.ends = append(res.ends,
				ended{stream: item.Stream, ref: item.Ref, id: e.ID, ending: component.Withheld,
					reason: ruleText(item.Permissions.Rule) + ": none of its users or groups is active in the index"})
		case s.Permissions && c.hidden.HasID(item.Ref, e.ID):
			res.ends = append(res.ends,
				ended{stream: item.Stream, ref: item.Ref, id: e.ID, ending: component.Withheld,
					reason: c.hidden.Why(item.Ref, e.ID)})
		default:
			e.Cut = append(e.Cut, item.Cut...)
			e.Hash()
			res.staged = append(res.staged, stagedItem{stream: item.Stream, e: e, permissions: item.Permissions})
		}
	}
}

// idOf returns the ID that an item would have, or its ref when the session cannot return one.
func (c *chain) idOf(item *component.Item) string {
	if s, can := c.session.(component.Identifier); can {
		if id := s.ID(item); id != "" {
			return id
		}
	}
	return item.Ref
}

// withheld returns why a decision lets no one find an item; "" when it lets people find it.
func withheld(p access.Permissions) string {
	switch {
	case p.Audience == access.Nobody:
		return ruleText(p.Rule) + " grants access to no one"
	case p.Audience == access.Listed && len(p.Principals)+len(p.AllOf) == 0:
		return ruleText(p.Rule) + " names no user or group for this record"
	}
	return ""
}

// ruleText returns the name of a rule in a reason.
func ruleText(rule string) string {
	if rule == "default" {
		return "the default"
	}
	return fmt.Sprintf("rule %q", rule)
}

// at returns err as a Rejection, with the given stage when it has none.
func at(stage fault.Stage, err error) error {
	r := *rejection(err)
	if r.Stage == "" {
		r.Stage = stage
	}
	return &r
}

func rejection(err error) *fault.Rejection {
	var r *fault.Rejection
	if errors.As(err, &r) {
		return r
	}
	return &fault.Rejection{Reason: err.Error()}
}

// guarded converts a panic of a step into an error with its stack.
func guarded(step func() (*result, error)) (res *result, err error) {
	defer func() {
		if v := recover(); v != nil {
			res, err = nil, fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return step()
}
