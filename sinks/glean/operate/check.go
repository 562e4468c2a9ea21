package operate

import (
	"context"
	"fmt"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// checkRequests are the requests of Check.
func checkRequests(datasource string) []string {
	return []string{api.PathGetDatasourceConfig, api.PathDebugStatus(datasource)}
}

// Check reports whether a run could publish: Glean answers, accepts the token, and has the
// datasource as in the file.
func (k *Operator) Check(ctx context.Context) []component.Finding {
	k = k.only(checkRequests(k.Config.Datasource.Name))
	live, err := k.Client.Live(ctx)
	if err != nil {
		return []component.Finding{failed("datasource", err)}
	}
	out := []component.Finding{{What: "reachable", OK: true, Detail: "answers at " + k.Config.Address() +
		" and accepts the token"}}
	if d := k.Datasource.Differences(live); len(d) > 0 {
		out = append(out, failed("datasource", k.Datasource.Differs(d)))
	} else {
		out = append(out, component.Finding{What: "datasource", OK: true, Detail: k.Config.Datasource.Name +
			" exists and has what a run needs"})
	}
	if k.Lender != "" {
		out = append(out, k.checkLender(ctx))
	}
	s, err := k.Client.Status(ctx)
	if err != nil {
		return append(out, failed("status", err))
	}
	return append(out, held(s), Visibility(s.DatasourceVisibility, api.Unused(s)))
}

// held reports what Glean counts in the datasource.
func held(s api.DatasourceStatus) component.Finding {
	switch h := api.Holdings(s); {
	case len(h.Streams) == 4:
		return component.Finding{What: "holds", OK: true, Detail: fmt.Sprintf("%d users, %d groups, %d memberships, %d "+
			"documents",
			h.Streams[api.StreamUsers], h.Streams[api.StreamGroups], h.Streams[api.StreamMemberships],
			h.Streams[api.StreamDocuments])}
	case api.Unused(s):
		return component.Finding{What: "holds", OK: true, Detail: "nothing yet: the datasource is new"}
	}
	return component.Finding{What: "holds", Detail: "Glean lists uploads but does not count the content of the " +
		"datasource, so a run cannot determine what it would delete",
		Remedy: "look at the datasource's status in Glean before a run"}
}

// checkLender reports whether the datasource that lends users and groups exists. The token
// need not have access to it.
func (k *Operator) checkLender(ctx context.Context) component.Finding {
	lender := k.Lender
	f := component.Finding{What: "identities", OK: true, Detail: "users and groups come from the " +
		"datasource " + lender}
	switch live, err := k.Client.Raw(ctx, lender); {
	case err != nil:
		f.Detail += "; this token cannot show whether it exists"
	case live == nil:
		f.OK, f.Detail, f.Remedy = false, "Glean has no datasource "+lender+", which is to provide users and groups",
			"correct datasource.identityDatasourceName, or create that datasource first"
	}
	return f
}

// Visibility reports who sees the datasource. That a new one is not enabled yet is
// no fault: it is filled first.
func Visibility(v string, fresh bool) component.Finding {
	f := component.Finding{What: "visible", OK: true}
	switch v {
	case api.VisibilityNone:
		if fresh {
			f.Detail = "not enabled yet: an administrator of Glean enables it after the first run has filled it"
			break
		}
		f.OK = false
		f.Detail, f.Remedy = "it is not enabled: no one finds its documents",
			"have an administrator of Glean enable it, for all or for a test group"
	case api.VisibilityTestGroup:
		f.Detail = "it is enabled for a test group only"
	case api.VisibilityAll:
		f.Detail = "it is enabled for everyone; each document's permissions decide"
	default:
		f.Detail = "Glean does not report it"
	}
	return f
}

func failed(what string, err error) component.Finding {
	return component.Finding{What: what, Detail: err.Error(), Remedy: fault.RemedyOf(err), Err: err}
}
