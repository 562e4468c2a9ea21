package fake

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Company is a source and its model: phases of records whose value is their intended fate.
type Company struct {
	Order   []component.Phase
	Records map[string][]*component.Record // by phase
	page    int
	Fail    func(phase string, page int) error
	closed  bool
	Unread  []*component.Record // found only by Confirm
	Asked   []string
	Control []string // control refs of Confirm
	Blind   bool     // Confirm finds nothing
}

func (c *Company) Language() expression.Model {
	return expression.Model{Names: map[string]expression.Type{"kind": expression.Any(), "fate": expression.Any()},
		Functions: []expression.Function{{
			Name: "there", MinArgs: 1, MaxArgs: 1, Gives: expression.BoolKind,
			Call: func(ctx expression.Context, args []any) (any, error) {
				ref, _ := args[0].(string)
				_, found := ctx.Lookup(ref)
				return found, nil
			},
		}}}
}

func (c *Company) Phases() []component.Phase { return c.Order }

func (c *Company) ParseRef(text string) (string, bool) { return text, strings.Contains(text, ":") }

func (c *Company) RefHint(string, string) string { return "KIND:NAMESPACE/NAME" }

func (c *Company) KindOf(ref string) string { kind, _, _ := strings.Cut(ref, ":"); return kind }

func (c *Company) MayMean(text, ref string) bool { return text == ref }

func (c *Company) Name(text string) string { return text }

func (c *Company) Examples(kind string) [2]string { return [2]string{kind + ":one", kind + ":two"} }

func (c *Company) Decode(r *component.Record) error {
	v, err := codec.Decode(r.Raw)
	if err != nil {
		return fault.Reject(fault.StageRead, "", "not JSON")
	}
	r.Value = v
	return nil
}

func (c *Company) Read(ctx context.Context, ph component.Phase, emit component.Emit) error {
	all := c.Records[ph.Name]
	for page := 0; page*c.page < len(all); page++ {
		if c.Fail != nil {
			if err := c.Fail(ph.Name, page); err != nil {
				return err
			}
		}
		var out []*component.Record
		for _, r := range all[page*c.page : min(len(all), (page+1)*c.page)] {
			copied := *r
			out = append(out, &copied)
		}
		if err := emit(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// Confirm finds records that Read does not return.
func (c *Company) Confirm(ctx context.Context, ph component.Phase, refs, control []string, emit component.Emit) error {
	c.Asked = append(c.Asked, refs...)
	c.Control = append(c.Control, control...)
	if c.Blind {
		return fault.Errorf(fault.Transient, "", "%d refs that were just read are not found", len(control))
	}
	for _, r := range c.Unread {
		of := func(k component.Kind) bool { return strings.EqualFold(k.Name, r.Kind) }
		if slices.Contains(refs, r.Ref) && slices.ContainsFunc(ph.Kinds, of) {
			copied := *r
			if err := emit(ctx, []*component.Record{&copied}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Company) Close() error { c.closed = true; return nil }

func (c *Company) Add(phase, kind, name, fate string) {
	ref := fmt.Sprintf("%s:default/%s", kind, name)
	raw, _ := codec.Marshal(map[string]any{"kind": kind, "fate": fate, "name": name})
	c.Records[phase] = append(c.Records[phase],
		&component.Record{Entry: component.Entry{Ref: ref, Kind: kind, Title: "title of " + name}, Raw: raw})
}

func NewCompany() *Company {
	return &Company{
		page: 7, Records: map[string][]*component.Record{},
		Order: []component.Phase{
			{Name: "identities", Identities: true, Kinds: []component.Kind{{Name: "user"}, {Name: "group"}}},
			{Name: "structure", Kinds: []component.Kind{{Name: "system"}}},
			{Name: "catalog", Kinds: []component.Kind{{Name: "component"}}},
		},
	}
}

// AddUnread adds a record that only Confirm returns.
func (c *Company) AddUnread(kind, name string) {
	other := NewCompany()
	other.Add("", kind, name, "plain")
	c.Unread = append(c.Unread, other.Records[""]...)
}
