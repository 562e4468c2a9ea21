package connection

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
)

// Refused credentials end a request at once, whatever a pause they ask for.
func TestRefusedAtOnce(t *testing.T) {
	for status, class := range map[int]fault.Class{401: fault.Fatal, 403: fault.Permanent, 407: fault.Fatal} {
		f := start(t, answer(status, appJSON, `{"error":{"message":"no"}}`, "Retry-After", "1"))
		_, err := f.Do(t.Context(), Request{Method: "POST", Path: "/x", Body: []byte("{}"), Idempotent: true})
		if fault.ClassOf(err) != class || f.attempts() != 1 || len(f.pauses) > 0 {
			t.Errorf("%d: %v after %d attempts and pauses of %v", status, err, f.attempts(), f.pauses)
		}
	}
}

// One after the other: the second request still has all of its attempts, the
// third is not made.
func TestCircuit(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{
		"500":   answer(500, appJSON, `{"error":{"message":"all is lost, `+canary2+`"}}`),
		"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut":   answer(200, appJSON, `{"items":[`),
	} {
		f := start(t, fail, func(c *Config, s *Settings) { c.Retries.Attempts = 6 })
		for i, want := range []int{6, 12, 12, 12} {
			_, err := f.get(t)
			if f.attempts() != want || fault.ClassOf(err) != fault.Transient || errors.Is(err, ErrDown) != (i > 1) {
				t.Errorf("%s: request %d: %d attempts in all, %v", name, i+1, f.attempts(), err)
			}
			if i > 1 && (!strings.Contains(err.Error(), "no further requests, 12 attempts in a row failed; the "+
				"last failure: backstage: GET /x: ") || fault.RemedyOf(err) == "" || isStatus(err)) {
				t.Errorf("%s: %v (%s)", name, err, fault.RemedyOf(err))
			}
			noSecret(t, name, everythingOf(err))
		}
	}
}

// canary2 is the canary as a JSON answer would echo it.
var canary2 = strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(canary)

// What shows that the other end lives makes the counting start anew.
func TestCircuitResets(t *testing.T) {
	for name, tc := range map[string]struct {
		alive http.HandlerFunc
		opens bool
	}{
		"success":       {answer(200, appJSON, "{}"), false},
		"not found":     {answer(404, appJSON, "{}"), false},
		"refused":       {answer(403, appJSON, "{}"), false},
		"throttled":     {answer(429, appJSON, "{}"), false},
		"a pause":       {answer(503, appJSON, "{}", "Retry-After", "5"), false},
		"one more":      {answer(503, appJSON, "{}"), true},
		"another's TLS": {answer(302, "", "", "Location", "https://login.example.com/"), true},
	} {
		var n atomic.Int32
		f := start(t, func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) == minPatience {
				tc.alive(w, r)
				return
			}
			answer(500, appJSON, "{}")(w, r)
		}, func(c *Config, s *Settings) { c.Retries.Attempts = 1 })
		for range minPatience + 5 {
			_, err := f.get(t)
			if errors.Is(err, ErrDown) && !tc.opens {
				t.Errorf("%s: %v", name, err)
			}
		}
		if asked := f.attempts(); (asked < minPatience+5) != tc.opens {
			t.Errorf("%s: %d attempts", name, asked)
		}
	}
}

// An outage that the retries outlast fails every request that is under way, as
// often as there are attempts but one, and stops none; one that lasts stops
// those that wait for their turn.
func TestCircuitOfMany(t *testing.T) {
	const parallel, attempts = 8, 6
	for name, outage := range map[string]int32{"outlasted": parallel * (attempts - 1), "lasting": 1 << 30} {
		var mu sync.Mutex
		waiting := sync.NewCond(&mu)
		arrived, failed := 0, int32(0)
		f := start(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			arrived++
			waiting.Broadcast()
			for arrived < parallel { // all are under way
				waiting.Wait()
			}
			failed++
			bad := failed <= outage
			mu.Unlock()
			if bad {
				answer(503, appJSON, "{}")(w, r)
				return
			}
			answer(200, appJSON, "{}")(w, r)
		}, func(c *Config, s *Settings) { c.Retries.Attempts = attempts })
		var good, down atomic.Int32
		var all sync.WaitGroup
		for range parallel {
			all.Go(func() {
				for range 20 {
					switch _, err := f.get(t); {
					case err == nil:
						good.Add(1)
					case errors.Is(err, ErrDown):
						down.Add(1)
					}
				}
			})
		}
		all.Wait()
		if name == "outlasted" && down.Load() > 0 ||
			name == "lasting" && (good.Load() > 0 || down.Load() == 0 || f.attempts() > 2*attempts*parallel+parallel) {
			t.Errorf("%s: %d good, %d not made, %d attempts", name, good.Load(), down.Load(), f.attempts())
		}
	}
}

// While the circuit is broken nothing waits for nothing.
func TestCircuitEndsTheWaiting(t *testing.T) {
	f := start(t, answer(500, appJSON, "{}"), func(c *Config, s *Settings) { c.Retries.Attempts = 1 })
	for range minPatience {
		_, _ = f.get(t)
	}
	f.retry.Attempts = 6
	if _, err := f.get(t); !errors.Is(err, ErrDown) || len(f.pauses) > 0 {
		t.Errorf("%v, paused %v", err, f.pauses)
	}
}
