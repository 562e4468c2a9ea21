package e2e

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

var chains = flag.Int("chains", 8, "chains of nights that TestPublish tries in each mode")

// modes are how a night is published: the flags of `pipe run`.
var modes = map[string][]string{
	"auto":    {"", "", "", "--full"},
	"full":    {"--full"},
	"changes": {"--changes"},
	"any":     {"", "--full", "--changes", "--changes"},
}

// TestPublish: random directories, night after night. At every request of a publish, people
// find by the received state only what they found before or find after, and by the state in
// effect only what old and new audiences of old and new members allow. No document that
// stays is missing, and afterwards the index is that of a full publish, item by item.
//
//	go test -run TestPublish -chains 2000 -timeout 1h ./cmd/pipe/e2e
func TestPublish(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"auto", "full", "changes"} {
		t.Run(mode, func(t *testing.T) {
			each := func(t *testing.T, seed uint64) {
				c := newChain(t, seed, mode)
				for range 2 + c.rand.IntN(3) {
					c.night()
				}
				c.unchanged()
			}
			series(t, *chains, each)
		})
	}
}

// TestPublishBroken: at one request of a night the sink fails, the answer is lost, or the
// run is stopped or killed. After the next good run the index is that of a full publish, and
// the assertions of TestPublish hold all the time.
func TestPublishBroken(t *testing.T) {
	t.Parallel()
	for _, how := range breaks {
		t.Run(how, func(t *testing.T) {
			each := func(t *testing.T, seed uint64) {
				c := newChain(t, seed, "any")
				for range 2 {
					c.broken(how)
					c.night()
				}
			}
			series(t, max(1, *chains/2), each)
		})
	}
	t.Log(broke.String())
}

// TestPublishBrokenAnywhere: as TestPublishBroken, at each request of one night; of a short
// series, at every fifth.
func TestPublishBrokenAnywhere(t *testing.T) {
	t.Parallel()
	for _, how := range breaks {
		t.Run(how, func(t *testing.T) {
			series(t, max(1, *chains/25), func(t *testing.T, seed uint64) {
				stride := 1
				if *chains < 50 {
					stride = 5
				}
				for k := 1 + int(seed%uint64(stride)); ; k += stride {
					c := newChain(t, seed, "changes")
					if !c.brokenAt(how, k) {
						return
					}
					c.night()
				}
			})
		})
	}
}

// series tries n seeds, several at a time.
func series(t *testing.T, n int, one func(t *testing.T, seed uint64)) {
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano() % 1e9)
	}
	var next atomic.Uint64
	var wg sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) { // they mostly wait
		wg.Go(func() {
			for i := next.Add(1) - 1; i < uint64(n) && !t.Failed(); i = next.Add(1) - 1 {
				t.Run(fmt.Sprint(first+i), func(t *testing.T) { one(t, first+i) })
			}
		})
	}
	wg.Wait()
}

// chain is nights of one directory, with its state folder and its index.
type chain struct {
	*testing.T
	rand     *rand.Rand
	seed     uint64
	mode     string
	rules    gleansandbox.Rules
	glean    *gleanfaults.Server
	folder   string
	env      map[string]string
	now      *directory
	waiting  []*directory // those that may be partly in effect: now and before
	sent     []*directory // those that may have been partly sent since the last good run
	lastGood *directory   // that of the last good run, after one that came to harm
	busy     atomic.Int64 // requests that the server is at
	emails   []string     // all addresses that there were, and a guest
	story    []string
	stop     context.CancelFunc

	ahead atomic.Int64 // of the server's clock, in nanoseconds

	mu       sync.Mutex
	steps    *rand.Rand // of the clock
	requests int        // of the run at hand that change something
	asked    []string   // the requests of the run at hand, with their status
	at       int        // the request at which atRequest is called; 0: none
	do       func()
	told     reach                        // who may find what by the received state
	effect   reach                        // who may find what by the state in effect
	stays    map[string]gleanapi.Document // documents that must be there
	wrongs   []string
}

func newChain(t *testing.T, seed uint64, mode string) *chain {
	c := &chain{T: t, seed: seed, mode: mode, rand: rand.New(rand.NewPCG(seed, 3)), steps: rand.New(rand.NewPCG(seed, 4)),
		folder: t.TempDir(), stop: func() {}, emails: []string{guest}}
	name := ""
	c.rules, name = reading(c.rand)
	c.rules.DocumentsTake = choose(c.rand, 0, time.Minute, time.Hour)
	c.rules.IdentitiesTake = choose(c.rand, 0, time.Minute, time.Hour)
	c.tell("Glean: %s; documents take %s, identities %s", name, c.rules.DocumentsTake, c.rules.IdentitiesTake)
	if err := os.WriteFile(c.pipeline(), []byte(publishPipeline), 0o600); err != nil {
		t.Fatal(err)
	}
	c.glean = c.server(gleansandbox.Options{Rules: c.rules, Observe: c.observe, Now: c.clock})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.busy.Add(1)
		defer c.busy.Add(-1)
		c.glean.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	c.env = c.environment(front.URL, filepath.Join(c.folder, "state"), filepath.Join(c.folder, "catalog.ndjson"))
	c.now = newDirectory(c.rand)
	c.waiting = []*directory{{}} // the index before
	c.enter()
	c.expect()
	c.good("")
	c.check()
	return c
}

func (c *chain) pipeline() string { return filepath.Join(c.folder, "directory.yaml") }

// server starts an index server with the pipeline's datasource.
func (c *chain) server(o gleansandbox.Options) *gleanfaults.Server {
	c.Helper()
	o.Token, o.Datasources = sinkToken, []gleanapi.DatasourceConfig{datasourceOf(c.pipeline(), "")}
	s, err := gleanfaults.Start(o)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(s.Close)
	return s
}

func (c *chain) environment(url, state, catalog string) map[string]string {
	return map[string]string{"GLEAN_SERVER_URL": url, "GLEAN_INDEXING_API_KEY": sinkToken, "CI": "true",
		"XDG_STATE_HOME": state, "CATALOG": catalog}
}

func (c *chain) clock() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// later moves the server's clock on.
func (c *chain) later(d time.Duration) { c.ahead.Add(int64(d)) }

func (c *chain) tell(format string, args ...any) {
	c.story = append(c.story, fmt.Sprintf(format, args...))
}

func (c *chain) wrong(format string, args ...any) {
	c.Helper()
	name, _, _ := strings.Cut(c.Name(), "/")
	rest := strings.TrimPrefix(c.Name(), name)
	c.Errorf("%s\n\n%s\n\nrequests of the last run:\n%s\n\nagain: go test ./cmd/pipe/e2e -run '%s' -chains 1 -seed %d",
		fmt.Sprintf(format, args...),
		strings.Join(c.story, "\n"), strings.Join(c.asked, "\n"), name+rest[:strings.LastIndex(rest, "/")], c.seed)
}

// enter makes the directory that is read, and adds its addresses.
func (c *chain) enter() {
	c.Helper()
	if err := os.WriteFile(c.env["CATALOG"], c.now.records(c, true), 0o600); err != nil {
		c.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = nil // nothing is looked at before expect
	for _, email := range c.now.emails() {
		if !slices.Contains(c.emails, email) {
			c.emails = append(c.emails, email)
		}
	}
	c.waiting = append(c.waiting, c.now)
}

// expect computes what may be found and what must exist during the next run: by the received
// state, what is found now or after; the documents that exist both now and after.
func (c *chain) expect() {
	c.Helper()
	after, _ := c.whole()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = c.now.reach(c.emails)
	i := c.glean.Index("directory")
	for _, email := range c.emails {
		for _, id := range i.Finds(email) {
			c.told.add(email, id)
		}
	}
	for _, d := range c.sent { // a request whose run has ended may take effect later
		for email, ids := range d.reach(c.emails) {
			for id := range ids {
				c.told.add(email, id)
			}
		}
	}
	c.sent = append(c.sent, c.now)
	c.effect = widest(c.emails, c.waiting...)
	for _, email := range c.emails {
		if _, known := i.Users[strings.ToLower(email)]; known {
			continue
		}
		// Glean refused this person, who is a guest: a guest finds what all users find.
		for _, d := range c.waiting {
			for id := range d.finds(email, identitiesOf(c.waiting...), true) {
				c.effect.add(email, id)
			}
		}
	}
	c.stays = map[string]gleanapi.Document{}
	for id, d := range i.Documents {
		if _, stays := after.Documents[id]; stays {
			c.stays[id] = d
		}
	}
}

// observe checks the index after each request of a run, before the answer is sent.
func (c *chain) observe(e gleansandbox.Exchange) {
	path := strings.TrimPrefix(e.Path, gleanapi.Prefix)
	c.mu.Lock()
	c.asked = append(c.asked, fmt.Sprintf("%d %s %s", e.Status, path, bytes.TrimSpace(e.Body)))
	if c.told == nil || strings.HasPrefix(path, "debug/") || path == "getdatasourceconfig" {
		c.mu.Unlock()
		return
	}
	c.requests++
	if c.requests == c.at && c.do != nil {
		c.do()
	}
	c.later(time.Duration(c.steps.Int64N(int64(20 * time.Second))))
	if chance(c.steps, 5) {
		c.later(time.Hour)
	}
	n := c.requests
	c.mu.Unlock()
	told, effective := c.glean.Index("directory"), c.glean.Effective("directory")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told == nil {
		return
	}
	where := fmt.Sprintf("request %d, %s %s", n, path, bytes.TrimSpace(e.Body))
	for _, email := range c.emails {
		for _, id := range told.Finds(email) {
			if !c.told[email][id] {
				c.wrongs = append(c.wrongs, fmt.Sprintf("%s\n%s finds %s (%s), and neither before nor after", where, email, id,
					gleantest.Text(told.Documents[id].Permissions)))
			}
		}
		for _, id := range effective.Finds(email) {
			if !c.effect[email][id] {
				c.wrongs = append(c.wrongs, fmt.Sprintf("%s\nin effect %s finds %s (%s), outside the old and the new audience",
					where, email, id, gleantest.Text(effective.Documents[id].Permissions)))
			}
		}
	}
	for id := range c.stays {
		if _, there := told.Documents[id]; !there {
			c.wrongs = append(c.wrongs, fmt.Sprintf("%s\n%s is missing", where, id))
		}
	}
}

// publish makes one run and returns the exit code.
func (c *chain) publish(flags ...string) call {
	c.Helper()
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	c.mu.Lock()
	c.requests, c.asked, c.stop = 0, nil, cancel
	c.mu.Unlock()
	args := append([]string{"run", c.pipeline(), "--progress", "none"},
		slices.DeleteFunc(flags, func(f string) bool { return f == "" })...)
	r := pipeIn(ctx, c.env, args...)
	for c.busy.Load() > 0 { // a request of a run that was stopped may still take effect
		time.Sleep(time.Millisecond)
	}
	c.tell("--- run %v: exit %d, %d requests that change something\n%s%s", flags, r.code, c.requests, r.stdout, r.stderr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrongs) > 0 {
		c.wrong("%d faults, the first: %s", len(c.wrongs), c.wrongs[0])
		c.FailNow()
	}
	return r
}

// good is a run that has to succeed, after an approval if necessary.
func (c *chain) good(flags ...string) {
	c.Helper()
	var given []string
	for range 6 {
		r := c.publish(append(slices.Clone(flags), given...)...)
		switch {
		case r.code == int(job.Done):
			return
		case slices.Equal(flags, []string{"--changes"}) &&
			strings.Contains(r.stderr, "publishing only the changes is not possible"):
			flags = nil
			continue
		case r.code == int(job.Unconfirmed): // Glean has paused a deletion: an interrupted upload had left more there
			continue
		case r.code == int(job.Held): // the process that was to be killed is the test, and lives
		case r.code != int(job.Refused):
			c.wrong("exit %d", r.code)
			c.FailNow()
		}
		offers := offered.FindAllStringSubmatch(r.stderr, -1)
		if len(offers) == 0 {
			break
		}
		for _, o := range offers {
			given = append(given, "--"+o[1], o[2])
		}
	}
	c.wrong("it does not come to a good run")
	c.FailNow()
}

// next turns the directory into the next night's, and hides or unhides a page.
func (c *chain) next() {
	c.Helper()
	if c.lastGood != nil && chance(c.rand, 40) {
		c.now = c.now.back(c.lastGood)
		c.tell("=== night: all is as before the run that came to harm")
	} else {
		c.now = c.now.clone()
		c.tell("=== night: %s", strings.Join(c.now.change(c.rand), ", "))
	}
	if refs := some(c.rand, c.now.pages, 1); len(refs) > 0 && chance(c.rand, 10) {
		p := c.now.pages[refs[0]]
		p.hidden = !p.hidden
		c.now.pages[refs[0]] = p
		args := []string{"hide", c.pipeline(), refs[0]}
		if !p.hidden {
			args = append(args, "--unhide")
		}
		c.enter() // hide resolves the ref
		r := pipeIn(c.Context(), c.env, args...)
		c.tell("--- %v: exit %d\n%s", args, r.code, r.both())
		if r.code != int(job.Done) && r.code != int(job.Unconfirmed) { // its deletion may wait
			c.wrong("exit %d", r.code)
		}
	}
	c.enter()
	c.expect()
}

// settled makes all changes take effect.
func (c *chain) settled() {
	c.later(2 * time.Hour)
	c.waiting = []*directory{c.now}
}

// night changes the directory, publishes it, and checks the index.
func (c *chain) night() {
	c.Helper()
	c.next()
	c.good(choose(c.rand, modes[c.mode]...))
	c.check()
}

// check compares the index with that of a full publish, and who finds what with the
// directory.
func (c *chain) check() {
	c.Helper()
	want, text := c.whole()
	c.sent, c.lastGood = []*directory{c.now}, nil
	if got := c.glean.Index("directory"); !same(got, want) {
		c.wrong("the index is not that of a full publish: %s\n%s", differences(got, want), text)
		c.FailNow()
	}
	if chance(c.rand, 60) {
		c.settled()
		if got := c.glean.Effective("directory"); !same(got, want) {
			c.wrong("what is in effect is not that of a full publish: %s", differences(got, want))
		}
	}
}

// unchanged is a run over the same directory.
func (c *chain) unchanged() {
	c.Helper()
	c.settled()
	c.enter()
	c.expect()
	c.good() // it confirms deletions
	c.expect()
	c.good()
	if c.mode != "full" && len(c.asked) > 3 {
		c.wrong("a run that changes nothing makes %d requests", len(c.asked))
	}
	c.check()
}

// whole returns the index of a full publish of the directory into a new server, and the
// run's output.
func (c *chain) whole() (gleansandbox.Index, string) {
	c.Helper()
	fresh := c.server(gleansandbox.Options{})
	defer fresh.Close()
	catalog := filepath.Join(c.TempDir(), "catalog.ndjson")
	if err := os.WriteFile(catalog, c.now.records(c, false), 0o600); err != nil {
		c.Fatal(err)
	}
	r := pipeIn(c.Context(), c.environment(fresh.URL(), c.TempDir(), catalog), "run", c.pipeline(), "--progress", "none")
	if r.code != int(job.Done) {
		c.wrong("a full publish into a fresh server: exit %d\n%s", r.code, r.both())
		c.FailNow()
	}
	i := fresh.Index("directory")
	reached := c.now.reach(c.emails)
	for _, email := range c.emails {
		got := reach{}
		for _, id := range i.Finds(email) {
			got.add(email, id)
		}
		if !reflect.DeepEqual(got[email], reached[email]) {
			c.wrong("%s finds %v in a full publish, and %v by the directory\n%s", email, got[email], reached[email], r.both())
			c.FailNow()
		}
	}
	return i, r.both()
}

// same compares what two indexes hold. A group without members may have had an upload.
func same(a, b gleansandbox.Index) bool { return differences(a, b) == "" }

func differences(a, b gleansandbox.Index) string {
	parts := func(i gleansandbox.Index) []map[string]string {
		out := []map[string]string{{}, {}, {}, {}}
		for id, d := range i.Documents {
			out[0][id] = gleantest.Text(d)
		}
		for id, u := range i.Users {
			out[1][id] = gleantest.Text(u)
		}
		for id, g := range i.Groups {
			out[2][id] = gleantest.Text(g)
		}
		for id, m := range i.Memberships {
			if len(m) > 0 {
				out[3][id] = gleantest.Text(m)
			}
		}
		return out
	}
	var out []string
	p, q := parts(a), parts(b)
	for k, what := range []string{"document", "user", "group", "members of"} {
		out = append(out, gleantest.Differ(what, p[k], q[k])...)
	}
	return strings.Join(out, "\n  ")
}

// broke counts the results of disturbed runs, true if they reached the request.
var broke outcomes

// breaks are the ways to disturb a run at a request.
var breaks = []string{"refused", "failed", "lost", "outage", "stopped", "killed"}

// broken breaks a night at a random request.
func (c *chain) broken(how string) {
	c.Helper()
	c.next()
	c.breakAt(how, 1+c.rand.IntN(12))
}

// brokenAt breaks a night at the k-th request that changes something. It is false when the
// night has fewer.
func (c *chain) brokenAt(how string, k int) bool {
	c.Helper()
	c.next()
	return c.breakAt(how, k)
}

func (c *chain) breakAt(how string, k int) bool {
	c.Helper()
	c.lastGood = c.sent[0]
	c.tell("%s at request %d", how, k)
	reached := false
	changes := func(body []byte) bool { return len(body) > 0 && !isQuestion(body) }
	fail := func(f gleanfaults.Fault) {
		f.Match = changes
		c.glean.Fail(f)
	}
	state := c.env["XDG_STATE_HOME"]
	killed := filepath.Join(c.TempDir(), "killed")
	do := func() {}
	switch how {
	case "refused": // which allows a document to be left out
		c.stays = nil
		c.everybody()
		fail(gleanfaults.Fault{Status: http.StatusBadRequest, Body: "no", After: k - 1, Times: 1})
	case "failed":
		fail(gleanfaults.Fault{Status: http.StatusInternalServerError, Body: "no", After: k - 1, Times: 1})
	case "lost":
		fail(gleanfaults.Fault{LoseAnswer: true, After: k - 1, Times: 1})
	case "outage": // the k-th is answered no more, though it took effect
		fail(gleanfaults.Fault{LoseAnswer: true, After: k - 1, Times: 1})
		fail(gleanfaults.Fault{Reset: true, After: k - 1})
	case "stopped":
		do = func() { c.stop() }
	case "killed": // nothing that the process does after the request matters
		do = func() {
			if err := os.CopyFS(killed, os.DirFS(state)); err != nil {
				c.Error(err)
			}
			c.glean.Fail(gleanfaults.Fault{Reset: true})
			c.stop()
		}
	}
	c.mu.Lock()
	c.at, c.do = k, func() { reached = true; do() }
	c.mu.Unlock()
	retries := []string{"--set", "@sink.retries.attempts=1"}
	if chance(c.rand, 30) {
		retries = nil
	}
	r := c.publish(append(retries, choose(c.rand, modes[c.mode]...))...)
	c.mu.Lock()
	c.at, c.do = 0, nil
	c.mu.Unlock()
	c.glean.Heal()
	broke.add(fmt.Sprintf("%s %v: exit %d", how, reached, r.code))
	if how == "killed" && reached {
		if err := os.RemoveAll(state); err != nil {
			c.Fatal(err)
		}
		if err := os.Rename(killed, state); err != nil {
			c.Fatal(err)
		}
		c.tell("the state folder is that of the request")
	}
	return reached
}

// everybody gives all people what is open to everyone before or after the run. A person who
// was refused as a user is not an inactive user of Glean but an unknown one.
func (c *chain) everybody() {
	c.Helper()
	after, _ := c.whole()
	for _, i := range []gleansandbox.Index{c.glean.Index("directory"), c.glean.Effective("directory"), after} {
		for id, d := range i.Documents {
			if d.Permissions.AllowAnonymousAccess {
				for _, email := range c.emails {
					c.told.add(email, id)
					c.effect.add(email, id)
				}
			}
		}
	}
}

// isQuestion reports whether the body is of a request that changes nothing.
func isQuestion(body []byte) bool {
	return bytes.HasPrefix(body, []byte(`{"debugDocuments"`)) || bytes.Equal(body, []byte(`{"datasource":"directory"}`))
}
