package connection

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
)

// TestCertain: a request that writes is not made, or made again, when its caller may have lost the right
// to it, and the error is the caller's own. A read is.
func TestCertain(t *testing.T) {
	lost := errors.New("lost")
	for name, tc := range map[string]struct {
		method string
		body   []byte
		asked  int // how often the answer is yes
		ended  bool
		want   int
	}{
		"from the beginning":     {http.MethodPost, []byte("{}"), 0, false, 0},
		"while it connects":      {http.MethodPost, []byte("{}"), 1, false, 0},
		"and the run ends":       {http.MethodPost, []byte("{}"), 1, true, 0},
		"without a body":         {http.MethodDelete, nil, 1, false, 1},
		"with an empty body":     {http.MethodPost, []byte{}, 1, false, 1},
		"a read":                 {http.MethodGet, nil, 0, false, 3},
		"certain until the last": {http.MethodPost, []byte("{}"), 1000, false, 3},
	} {
		var complete atomic.Int32 // requests that the server got to the end
		f := start(t, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err == nil {
				complete.Add(1)
			}
			answer(503, "", "")(w, r)
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		asked := 0
		guarded := WithCertain(ctx, func() error {
			if asked++; asked <= tc.asked {
				return nil
			}
			if tc.ended {
				cancel()
			}
			return lost
		})
		_, err := f.Do(guarded, Request{Method: tc.method, Path: "/x", Body: tc.body, Idempotent: true})
		f.server.Close()
		if got := int(complete.Load()); got != tc.want || (err == lost) != (tc.want < 3) || err == nil {
			t.Errorf("%s: %d requests, %v", name, got, err)
		}
	}
}

// TestCertainAgain: the attempt after one that failed is not made either.
func TestCertainAgain(t *testing.T) {
	lost := errors.New("lost")
	var answered atomic.Bool
	f := start(t, func(w http.ResponseWriter, r *http.Request) {
		answered.Store(true)
		answer(503, "", "")(w, r)
	})
	ctx := WithCertain(t.Context(), func() error {
		if answered.Load() {
			return lost
		}
		return nil
	})
	_, err := f.Do(ctx, Request{Method: http.MethodPost, Path: "/x", Body: []byte("{}"), Idempotent: true})
	if err != lost || f.attempts() != 1 {
		t.Errorf("%d attempts, %v", f.attempts(), err)
	}
}
