package operate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
)

// access asks Glean whether a person finds a document. The reason for a denial is derived
// from Glean's other answers and from the source's identities.
func (k *Operator) access(ctx context.Context, q component.ItemQuery, item *component.ItemInspection,
	found *api.DebugDocumentResponse) (*component.AccessAnswer, error) {
	out := &component.AccessAnswer{Person: q.Person, Reasons: []string{}}
	if found == nil {
		out.Reasons = append(out.Reasons, "Glean does not have the document")
		return out, nil
	}
	var answer api.CheckDocumentAccessResponse
	request := api.CheckDocumentAccessRequest{Datasource: k.Config.Datasource.Name, ObjectType: item.Type,
		DocID: item.ID, UserEmail: q.Person}
	if err := k.Client.Ask(ctx, api.PathCheckDocumentAccess, request, &answer); err != nil {
		return nil, err
	}
	if out.Has = answer.HasAccess; out.Has {
		return out, nil
	}
	status, err := k.Client.Status(ctx)
	if err != nil {
		return nil, err
	}
	var user api.DebugUserResponse
	if err := k.Client.Ask(ctx, api.PathDebugUser(k.Config.Datasource.Name), api.DebugUserRequest{Email: q.Person},
		&user); err != nil {
		return nil, err
	}
	x := &denial{k: k, q: q, user: user, source: encode.MembersAt(q.Selection), reasons: []string{}}
	x.datasource(status.DatasourceVisibility)
	if item.Indexed == "no" {
		x.say("the document is uploaded and not indexed yet")
	}
	if found.UploadedPermissions != nil {
		x.permissions(*found.UploadedPermissions)
	}
	if len(x.reasons) == 0 {
		x.say("Glean does not report why: memberships take effect some time after the upload; `pipe process " +
			"FILE` requests it at once")
	}
	out.Reasons = x.reasons
	return out, nil
}

// denial collects the reasons why a person does not find a document.
type denial struct {
	k       *Operator
	q       component.ItemQuery
	user    api.DebugUserResponse
	source  map[string][]api.Membership // the members of each group, as the pipeline would send them
	reasons []string
}

func (x *denial) say(format string, args ...any) {
	x.reasons = append(x.reasons, fmt.Sprintf(format, args...))
}

func (x *denial) datasource(visible string) {
	switch visible {
	case api.VisibilityNone:
		x.say("the datasource is not enabled in Glean: no one finds its documents")
	case api.VisibilityTestGroup:
		tester := slices.ContainsFunc(x.k.Config.Datasource.Testers,
			func(t string) bool { return strings.EqualFold(t, x.q.Person) })
		if tester {
			x.say("the datasource is enabled for a test group only; %s is under testers in the file, and `pipe "+
				"datasource apply FILE` sends the testers", x.q.Person)
		} else {
			x.say("the datasource is enabled for a test group only, and %s is not a test user: it is not under "+
				"testers in the file", x.q.Person)
		}
	}
}

func (x *denial) permissions(p api.Permissions) {
	audience, named := x.k.whomOf(p)
	if audience == access.Nobody {
		x.say("its permissions name no user or group")
		return
	}
	switch {
	case audience == access.AllUsers:
		return
	case x.user.Status.UploadStatus == api.NotUploaded:
		x.say("Glean does not know %s as a user of the datasource: the source has no user with this e-mail, or "+
			"the upload is not processed yet", x.q.Person)
		return
	case !x.user.Status.IsActiveUser:
		x.say("%s is an inactive user of the datasource", x.q.Person)
		return
	}
	if audience != access.Listed {
		return
	}
	in := x.groups()
	var groups []string
	for _, g := range p.AllowedGroups {
		if in[g] {
			return // Glean's copy and the sent one differ elsewhere
		}
		if n, known := x.members(g); known && n == 0 {
			x.say("the group %s, which may find it, has no members", x.k.Client.Readable(g))
		}
		groups = append(groups, x.k.Client.Readable(g))
	}
	switch own := x.own(); {
	case len(groups) > 0:
		x.say("%s is not a member of the groups that may find it: %s", x.q.Person, display.List(groups, 5, "; "))
	case slices.Contains(named, own):
	default:
		x.say("its permissions name only others: %s", display.List(named, 5, "; "))
	}
}

// own returns the person's name in permissions.
func (x *denial) own() string {
	if x.k.Names.ByEmail || x.q.Selection == nil {
		return component.UserPrincipal(strings.ToLower(x.q.Person))
	}
	for _, item := range x.q.Selection.Identities[api.StreamUsers] {
		var u api.User
		if codec.Unmarshal(item.Body, &u) == nil && strings.EqualFold(u.Email, x.q.Person) {
			return component.UserPrincipal(u.UserID)
		}
	}
	return ""
}

// groups returns the person's groups: those that Glean lists, and the groups of the source
// that contain these.
func (x *denial) groups() map[string]bool {
	in := map[string]bool{}
	for _, g := range x.user.UploadedGroups {
		in[g.Name] = true
	}
	for grown := true; grown; {
		grown = false
		for group, members := range x.source {
			if !in[group] && slices.ContainsFunc(members, func(m api.Membership) bool { return in[m.MemberGroupName] }) {
				in[group], grown = true, true
			}
		}
	}
	return in
}

// members is how many members a group has at the source.
func (x *denial) members(group string) (n int, known bool) {
	members, known := x.source[group]
	return len(members), known
}
