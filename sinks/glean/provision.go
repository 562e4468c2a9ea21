package glean

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

var _ engine.Provisioner = (*Sink)(nil)

// errNoDatasource is wrapped by the error of live that Glean has none.
var errNoDatasource = errors.New("there is no such datasource")

// PlanProvision is what Provision would change, a line each.
func (k *Sink) PlanProvision(ctx context.Context) ([]string, error) {
	live, err := k.live(ctx)
	d := k.cfg.datasource()
	if errors.Is(err, errNoDatasource) {
		plan := []string{
			fmt.Sprintf("make the datasource %s, shown as %q", d.Name, d.DisplayName),
			"category " + d.DatasourceCategory,
			"documents at " + d.URLRegex,
		}
		for _, o := range d.ObjectDefinitions {
			plan = append(plan, fmt.Sprintf("%s with %d properties", label(o.Name), len(o.PropertyDefinitions)))
		}
		return plan, nil
	}
	if err != nil {
		return nil, err
	}
	return k.differences(live), nil
}

// Provision makes the datasource, or brings it to what the file says. Glean
// replaces the whole config, so that what the file does not mention is sent as
// Glean has it. The result is read back.
func (k *Sink) Provision(ctx context.Context) error {
	config := map[string]any{}
	if _, err := k.live(ctx); err == nil {
		if err := k.ask(ctx, api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: k.schema.name}, &config); err != nil {
			return err
		}
	} else if !errors.Is(err, errNoDatasource) {
		return err
	}
	file, err := codec.Marshal(k.cfg.datasource())
	if err != nil {
		return err
	}
	ours, err := codec.Decode(file)
	if err != nil {
		return err
	}
	maps.Copy(config, ours)
	body, err := codec.Marshal(config)
	if err != nil {
		return err
	}
	if _, err := k.conn.Do(ctx, connection.Request{Method: http.MethodPost, Path: api.PathAddDatasource, Body: body, Want: connection.NoBody, Idempotent: true}); err != nil {
		return fmt.Errorf("set up datasource %q: %w", k.schema.name, err)
	}
	live, err := k.live(ctx)
	if err != nil {
		return fmt.Errorf("read datasource %q back: %w", k.schema.name, err)
	}
	if d := k.differences(live); len(d) > 0 {
		return engine.Errorf(engine.Permanent, "look at the datasource in Glean's admin console", "Glean took the datasource %q and has it otherwise: %s", k.schema.name, enumerate(d, 5))
	}
	return nil
}
