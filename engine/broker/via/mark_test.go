package via

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/broker/tunnel"
)

// TestMarkOfTheLastLine: answers come in any order, and the mark is that of the last line among them.
func TestMarkOfTheLastLine(t *testing.T) {
	w, sum := &Way{}, ":"+strings.Repeat("ab", 32)
	for _, mark := range []string{"9" + sum, "10" + sum, "3" + sum, "", "11:of a hub", "12"} {
		if err := w.Failure(http.StatusOK, http.Header{tunnel.HeaderAudit: {mark}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.Mark(); got != "10"+sum {
		t.Error(got)
	}
}
