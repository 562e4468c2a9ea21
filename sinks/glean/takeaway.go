package glean

import (
	"context"
	"fmt"
	"net/http"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// takeAway takes a document from everyone, which Glean does at once, and deletes
// it, which it does when it processes documents. Both requests succeed, or are
// refused as unknown, where the document is not there. Only that the second fails
// is an error.
func (c *client) takeAway(ctx context.Context, id, objectType string) (note string, err error) {
	err = c.send(ctx, api.PathUpdatePermissions, api.UpdatePermissionsRequest{Datasource: c.datasource, ObjectType: objectType, ID: id})
	if s := statusOf(err); err != nil && s != http.StatusBadRequest && s != http.StatusNotFound {
		note = fmt.Sprintf("it was deleted, but not taken from everyone before that: %v", err)
	}
	err = c.send(ctx, api.PathDeleteDocument, api.DeleteDocumentRequest{Datasource: c.datasource, ObjectType: objectType, ID: id})
	if err != nil {
		return "", fmt.Errorf("delete %s: %w", c.readable(id), err)
	}
	return note, nil
}
