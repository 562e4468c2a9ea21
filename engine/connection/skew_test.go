package connection

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

// TestSkew: a refusal names a clock that differs from the server's.
func TestSkew(t *testing.T) {
	for off, says := range map[time.Duration]string{0: "", 40 * time.Second: "",
		20 * time.Minute: "this machine's clock is 20m behind", -3 * time.Hour: "clock is 3h0m ahead of the server's"} {
		for _, status := range []int{401, 403} {
			f := start(t, answer(status, appJSON, "{}", "Date", time.Now().Add(off).UTC().Format(http.TimeFormat)))
			_, err := f.get(t)
			if got := strings.Contains(err.Error(), "clock"); got != (says != "") || !strings.Contains(err.Error(), says) ||
				got != strings.Contains(fault.RemedyOf(err), "clock") {
				t.Errorf("%d, off by %v: %v (%s)", status, off, err, fault.RemedyOf(err))
			}
		}
	}
}
