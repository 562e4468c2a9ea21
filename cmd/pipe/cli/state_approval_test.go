package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
)

// TestApprovalState: the descriptions of an approval in pipe state show.
func TestApprovalState(t *testing.T) {
	now := time.Now()
	for want, one := range map[string]baseline.Approval{
		"valid until": {At: now.Add(-time.Hour)},
		"expired":     {At: now.Add(-25 * time.Hour)},
		"not valid":   {At: now.Add(48 * time.Hour)},
		"used by run": {At: now, UsedBy: "01A"},
	} {
		if got := approvalState(one, now); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
