package signin

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what a person or a token may do with a pipeline.
type Role string

// The roles. Approve includes Inspect, and Inspect and Trigger include View.
const (
	View    Role = "view"    // counts, causes, and refs of documents that every datasource user finds
	Inspect Role = "inspect" // also restricted documents, and search as a person
	Trigger Role = "trigger" // ask for a run
	Approve Role = "approve" // allow what a guard refused; only for people
	Push    Role = "push"    // add and remove records
)

// Roles are all roles.
var Roles = []Role{View, Inspect, Trigger, Approve, Push}

// includes reports whether a role includes another one.
func (r Role) includes(other Role) bool {
	switch r {
	case Approve:
		return other == Approve || other == Inspect || other == View
	case Inspect:
		return other == Inspect || other == View
	case Trigger:
		return other == Trigger || other == View
	}
	return r == other
}

// AllPipelines means every pipeline in a Grant.
const AllPipelines = "*"

// Grant gives roles for pipelines.
type Grant struct {
	Roles     []Role   `json:"roles"`
	Pipelines []string `json:"pipelines"` // their names, or AllPipelines
}

// ParseRoles returns the roles with these names.
func ParseRoles(names []string) ([]Role, error) {
	var out []Role
	for _, name := range names {
		if !slices.Contains(Roles, Role(name)) {
			return nil, fmt.Errorf("there is no role %q: the roles are %s", name, joinRoles(Roles))
		}
		if !slices.Contains(out, Role(name)) {
			out = append(out, Role(name))
		}
	}
	return out, nil
}

func joinRoles(roles []Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// Principal is who sends a request.
type Principal struct {
	// ID is that of the token, also for a session that began with one; "" without a token.
	ID string
	// Name is that of the person or of the token, for the audit log.
	Name string
	// Person reports whether it is a person, and not a program.
	Person bool
	// Proven reports whether another party than the sender vouches for Name: the administrator who
	// added the token, or an identity provider. With a link, people choose their names themselves.
	Proven bool
	// Identity is a hash of who the person is at the OpenID provider; "" without one. It stays when
	// their name changes.
	Identity string
	Grants   []Grant
	// Records limits what the role Push may push.
	Records Records
}

// Canonical returns a person's name as it is compared: in an e-mail address, the letters from A
// to Z are small. Other letters stay, as two names must not become one.
func Canonical(name string) string {
	if !strings.Contains(name, "@") {
		return name
	}
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// Records are the records that a token may push.
type Records struct {
	Kinds      []string `json:"kinds,omitempty"`      // empty means none
	Namespaces []string `json:"namespaces,omitempty"` // empty means all
	// Identities allows full sets of people and groups, and nothing else: Kinds and Namespaces must
	// be empty.
	Identities bool `json:"identities,omitempty"`
}

// May reports whether the principal has a role for a pipeline. Only a person may approve. It may
// be called on nil, which may nothing.
func (p *Principal) May(role Role, pipeline string) bool {
	if p == nil || role == Approve && !p.Person {
		return false
	}
	return slices.ContainsFunc(p.Grants, func(g Grant) bool {
		return (slices.Contains(g.Pipelines, pipeline) || slices.Contains(g.Pipelines, AllPipelines)) &&
			slices.ContainsFunc(g.Roles, func(r Role) bool { return r.includes(role) })
	})
}
