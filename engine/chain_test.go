package engine

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/state"
)

// desk is a session that encodes every item to the same answer.
type desk struct {
	Session
	answer Encoded
	held   bool
	err    error
	id     string
}

func (d desk) Encode(*Item) (Encoded, bool, error) { return d.answer, !d.held, d.err }
func (d desk) ID(*Item) string                     { return d.id }

// TestEncode: what becomes of an item, by its stream, its permissions, the hidden
// list and the answer of the session (invariant 2). Permissions and the hidden
// list concern streams with permissions alone.
func TestEncode(t *testing.T) {
	all := access.Permissions{Audience: access.AllUsers, Rule: "r"}
	hidden := []state.Hidden{
		{Ref: "user:default/hidden", At: time.Now()},
		{Ref: "component:default/hidden", At: time.Now(), IDs: []string{"hidden id"}},
	}
	for name, tc := range map[string]struct {
		item   Item
		desk   desk
		ending Ending // Pending for an item that is staged or held
		reason string
		id     string // of a withheld item
		none   bool   // neither an ending nor staged
	}{
		"a document":                           {item: Item{Stream: "documents", Permissions: all}, desk: desk{answer: Encoded{Audience: access.AllUsers}}},
		"of one principal":                     {item: Item{Stream: "documents", Permissions: access.Permissions{Audience: access.Listed, Principals: []string{"u"}}}, desk: desk{answer: Encoded{Audience: access.Listed}}},
		"of a set of groups":                   {item: Item{Stream: "documents", Permissions: access.Permissions{Audience: access.Listed, AllOf: [][]string{{"g", "h"}}}}, desk: desk{answer: Encoded{Audience: access.Listed}}},
		"listed for nobody":                    {item: Item{Stream: "documents", Permissions: access.Permissions{Audience: access.Listed, Rule: "r"}}, ending: Withheld, reason: "rule r: names nobody", id: "x"},
		"for nobody":                           {item: Item{Stream: "documents", Permissions: access.Permissions{Audience: access.Nobody, Rule: "r"}}, desk: desk{id: "own id"}, ending: Withheld, reason: "rule r: for nobody", id: "own id"},
		"undecided":                            {item: Item{Stream: "documents"}, desk: desk{answer: Encoded{Audience: access.AllUsers}}, ending: Rejected, reason: "no rule decided"},
		"encoded without permissions":          {item: Item{Stream: "documents", Permissions: all}, ending: Rejected, reason: "the sink made no permissions"},
		"encoded for nobody":                   {item: Item{Stream: "documents", Permissions: all}, desk: desk{answer: Encoded{ID: "i", Audience: access.Nobody}}, ending: Withheld, reason: "is known to the sink", id: "i"},
		"hidden by its ref":                    {item: Item{Stream: "documents", Ref: "component:default/hidden", Permissions: all}, desk: desk{answer: Encoded{Audience: access.AllUsers}}, ending: Withheld, reason: "hidden with pipe hide", id: "component:default/hidden"},
		"hidden by its id":                     {item: Item{Stream: "documents", Permissions: all}, desk: desk{answer: Encoded{ID: "hidden id", Audience: access.AllUsers}}, ending: Withheld, reason: "as component:default/hidden", id: "hidden id"},
		"refused by the session":               {item: Item{Stream: "documents", Permissions: all}, desk: desk{err: errors.New("too long")}, ending: Rejected, reason: "too long"},
		"held by the session":                  {item: Item{Stream: "documents", Permissions: all}, desk: desk{held: true}, none: true},
		"a stream that is not written":         {item: Item{Stream: "off", Permissions: all}, ending: Filtered, reason: "off is off"},
		"identities are resolved all the same": {item: Item{Stream: "people"}},
		"an unknown stream":                    {item: Item{Stream: "other"}, ending: Rejected, reason: "no such stream"},
		"no permissions are needed":            {item: Item{Stream: "notes"}},
		"encoded for nobody, none needed":      {item: Item{Stream: "notes"}, desk: desk{answer: Encoded{Audience: access.Nobody}}},
		"a hidden user is a user":              {item: Item{Stream: "people", Ref: "user:default/hidden"}},
		"a note with a hidden id":              {item: Item{Stream: "notes"}, desk: desk{answer: Encoded{ID: "hidden id"}}},
	} {
		c := &chain{session: tc.desk, hidden: hidingOf(hidden), p: &Pipeline{
			Streams: []Stream{{Name: "documents", Permissions: true}, {Name: "people", Identities: true}, {Name: "notes"}, {Name: "off"}},
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
		c.encode([]Item{tc.item}, res)
		switch {
		case tc.none:
			if len(res.ends)+len(res.staged) != 0 {
				t.Errorf("%s: %+v", name, res)
			}
		case tc.ending == Pending:
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
			if e.ending != tc.ending || !strings.Contains(e.reason, tc.reason) || e.id != tc.id || e.ref != tc.item.Ref {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}

// mapAll is a mapper that gives every record the same.
type mapAll Mapped

func (m mapAll) Map(*Worker, *Record, Pass) (Mapped, error) { return Mapped(m), nil }

// TestSwitchedOff: a record of a kind that is switched off is read for its
// identities only, and still ends.
func TestSwitchedOff(t *testing.T) {
	user := []Item{{Stream: "users", Ref: "user:default/a"}}
	for name, tc := range map[string]struct {
		mapped Mapped
		off    bool
		reason string // "" when it does not end here
		later  int
		staged int
	}{
		"only others, off":     {Mapped{Later: true}, true, "user is switched off", 0, 0},
		"only others, on":      {Mapped{Later: true}, false, "", 1, 0},
		"an identity too, off": {Mapped{Later: true, Items: user}, true, "", 0, 1},
		"an identity too, on":  {Mapped{Later: true, Items: user}, false, "", 1, 1},
		"an identity, off":     {Mapped{Items: user}, true, "", 0, 1},
		"not mapped, off":      {Mapped{Omitted: "no e-mail"}, true, "no e-mail", 0, 0},
		"not mapped, on":       {Mapped{Omitted: "no e-mail"}, false, "no e-mail", 0, 0},
	} {
		w := newWorld(t)
		w.add("identities", "user", "a", "fine")
		w.p.Transforms, w.p.Mapper = nil, mapAll(tc.mapped)
		c := &chain{p: w.p, session: desk{}, off: map[string]bool{"user": tc.off}}
		res, err := c.identities(t.Context(), NewWorker(w.p.Language, nil), w.records["identities"])
		if err != nil || len(res.later) != tc.later || len(res.staged) != tc.staged {
			t.Errorf("%s: %v, %+v", name, err, res)
			continue
		}
		if tc.reason == "" && len(res.ends) != 0 || tc.reason != "" && (len(res.ends) != 1 || res.ends[0].ending != Filtered || res.ends[0].reason != tc.reason) {
			t.Errorf("%s: %+v", name, res.ends)
		}
	}
}
