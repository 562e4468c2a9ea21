package upload

import (
	"regexp"
	"slices"

	"github.com/oklog/ulid/v2"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// uploadName is a parsed upload id.
type uploadName struct {
	Pipeline, stream string
	Owner            string // "" in the ids of earlier versions
	run              ulid.ULID
}

// uploadForm is the form of uploadID's ids; earlier versions left the owner out.
var uploadForm = regexp.MustCompile(`^(.+)-(users|groups|memberships|documents)-` +
	`(?:([0-9a-f]{16})-)?([0-9A-Z]{26})(?:-[0-9]{1,9})?$`)

// ParseID reads the id of an upload; ok is false for one of another program.
func ParseID(id string) (n uploadName, ok bool) {
	m := uploadForm.FindStringSubmatch(id)
	if m == nil {
		return n, false
	}
	run, err := ulid.ParseStrict(m[4])
	return uploadName{Pipeline: m[1], stream: m[2], Owner: m[3], run: run}, err == nil
}

// RunOf is the run that the id of an upload names, when it is one of this
// pipeline's.
func RunOf(pipeline, stream, id string) (run ulid.ULID, ours bool) {
	n, ok := ParseID(id)
	return n.run, ok && n.Pipeline == pipeline && n.stream == stream
}

// OriginOf is the owner and the run that the id of an upload carries; run is "" for
// an upload of another program.
func OriginOf(id string) (owner, run string) {
	n, ok := ParseID(id)
	if !ok {
		return "", ""
	}
	return n.Owner, n.run.String()
}

// Listed lists a stream's uploads by their start, the last one first; one whose
// start cannot be read counts as the last.
func Listed(c *api.Client, s api.DatasourceStatus, stream string) []component.Upload {
	var out []component.Upload
	for _, b := range api.Histories(s)[stream] {
		owner, run := OriginOf(b.UploadID)
		out = append(out, component.Upload{Stream: stream, ID: c.Readable(b.UploadID), Began: api.Moment(b.StartTime),
			Owner: owner, Run: run})
	}
	slices.SortStableFunc(out, func(a, b component.Upload) int {
		if a.Began.IsZero() || b.Began.IsZero() {
			return a.Began.Compare(b.Began)
		}
		return b.Began.Compare(a.Began)
	})
	return out
}
