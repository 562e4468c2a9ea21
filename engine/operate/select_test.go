package operate

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// keeper is a store whose items may stay as they are.
type keeper struct{ *fake.Store }

func (k keeper) Open(ctx context.Context, o component.Opening) (component.Session, error) {
	_, err := k.Store.Open(ctx, o)
	return k, err
}

func (keeper) Keep(item *component.Item, id, typ string) (component.Encoded, error) {
	return component.Encoded{ID: id, Ref: item.Ref, Type: typ, Audience: item.Permissions.Audience, Kept: true,
		Principals: item.Permissions.Principals, Body: []byte("{}")}, nil
}

// TestSelectAttached: a selected record takes along what is attached to it in the sink, by the last
// good run or by the journal, whether or not a phase reads it.
func TestSelectAttached(t *testing.T) {
	for name, phase := range map[string]bool{"read": true, "switched off": false} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t)
			n.good(func(w *world) {
				l := fake.NewLibrary(w.World)
				w.Components(2, "fine")
				l.AddPage("c000", "p", "fine")
				l.AddPage("c001", "p", "fine")
			})
			j, err := n.Baseline().Begin(baseline.Publishing, "r", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			j.Intend(1, baseline.Intent{Stream: "documents", ID: "page:default/c000/sent", Ref: "page:default/c000/sent",
				Type: "page", Grant: access.Grant{Audience: access.AllUsers}})
			if err := errors.Join(j.Sync(), j.Close()); err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			l := fake.NewLibrary(w.World)
			if !phase {
				l.Order = l.Order[:len(l.Order)-1]
			}
			w.Add("identities", "user", "sam", "fine")
			w.Components(1, "of sam")
			w.Unread = w.Records["catalog"] // found by Confirm
			w.P.Sink = keeper{w.Store}
			sel, err := Select(t.Context(), w.P, SelectOptions{Refs: []string{"component:default/c000"}, RunID: "r",
				State: n.Store()})
			if err != nil {
				t.Fatal(err)
			}
			var kept []string
			for _, item := range sel.Records[0].Kept {
				kept = append(kept, item.Ref+" "+item.Audience.String())
			}
			slices.Sort(kept)
			if want := []string{"page:default/c000/p listed", "page:default/c000/sent listed"}; !slices.Equal(kept, want) {
				t.Errorf("%q, want %q", kept, want)
			}
		})
	}
}
