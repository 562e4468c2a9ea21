package connection

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fault"
)

// plain fails when a text would confuse a terminal or a log, or holds the
// canary in the form of an answer that echoes it.
func plain(t *testing.T, text string) {
	t.Helper()
	if i := strings.IndexFunc(text, unicode.IsControl); i >= 0 {
		t.Fatalf("%q holds a control character", text)
	}
	if strings.Contains(text, canary) {
		t.Fatalf("%q holds the secret", text)
	}
}

// FuzzAnswer: whatever an answer holds, it is whole and of the type that was
// asked for, or an error that a person can read and that gives nothing away.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{}`, `[]`, `7`, ``, ` `, `{"items":[`, `[1`, `nonsense`, `{"error":{"name":"InputError","message":"no"}}`, `{"message":7}`, `{"error":"a\u0000b\u001b[31m"}`,
		`<!doctype html><title>Sign in &amp; go</title>`, "<html><head><title>\x1b]0;x\x07</title>", "\xef\xbb\xbf<html>", "\x1f\x8b\x08\x00\x00", strings.Repeat("{", 100),
		canary, `{"message":"` + canary + `"}`, strings.Repeat("a", maxExcerpt-5) + canary, "<title>" + canary + "</title>",
	} {
		for _, status := range []int{200, 204, 400, 401, 403, 429, 500, 503} {
			f.Add(status, "application/json", "", "3", []byte(body), uint8(0))
		}
		f.Add(200, "text/html; charset=utf-8", "gzip", "Sat, 31 Oct 2026 23:59:59 GMT", []byte(body), uint8(1))
		f.Add(502, "", "br", "-1", []byte(body), uint8(2))
	}
	cfg := Default()
	c, err := New(cfg,
		Settings{Name: "backstage", URL: "http://127.0.0.1:1", Token: config.NewSecret(canary),
			Allow: func(string, string) bool { return true }})
	if err != nil {
		f.Fatal(err)
	}
	const limit = 1 << 12
	f.Fuzz(func(t *testing.T, status int, contentType, encoding, pause string, body []byte, want uint8) {
		k := &call{Request: Request{Method: "GET", Path: "/x", Want: Want(want % 2)}, limit: limit}
		h := http.Header{"Content-Type": {contentType}, "Content-Encoding": {encoding}, "Retry-After": {pause},
			"X-Ratelimit-Reset": {pause}, "X-Request-Id": {pause}}
		resp, err := c.read(k,
			&http.Response{StatusCode: status, Header: h, ContentLength: -1, Body: io.NopCloser(bytes.NewReader(body))})
		if err == nil {
			switch got := resp.Body; {
			case status < 200 || status > 299, len(got) > limit:
				t.Fatalf("%d with %d bytes is an answer", status, len(got))
			case k.Want == JSON && len(bytes.TrimSpace(got)) == 0:
				t.Fatalf("%q is an answer", got)
			}
			return
		}
		failed := asFault(err).error(c, k)
		plain(t, failed.Error()+failed.Remedy)
		var s *StatusError
		refused := errors.As(err, &s)
		if refused {
			plain(t, s.Body+s.Reason+s.RequestID)
			if s.RetryAfter < 0 || len([]rune(s.Body)) > maxExcerpt || len([]rune(s.Reason)) > maxExcerpt+maxTitle {
				t.Fatalf("%+v", s)
			}
		}
		if refused == (status >= 200 && status <= 299) {
			t.Fatalf("%d: %v", status, err)
		}
		if (status == 401 || status == 403) && (failed.Class == fault.Transient || failed.Class == fault.Throttled) {
			t.Fatalf("%d is tried again", status)
		}
	})
}

// FuzzRetryAfter: no header makes a pause negative.
func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"", "3", "-3", "1e9", "1e300", "NaN", "Inf", "0x10", " 7 ", "1700000000",
		"Sat, 31 Oct 2026 23:59:59 GMT", "Sat, 31 Oct 9999 23:59:59 GMT"} {
		f.Add(429, v, v, "")
		f.Add(503, v, "", v)
	}
	now := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, status int, after, reset, date string) {
		h := http.Header{
			"Retry-After":       {after},
			"X-Ratelimit-Reset": {reset},
			"Ratelimit-Reset":   {date},
			"Date":              {date},
		}
		if d := retryAfter(status, h, now); d < 0 {
			t.Fatal(d)
		}
	})
}

// FuzzDeprecated: whatever is announced becomes a sentence of one line.
func FuzzDeprecated(f *testing.F) {
	for _, v := range []string{"", ";", "=", "a;b=c", "\"a\x00\";", "@1", "@-1", "@9999999999999999999", "true", canary,
		"name=" + canary + ";x=" + canary} {
		f.Add(v, v, v)
	}
	c, err := New(Default(),
		Settings{Name: "glean", URL: "http://127.0.0.1:1", Token: config.NewSecret(canary),
			Allow: func(string, string) bool { return true },
			Deprecation: DeprecationHeader{
				Name:     "X-Removed",
				Sentence: func(value string) string { return value + " goes" },
			}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, own, deprecation, sunset string) {
		c.deprecated.sentences = nil
		c.heed(&call{Request: Request{Method: "POST", Path: "/x"}},
			http.Header{"X-Removed": {own}, "Deprecation": {deprecation}, "Sunset": {sunset}})
		if len(c.Deprecations()) == 0 {
			t.Fatal("nothing was said")
		}
		for _, sentence := range c.Deprecations() {
			plain(t, sentence)
		}
	})
}
