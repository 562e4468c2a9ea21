package datasource

import (
	"context"
	"net/http"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// unknownToStatus holds the word that there is no datasource against its
// status: one that holds anything is there, and would be overwritten as new.
func (m *Manager) unknownToStatus(ctx context.Context) error {
	status, err := m.Client.Status(ctx)
	switch code := api.StatusOf(err); {
	case api.IsAbsent(err), code == http.StatusNotFound, code == http.StatusGone: // the status is beta
		return nil
	case err != nil:
		return err
	}
	for _, n := range api.Holdings(status).Streams {
		if n > 0 {
			return m.bothWays("its status counts what it holds")
		}
	}
	for _, uploads := range api.Histories(status) {
		if len(uploads) > 0 {
			return m.bothWays("its status lists uploads")
		}
	}
	return nil
}

func (m *Manager) bothWays(what string) error {
	return fault.Errorf(fault.Transient, "try again; if this repeats, look at the datasource in Glean's admin "+
		"console",
		"Glean reports no datasource %q, but %s: it was not created again, because that would drop its content",
		m.Config.Datasource.Name, what)
}
