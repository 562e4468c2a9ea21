package glean

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/internal/listing"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

const sandboxToken = "sandbox-token"

// startSandbox starts an index server with the file's datasource.
func startSandbox(_ context.Context, given *settings.Config, o component.SandboxOptions) (*component.Sandbox, error) {
	cfg := *given
	cfg.Adopt(o.UIURL)
	d := cfg.DatasourceConfig()
	for _, at := range []*string{&d.IconURL, &d.IconDarkURL} {
		var err error
		if *at, err = settings.Icon(*at); err != nil {
			return nil, err
		}
	}
	sources := []api.DatasourceConfig{d}
	if lender := settings.LenderOf(d); lender != "" { // it exists, and has no users
		people := d
		people.Name, people.IdentityDatasourceName = lender, ""
		sources = []api.DatasourceConfig{people, d}
	}
	s, err := sandbox.Start(sandbox.Options{Token: sandboxToken, Datasources: sources,
		Rules: sandbox.Rules{EchoCustomNames: true, EchoDefaults: true}})
	if err != nil {
		return nil, fmt.Errorf("start the index server: %w", err)
	}
	return &component.Sandbox{
		Remove: connection.RealServerKeys(),
		Set: map[string]string{
			"instance": "", "server_url": s.URL(), "token": sandboxToken, "requests_per_second": "0",
			"datasource.homeUrl": d.HomeURL, "datasource.urlRegex": d.URLRegex,
		},
		Summary: func(w io.Writer) error { return summarize(w, s.Effective(d.Name)) },
		Close:   s.Close,
	}, nil
}

// summarize prints the contents of an index, and who finds one of its restricted documents.
func summarize(w io.Writer, i sandbox.Index) error {
	var b strings.Builder
	fmt.Fprintf(&b, "In the index of %s:\n", i.Config.DisplayName)
	types := i.CountByType()
	for _, t := range slices.Sorted(maps.Keys(types)) {
		fmt.Fprintf(&b, "  %-22s %6d\n", t, types[t])
	}
	members := 0
	for _, m := range i.Memberships {
		members += len(m)
	}
	fmt.Fprintf(&b, "  %-22s %6d\n  %-22s %6d\n  %-22s %6d\n", "users", len(i.Users), "groups", len(i.Groups),
		"memberships", members)
	counts, private := audiences(i)
	fmt.Fprintf(&b, "Who finds the %s:\n", listing.Documents(len(i.Documents)))
	for _, a := range access.Audiences {
		fmt.Fprintf(&b, "  %-22s %6d\n", a, counts[a])
	}
	if private != "" {
		fmt.Fprintf(&b, "%s is found by %s\n", private, people(i.WhoFinds(private)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// audiences counts the documents by who finds them, and picks the first that
// only some find.
func audiences(i sandbox.Index) (counts map[access.Audience]int, private string) {
	counts = map[access.Audience]int{}
	for _, id := range slices.Sorted(maps.Keys(i.Documents)) {
		p := i.Documents[id].Permissions
		switch {
		case p == nil:
			counts[access.Nobody]++
		case p.AllowAnonymousAccess:
			counts[access.AllUsers]++
		case p.AllowAllDatasourceUsersAccess:
			counts[access.DatasourceUsers]++
		case len(p.AllowedUsers)+len(p.AllowedGroups)+len(p.AllowedGroupIntersections) == 0:
			counts[access.Nobody]++
		default:
			counts[access.Listed]++
			if private == "" && len(i.WhoFinds(id)) > 0 {
				private = id
			}
		}
	}
	return counts, private
}

func people(emails []string) string {
	if len(emails) == 0 {
		return "no one"
	}
	return fmt.Sprintf("%d of the users: %s", len(emails), strings.ReplaceAll(display.List(emails, 8, "; "), ";", ","))
}
