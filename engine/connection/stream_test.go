package connection

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
)

// TestStream: a body arrives as it is, and what cannot be read is an error of its class that is
// retried like any other.
func TestStream(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(long))
	_ = z.Close()
	for name, tc := range map[string]struct {
		answer   http.HandlerFunc
		max      int64
		wrong    error
		want     string // in the error; "" for none
		class    fault.Class
		attempts int
	}{
		"plain":       {answer: answer(200, appJSON, long), attempts: 1},
		"compressed":  {answer: answer(200, appJSON, zipped.String(), "Content-Encoding", "gzip"), attempts: 1},
		"of any type": {answer: answer(200, "application/octet-stream", long), attempts: 1},
		"too large": {answer: answer(200, appJSON, long), max: 1000, want: "larger than", class: fault.Permanent,
			attempts: 1},
		"too large, compressed": {answer: answer(200, appJSON, zipped.String(), "Content-Encoding", "gzip"), max: 1000,
			want: "larger than", class: fault.Permanent, attempts: 1},
		"a page": {answer: answer(200, "text/html", "<html><title>Sign in</title>"), want: "Sign in",
			class:    fault.Fatal,
			attempts: 1},
		"not found": {answer: answer(404, appJSON, "{}"), want: "404", class: fault.Permanent, attempts: 1},
		"wrong": {answer: answer(200, appJSON, long), wrong: errors.New("not an index"), want: "not an index",
			class: fault.Permanent, attempts: 1},
		"cut": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "200000")
			_, _ = io.WriteString(w, long)
		}, want: "ended early", class: fault.Transient, attempts: 3},
		"unknown encoding": {answer: answer(200, appJSON, long, "Content-Encoding", "br"), want: `"br"`,
			class: fault.Permanent, attempts: 1},
	} {
		f := start(t, tc.answer)
		got := 0
		_, err := f.Do(t.Context(), Request{Method: "GET", Path: "/x", MaxBytes: tc.max,
			Stream: func(_ http.Header, body io.Reader) error {
				b, err := io.ReadAll(body)
				got = len(b)
				return errors.Join(err, tc.wrong)
			}})
		switch {
		case tc.want == "" && (err != nil || got != len(long)):
			t.Errorf("%s: %d bytes, %v", name, got, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || fault.ClassOf(err) != tc.class):
			t.Errorf("%s: %v (%v)", name, err, fault.ClassOf(err))
		}
		if f.attempts() != tc.attempts {
			t.Errorf("%s: %d attempts", name, f.attempts())
		}
	}
}
