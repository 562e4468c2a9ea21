package datasource

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// agreeRequests are the requests of Agree.
func agreeRequests(string) []string { return []string{api.PathGetDatasourceConfig} }

// Agree reads the live config and returns an error if it differs from the file in a setting
// that a run depends on, unless mayDiffer, as when the run updates Glean.
func (m *Manager) Agree(ctx context.Context, mayDiffer bool) error {
	live, err := m.only(agreeRequests(m.Config.Datasource.Name)).Client.Live(ctx)
	if err != nil {
		return err
	}
	if d := m.Differences(live); len(d) > 0 && !mayDiffer {
		return m.Differs(d)
	}
	return nil
}

// Differs is the error for a datasource that Glean has with other settings than
// the file's.
func (m *Manager) Differs(differences []string) error {
	return &component.SettingError{Path: []string{"datasource"},
		Err: fault.Errorf(fault.Fatal, "update Glean with `pipe datasource apply FILE`, or change the file to "+
			"match Glean",
			"datasource %q differs between the file and Glean: %s", m.Config.Datasource.Name,
			display.List(differences, 5, "; "))}
}

// Differences returns a sentence for each setting that a run depends on and that differs in
// Glean's live config. Settings that only the live config has are ignored.
func (m *Manager) Differences(live api.DatasourceConfig) []string {
	file := m.Config.Datasource
	var out []string
	differs := func(what string, file, live any) {
		if file != live {
			out = append(out, fmt.Sprintf("%s is %v in the file and %s in Glean", what, file,
				m.Client.Readable(fmt.Sprint(live))))
		}
	}
	if !settings.SameName(file.Name, live.Name) {
		differs("name", file.Name, live.Name)
	}
	differs("isUserReferencedByEmail", settings.IsTrue(file.IsUserReferencedByEmail),
		settings.IsTrue(live.IsUserReferencedByEmail))
	differs("isEntityDatasource", settings.IsTrue(file.IsEntityDatasource), settings.IsTrue(live.IsEntityDatasource))
	differs("urlRegex", file.URLRegex, live.URLRegex)
	if ours, theirs := settings.LenderOf(file), settings.LenderOf(live); !settings.SameName(ours, theirs) {
		differs("identityDatasourceName", orOwn(ours), orOwn(theirs))
		if ours == "" { // apply keeps settings that the file does not mention
			out[len(out)-1] += ` (write identityDatasourceName: "" to have none)`
		}
	}
	for _, o := range file.ObjectDefinitions {
		i := slices.IndexFunc(live.ObjectDefinitions, func(l api.ObjectDefinition) bool { return l.Name == o.Name })
		if i < 0 {
			out = append(out, settings.Label(o.Name)+" is not defined in Glean")
			continue
		}
		for _, p := range o.PropertyDefinitions {
			j := slices.IndexFunc(live.ObjectDefinitions[i].PropertyDefinitions,
				func(l api.PropertyDefinition) bool { return l.Name == p.Name })
			if j < 0 {
				out = append(out, fmt.Sprintf("%s has no property %s in Glean", settings.Label(o.Name), p.Name))
				continue
			}
			differs(settings.Label(o.Name)+", property "+p.Name, typeOf(p),
				typeOf(live.ObjectDefinitions[i].PropertyDefinitions[j]))
		}
	}
	return out
}

func orOwn(lender string) string { return cmp.Or(lender, "not set") }

// typeOf is a property's type; Glean may leave out the usual one.
func typeOf(p api.PropertyDefinition) string { return cmp.Or(p.PropertyType, api.PropertyText) }
