package glean_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestSecret: no error, finding or note carries the token (invariant 6), not
// even one that Glean echoes.
func TestSecret(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Status: 400, Body: "what is secret-token?", Path: "/bulkindexusers"})
	err := f.Run(gleantest.User("ann"), gleantest.Doc("a"))
	f.Server.Fail(faults.Fault{Status: 403, Body: `{"message":"secret-token is not allowed"}`})
	all := fmt.Sprint(err, f.Rejected, f.Notes, fmt.Sprintf("%+v", f.Sink.Check(t.Context())),
		fmt.Sprintf("%+v", f.Config))
	if strings.Contains(all, "secret-token") || !strings.Contains(all, "[redacted]") {
		t.Error(all)
	}
}
