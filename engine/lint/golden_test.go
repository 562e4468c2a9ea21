package lint_test

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
)

var update = pipelinetest.UpdateFlag()

func TestGolden(t *testing.T) {
	pipelinetest.Golden(t, update, new(pipelinetest.Kit).Registry())
}
