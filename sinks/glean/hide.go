package glean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

var _ engine.Hider = (*Sink)(nil)

// Hide takes the permissions of a document away, which takes effect before its
// deletion does, deletes it, and looks whether it is gone. It does so for what
// Glean says it has, and for what it is known to have had.
func (k *Sink) Hide(ctx context.Context, id string, types []string) (*engine.Hidden, error) {
	out := &engine.Hidden{Types: []string{}, Notes: []string{}}
	all, err := k.located(ctx, id, types)
	s := statusOf(err)
	blind := s == http.StatusNotFound || s == http.StatusGone || errors.Is(err, errShape)
	if err != nil && (!blind || len(types) == 0) {
		return out, err
	}
	for _, d := range there(all) {
		out.Types = append(out.Types, k.foreign(d.ObjectType))
		if !slices.Contains(types, d.ObjectType) {
			types = append(types, d.ObjectType)
		}
	}
	for _, t := range types {
		err := k.send(ctx, api.PathUpdatePermissions, api.UpdatePermissionsRequest{Datasource: k.schema.name, ObjectType: t, ID: id})
		if s := statusOf(err); err != nil && s != http.StatusBadRequest && s != http.StatusNotFound { // those say that it is not there
			out.Notes = append(out.Notes, fmt.Sprintf("its permissions could not be taken away before it was deleted: %v", err))
		}
		if err := k.send(ctx, api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: k.schema.name, ObjectType: t, ID: id}); err != nil {
			return out, fmt.Errorf("delete %s: %w", k.foreign(id), err)
		}
	}
	if s, err := k.status(ctx); err == nil && slices.ContainsFunc(underWay(s), func(u unfinished) bool { return u.stream == streamDocuments }) {
		out.Notes = append(out.Notes, "an upload of documents is under way elsewhere, or was left unfinished: hide it again if that brings it back")
	}
	if blind {
		return out, unconfirmed("its deletion was asked for; Glean does not say whether it is gone")
	}
	return out, k.gone(ctx, id, types)
}

// longestLook is how long gone waits before it asks for the last time.
const longestLook = 2 * time.Second

// gone asks a few times whether a document is still there.
func (k *Sink) gone(ctx context.Context, id string, types []string) error {
	for delay := time.Second; ; delay *= 2 {
		all, err := k.located(ctx, id, types)
		if err != nil {
			return unconfirmed("its deletion was asked for, and whether it is gone could not be asked: %v", err)
		}
		left := there(all)
		if len(left) == 0 {
			return nil
		}
		if delay > longestLook {
			return unconfirmed("its deletion was asked for, and Glean still has it, %s", k.findable(left))
		}
		if err := k.sleep(ctx, delay); err != nil {
			return err
		}
	}
}

// findable says whether any of some documents may be found.
func (k *Sink) findable(all []api.DebugDocumentsItem) string {
	for _, d := range all {
		if p := d.DebugInfo.UploadedPermissions; p != nil {
			if audience, _ := k.whomOf(*p); audience != engine.Nobody {
				return "with permissions by which it may be found"
			}
		}
	}
	return "with permissions that name nobody"
}
