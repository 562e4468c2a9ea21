package client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/report"
	"github.com/pipe-engine/pipe/engine/serve/client"
)

// open returns a client of a server.
func open(t *testing.T, h http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.Open(client.Options{Address: s.URL + "/", Token: "token-of-a-test", Redactor: &redact.Redactor{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write([]byte(text))
}

// TestExplainWaits: a client asks again while the server reads.
func TestExplainWaits(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	waits := 0
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/pipelines/wiki/documents/page:a/b" || r.URL.Query().Get("person") != "ann" ||
			r.Header.Get("Authorization") != "Bearer token-of-a-test" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		if calls.Add(1) < 2 {
			answer(w, http.StatusAccepted, `{"reading":true}`)
			return
		}
		answer(w, http.StatusOK, `{"read":"2026-11-30T12:00:00Z","ref":"page:a/b","as":{"who":"ann","finds":true,"why":"x"}}`)
	})
	e, err := c.Explain(t.Context(), "wiki", "page:a/b", "ann", time.Minute, func() { waits++ })
	if err != nil || e.Ref != "page:a/b" || !e.Answer.Finds || e.Read.IsZero() || calls.Load() != 2 || waits != 1 {
		t.Errorf("%+v, %v after %d calls and %d waits", e, err, calls.Load(), waits)
	}
	calls.Store(-99)
	if _, err := c.Explain(t.Context(), "wiki", "page:a/b", "ann", 0, nil); fault.ClassOf(err) != fault.Transient ||
		!strings.Contains(err.Error(), "has not read") {
		t.Errorf("a server that reads for too long: %v", err)
	}
}

// TestErrors: what a server says is in the error, with its code and what to do.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status           int
		text             string
		want, hint, code string
		wrong            bool
	}{
		{409, `{"error":{"code":"conflict","message":"it is gone","hint":"look at it"}}`,
			"the server answers 409: it is gone", "look at it", "conflict", true},
		{401, `{"error":{"code":"unauthorized","message":"no token","hint":"send one"}}`,
			"the server answers 401: no token", "pipe serve token list", "unauthorized", true},
		{404, `{"error":{"code":"not_found","message":"no pipeline"}}`,
			"the server answers 404: no pipeline", "check the name", "not_found", true},
		{500, `{"error":{"code":"failed","message":"it failed","hint":""}}`,
			"the server answers 500: it failed", "the log of the server", "transient", false},
		{403, `PRIVATE`, "403", "", "permanent", false},
		{200, `PRIVATE`, "", "", "", false},
	} {
		c := open(t, func(w http.ResponseWriter, r *http.Request) { answer(w, tt.status, tt.text) })
		_, err := c.Approve(t.Context(), "wiki", "aaaabbbbcccc", "")
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "PRIVATE") ||
			!strings.Contains(report.HintOf(err), tt.hint) || errors.As(err, new(*fault.Invalid)) != tt.wrong ||
			tt.code != "" && report.CodeOf(err) != tt.code {
			t.Errorf("%d: %v (%s; %s)", tt.status, err, report.HintOf(err), report.CodeOf(err))
		}
		if client.IsStatus(err, 404, 409) != (tt.status == 404 || tt.status == 409) {
			t.Errorf("%d is not its status", tt.status)
		}
	}
}

// TestApproveOnce: an approval is not sent again when its answer is lost.
func TestApproveOnce(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	c := open(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	})
	if _, err := c.Approve(t.Context(), "wiki", "aaaabbbbcccc", ""); err == nil || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

// TestAddress: a wrong address, and one that would show the token to a network, are refused.
func TestAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{"pipe.example.com": "is not the address", "": "is not the address",
		"ftp://pipe.example.com": "is not the address", "https://ann:horse@pipe.example.com": "ann:xxxxx@",
		"http://192.0.2.1:7979": "unencrypted"} {
		_, err := client.Open(client.Options{Address: address, Token: "token-of-a-test"})
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, new(*fault.Invalid)) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
