package operate

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// located looks an id up under every type that it may have: the known ones and those that
// the file declares, since Glean requires both id and type.
func (k *Operator) located(ctx context.Context, id string, known []string) ([]api.DebugDocumentsItem, error) {
	types := slices.Clone(known)
	for _, o := range k.Config.Datasource.ObjectDefinitions {
		if o.Name != "" {
			types = append(types, o.Name)
		}
	}
	var r api.DebugDocumentsRequest
	for _, t := range types {
		one := api.DebugDocumentRequest{ObjectType: t, DocID: id}
		if !slices.Contains(r.DebugDocuments, one) {
			r.DebugDocuments = append(r.DebugDocuments, one)
		}
	}
	var out api.DebugDocumentsResponse
	if err := k.Client.Ask(ctx, api.PathDebugDocuments(k.Config.Datasource.Name), r, &out); err != nil {
		return nil, k.Client.NoDatasource(err)
	}
	return out.DocumentStatuses, nil
}

// inspectItemRequests are the requests of InspectItem.
func inspectItemRequests(datasource string) []string {
	return []string{api.PathDebugDocuments(datasource), api.PathDebugEvents(datasource), api.PathCheckDocumentAccess,
		api.PathDebugStatus(datasource), api.PathDebugUser(datasource)}
}

// InspectItem returns the state and the events of one document and, if a person is named,
// whether that person finds it.
func (k *Operator) InspectItem(ctx context.Context, q component.ItemQuery) (*component.ItemInspection, error) {
	k = k.only(inspectItemRequests(k.Config.Datasource.Name))
	all, err := k.located(ctx, q.ID, q.Types)
	if err != nil {
		return nil, err
	}
	out := &component.ItemInspection{ID: q.ID, Uploaded: "no", Indexed: "no", Principals: "unknown",
		Audience: access.Nobody, Named: []string{}, Events: []component.ItemEvent{}, Notes: []string{}}
	if len(q.Types) > 0 {
		out.Type = q.Types[0]
	}
	var found *api.DebugDocumentResponse
	if is := there(all); len(is) > 0 {
		found, out.Type = &is[0].DebugInfo, k.Client.Readable(is[0].ObjectType)
		k.fill(out, found)
		if len(is) > 1 {
			out.Notes = append(out.Notes, "Glean has it under more than one object type: "+k.Client.Readable(is[1].ObjectType)+
				", too")
		}
	}
	out.Planned = k.planned(q.Selection, q.ID)
	if out.Type != "" {
		k.events(ctx, out)
	}
	if q.Person != "" {
		if out.Access, err = k.access(ctx, q, out, found); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (k *Operator) fill(out *component.ItemInspection, d *api.DebugDocumentResponse) {
	out.Uploaded = answered(d.Status.UploadStatus, api.Uploaded, api.NotUploaded)
	out.Indexed = answered(d.Status.IndexingStatus, api.Indexed, api.NotIndexed)
	out.Principals = answered(d.Status.PermissionIdentityStatus, api.Uploaded, api.NotUploaded)
	out.UploadedAt, out.IndexedAt = api.Moment(d.Status.LastUploadedAt), api.Moment(d.Status.LastIndexedAt)
	if d.UploadedPermissions == nil {
		out.Audience = access.Undecided
		return
	}
	out.Audience, out.Named = k.whomOf(*d.UploadedPermissions)
	for i, name := range out.Named {
		out.Named[i] = k.Client.Readable(name)
	}
}

// planned returns the principals that the document of a selection would name.
func (k *Operator) planned(s *component.Selection, id string) []string {
	if s == nil {
		return nil
	}
	for _, r := range s.Records {
		for _, item := range r.Items {
			var d api.Document
			if item.ID == id && codec.Unmarshal(item.Body, &d) == nil && d.Permissions != nil {
				_, named := k.whomOf(*d.Permissions)
				return named
			}
		}
	}
	return nil
}

func answered(s, yes, no string) string {
	switch s {
	case yes:
		return "yes"
	case no:
		return "no"
	}
	return "unknown"
}

// whomOf is the class of some permissions, and all that they name.
func (k *Operator) whomOf(p api.Permissions) (access.Audience, []string) {
	var is component.Stored
	is.Audience, is.Principals, is.AllOf = k.Names.AudienceOf(p)
	return is.Audience, append([]string{}, is.Names()...)
}

// events requests the events of a document. It is not an error that Glean accepts one such
// request a minute, or does not answer it.
func (k *Operator) events(ctx context.Context, out *component.ItemInspection) {
	body, err := codec.Marshal(api.DebugDocumentLifecycleRequest{ObjectType: out.Type, DocID: out.ID})
	if err == nil {
		var resp *connection.Response
		resp, err = k.Client.Conn.Do(ctx, connection.Request{Method: http.MethodPost,
			Path: api.PathDebugEvents(k.Config.Datasource.Name), Body: body, NoRetry: true})
		var r api.DebugDocumentLifecycleResponse
		if err == nil {
			err = codec.Unmarshal(resp.Body, &r)
		}
		for _, e := range r.LifeCycleEvents {
			out.Events = append(out.Events, component.ItemEvent{At: api.Moment(e.Timestamp),
				What: k.Client.Readable(strings.ToLower(strings.ReplaceAll(e.Event, "_", " ")))})
		}
	}
	switch {
	case err == nil:
	case api.StatusOf(err) == http.StatusTooManyRequests:
		out.Notes = append(out.Notes, "Glean returns a document's events once a minute: ask again in a minute")
	default:
		out.Notes = append(out.Notes, "Glean does not return its events: "+err.Error())
	}
}

// there are those documents that Glean does not say it lacks.
func there(all []api.DebugDocumentsItem) []api.DebugDocumentsItem {
	return slices.DeleteFunc(slices.Clone(all), func(d api.DebugDocumentsItem) bool {
		return d.DebugInfo.Status.UploadStatus == api.NotUploaded
	})
}
