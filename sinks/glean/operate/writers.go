package operate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

// otherWriters names what else uploads documents to the datasource, by Glean's
// upload history: other pipelines, and other owners where both are known.
func (k *Operator) otherWriters(s api.DatasourceStatus, o component.Opening) []string {
	last := map[string]time.Time{}
	for _, b := range api.Histories(s)[api.StreamDocuments] {
		who := "another program, upload " + k.Client.Readable(b.UploadID)
		if n, ok := upload.ParseID(b.UploadID); ok {
			if n.Pipeline == o.Pipeline && (n.Owner == o.Owner || n.Owner == "" || o.Owner == "") {
				continue
			}
			who = "pipeline " + k.Client.Readable(n.Pipeline)
			if n.Owner != "" {
				who += " with the state folder of owner " + n.Owner
			}
		}
		if at := api.Moment(b.StartTime); at.After(last[who]) || last[who].IsZero() {
			last[who] = at
		}
	}
	var out []string
	for who, at := range last {
		when := ""
		if !at.IsZero() {
			when = ", last upload " + at.Local().Format("2006-01-02 15:04")
		}
		out = append(out, fmt.Sprintf("%s%s", who, when))
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(a, b) })
	return out
}
