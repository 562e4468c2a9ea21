package component

import "context"

// Provisioner is the optional capability of a sink to set up its place, such as Glean's
// datasource. Runs do it only on request.
type Provisioner interface {
	// PlanProvision compares the place with the file and changes nothing.
	PlanProvision(ctx context.Context, o ProvisionOptions) (*ProvisionPlan, error)
	// ProvisionInRun makes the next session set the place up after the guards have passed and
	// before it uploads.
	ProvisionInRun(o ProvisionOptions)
	// ExportProvision returns the settings of the place as a block of a pipeline file.
	ExportProvision(ctx context.Context, o ExportOptions) (*ProvisionExport, error)
}

// ProvisionOptions say how to treat settings that the file leaves out.
type ProvisionOptions struct {
	// Replace drops what the file does not mention. Without it, such settings are kept.
	Replace bool
	// Cleared reports whether the file sets the value at a path below the sink's settings to an
	// empty text or list. nil means that no value is cleared.
	Cleared func(path ...string) bool
}

// ProvisionPlan is what setting a place up would do.
type ProvisionPlan struct {
	Name    string // of the place
	New     bool   // the place does not exist yet
	Opens   bool   // the place is visible to testers only now, and would become visible to everyone
	Changes []ProvisionChange
	Kept    []ProvisionChange // settings of the place that the file does not mention
	Always  []ProvisionChange // settings that are always sent because the sink does not report them
	// Apply makes the changes and verifies them. It refuses when the place has changed since
	// the comparison.
	Apply func(context.Context) error
}

// Empty reports whether the place needs no change.
func (p *ProvisionPlan) Empty() bool { return len(p.Changes) == 0 }

// ProvisionChange is a change of one field, or of one element of a list, identified by its
// name.
type ProvisionChange struct {
	Path          []string // relative to the place
	Before, After string   // as JSON, an icon as its type and size; "" when there is no value
}

// ExportOptions say what to export.
type ExportOptions struct {
	Name string // of the place; "" means the one of the file
	// Named returns the value that the block has for a file in the same folder; nil keeps the
	// content of files in the block.
	Named func(file string) string
}

// ProvisionExport is a place in the form of a block of a pipeline file.
type ProvisionExport struct {
	Name  string
	Block []byte            // YAML
	Files map[string][]byte // content by name
	Notes []string          // what the block cannot express
}

// SettingError is an error caused by a component's setting. Path is the path of the field below
// the component's settings.
type SettingError struct {
	Path []string
	Err  error
}

// Error returns the message of the cause.
func (e *SettingError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SettingError) Unwrap() error { return e.Err }
