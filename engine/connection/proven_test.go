package connection

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
)

// TestProven: a wrong answer of an address that has answered before is retried,
// and of one that has not it is a wrong address. So is an answer that the caller
// cannot parse.
func TestProven(t *testing.T) {
	const page = "<!DOCTYPE html><title>Sign in</title>"
	parse := func(body []byte) error {
		if strings.Contains(string(body), "items") {
			return nil
		}
		return fault.Errorf(fault.Permanent, "check url", "this is no page of entities")
	}
	for name, tc := range map[string]struct {
		wrong    http.HandlerFunc
		times    int // that it is wrong
		proven   bool
		says     string // "" when it goes well
		is       fault.Class
		attempts int
	}{
		"right":                 {answer(200, appJSON, `{"items":[]}`), 0, false, "", 0, 1},
		"a page":                {answer(200, "text/html", page), 9, false, "HTML page", fault.Fatal, 1},
		"a page, proven":        {answer(200, "text/html", page), 9, true, "HTML page", fault.Transient, 3},
		"a page once, proven":   {answer(200, "text/html", page), 1, true, "", 0, 2},
		"empty":                 {answer(200, appJSON, ""), 9, false, "empty", fault.Permanent, 1},
		"empty once, proven":    {answer(200, appJSON, ""), 1, true, "", 0, 2},
		"an error":              {answer(200, appJSON, `{"error":{}}`), 9, false, "no page of entities", fault.Permanent, 1},
		"an error, proven":      {answer(200, appJSON, `{"error":{}}`), 9, true, "no page of entities", fault.Transient, 3},
		"an error once, proven": {answer(200, appJSON, `{"error":{}}`), 1, true, "", 0, 2},
		"401, proven":           {answer(401, appJSON, `{}`), 9, true, "401", fault.Fatal, 1},
		"404, proven":           {answer(404, appJSON, `{}`), 9, true, "404", fault.Permanent, 1},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			f := start(t, func(w http.ResponseWriter, r *http.Request) {
				if attempts++; attempts <= tc.times {
					tc.wrong(w, r)
					return
				}
				answer(200, appJSON, `{"items":[]}`)(w, r)
			})
			_, err := f.Do(t.Context(), Request{Method: "GET", Path: "/x", Parse: parse, Proven: tc.proven})
			if tc.says == "" && err != nil ||
				tc.says != "" &&
					(err == nil || !strings.Contains(err.Error(), tc.says) || fault.ClassOf(err) != tc.is ||
						fault.RemedyOf(err) == "" && tc.is != fault.Permanent) {
				t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			}
			if attempts != tc.attempts {
				t.Errorf("%d attempts, want %d", attempts, tc.attempts)
			}
		})
	}
}
