package api

import (
	"context"
	"fmt"
	"net/http"
)

// TakeAway takes a document from everyone, which Glean does at once, and deletes
// it, which it does when it processes documents. Both requests succeed, or are
// refused as unknown, where the document is not there. Only that the second fails
// is an error.
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
