package datasource

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// exportRequests are the requests of ExportProvision.
func exportRequests(string) []string { return []string{api.PathGetDatasourceConfig} }

// ExportProvision writes a datasource as the block of a pipeline file that
// applies again without a difference.
func (m *Manager) ExportProvision(ctx context.Context, o component.ExportOptions) (*component.ProvisionExport, error) {
	m = m.only(exportRequests(m.Config.Datasource.Name))
	name := cmp.Or(o.Name, m.Config.Datasource.Name)
	raw, err := m.Client.Raw(ctx, name)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, fault.Errorf(fault.Fatal, "look for its name in Glean's admin console; a token sees the datasources "+
			"of its scope", "Glean has no datasource %q", name)
	}
	body, err := codec.Marshal(raw)
	if err != nil {
		return nil, err
	}
	var d api.DatasourceConfig
	if err := codec.Unmarshal(body, &d); err != nil {
		return nil, fault.Errorf(fault.Permanent, "", "glean: the config of datasource %q: %w", name, api.ErrShape)
	}
	d.Name = name // Glean may say CUSTOM_NAME
	if d.DatasourceCategory == usual("datasourceCategory") {
		d.DatasourceCategory = "" // no datasource may be set up with it
	}
	out := &component.ProvisionExport{Name: name, Files: map[string][]byte{}}
	for _, i := range []struct {
		at   *string
		file string
	}{{&d.IconURL, "icon"}, {&d.IconDarkURL, "icon-dark"}} {
		mime, data, err := settings.IconData(*i.at)
		if o.Named == nil || !strings.HasPrefix(*i.at, "data:") || err != nil {
			continue
		}
		file := i.file + map[string]string{settings.TypeSVG: ".svg", settings.TypePNG: ".png"}[mime]
		out.Files[file] = data
		*i.at = config.FileText(o.Named(file))
	}
	if out.Block, err = config.Encode(&d, "datasource"); err != nil {
		return nil, err
	}
	out.Block = bytes.TrimSpace(out.Block)
	out.Block = append(out.Block, '\n')
	if d.DatasourceCategory == "" {
		out.Notes = append(out.Notes, "it has no category: choose one from `pipe datasource categories`")
	}
	if settings.IsTrue(d.IsTestDatasource) {
		out.Notes = append(out.Notes, "Glean does not return the testers: add them under testers")
	}
	if beyond := m.unknown(raw, d); len(beyond) > 0 {
		out.Notes = append(out.Notes, "Glean also has these fields, "+
			"which a pipeline file cannot set: "+strings.Join(beyond, ", "))
	}
	return out, nil
}

// unknown are the fields that Glean has and the types of this program lack.
func (m *Manager) unknown(raw map[string]any, d api.DatasourceConfig) []string {
	b, err := codec.Marshal(d)
	if err != nil {
		return nil
	}
	known, err := codec.Decode(b)
	if err != nil {
		return nil
	}
	known = overlay{}.config(known, map[string]any{"iconUrl": raw["iconUrl"], "iconDarkUrl": raw["iconDarkUrl"]})
	out := map[string]bool{}
	for _, c := range m.readable(compare(known, raw)) {
		out[strings.Join(c.Path, ".")] = true
	}
	return slices.Sorted(maps.Keys(out))
}
