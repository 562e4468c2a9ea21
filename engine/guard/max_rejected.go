package guard

import (
	"fmt"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

func (v *Review) maxRejected() error {
	n, total := v.Records.Rejected, v.Records.Total
	b := v.Pipeline.Limits.MaxRejected
	switch {
	case n == total:
		return &fault.Refusal{Guard: MaxRejected, Reason: fmt.Sprintf("all %s records were rejected", display.Number(n)),
			Remedy: "look at the rejections above and correct the transforms, the mapping or the rules"}
	case b.Exceeded(n, total):
		return &fault.Refusal{Guard: MaxRejected,
			Reason: fmt.Sprintf("%s of %s records were rejected (%s)", display.Number(n), display.Number(total),
				LimitText(b, n, total)),
			Remedy: "look at the rejections above, correct the mapping or the records, or raise guards.max_rejected"}
	}
	return nil
}
