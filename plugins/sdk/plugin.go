package sdk

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// Plugin defines a plugin. Name, Version and Transform are required.
type Plugin struct {
	// Name has lower-case letters, digits and dashes.
	Name string
	// Version is the plugin's own version.
	Version string
	// Summary describes the plugin in one sentence.
	Summary string
	// Config is a pointer to a struct, or nil for a plugin that takes none. Its
	// values at Serve are the defaults. The JSON Schema that pipe checks the
	// pipeline file against is made of its tags:
	//
	//	Field T `json:"name" doc:"what it does" schema:"required,writeOnly,minimum=1,maximum=9,enum=a|b"`
	//
	// writeOnly marks a secret. Fields may be booleans, numbers, strings, types
	// that decode from text, and structs, slices and maps of those.
	Config any
	// Needs are the dotted paths of each record that the plugin receives, such as
	// spec.definition; none means the whole record.
	Needs []string
	// Writes are the dotted paths that it may set or delete, including everything below
	// them. Avoid paths that permission rules read: pipe requires its user to agree to that.
	Writes []string
	// Example is shown by `pipe plugin describe`.
	Example Example
	// Start is called after Config has been filled and before the first record;
	// an error refuses the config. It may be nil. A process under --debug may be
	// started again, never while it transforms.
	Start func(ctx context.Context) error
	// Transform changes one record, or returns why it cannot: Drop to leave the
	// record out, any other error for a record that could not be transformed.
	// It is called from two goroutines at most; ctx ends with pipe's timeout.
	Transform func(ctx context.Context, r *Record) error
}

// Example is one config and one record to try the plugin on. Each is JSON text,
// or a value that encodes to a JSON object.
type Example struct {
	Config any
	Record any
}

// Drop makes Transform leave the record out. pipe counts such records under the
// reason, so it names a kind of record and not one of them.
func Drop(reason string) error {
	if reason == "" {
		reason = "dropped"
	}
	return dropped(reason)
}

type dropped string

func (d dropped) Error() string { return "dropped: " + string(d) }

var (
	names = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	paths = regexp.MustCompile(`^[^.\s]+(\.[^.\s]+)*$`)
)

// validate reports everything that is wrong with the definition.
func (p Plugin) validate() error {
	var errs []error
	if !names.MatchString(p.Name) {
		errs = append(errs, fmt.Errorf("the Name %q is refused: use lower-case letters, digits and dashes", p.Name))
	}
	if p.Version == "" {
		errs = append(errs, errors.New("the Version is missing"))
	}
	if p.Transform == nil {
		errs = append(errs, errors.New("there is no function Transform"))
	}
	for _, path := range append(append([]string(nil), p.Needs...), p.Writes...) {
		if !paths.MatchString(path) {
			errs = append(errs, fmt.Errorf("%q is not a path such as spec.definition", path))
		}
	}
	for _, path := range p.Writes {
		if top, _, _ := strings.Cut(path, "."); top == "kind" || top == "ref" {
			errs = append(errs, fmt.Errorf("the Writes have %s, which plugins cannot change", path))
		}
	}
	if v := reflect.ValueOf(p.Config); p.Config != nil &&
		(v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct) {
		errs = append(errs, fmt.Errorf("the Config is a %T: it takes a pointer to a struct", p.Config))
	} else if _, err := schemaOf(p.Config); err != nil {
		errs = append(errs, err)
	}
	for name, part := range map[string]any{"Config": p.Example.Config, "Record": p.Example.Record} {
		if _, err := object(part); err != nil {
			errs = append(errs, fmt.Errorf("the Example's %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
