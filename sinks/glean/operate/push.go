package operate

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
)

// pushRequests are the requests of Push.
func pushRequests(datasource string) []string {
	return []string{
		api.PathIndexUser, api.PathIndexGroup, api.PathIndexMembership, api.PathIndexDocument,
		api.PathUpdatePermissions, api.PathDebugDocuments(datasource),
	}
}

// Push sends documents one by one, after the users and groups that they name, with the
// groups' members, unless the last good run delivered the same. It adds members and removes
// none: a run does that.
func (k *Operator) Push(ctx context.Context, sel *component.Selection) (*component.Pushed, error) {
	k = k.only(pushRequests(k.Config.Datasource.Name))
	p := &pushing{k: k, members: encode.MembersAt(sel), out: &component.Pushed{Sent: map[string]int{},
		Named: map[string][]string{}}}
	for _, r := range sel.Records {
		for _, item := range r.Items {
			p.out.Named[item.ID] = k.planned(sel, item.ID)
		}
	}
	docs, needed, err := p.needs(sel)
	if err != nil {
		return nil, err
	}
	for _, send := range []func(context.Context, *component.Selection, *needs) error{p.users, p.groups, p.memberships} {
		if err := send(ctx, sel, needed); err != nil {
			return p.out, err
		}
	}
	if err := p.documents(ctx, sel, docs); err != nil {
		return p.out, err
	}
	if err := p.kept(ctx, sel); err != nil {
		return p.out, err
	}
	return p.out, p.verify(ctx, docs)
}

type pushing struct {
	k       *Operator
	members map[string][]api.Membership
	out     *component.Pushed
}

// needs are the users, in the words of userPrincipal, and the groups that
// documents depend on.
type needs struct{ users, groups map[string]bool }

func (p *pushing) needs(sel *component.Selection) ([]api.Document, *needs, error) {
	n := &needs{users: map[string]bool{}, groups: map[string]bool{}}
	var docs []api.Document
	var next []string
	for _, r := range sel.Records {
		for _, item := range r.Items {
			var d api.Document
			if err := codec.Unmarshal(item.Body, &d); err != nil {
				return nil, nil, fmt.Errorf("read %s back: %w", r.Ref, err)
			}
			docs = append(docs, d)
			for _, u := range d.Permissions.AllowedUsers {
				n.users[u.Email+u.DatasourceUserID] = true
			}
			next = append(next, d.Permissions.AllowedGroups...)
			for _, x := range d.Permissions.AllowedGroupIntersections {
				next = append(next, x.RequiredGroups...)
			}
		}
	}
	for len(next) > 0 {
		group := next[0]
		if next = next[1:]; n.groups[group] {
			continue
		}
		n.groups[group] = true
		for _, m := range p.members[group] {
			if m.MemberGroupName != "" {
				next = append(next, m.MemberGroupName)
			} else {
				n.users[m.MemberUserID] = true
			}
		}
	}
	return docs, n, nil
}

func (p *pushing) users(ctx context.Context, sel *component.Selection, n *needs) error {
	for _, item := range sel.Identities[api.StreamUsers] {
		var u api.User
		if err := codec.Unmarshal(item.Body, &u); err != nil {
			return err
		}
		name := u.UserID
		if p.k.Names.ByEmail {
			name = u.Email
		}
		if item.Same || !n.users[name] {
			continue
		}
		if err := p.send(ctx, api.StreamUsers, item.Ref, api.PathIndexUser,
			api.IndexUserRequest{Datasource: p.k.Config.Datasource.Name, User: u}); err != nil {
			return err
		}
	}
	return nil
}

func (p *pushing) groups(ctx context.Context, sel *component.Selection, n *needs) error {
	for _, item := range sel.Identities[api.StreamGroups] {
		var g api.Group
		if err := codec.Unmarshal(item.Body, &g); err != nil {
			return err
		}
		if item.Same || !n.groups[g.Name] {
			continue
		}
		if err := p.send(ctx, api.StreamGroups, item.Ref, api.PathIndexGroup,
			api.IndexGroupRequest{Datasource: p.k.Config.Datasource.Name, Group: g}); err != nil {
			return err
		}
	}
	return nil
}

func (p *pushing) memberships(ctx context.Context, sel *component.Selection, n *needs) error {
	items := map[string]component.SelectedItem{}
	for _, item := range sel.Identities[api.StreamMemberships] {
		items[item.ID] = item
	}
	for _, group := range slices.Sorted(maps.Keys(n.groups)) {
		item, found := items[group]
		if !found || item.Same {
			continue
		}
		for i, m := range p.members[group] {
			r := api.IndexMembershipRequest{Datasource: p.k.Config.Datasource.Name,
				Membership: api.GroupMembership{GroupName: group, Membership: m}}
			err := p.send(ctx, api.StreamMemberships, group, api.PathIndexMembership, r)
			if i == 0 {
				p.told(item, err)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pushing) documents(ctx context.Context, sel *component.Selection, docs []api.Document) error {
	i := 0 // docs are the items' documents, in order
	for _, r := range sel.Records {
		for _, item := range r.Items {
			d := docs[i]
			i++
			err := p.send(ctx, api.StreamDocuments, d.ID, api.PathIndexDocument, api.IndexDocumentRequest{Document: d})
			p.told(item, err)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// kept sends who finds the documents that belong to the pushed ones, and not their content.
func (p *pushing) kept(ctx context.Context, sel *component.Selection) error {
	for _, r := range sel.Records {
		for _, item := range r.Kept {
			var d api.Document
			if err := codec.Unmarshal(item.Body, &d); err != nil {
				return fmt.Errorf("read %s back: %w", item.Ref, err)
			}
			err := p.send(ctx, api.StreamDocuments, d.ID, api.PathUpdatePermissions, api.UpdatePermissionsRequest{
				Datasource: p.k.Config.Datasource.Name, ObjectType: d.ObjectType, ID: d.ID, Permissions: *d.Permissions})
			p.told(item, err)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// told records that an item was sent, unless Glean refused it.
func (p *pushing) told(item component.SelectedItem, err error) {
	if s := api.StatusOf(err); s < 400 || s > 499 {
		p.out.Told = append(p.out.Told, item)
	}
}

func (p *pushing) send(ctx context.Context, stream, what, path string, in any) error {
	if err := p.k.Client.Send(ctx, path, in); err != nil {
		err = fmt.Errorf("send %s of %s: %w", what, stream, err)
		if s := api.StatusOf(err); s == http.StatusBadRequest {
			err = fault.Errorf(fault.Permanent, "correct what Glean names, in the source or the mapping; what "+
				"was sent before stays", "%w", err)
		}
		return err
	}
	p.out.Sent[stream]++
	return nil
}

// verify checks whether Glean has the documents and knows their principals.
func (p *pushing) verify(ctx context.Context, docs []api.Document) error {
	var r api.DebugDocumentsRequest
	for _, d := range docs {
		r.DebugDocuments = append(r.DebugDocuments, api.DebugDocumentRequest{ObjectType: d.ObjectType, DocID: d.ID})
	}
	var a api.DebugDocumentsResponse
	if err := p.k.Client.Ask(ctx, api.PathDebugDocuments(p.k.Config.Datasource.Name), r, &a); err != nil {
		return unconfirmed("everything was sent; asking whether Glean has it failed: %v", err)
	}
	for _, d := range a.DocumentStatuses {
		switch s := d.DebugInfo.Status; {
		case s.UploadStatus == api.NotUploaded:
			return unconfirmed("Glean accepted %s but does not have it yet", p.k.Client.Readable(d.DocID))
		case s.PermissionIdentityStatus == api.NotUploaded:
			p.out.Notes = append(p.out.Notes, fmt.Sprintf("Glean does not know all users and groups of %s yet: "+
				"they find it when it does", p.k.Client.Readable(d.DocID)))
		}
	}
	return nil
}

func unconfirmed(format string, args ...any) error {
	return &fault.Unconfirmed{Reason: fmt.Sprintf(format, args...),
		Remedy: "check its state in some minutes: pipe status FILE REF"}
}
