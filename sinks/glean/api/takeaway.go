package api

import (
	"context"
	"fmt"
	"net/http"
)

// TakeAway removes everyone's access to a document, which Glean applies immediately, and
// deletes it, which takes effect when Glean processes documents. If the document does not
// exist, both requests succeed or are refused as unknown. It is an error if only the second
// fails.
func (c *Client) TakeAway(ctx context.Context, id, objectType string) (note string, err error) {
	err = c.Send(ctx, PathUpdatePermissions, UpdatePermissionsRequest{Datasource: c.Datasource, ObjectType: objectType,
		ID: id})
	if s := StatusOf(err); err != nil && s != http.StatusBadRequest && s != http.StatusNotFound {
		note = fmt.Sprintf("it was deleted, but removing its permissions first failed: %v", err)
	}
	err = c.Send(ctx, PathDeleteDocument, DeleteDocumentRequest{Datasource: c.Datasource, ObjectType: objectType, ID: id})
	if err != nil {
		return "", fmt.Errorf("delete %s: %w", c.Readable(id), err)
	}
	return note, nil
}
