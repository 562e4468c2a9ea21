package job

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// noSource replaces a source that is not read.
type noSource struct{}

var _ component.Source = noSource{}

// Read returns an error: the source must not be read.
func (noSource) Read(context.Context, component.Phase, component.Emit) error {
	return fault.Errorf(fault.Fatal, "", "the source is read but was not opened: this is a defect in pipe")
}

// Close does nothing.
func (noSource) Close() error { return nil }
