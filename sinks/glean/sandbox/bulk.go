package sandbox

import (
	"bytes"
	"fmt"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// page is a request of a bulk endpoint; its items are still raw.
type page struct {
	api.Page
	stream    string
	group     string
	unguarded bool
	items     []byte
}

// Flags that lift the guard on deletion; memberships have none.
const (
	documentsFlag = "disableStaleDocumentDeletionCheck"
	identityFlag  = "disableStaleDataDeletionCheck"
)

// parsePage parses the envelope and makes the checks that need no datasource.
func parsePage(body []byte, stream, flag string) (page, error) {
	p := page{stream: stream}
	envelope := shape{
		"uploadId": into(&p.UploadID), "datasource": into(&p.Datasource), "isFirstPage": set(&p.IsFirstPage),
		"isLastPage": set(&p.IsLastPage), "forceRestartUpload": set(&p.ForceRestartUpload),
		stream: func(v []byte) error {
			p.items = bytes.Clone(v)
			return kind(v, '[', "a list")
		},
	}
	if flag == "" {
		envelope["group"] = into(&p.group)
	} else {
		envelope[flag] = set(&p.unguarded)
	}
	err := envelope.check(body)
	switch {
	case err != nil:
	case p.UploadID == "":
		err = fmt.Errorf("uploadId: is required")
	case p.Datasource == "":
		err = fmt.Errorf("datasource: is required")
	case p.items == nil:
		err = fmt.Errorf("%s: is required", stream)
	case flag == "" && p.group == "":
		err = fmt.Errorf("group: is required")
	case p.ForceRestartUpload && !p.IsFirstPage:
		err = fmt.Errorf("forceRestartUpload: must be specified with isFirstPage=true")
	case p.unguarded && !p.IsLastPage:
		err = fmt.Errorf("%s: must only be set with isLastPage=true", flag)
	}
	return p, err
}

func into(s *string) check {
	return func(v []byte) error {
		*s, _ = codec.Text(v)
		return text(v)
	}
}

func set(b *bool) check {
	return func(v []byte) error {
		*b = len(v) > 0 && v[0] == 't'
		return boolean(v)
	}
}

// parse validates the items of a page; one bad item refuses the page.
func parse[T any](p page, one func([]byte) (entry[T], error)) ([]entry[T], error) {
	var out []entry[T]
	i := 0
	err := codec.Elements(p.items, func(v []byte) error {
		e, err := one(v)
		if n, is := err.(*nested); is {
			err = &nested{fmt.Sprintf("%s[%d].%s", p.stream, i, n.path), n.err}
		}
		i++
		out = append(out, e)
		return err
	})
	return out, err
}

// bulk implements the four bulk endpoints: one validates an item, take applies all items to
// the datasource and holds the server's lock.
func bulk[T any](s *Server, body []byte, stream, flag string,
	one func(*schema, []byte) (entry[T], error), take func(*source, page, []entry[T], time.Time) error,
) (any, error) {
	p, err := parsePage(body, stream, flag)
	if err != nil {
		return nil, err
	}
	schema, err := s.schemaOf(p.Datasource)
	if err != nil {
		return nil, err
	}
	entries, err := parse(p, func(raw []byte) (entry[T], error) { return one(schema, raw) })
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.source(p.Datasource)
	if err != nil {
		return nil, err
	}
	now := s.options.Now()
	x.expire(s.options.Rules, now)
	err = take(x, p, entries, now)
	x.count(s.options.Rules, now)
	return nil, err
}

func bulkIndexDocuments(s *Server, _ string, body []byte) (any, error) {
	return bulk(s, body, "documents", documentsFlag, (*schema).document,
		func(x *source, p page, entries []entry[document], now time.Time) error {
			if s.options.Rules.RefuseUnknownPrincipals {
				for _, e := range entries {
					if who := x.unknown(e.value.permissions); who != "" {
						return bad("document %q: permissions: %q is not known in datasource %s", e.id, who, p.Datasource)
					}
				}
			}
			_, err := x.documents.take(p, entries, true, x, s.options.Rules, now)
			return err
		})
}

func bulkIndexUsers(s *Server, _ string, body []byte) (any, error) {
	return bulk(s, body, "users", identityFlag, (*schema).user,
		func(x *source, p page, entries []entry[api.User], now time.Time) error {
			gone, err := x.users.take(p, entries, true, x, s.options.Rules, now)
			x.forgetUsers(gone, now)
			return err
		})
}

func bulkIndexGroups(s *Server, _ string, body []byte) (any, error) {
	return bulk(s, body, "groups", identityFlag, (*schema).group,
		func(x *source, p page, entries []entry[api.Group], now time.Time) error {
			gone, err := x.groups.take(p, entries, true, x, s.options.Rules, now)
			x.forgetGroups(gone, now)
			return err
		})
}

func bulkIndexMemberships(s *Server, _ string, body []byte) (any, error) {
	return bulk(s, body, "memberships", "", (*schema).membership,
		func(x *source, p page, entries []entry[api.Membership], now time.Time) error {
			if s.options.Rules.RefuseUnknownPrincipals {
				if !x.knowsGroup(p.group) {
					return bad("group: %q is not known in datasource %s", p.group, p.Datasource)
				}
				for _, e := range entries {
					if m := e.value; m.MemberUserID != "" && !x.knowsUser(m.MemberUserID) || m.MemberGroupName != "" &&
						!x.knowsGroup(m.MemberGroupName) {
						return bad("memberships: %q is not known in datasource %s", m.MemberUserID+m.MemberGroupName, p.Datasource)
					}
				}
			}
			_, err := x.membersOf(p.group).take(p, entries, false, x, s.options.Rules, now)
			return err
		})
}
