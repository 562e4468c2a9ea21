package operate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

// Glean's documents name these times.
const (
	untilShown  = 20 * time.Minute   // from the end of an upload
	pausedFor   = 7 * 24 * time.Hour // a deletion
	processAway = 3 * time.Hour      // between two calls of processalldocuments
)

// shownUploads is how many uploads of a stream an inspection lists.
const shownUploads = 3

// inspectRequests are the requests of Inspect.
func inspectRequests(datasource string) []string {
	return []string{api.PathDebugStatus(datasource)}
}

// Inspect reads the datasource's status. Pending and paused streams are derived from the
// last upload of each stream.
func (k *Operator) Inspect(ctx context.Context) (*component.Inspection, error) {
	k = k.only(inspectRequests(k.Config.Datasource.Name))
	s, err := k.Client.Status(ctx)
	if err != nil {
		return nil, k.Client.NoDatasource(err)
	}
	out := &component.Inspection{
		Place: k.Config.Datasource.Name, Visible: Visibility(s.DatasourceVisibility, false).Detail,
		History: History(s), Uploads: []component.UploadState{}, Paused: []string{}, Pending: []string{},
		Types: []component.TypeHeld{},
	}
	all := api.Histories(s)
	var last time.Time
	for _, stream := range []string{api.StreamUsers, api.StreamGroups, api.StreamMemberships, api.StreamDocuments} {
		history := slices.SortedStableFunc(slices.Values(all[stream]),
			func(a, b api.BulkUpload) int { return api.Moment(b.StartTime).Compare(api.Moment(a.StartTime)) })
		if stream != api.StreamMemberships { // they are one upload a group
			history = history[:min(shownUploads, len(history))]
		} else {
			history = history[:min(1, len(history))]
		}
		for i, b := range history {
			u := component.UploadState{Stream: stream, ID: k.Client.Readable(b.UploadID), State: StateName(b.ProcessingState),
				Began: api.Moment(b.StartTime), Ended: api.Moment(b.EndTime)}
			u.Owner, u.Run = upload.OriginOf(b.UploadID)
			out.Uploads = append(out.Uploads, u)
			switch {
			case i > 0:
			case b.ProcessingState == api.StateDeletionPaused:
				out.Paused = append(out.Paused, stream)
			case b.ProcessingState != api.StateIndexingCompleted:
				out.Pending = append(out.Pending, stream)
			}
			if i == 0 && u.Ended.After(last) {
				last = u.Ended
			}
		}
	}
	out.Streams, out.Types = k.held(s)
	out.Shows = shows(s, out, last)
	return out, nil
}

// held are the counts of a status.
func (k *Operator) held(s api.DatasourceStatus) ([]component.StreamHeld, []component.TypeHeld) {
	h := api.Holdings(s)
	streams := make([]component.StreamHeld, 0, len(api.StreamNames))
	for _, stream := range api.StreamNames {
		held := component.StreamHeld{Stream: stream}
		if n, known := h.Streams[stream]; known {
			held.Uploaded = &n
		}
		streams = append(streams, held)
	}
	types := map[string]*component.TypeHeld{}
	count := func(in []api.TypeCount, into func(*component.TypeHeld) **int) *int {
		if in == nil {
			return nil
		}
		total := 0
		for _, c := range in {
			t := types[c.ObjectType]
			if t == nil {
				t = &component.TypeHeld{Type: k.Client.Readable(c.ObjectType)}
				types[c.ObjectType] = t
			}
			if *into(t) = c.Count; c.Count != nil {
				total += *c.Count
			}
		}
		return &total
	}
	count(s.Documents.Counts.Uploaded, func(t *component.TypeHeld) **int { return &t.Uploaded })
	streams[len(streams)-1].Indexed = count(s.Documents.Counts.Indexed,
		func(t *component.TypeHeld) **int { return &t.Indexed })
	out := make([]component.TypeHeld, 0, len(types))
	for _, t := range types { // a list that is there has all that are not none
		if t.Uploaded == nil && s.Documents.Counts.Uploaded != nil {
			t.Uploaded = new(int)
		}
		if t.Indexed == nil && s.Documents.Counts.Indexed != nil {
			t.Indexed = new(int)
		}
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b component.TypeHeld) int { return strings.Compare(a.Type, b.Type) })
	return streams, out
}

// shows returns when sent items can be found.
func shows(s api.DatasourceStatus, i *component.Inspection, last time.Time) string {
	switch {
	case s.DatasourceVisibility == api.VisibilityNone:
		return "no one finds it until an administrator of Glean enables the datasource"
	case len(i.Uploads) == 0:
		return "nothing was uploaded yet"
	case len(i.Paused) > 0:
		return fmt.Sprintf("everything sent is indexed; items that should be deleted can be found until the "+
			"deletion resumes, on %s at the latest", last.Add(pausedFor).Local().Format(time.DateOnly))
	case len(i.Pending) == 0:
		return "everything sent is searchable now, for those who may find it"
	case slices.ContainsFunc(i.Uploads, func(u component.UploadState) bool { return u.Ended.IsZero() }):
		return "an upload is under way or was left unfinished; its content may be missing until it ends"
	}
	return fmt.Sprintf("Glean is processing it and is expected to finish by %s; `pipe process FILE` requests it "+
		"at once", last.Add(untilShown).Local().Format("15:04"))
}
