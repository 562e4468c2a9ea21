package upload

import (
	"context"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// askedAtOnce is about how many documents Glean is asked in one request.
const askedAtOnce = 100

// Gone returns, of each document, whether Glean says that it does not have it. What it
// says nothing of may be there.
func (s *Publisher) Gone(ctx context.Context, stream string, items []component.ItemName) ([]bool, error) {
	out := make([]bool, len(items))
	if stream != api.StreamDocuments {
		return out, nil
	}
	at := 0
	for some := range slices.Chunk(items, askedAtOnce) {
		var r api.DebugDocumentsRequest
		for _, one := range some {
			r.DebugDocuments = append(r.DebugDocuments, api.DebugDocumentRequest{ObjectType: one.Type, DocID: one.ID})
		}
		var a api.DebugDocumentsResponse
		if err := s.client.Ask(ctx, api.PathDebugDocuments(s.client.Datasource), r, &a); err != nil {
			return nil, err
		}
		for i, one := range some {
			out[at+i] = slices.ContainsFunc(a.DocumentStatuses, func(d api.DebugDocumentsItem) bool {
				return strings.EqualFold(d.DocID, one.ID) && d.ObjectType == one.Type &&
					d.DebugInfo.Status.UploadStatus == api.NotUploaded
			})
		}
		at += len(some)
	}
	return out, nil
}
