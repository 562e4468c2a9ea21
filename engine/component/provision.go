package component

import "context"

// Provisioner is the optional capability of a sink to set up the place that it
// fills: Glean's datasource. No run does it unless it is asked to.
type Provisioner interface {
	// PlanProvision compares the place with the file and changes nothing.
	PlanProvision(ctx context.Context, o ProvisionOptions) (*ProvisionPlan, error)
	// ProvisionInRun has the next session that is opened set the place up when
	// the guards have passed, before it uploads.
	ProvisionInRun(o ProvisionOptions)
	// ExportProvision writes the place as the block of a pipeline file.
	ExportProvision(ctx context.Context, o ExportOptions) (*ProvisionExport, error)
}

// ProvisionOptions say what a file means by what it does not say.
type ProvisionOptions struct {
	// Replace drops what the file does not mention; else it is kept.
	Replace bool
	// Cleared tells whether the file says at a path below the sink's settings
	// that there is to be nothing: an empty text or list. nil: nowhere.
	Cleared func(path ...string) bool
}

// ProvisionPlan is what setting a place up would do.
type ProvisionPlan struct {
	Name    string // of the place
	New     bool   // it is not there yet
	Opens   bool   // it is for testers alone now, and would be for everybody
	Changes []ProvisionChange
	Kept    []ProvisionChange // what the place has and the file does not mention
	Always  []ProvisionChange // what is sent each time, as the sink cannot be asked for it
	// Apply makes the changes and verifies them. It refuses when the place has
	// changed since it was compared.
	Apply func(context.Context) error
}

// Empty tells whether the place is as the file says.
func (p *ProvisionPlan) Empty() bool { return len(p.Changes) == 0 }

// ProvisionChange is one field, or one thing of a list by its name.
type ProvisionChange struct {
	Path          []string // below the place
	Before, After string   // as JSON, an icon by its type and size; "": nothing is there
}

// ExportOptions say what to export.
type ExportOptions struct {
	Name string // of the place; "": the file's own
	// Named is what the block writes for a file that stands beside it; nil keeps
	// its content in the block.
	Named func(file string) string
}

// ProvisionExport is a place as a block of a pipeline file.
type ProvisionExport struct {
	Name  string
	Block []byte            // YAML
	Files map[string][]byte // content by name
	Notes []string          // what the block cannot say
}

// SettingError is an error that follows from a field of a component's settings,
// named by its path below them.
type SettingError struct {
	Path []string
	Err  error
}

// Error is the text of the cause.
func (e *SettingError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *SettingError) Unwrap() error { return e.Err }
