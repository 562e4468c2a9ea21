package local

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pipe-engine/pipe/engine/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestListen: other machines never reach the page.
func TestListen(t *testing.T) {
	first, err := Listen(t.Context(), Options{Listen: "127.0.0.1:0", Page: "preview"})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	for address, want := range map[string]string{
		"0.0.0.0:0": "to this machine alone", ":7979": "to this machine alone", "192.0.2.1:1": "to this machine alone",
		"localhost:7979": "to this machine alone", "7979": "is not an address", "127.0.0.1:x": "--listen: ",
		first.Address(): "another program uses the port",
	} {
		s, err := Listen(t.Context(), Options{Listen: address, Page: "preview"})
		if err == nil {
			s.Close()
		}
		if !errors.As(err, new(*fault.Invalid)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
}

// TestServe: only a browser that has opened a link gets the page; a link works once.
func TestServe(t *testing.T) {
	s, err := Listen(t.Context(), Options{Listen: "127.0.0.1:0", Page: "preview", Who: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func(address, host string) (int, string) {
		r, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	ctx, cancel := context.WithCancel(t.Context())
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "private") })
	unused, err := s.Serve(ctx, page, func() error {
		defer cancel()
		link, origin := s.Link(), "http://"+s.Address()
		if code, text := get(origin, ""); code != http.StatusUnauthorized || strings.Contains(text, "private") {
			t.Errorf("without a sign-in: %d %s", code, text)
		}
		if code, _ := get(link, ""); code != http.StatusOK {
			t.Errorf("the link: %d", code)
		}
		if code, text := get(origin, ""); code != http.StatusOK || text != "private" {
			t.Errorf("signed in: %d %s", code, text)
		}
		if code, _ := get(origin, "pipe.example.com"); code != http.StatusMisdirectedRequest {
			t.Errorf("another host: %d", code)
		}
		if code, _ := get(link, ""); code != http.StatusForbidden {
			t.Errorf("the link again: %d", code)
		}
		return nil
	})
	if unused || err != nil {
		t.Errorf("unused %v, error %v", unused, err)
	}
	s, err = Listen(t.Context(), Options{Listen: "127.0.0.1:0", Page: "preview", Idle: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if unused, err := s.Serve(t.Context(), page, func() error { return nil }); !unused || err != nil {
		t.Errorf("without use: unused %v, error %v", unused, err)
	}
}

// TestWaitUnused: a server ends after the limit without use, counted from the last use.
func TestWaitUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		waitUnused(t.Context(), 30*time.Minute, func() time.Time { return time.Time{} })
		if took := time.Since(begun); took != 30*time.Minute {
			t.Errorf("without a use it ends after %s", took)
		}
		begun = time.Now()
		var used atomic.Pointer[time.Time]
		used.Store(&begun)
		go func() {
			for range 3 {
				time.Sleep(20 * time.Minute)
				now := time.Now()
				used.Store(&now)
			}
		}()
		waitUnused(t.Context(), 30*time.Minute, func() time.Time { return *used.Load() })
		if took := time.Since(begun); took != 90*time.Minute {
			t.Errorf("with a last use after an hour it ends after %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun = time.Now()
		waitUnused(ctx, 30*time.Minute, func() time.Time { return begun })
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("it ends %s after the command began to end", took)
		}
	})
}
