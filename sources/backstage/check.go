package backstage

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sources/backstage/techdocs"
)

// Get reads one entity by its ref, in any case; nil when there is none, or
// none that the token may read.
func (s *Source) Get(ctx context.Context, of string) (*component.Record, error) {
	if _, page := techdocs.EntityOf(strings.ToLower(of)); page { // the catalog has no pages
		return nil, nil
	}
	raw, err := s.api.get(ctx, strings.ToLower(of), false)
	if err != nil || raw == nil {
		return nil, err
	}
	kind, _, _ := strings.Cut(of, ":")
	name := kind
	for _, ph := range s.cfg.phases() {
		for _, k := range ph.Kinds {
			if strings.EqualFold(k.Name, kind) {
				name = k.Name
			}
		}
	}
	return record(raw, name)
}

// Check reports whether the catalog can be read, what is in it, and how many users have an
// e-mail address.
func (s *Source) Check(ctx context.Context) []component.Finding {
	total, err := s.api.count(ctx, nil)
	if err != nil {
		return []component.Finding{failed(err)}
	}
	found := []component.Finding{
		{What: "reachable", OK: true, Detail: "the catalog answers"},
		{What: "credentials", OK: true, Detail: "accepted"},
	}
	if total == 0 {
		err := emptyCatalog()
		return append(found, component.Finding{What: "readable", Detail: err.Reason, Remedy: err.Remedy})
	}
	found = append(found, s.checkKinds(ctx, total)...)
	if s.cfg.TechDocs.Enabled {
		found = append(found, s.checkDocs(ctx))
	}
	return found
}

// checkDocs requests the metadata of one site. Documentation that cannot be read fails no run.
func (s *Source) checkDocs(ctx context.Context) component.Finding {
	f := component.Finding{What: "documentation", OK: true}
	with := []string{"metadata.annotations." + techDocsRef}
	n, err := s.api.count(ctx, with)
	if err != nil {
		return failed(err)
	}
	f.Detail = fmt.Sprintf("entities with documentation: %d", n)
	p, err := s.api.query(ctx, request{filter: with, limit: 1, unordered: true})
	if err != nil || len(p.items) == 0 {
		return f
	}
	h, err := headOf(p.items[0], "")
	if err != nil {
		return f
	}
	is := &site{kind: h.kind, namespace: h.namespace, name: h.name}
	r := &siteReader{Source: s, site: is, at: s.siteAddress(is)}
	switch _, err := r.metadata(ctx); {
	case hasStatus(err, http.StatusForbidden):
		f.Warning, f.Remedy = true, mayNotRead
	case err != nil && !hasStatus(err, http.StatusNotFound):
		f.Warning, f.Remedy = true, siteError(err)
	}
	return f
}

// checkKinds counts each kind.
func (s *Source) checkKinds(ctx context.Context, total int) []component.Finding {
	var counts, empty []string
	var users int
	for _, ph := range s.cfg.phases() {
		for _, k := range ph.Kinds {
			n, err := s.api.count(ctx, parameters(k.Name, s.cfg.Filters))
			if err != nil {
				return []component.Finding{failed(err)}
			}
			if k.Name == "User" {
				users = n
			}
			if n > 0 {
				counts = append(counts, fmt.Sprintf("%s %d", k.Name, n))
			} else if !k.Off {
				empty = append(empty, k.Name)
			}
		}
	}
	readable := component.Finding{What: "readable", OK: len(counts) > 0,
		Detail: fmt.Sprintf("%d entities: %s", total, strings.Join(counts, ", "))}
	if len(empty) > 0 {
		readable.Detail += "; none of kind " + strings.Join(empty, ", ")
		readable.Remedy = emptyKind
	}
	return []component.Finding{readable, s.checkPeople(ctx, users)}
}

func (s *Source) checkPeople(ctx context.Context, users int) component.Finding {
	filter := parameters("User", s.cfg.Filters)
	for i := range filter {
		filter[i] += ",spec.profile.email"
	}
	mailed, err := s.api.count(ctx, filter)
	if err != nil {
		return failed(err)
	}
	f := component.Finding{What: "e-mail", OK: mailed > 0,
		Detail: fmt.Sprintf("%d of %d users have an e-mail", mailed, users)}
	if mailed < users {
		f.Remedy = "a user without spec.profile.email in Backstage cannot be matched to a person in Glean and " +
			"finds only what everyone finds"
	}
	return f
}

// failed is the finding that an error is.
func failed(err error) component.Finding {
	f := component.Finding{What: "reachable", Detail: err.Error(), Remedy: fault.RemedyOf(err), Err: err}
	if hasStatus(err, http.StatusUnauthorized, http.StatusForbidden) {
		f.What = "credentials"
	}
	return f
}
