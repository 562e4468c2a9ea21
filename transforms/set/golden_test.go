package set_test

import (
	"testing"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
	"github.com/pipe-engine/pipe/transforms/set"
)

var update = pipelinetest.UpdateFlag()

func registry(k *pipelinetest.Kit) engine.Registry {
	r := k.Registry()
	r.Transforms = []engine.TransformSpec{set.Spec()}
	return r
}

func TestGolden(t *testing.T) {
	pipelinetest.Golden(t, update, registry(new(pipelinetest.Kit)))
}
