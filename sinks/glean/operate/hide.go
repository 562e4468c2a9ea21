package operate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

// hideRequests are the requests of Hide.
func hideRequests(datasource string) []string {
	return []string{api.PathUpdatePermissions, api.PathDeleteDocument, api.PathDebugDocuments(datasource)}
}

// Hide removes a document under each of its known types, looks once, and removes it under
// other types that Glean lists. If Glean does not say what it has and no type is known, it
// tries every declared type.
func (k *Operator) Hide(ctx context.Context, id string, types []string) (*component.Hidden, error) {
	k = k.only(hideRequests(k.Config.Datasource.Name))
	h := &hide{k: k, id: id, out: &component.Hidden{Types: []string{}, Notes: []string{}}}
	if err := h.take(ctx, types); err != nil {
		return h.out, err
	}
	left, err := h.look(ctx, types)
	if s := api.StatusOf(err); s == http.StatusNotFound || s == http.StatusGone || errors.Is(err, api.ErrShape) {
		if len(types) == 0 {
			if err := h.take(ctx, k.objectTypes()); err != nil {
				return h.out, err
			}
		}
		return h.out, unconfirmed("its deletion was requested; Glean does not report whether it is gone")
	}
	if err != nil && len(h.out.Types) == 0 { // nothing was done
		return h.out, err
	}
	if err != nil {
		return h.out, unconfirmed("its deletion was requested, but Glean did not report whether it is gone: %v", err)
	}
	var others []string
	for _, d := range left {
		if !slices.Contains(h.tried, d.ObjectType) {
			others = append(others, d.ObjectType)
		}
	}
	if len(others) > 0 {
		if err := h.take(ctx, others); err != nil {
			return h.out, err
		}
		if left, err = h.look(ctx, others); err != nil {
			return h.out, unconfirmed("its deletion was requested, but Glean did not report whether it is gone: "+
				"%v", err)
		}
	}
	switch {
	case len(left) == 0:
	case k.findable(left):
		return h.out, unconfirmed("its deletion was requested, but Glean still lists it with permissions by " +
			"which it can be found")
	default:
		h.out.Notes = append(h.out.Notes, "Glean still lists it, with permissions that name no user; it "+
			"disappears when Glean has processed its deletion")
	}
	return h.out, nil
}

// hide is what Hide does to one id.
type hide struct {
	k     *Operator
	id    string
	out   *component.Hidden
	tried []string // types, as Glean has them
}

func (h *hide) take(ctx context.Context, types []string) error {
	for _, t := range types {
		note, err := h.k.Client.TakeAway(ctx, h.id, t)
		if note != "" {
			h.out.Notes = append(h.out.Notes, note)
		}
		if err != nil {
			return err
		}
		h.tried, h.out.Types = append(h.tried, t), append(h.out.Types, h.k.Client.Readable(t))
	}
	return nil
}

// look returns what Glean lists of the document.
func (h *hide) look(ctx context.Context, types []string) ([]api.DebugDocumentsItem, error) {
	all, err := h.k.located(ctx, h.id, types)
	return there(all), err
}

// findable reports whether anyone may find one of some documents.
func (k *Operator) findable(all []api.DebugDocumentsItem) bool {
	return slices.ContainsFunc(all, func(d api.DebugDocumentsItem) bool {
		if p := d.DebugInfo.UploadedPermissions; p != nil {
			audience, _ := k.whomOf(*p)
			return audience != access.Nobody
		}
		return false
	})
}

// objectTypes are the types that the file declares.
func (k *Operator) objectTypes() []string {
	var out []string
	for _, o := range k.Config.Datasource.ObjectDefinitions {
		if o.Name != "" {
			out = append(out, o.Name)
		}
	}
	return out
}

// settleRequests are the requests of Settle.
func settleRequests(datasource string) []string {
	return []string{api.PathProcessAllDocuments, api.PathDebugStatus(datasource)}
}

// Settle makes Glean process deletions now, which is possible once in three hours, and looks
// for uploads that may bring documents back.
func (k *Operator) Settle(ctx context.Context, o component.Opening, deleted bool) []string {
	k = k.only(settleRequests(k.Config.Datasource.Name))
	var notes []string
	if deleted {
		switch err := k.processDocuments(ctx); {
		case err == nil:
		case fault.ClassOf(err) == fault.Throttled:
			notes = append(notes, "no one can find the documents any more; Glean deletes them when it next "+
				"processes uploads, within about 20 minutes. On request it does so once in three hours, and "+
				"accepts the next request "+
				k.nextProcessing(ctx))
		default:
			notes = append(notes, fmt.Sprintf("no one can find the documents any more; Glean deletes them when "+
				"it next processes uploads, within about 20 minutes. Requesting it now failed: %v", err))
		}
	}
	s, err := k.Client.Status(ctx)
	if err != nil {
		return append(notes, fmt.Sprintf("whether another program uploads to this datasource could not be "+
			"determined: %v", err))
	}
	for _, u := range api.UnderWay(s) {
		if u.Stream != api.StreamDocuments {
			continue
		}
		if _, ours := upload.RunOf(o.Pipeline, u.Stream, u.ID); ours {
			notes = append(notes, "a run of this pipeline is uploading documents or was interrupted: with this "+
				"state folder it does not send hidden documents again")
		} else {
			notes = append(notes, fmt.Sprintf("another program is uploading documents to this datasource, or was "+
				"interrupted, and may send hidden documents again: %s", k.Client.Readable(u.ID)))
		}
	}
	if others := k.otherWriters(s, o); len(others) > 0 {
		notes = append(notes, "others also write to this datasource and do not have this hidden list; hide the "+
			"documents there, too: "+display.List(others, 5, "; "))
	}
	return notes
}
