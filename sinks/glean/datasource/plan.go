package datasource

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// Manager plans, applies and exports a datasource. Each of its capabilities states
// the requests that it makes, and is refused every other.
type Manager struct {
	Client *api.Client
	Config *settings.Config
}

// only returns a manager that may make only requests to the paths.
func (m *Manager) only(paths []string) *Manager {
	return &Manager{Client: m.Client.For(paths...), Config: m.Config}
}

// planRequests are the requests of PlanProvision.
func planRequests(datasource string) []string {
	return []string{api.PathGetDatasourceConfig, api.PathDebugStatus(datasource)}
}

// applyRequests are the requests that a plan makes when it is applied.
func applyRequests(datasource string) []string {
	return append(planRequests(datasource), api.PathAddDatasource, api.PathBetaUsers)
}

// testField is the field that restricts a datasource to its testers.
const testField = "isTestDatasource"

// PlanProvision compares the datasource with the file. adddatasource replaces the whole
// config, so the plan includes the settings that are kept.
func (m *Manager) PlanProvision(ctx context.Context, o component.ProvisionOptions) (*component.ProvisionPlan, error) {
	file, err := provisioned(m.Config)
	if err != nil {
		return nil, err
	}
	plan, _, err := m.only(planRequests(m.Config.Datasource.Name)).plan(ctx, o, file)
	if err != nil {
		return nil, err
	}
	plan.Apply = func(ctx context.Context) error {
		return m.only(applyRequests(m.Config.Datasource.Name)).provision(ctx, o, file, plan)
	}
	return plan, nil
}

// plan compares the datasource with the file's config, which is JSON, and returns the config
// to send.
func (m *Manager) plan(ctx context.Context, o component.ProvisionOptions, file []byte) (*component.ProvisionPlan,
	map[string]any, error) {
	ours, err := codec.Decode(file)
	if err != nil {
		return nil, nil, err
	}
	live, err := m.Client.Raw(ctx, m.Config.Datasource.Name)
	if err == nil && live == nil {
		err = m.unknownToStatus(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	plan := &component.ProvisionPlan{Name: m.Config.Datasource.Name, New: live == nil}
	if testers := m.Config.Datasource.Testers; len(testers) > 0 {
		plan.Always = append(plan.Always, component.ProvisionChange{Path: []string{"testers"},
			After: strings.Join(testers, ", ")})
	}
	wanted := overlay{o}.config(live, ours)
	plan.Opens = live[testField] == true && wanted[testField] != true
	plan.Changes = m.readable(compare(live, wanted))
	if live != nil {
		plan.Kept = m.readable(compare(ours, wanted))
	}
	return plan, wanted, nil
}

// maxShown is how many characters of a field a plan shows.
const maxShown = 400

// readable are changes that may hold what Glean answered.
func (m *Manager) readable(changes []component.ProvisionChange) []component.ProvisionChange {
	for i := range changes {
		c := &changes[i]
		for j := range c.Path {
			c.Path[j] = m.Client.Readable(c.Path[j])
		}
		c.Before, c.After = m.Client.Excerpt(c.Before, maxShown), m.Client.Excerpt(c.After, maxShown)
	}
	return changes
}

// provision sends a config and the testers, and reads the config back. It compares the
// datasource again first: settings that others changed since are kept, and changes other
// than the planned ones are refused.
func (m *Manager) provision(ctx context.Context, o component.ProvisionOptions, file []byte,
	planned *component.ProvisionPlan) error {
	plan, wanted, err := m.plan(ctx, o, file)
	if err != nil {
		return err
	}
	if plan.New != planned.New || !reflect.DeepEqual(plan.Changes, planned.Changes) {
		return fault.Errorf(fault.Transient, "review a new plan and apply it",
			"the datasource %q changed after the plan was made", m.Config.Datasource.Name)
	}
	if plan.New || !plan.Empty() {
		if err := m.Client.Send(ctx, api.PathAddDatasource, wanted); err != nil {
			return refused(fmt.Errorf("set up datasource %q: %w", m.Config.Datasource.Name, err))
		}
	}
	if testers := m.Config.Datasource.Testers; len(testers) > 0 {
		if err := m.Client.Send(ctx, api.PathBetaUsers, api.GreenlistUsersRequest{Datasource: m.Config.Datasource.Name,
			Emails: testers}); err != nil {
			err = fmt.Errorf("name the testers of datasource %q: %w", m.Config.Datasource.Name, err)
			if api.StatusOf(err) == http.StatusBadRequest {
				err = &component.SettingError{Path: []string{"datasource", "testers"}, Err: err}
			}
			return err
		}
	}
	return m.verify(ctx, wanted)
}

// verify reads the config back and compares it with the sent one.
func (m *Manager) verify(ctx context.Context, wanted map[string]any) error {
	now, err := m.Client.Raw(ctx, m.Config.Datasource.Name)
	switch {
	case err != nil:
		return fmt.Errorf("read datasource %q back: %w", m.Config.Datasource.Name, err)
	case now == nil:
		return fault.Errorf(fault.Permanent, "look at the datasource in Glean's admin console",
			"Glean accepted the datasource %q but has no datasource of this name", m.Config.Datasource.Name)
	}
	left := m.readable(compare(now, wanted))
	if len(left) == 0 {
		return nil
	}
	var out []string
	for _, c := range left {
		out = append(out, fmt.Sprintf("%s is %s and was sent as %s", strings.Join(c.Path, "."), orNothing(c.Before),
			orNothing(c.After)))
	}
	return fault.Errorf(fault.Permanent, "look at the datasource in Glean's admin console",
		"Glean accepted the datasource %q but has other values: %s",
		m.Config.Datasource.Name, display.List(out, 5, "; "))
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// refused adds to a refusal of the config that it is about the block datasource.
func refused(err error) error {
	if api.StatusOf(err) != http.StatusBadRequest {
		return err
	}
	return &component.SettingError{Path: []string{"datasource"}, Err: err}
}
