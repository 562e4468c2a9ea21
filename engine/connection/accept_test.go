package connection

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
)

// TestAccept: Accept sees every status of 200 to 299 and every body but an HTML
// page, and the class of its error decides on another attempt.
func TestAccept(t *testing.T) {
	const page = "<!DOCTYPE html><title>Sign in</title>"
	onlyEmpty := func(class fault.Class) func(int, []byte) error {
		return func(status int, body []byte) error {
			if status == http.StatusOK && strings.TrimSpace(string(body)) == "" {
				return nil
			}
			return fault.Errorf(class, "look at the proxy", "this is no acknowledgement")
		}
	}
	for name, tc := range map[string]struct {
		serve    http.HandlerFunc
		class    fault.Class
		says     string // "" when it is accepted
		is       fault.Class
		attempts int
	}{
		"an empty body":                        {serve: answer(200, "", ""), attempts: 1},
		"an empty body that says it is a page": {serve: answer(200, "text/html", " \n"), attempts: 1},
		"another status": {serve: answer(202, "", ""), says: "202, and this is no acknowledgement",
			attempts: 1},
		"a body": {serve: answer(200, appJSON, `{"id":1}`), says: `200, and this is no acknowledgement: {"id":1}`, attempts: 1},
		"a body, and it may pass": {serve: answer(200, appJSON, `{"id":1}`), class: fault.Transient, is: fault.Transient,
			says: "no acknowledgement", attempts: 3},
		"a long body": {serve: answer(200, "", strings.Repeat("a", 2*maxErrorBody)),
			says: strings.Repeat("a", maxQuoted-1) + "…", attempts: 1},
		"a secret in the body": {serve: answer(200, "", "x "+canary), says: "x [redacted]", attempts: 1},
		"a page": {serve: answer(200, "text/html", page), class: fault.Transient,
			is: fault.Fatal, says: "HTML page", attempts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			f := start(t, func(w http.ResponseWriter, r *http.Request) { attempts++; tc.serve(w, r) })
			_, err := f.Do(
				t.Context(),
				Request{Method: "POST", Path: "/x", Idempotent: true, Accept: onlyEmpty(tc.class)},
			)
			switch {
			case tc.says == "" && err != nil:
				t.Error(err)
			case tc.says != "" &&
				(err == nil || !strings.Contains(err.Error(), tc.says) || fault.ClassOf(err) != tc.is || fault.RemedyOf(err) == ""):
				t.Errorf("%v (%v; %s)", err, fault.ClassOf(err), fault.RemedyOf(err))
			case err != nil && strings.Contains(err.Error(), canary):
				t.Error("the error quotes the secret")
			}
			if attempts != tc.attempts {
				t.Errorf("%d attempts", attempts)
			}
		})
	}
	f := start(t, answer(200, appJSON, `{"secret":"new"}`))
	_, err := f.Do(t.Context(), Request{Method: "POST", Path: "/x", Secret: true, Accept: onlyEmpty(fault.Permanent)})
	if err == nil || strings.Contains(err.Error(), "new") {
		t.Errorf("the answer to a request for a secret is quoted: %v", err)
	}
}
