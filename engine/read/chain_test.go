package read

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/expression"
)

// desk is a session that returns the same answer for every item.
type desk struct {
	component.Session
	answer component.Encoded
	held   bool
	err    error
	id     string
}

func (d desk) Encode(*component.Item) (component.Encoded, bool, error) {
	return d.answer, !d.held, d.err
}
func (d desk) ID(*component.Item) string { return d.id }

// TestEncode: the outcome of an item depends on its stream, its permissions, the hidden list
// and the answer of the session (invariant 2). Permissions and the hidden list apply only to
// streams with permissions.
func TestEncode(t *testing.T) {
	all := access.Permissions{Audience: access.AllUsers, Rule: "r"}
	hidden := []baseline.Hidden{
		{Ref: "user:default/hidden", At: time.Now()},
		{Ref: "component:default/hidden", At: time.Now(), IDs: []string{"hidden id"}},
	}
	for name, tc := range map[string]struct {
		item   component.Item
		desk   desk
		ending component.Ending // Pending for an item that is staged or held
		reason string
		id     string // of a withheld item
		none   bool   // neither an ending nor staged
	}{
		"a document": {item: component.Item{Stream: "documents", Permissions: all},
			desk: desk{answer: component.Encoded{Audience: access.AllUsers}}},
		"listed for one principal": {item: component.Item{Stream: "documents",
			Permissions: access.Permissions{Audience: access.Listed, Principals: []string{"u"}}},
			desk: desk{answer: component.Encoded{Audience: access.Listed}}},
		"listed for a set of groups": {item: component.Item{Stream: "documents",
			Permissions: access.Permissions{Audience: access.Listed, AllOf: [][]string{{"g", "h"}}}},
			desk: desk{answer: component.Encoded{Audience: access.Listed}}},
		"listed for no one": {item: component.Item{Stream: "documents",
			Permissions: access.Permissions{Audience: access.Listed, Rule: "r"}}, ending: component.Withheld,
			reason: `rule "r" names no user or group`, id: "x"},
		"for no one": {item: component.Item{Stream: "documents",
			Permissions: access.Permissions{Audience: access.Nobody, Rule: "r"}}, desk: desk{id: "own id"},
			ending: component.Withheld, reason: `rule "r" grants access to no one`, id: "own id"},
		"undecided": {item: component.Item{Stream: "documents"},
			desk: desk{answer: component.Encoded{Audience: access.AllUsers}}, ending: component.Rejected,
			reason: "no rule decided"},
		"encoded without permissions": {item: component.Item{Stream: "documents", Permissions: all},
			ending: component.Rejected, reason: "the sink made no permissions"},
		"encoded for no one": {item: component.Item{Stream: "documents", Permissions: all},
			desk: desk{answer: component.Encoded{ID: "i", Audience: access.Nobody}}, ending: component.Withheld,
			reason: "none of its users or groups is active in the index", id: "i"},
		"hidden by its ref": {item: component.Item{Stream: "documents", Ref: "component:default/hidden",
			Permissions: all}, desk: desk{answer: component.Encoded{Audience: access.AllUsers}},
			ending: component.Withheld,
			reason: "hidden with pipe hide", id: "component:default/hidden"},
		"hidden by its id": {item: component.Item{Stream: "documents", Permissions: all},
			desk:   desk{answer: component.Encoded{ID: "hidden id", Audience: access.AllUsers}},
			ending: component.Withheld,
			reason: "as component:default/hidden", id: "hidden id"},
		"refused by the session": {item: component.Item{Stream: "documents", Permissions: all},
			desk: desk{err: errors.New("too long")}, ending: component.Rejected, reason: "too long"},
		"held by the session": {item: component.Item{Stream: "documents", Permissions: all},
			desk: desk{held: true}, none: true},
		"a stream that is not written": {item: component.Item{Stream: "off", Permissions: all},
			ending: component.Filtered, reason: "off is off"},
		"identities that are not written": {item: component.Item{Stream: "people"}},
		"an unknown stream": {item: component.Item{Stream: "other"}, ending: component.Rejected,
			reason: "no such stream"},
		"no permissions are needed": {item: component.Item{Stream: "notes"}},
		"encoded for no one, no permissions needed": {item: component.Item{Stream: "notes"},
			desk: desk{answer: component.Encoded{Audience: access.Nobody}}},
		"a hidden user is a user": {item: component.Item{Stream: "people", Ref: "user:default/hidden"}},
		"a note with a hidden id": {item: component.Item{Stream: "notes"},
			desk: desk{answer: component.Encoded{ID: "hidden id"}}},
	} {
		c := &chain{session: tc.desk, hostOf: component.HostsOf(nil), hidden: baseline.HidingOf(hidden, nil),
			p: &component.Pipeline{
				Streams: []component.Stream{{Name: "documents", Permissions: true}, {Name: "people", Identities: true},
					{Name: "notes"}, {Name: "off"}},
				Unwritten: func(stream string) string {
					if stream == "off" || stream == "people" {
						return stream + " is off"
					}
					return ""
				},
			}}
		if tc.item.Ref == "" {
			tc.item.Ref = "x"
		}
		res := &result{}
		c.encode([]component.Item{tc.item}, res)
		switch {
		case tc.none:
			if len(res.ends)+len(res.staged) != 0 {
				t.Errorf("%s: %+v", name, res)
			}
		case tc.ending == component.Pending:
			if len(res.ends) != 0 || len(res.staged) != 1 {
				t.Errorf("%s: %+v", name, res)
			}
		case len(res.ends) != 1 || len(res.staged) != 0:
			t.Errorf("%s: %+v", name, res)
		default:
			e := res.ends[0]
			if e.err != nil {
				e.reason = e.err.Error()
			}
			if e.ending != tc.ending || !strings.Contains(e.reason, tc.reason) || e.id != tc.id ||
				e.ref != tc.item.Ref {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}

// mapAll is a mapper that returns the same for every record.
type mapAll component.Mapped

func (m mapAll) Map(*component.Worker, *component.Record, component.Pass) (component.Mapped, error) {
	return component.Mapped(m), nil
}

// plain is a model that decodes records as the source sent them.
type plain struct{ component.Refs }

func (plain) Language() expression.Model {
	return expression.Model{Names: map[string]expression.Type{"kind": expression.Any()}}
}

func (plain) Phases() []component.Phase { return nil }

func (plain) Decode(r *component.Record) (err error) {
	r.Value, err = codec.Decode(r.Raw)
	return err
}

// TestSwitchedOff: a record of a kind that is switched off is read only for its identities, and
// still has an ending.
func TestSwitchedOff(t *testing.T) {
	user := []component.Item{{Stream: "users", Ref: "user:default/a"}}
	for name, tc := range map[string]struct {
		mapped component.Mapped
		off    bool
		reason string // "" when it does not end here
		later  int
		staged int
	}{
		"only others, off":     {component.Mapped{Later: true}, true, "user is switched off", 0, 0},
		"only others, on":      {component.Mapped{Later: true}, false, "", 1, 0},
		"an identity too, off": {component.Mapped{Later: true, Items: user}, true, "", 0, 1},
		"an identity too, on":  {component.Mapped{Later: true, Items: user}, false, "", 1, 1},
		"an identity, off":     {component.Mapped{Items: user}, true, "", 0, 1},
		"not mapped, off":      {component.Mapped{Omitted: "no e-mail"}, true, "no e-mail", 0, 0},
		"not mapped, on":       {component.Mapped{Omitted: "no e-mail"}, false, "no e-mail", 0, 0},
	} {
		language, errs := expression.New(plain{}.Language(), nil, nil)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		p := &component.Pipeline{
			Language: language, Model: plain{}, Mapper: mapAll(tc.mapped), Unwritten: func(string) string { return "" },
			Streams: []component.Stream{{Name: "users", Identities: true}, {Name: "documents", Permissions: true}},
		}
		c := &chain{p: p, session: desk{}, off: map[string]bool{"user": tc.off}}
		records := []*component.Record{{Entry: component.Entry{Ref: "user:default/a", Kind: "user"},
			Raw: []byte(`{"kind":"user"}`)}}
		res, err := c.identities(t.Context(), component.NewWorker(language, nil), records)
		if err != nil || len(res.later) != tc.later || len(res.staged) != tc.staged {
			t.Errorf("%s: %v, %+v", name, err, res)
			continue
		}
		if tc.reason == "" && len(res.ends) != 0 ||
			tc.reason != "" &&
				(len(res.ends) != 1 || res.ends[0].ending != component.Filtered || res.ends[0].reason != tc.reason) {
			t.Errorf("%s: %+v", name, res.ends)
		}
	}
}
