package upload

import (
	"context"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// askedAtOnce is the number of documents in one request to Glean.
const askedAtOnce = 100

// Locate returns Glean's state of each document.
func (s *Publisher) Locate(ctx context.Context, stream string, items []component.ItemName) ([]component.Location,
	error) {
	out := make([]component.Location, len(items))
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
			for _, d := range a.DocumentStatuses {
				if strings.EqualFold(d.DocID, one.ID) && d.ObjectType == one.Type {
					out[at+i] = locationOf(d.DebugInfo.Status)
				}
			}
		}
		at += len(some)
	}
	return out, nil
}

func locationOf(s api.DocumentStatus) component.Location {
	switch {
	case s.UploadStatus == api.NotUploaded:
		return component.Gone
	case s.IndexingStatus == api.Indexed:
		return component.Indexed
	case s.UploadStatus == api.Uploaded:
		return component.Held
	}
	return component.Unsaid
}
