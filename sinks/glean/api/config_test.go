package api

import (
	"fmt"
	"testing"

	"github.com/pipe-engine/pipe/engine/connection"
)

// TestIsAbsent: only the documented answer means that there is no datasource.
func TestIsAbsent(t *testing.T) {
	const problem = `{"type":"https://developers.glean.com/errors/invalid-datasource","title":"Invalid Datasource",` +
		`"status":400,"detail":"it is unknown","code": "invalid_datasource"}`
	for _, c := range []struct {
		status       int
		reason, body string
		want         bool
	}{
		{400, "Invalid datasource", "Invalid datasource", true},
		{404, "Invalid datasource", `{"message":"Invalid datasource"}`, true},
		{400, "it is unknown", problem, true},
		{400, "Invalid datasource config", "Invalid datasource config", false},
		{404, "the data source was not found", "the data source was not found", false},
		{404, "Not Found", "<html>Invalid datasource</html>", false},
		{403, "Invalid datasource", problem, false},
		{400, "unknown datasource", `{"code":"invalid_argument"}`, false},
	} {
		err := fmt.Errorf("ask: %w", &connection.StatusError{Status: c.status, Reason: c.reason, Body: c.body})
		if got := IsAbsent(err); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
	if IsAbsent(nil) || IsAbsent(fmt.Errorf("Invalid datasource")) {
		t.Error("an error without a status")
	}
}
