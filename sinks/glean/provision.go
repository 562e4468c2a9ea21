package glean

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

var _ component.Provisioner = (*Sink)(nil)

// testField is the field of a datasource that its testers alone see.
const testField = "isTestDatasource"

// PlanProvision compares the datasource with the file. adddatasource replaces
// the whole config, so that what is kept is part of what will be sent.
func (k *Sink) PlanProvision(ctx context.Context, o component.ProvisionOptions) (*component.ProvisionPlan, error) {
	file, err := k.cfg.provisioned()
	if err != nil {
		return nil, err
	}
	plan, _, err := k.plan(ctx, o, file)
	if err != nil {
		return nil, err
	}
	plan.Apply = func(ctx context.Context) error { return k.provision(ctx, o, file, plan) }
	return plan, nil
}

// plan compares the datasource with the file's config, which is JSON, and gives
// the config that Glean is to have.
func (k *Sink) plan(ctx context.Context, o component.ProvisionOptions, file []byte) (*component.ProvisionPlan, map[string]any, error) {
	ours, err := codec.Decode(file)
	if err != nil {
		return nil, nil, err
	}
	live, err := k.raw(ctx, k.schema.name)
	if err == nil && live == nil {
		err = k.unknownToStatus(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	plan := &component.ProvisionPlan{Name: k.schema.name, New: live == nil}
	if testers := k.cfg.Datasource.Testers; len(testers) > 0 {
		plan.Always = append(plan.Always, component.ProvisionChange{Path: []string{"testers"}, After: strings.Join(testers, ", ")})
	}
	wanted := overlay{o}.config(live, ours)
	plan.Opens = live[testField] == true && wanted[testField] != true
	plan.Changes = k.readable(compare(live, wanted))
	if live != nil {
		plan.Kept = k.readable(compare(ours, wanted))
	}
	return plan, wanted, nil
}

// maxShown is how many characters of a field a plan shows.
const maxShown = 400

// readable are changes that may hold what Glean answered.
func (k *Sink) readable(changes []component.ProvisionChange) []component.ProvisionChange {
	for i := range changes {
		c := &changes[i]
		for j := range c.Path {
			c.Path[j] = k.foreign(c.Path[j])
		}
		c.Before, c.After = k.excerpt(c.Before, maxShown), k.excerpt(c.After, maxShown)
	}
	return changes
}

// raw is a datasource's config as Glean has it, with the members that this
// program does not know; nil when there is none.
func (k *Sink) raw(ctx context.Context, name string) (live map[string]any, err error) {
	err = k.ask(ctx, api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: name}, &live)
	if absent(err) {
		return nil, nil
	}
	return live, err
}

// provision sends a config and the testers, and reads the config back. The
// datasource is compared anew, so that what somebody else has changed since is
// kept, too; other changes than those that were planned are refused.
func (k *Sink) provision(ctx context.Context, o component.ProvisionOptions, file []byte, planned *component.ProvisionPlan) error {
	plan, wanted, err := k.plan(ctx, o, file)
	if err != nil {
		return err
	}
	if plan.New != planned.New || !reflect.DeepEqual(plan.Changes, planned.Changes) {
		return fault.Errorf(fault.Transient, "look at a new plan and apply that", "the datasource %q was changed by somebody else since the plan was made", k.schema.name)
	}
	if plan.New || !plan.Empty() {
		if err := k.send(ctx, api.PathAddDatasource, wanted); err != nil {
			return refused(fmt.Errorf("set up datasource %q: %w", k.schema.name, err), wanted)
		}
	}
	if testers := k.cfg.Datasource.Testers; len(testers) > 0 {
		if err := k.send(ctx, api.PathBetaUsers, api.GreenlistUsersRequest{Datasource: k.schema.name, Emails: testers}); err != nil {
			err = fmt.Errorf("name the testers of datasource %q: %w", k.schema.name, err)
			if statusOf(err) == http.StatusBadRequest {
				err = &component.SettingError{Path: []string{"datasource", "testers"}, Err: err}
			}
			return err
		}
	}
	return k.verify(ctx, wanted)
}

// verify reads a config back and holds it against what was sent.
func (k *Sink) verify(ctx context.Context, wanted map[string]any) error {
	now, err := k.raw(ctx, k.schema.name)
	switch {
	case err != nil:
		return fmt.Errorf("read datasource %q back: %w", k.schema.name, err)
	case now == nil:
		return fault.Errorf(fault.Permanent, "look at the datasource in Glean's admin console", "Glean took the datasource %q and then has none of this name", k.schema.name)
	}
	left := k.readable(compare(now, wanted))
	if len(left) == 0 {
		return nil
	}
	var out []string
	for _, c := range left {
		out = append(out, fmt.Sprintf("%s is %s and was sent as %s", strings.Join(c.Path, "."), orNothing(c.Before), orNothing(c.After)))
	}
	return fault.Errorf(fault.Permanent, "look at the datasource in Glean's admin console",
		"Glean took the datasource %q and has it otherwise: %s", k.schema.name, enumerate(out, 5))
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// send posts what changes the datasource.
func (k *Sink) send(ctx context.Context, path string, in any) error {
	if k.conn == nil {
		return errNoConnection
	}
	body, err := codec.Marshal(in)
	if err != nil {
		return err
	}
	return write(ctx, k.conn, connection.Request{Path: path, Body: body, Idempotent: true})
}

// refused names the field of a config that a refusal is about, as far as its
// reason tells.
func refused(err error, config map[string]any) error {
	if statusOf(err) != http.StatusBadRequest {
		return err
	}
	return &component.SettingError{Path: slices.Concat([]string{"datasource"}, blamed(reasonOf(err), config)), Err: err}
}

// provisioned is the file's datasource as Glean is told of it, icons read, as
// JSON.
func (c *Config) provisioned() ([]byte, error) {
	d := c.DatasourceConfig()
	for field, at := range map[string]*string{"iconUrl": &d.IconURL, "iconDarkUrl": &d.IconDarkURL} {
		var err error
		if *at, err = icon(*at); err != nil {
			return nil, &component.SettingError{Path: []string{"datasource", field}, Err: err}
		}
	}
	return codec.Marshal(d)
}
