package filter_test

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
	"github.com/pipe-engine/pipe/transforms/filter"
)

var update = pipelinetest.UpdateFlag()

func registry(k *pipelinetest.Kit) component.Registry {
	r := k.Registry()
	r.Transforms = []component.TransformSpec[any]{filter.Spec().Any()}
	return r
}

func TestGolden(t *testing.T) {
	pipelinetest.Golden(t, update, registry(new(pipelinetest.Kit)))
}
