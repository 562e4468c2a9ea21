package glean

import (
	"context"
	"fmt"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Check tells whether a run could publish: Glean answers, takes the token, and
// has the datasource as the file says.
func (k *Sink) Check(ctx context.Context) []engine.Finding {
	live, err := k.live(ctx)
	if err != nil {
		return []engine.Finding{failed("datasource", err)}
	}
	out := []engine.Finding{{What: "reachable", OK: true, Detail: "answers at " + k.cfg.address() + " and takes the token"}}
	if d := k.differences(live); len(d) > 0 {
		out = append(out, engine.Finding{What: "datasource", Detail: enumerate(d, 5),
			Remedy: "bring Glean to what the file says with `pipe datasource apply FILE`, or the file to what Glean has"})
	} else {
		out = append(out, engine.Finding{What: "datasource", OK: true, Detail: k.schema.name + " is there and agrees with the file"})
	}
	if k.schema.lender != "" {
		out = append(out, k.checkLender(ctx))
	}
	s, err := k.status(ctx)
	if err != nil {
		return append(out, failed("status", err))
	}
	held := engine.Finding{What: "holds", Detail: "Glean does not count what it holds, so that no run can tell what it would delete", Remedy: "look at the datasource's status in Glean before a run"}
	if h := holdings(s); len(h.Streams) == 4 {
		held = engine.Finding{What: "holds", OK: true, Detail: fmt.Sprintf("%d users, %d groups, %d memberships, %d documents",
			h.Streams[streamUsers], h.Streams[streamGroups], h.Streams[streamMemberships], h.Streams[streamDocuments])}
	}
	out = append(out, held)
	return append(out, visibility(s.DatasourceVisibility))
}

// checkLender tells whether the datasource whose users and groups count is
// there. A token need not be allowed to see it.
func (k *Sink) checkLender(ctx context.Context) engine.Finding {
	lender := k.schema.lender
	f := engine.Finding{What: "identities", OK: true, Detail: "users and groups are those of the datasource " + lender}
	switch live, err := k.raw(ctx, lender); {
	case err != nil:
		f.Detail += "; whether it is there cannot be seen with this token"
	case live == nil:
		f.OK, f.Detail, f.Remedy = false, "Glean has no datasource "+lender+", whose users and groups are to count", "mend datasource.identityDatasourceName, or make that datasource first"
	}
	return f
}

func visibility(v string) engine.Finding {
	f := engine.Finding{What: "visible", OK: true}
	switch v {
	case api.VisibilityNone:
		f.OK = false
		f.Detail, f.Remedy = "it is not enabled: nobody finds its documents", "have an administrator of Glean enable it, for all or for a test group"
	case api.VisibilityTestGroup:
		f.Detail = "it is enabled for a test group alone"
	case api.VisibilityAll:
		f.Detail = "it is enabled for everybody; each document's permissions decide"
	default:
		f.Detail = "Glean does not say"
	}
	return f
}

func failed(what string, err error) engine.Finding {
	return engine.Finding{What: what, Detail: err.Error(), Remedy: engine.RemedyOf(err)}
}
