package glean

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// writerForm is the form of the ids of uploads, PIPELINE-STREAM[-OWNER]-RUN[-N]: its
// groups are the pipeline and the owner.
var writerForm = regexp.MustCompile(`^(.+)-(?:users|groups|memberships|documents)-(?:([0-9a-f]{16})-)?[0-9A-Z]{26}(?:-[0-9]{1,9})?$`)

// otherWriters names what else uploads documents to the datasource, by Glean's
// upload history: other pipelines, and other owners where both are known.
func (k *Sink) otherWriters(s api.DatasourceStatus, o engine.Opening) []string {
	last := map[string]time.Time{}
	for _, b := range histories(s)[streamDocuments] {
		if strings.HasPrefix(b.UploadID, probeName) {
			continue
		}
		who := "another program, upload " + k.foreign(b.UploadID)
		if m := writerForm.FindStringSubmatch(b.UploadID); m != nil {
			pipeline, owner := m[1], m[2]
			if pipeline == o.Pipeline && (owner == o.Owner || owner == "" || o.Owner == "") {
				continue
			}
			who = "pipeline " + k.foreign(pipeline)
			if owner != "" {
				who += " with the state folder of owner " + owner
			}
		}
		if at := moment(b.StartTime); at.After(last[who]) || last[who].IsZero() {
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
