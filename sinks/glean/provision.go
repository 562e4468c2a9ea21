package glean

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

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
	live, wanted, err := k.wanted(ctx)
	if err != nil {
		return nil, err
	}
	if live == nil {
		d := k.cfg.DatasourceConfig()
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
	return k.readable(changes("", live, wanted)), nil
}

// readable are lines that may hold what Glean answered.
func (k *Sink) readable(lines []string) []string {
	for i := range lines {
		lines[i] = k.foreign(lines[i])
	}
	return lines
}

// Provision makes the datasource, or brings it to what the file says. Glean
// replaces the whole config, so that what the file does not mention is sent as
// Glean has it. The result is read back.
func (k *Sink) Provision(ctx context.Context) error {
	_, wanted, err := k.wanted(ctx)
	if err != nil {
		return err
	}
	body, err := codec.Marshal(wanted)
	if err != nil {
		return err
	}
	if _, err := k.conn.Do(ctx, connection.Request{Method: http.MethodPost, Path: api.PathAddDatasource, Body: body, Want: connection.NoBody, Idempotent: true}); err != nil {
		return fmt.Errorf("set up datasource %q: %w", k.schema.name, err)
	}
	live, _, err := k.wanted(ctx)
	if err != nil {
		return fmt.Errorf("read datasource %q back: %w", k.schema.name, err)
	}
	if d := changes("", live, wanted); len(d) > 0 {
		return engine.Errorf(engine.Permanent, "look at the datasource in Glean's admin console", "Glean took the datasource %q and has it otherwise: %s", k.schema.name, enumerate(k.readable(d), 5))
	}
	return nil
}

// wanted is the config as Glean has it, nil when there is none, and as it is to
// be: the file's over Glean's, lists of named things name by name.
func (k *Sink) wanted(ctx context.Context) (live, wanted map[string]any, err error) {
	file, err := codec.Marshal(k.cfg.DatasourceConfig())
	if err != nil {
		return nil, nil, err
	}
	ours, err := codec.Decode(file)
	if err != nil {
		return nil, nil, err
	}
	switch _, err := k.live(ctx); {
	case errors.Is(err, errNoDatasource):
		return nil, ours, nil
	case err != nil:
		return nil, nil, err
	}
	if err := k.ask(ctx, api.PathGetDatasourceConfig, api.GetDatasourceConfigRequest{Datasource: k.schema.name}, &live); err != nil {
		return nil, nil, err
	}
	merged, _ := merge(live, ours).(map[string]any)
	return live, merged, nil
}

// merge puts ours over theirs. Lists of things with a name are merged by it;
// other lists and values are ours.
func merge(theirs, ours any) any {
	switch ours := ours.(type) {
	case map[string]any:
		out := map[string]any{}
		if theirs, ok := theirs.(map[string]any); ok {
			maps.Copy(out, theirs)
		}
		for name, v := range ours {
			out[name] = merge(out[name], v)
		}
		return out
	case []any:
		old, ok := theirs.([]any)
		if !ok || len(ours) == 0 || nameIn(ours[0]) == "" {
			return ours
		}
		var out []any
		for _, one := range ours {
			out = append(out, merge(named(old, nameIn(one)), one))
		}
		for _, one := range old {
			if named(ours, nameIn(one)) == nil {
				out = append(out, one)
			}
		}
		return out
	}
	return ours
}

func nameIn(v any) string {
	m, _ := v.(map[string]any)
	name, _ := m["name"].(string)
	return name
}

func named(list []any, name string) any {
	for _, one := range list {
		if nameIn(one) == name {
			return one
		}
	}
	return nil
}

// changes are the lines of a plan from one config to another. What Glean leaves
// out because it is usual is no change, and neither is how it echoes the name.
func changes(at string, from, to any) []string {
	switch to := to.(type) {
	case map[string]any:
		old, _ := from.(map[string]any)
		var out []string
		for _, name := range slices.Sorted(maps.Keys(to)) {
			if at == "" && name == "name" {
				continue
			}
			out = append(out, changes(strings.TrimPrefix(at+"."+name, "."), old[name], to[name])...)
		}
		return out
	case []any:
		old, _ := from.([]any)
		if len(to) == 0 || nameIn(to[0]) == "" {
			if !reflect.DeepEqual(from, any(to)) && len(to)+len(old) > 0 {
				return []string{fmt.Sprintf("%s: %s", at, shown(to))}
			}
			return nil
		}
		var out []string
		for _, one := range to {
			name := nameIn(one)
			if before := named(old, name); before == nil {
				out = append(out, fmt.Sprintf("%s: add %s", at, name))
			} else {
				out = append(out, changes(at+" "+name, before, one)...)
			}
		}
		return out
	}
	if reflect.DeepEqual(from, to) || from == nil && (to == false || to == "" || to == api.PropertyText) {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s → %s", at, shown(from), shown(to))}
}

func shown(v any) string {
	if v == nil {
		return "nothing"
	}
	b, err := codec.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}
