package fake

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Store is a sink and its session; it records what it was sent.
type Store struct {
	mu        sync.Mutex
	held      []component.Item
	sealed    bool
	Teams     [][]string // a group and its members
	Holdings  component.Holdings
	Published map[string][]string // stream → refs
	Calls     []string
	Refusals  map[string]string // ref → why publishing refuses it
	Fail      map[string]error  // by call
	Plan      *component.Plan
	Hook      func(*component.Plan) // called before anything is published; may be nil
	Numbered  bool                  // items are numbered
	Digits    bool                  // the ID of an item is the digits of its ref
	n         int
	Listed    func() *component.UploadHistory // nil: uploads are not listed
}

// History returns the listed uploads.
func (s *Store) History(context.Context) (*component.UploadHistory, error) {
	if err := s.call("history"); err != nil {
		return nil, err
	}
	return s.Listed(), nil
}

func (s *Store) call(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Calls = append(s.Calls, name)
	return s.Fail[name]
}

func (s *Store) Open(context.Context, component.Opening) (component.Session, error) {
	s.mu.Lock()
	s.sealed = false
	s.mu.Unlock()
	return s, s.call("open")
}
func (s *Store) Close() error  { return nil }
func (s *Store) Place() string { return Place }

// RefID ignores case.
func (s *Store) RefID(ref string) string { return strings.ToLower(ref) }

func (s *Store) Encode(item *component.Item) (component.Encoded, bool, error) {
	fate := item.Fields[0].Value.(string)
	if fate == "not encodable" {
		return component.Encoded{}, false, fault.Reject(fault.StageEncode, "id", "too long")
	}
	if err := s.inOrder(item); err != nil {
		return component.Encoded{}, false, err
	}
	if item.Stream == "users" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = append(s.held, *item)
		return component.Encoded{}, false, nil
	}
	body, _ := codec.Marshal(map[string]any{"id": item.Ref, "fate": fate})
	e := component.Encoded{ID: item.Ref, Ref: item.Ref, Type: item.Kind, Audience: item.Permissions.Audience,
		Rule: item.Permissions.Rule, Principals: item.Permissions.Principals, Body: body}
	if fate == "of strangers" {
		e.Audience = access.Nobody
	}
	if id := s.ID(item); id != "" {
		e.ID = id
	}
	if s.Numbered {
		s.mu.Lock()
		s.n++
		e.ID = fmt.Sprint("id ", s.n)
		s.mu.Unlock()
	}
	if fate == "same id" {
		e.ID = "the same"
	}
	return e, true, nil
}

// inOrder returns an error for a user after Seal, and for anything else before it.
func (s *Store) inOrder(item *component.Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if user := item.Stream == "users"; user == s.sealed {
		return fmt.Errorf("%s is encoded out of order: the identities are sealed: %t", item.Ref, s.sealed)
	}
	return nil
}

// ID returns the digits of the ref, if these are the items' IDs.
func (s *Store) ID(item *component.Item) string {
	if !s.Digits {
		return ""
	}
	return "id " + strings.Trim(item.Ref, "abcdefghijklmnopqrstuvwxyz:/")
}

func (s *Store) Seal(_ context.Context, out component.Outlet) error {
	s.mu.Lock()
	s.sealed = true
	s.mu.Unlock()
	for _, g := range s.Teams {
		body, _ := codec.Marshal(g)
		if err := out.Keep("members", component.Encoded{ID: g[0], Ref: g[0], Principals: g[1:], Body: body}); err != nil {
			return err
		}
	}
	for _, item := range s.held {
		if item.Fields[0].Value == "twin" {
			out.End("users", item.Ref, component.Merged, "one e-mail")
			continue
		}
		if err := out.Keep("users", component.Encoded{ID: item.Ref, Ref: item.Ref, Body: []byte(`{}`)}); err != nil {
			return err
		}
	}
	return s.call("seal")
}

func (s *Store) Holds(context.Context) (component.Holdings, error) {
	return s.Holdings, s.call("holds")
}

func (s *Store) Publish(_ context.Context, plan *component.Plan) error {
	if err := s.call("publish"); err != nil {
		return err
	}
	s.Plan, s.Published = plan, map[string][]string{}
	if s.Hook != nil {
		s.Hook(plan)
	}
	for _, st := range plan.Streams {
		for e, err := range st.Items {
			if err != nil {
				return err
			}
			if why := s.Refusals[e.Ref]; why != "" {
				if st.Name == "members" { // members of a refused group
					continue
				}
				if err := plan.Reject(st.Name, e, why); err != nil {
					return err
				}
				continue
			}
			s.Published[st.Name] = append(s.Published[st.Name], e.Ref)
			plan.Sent(st.Name, 1)
		}
		if s.Listed != nil {
			plan.Uploaded(st.Name, "upload-"+plan.RunID)
		}
	}
	return nil
}

func (s *Store) Sent() bool { return s.Published != nil }
