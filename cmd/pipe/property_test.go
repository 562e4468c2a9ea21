package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

var (
	schedules = flag.Int("schedules", 100, "schedules of faults that TestProperty tries")
	seed      = flag.Uint64("seed", 0, "the first schedule's seed; 0 is one of its own for each call")
)

// TestProperty: a good run, a change of the catalog, a run under random faults
// on both ends that may be ended at any request, and a run when all is well
// again. After the second an upload has taken effect whole or not at all,
// nobody finds what no run grants, and the books balance; after the third the
// index is the catalog.
//
//	go test -run TestProperty -schedules 2000 -timeout 1h ./cmd/pipe
func TestProperty(t *testing.T) {
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano() % 1e9)
	}
	var next atomic.Uint64
	var tally tally
	var wg sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) { // they mostly wait
		wg.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= uint64(*schedules) {
					return
				}
				t.Run(fmt.Sprint(first+n), func(t *testing.T) { newSchedule(t, first+n, &tally).run() })
			}
		})
	}
	wg.Wait()
	t.Log(tally.String())
}

// tally counts what became of the runs under faults, so that it shows whether
// the schedules reach everything.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[what]++
}

func (c *tally) String() string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(c.n)) {
		parts = append(parts, fmt.Sprintf("%s %d", what, c.n[what]))
	}
	return strings.Join(parts, ", ")
}

// schedule is one of them.
type schedule struct {
	*testing.T
	rand  *rand.Rand
	seed  uint64
	tally *tally
	world *world
	rules gleansandbox.Rules
	story []string // what happened, for people

	requests atomic.Int64 // of both servers
	endAt    atomic.Int64 // the request at which the run is ended; 0 for none
	end      atomic.Pointer[context.CancelFunc]
	runs     int
	emails   map[string]string // by ref, of the people of the run at hand
}

func (s *schedule) observeSource(*http.Request) { s.count() }

func (s *schedule) observeSink(gleansandbox.Exchange) { s.count() }

func newSchedule(t *testing.T, seed uint64, tally *tally) *schedule {
	return &schedule{T: t, rand: rand.New(rand.NewPCG(seed, 0)), seed: seed, tally: tally}
}

func (s *schedule) tell(format string, args ...any) {
	s.story = append(s.story, fmt.Sprintf(format, args...))
}

// wrong is an error with all that led to it.
func (s *schedule) wrong(format string, args ...any) {
	s.Helper()
	s.Errorf("%s\n\n%s\n\nagain: go test -run TestProperty -schedules 1 -seed %d ./cmd/pipe", fmt.Sprintf(format, args...), strings.Join(s.story, "\n"), s.seed)
}

// count is called for each request and ends the run at the one for that.
func (s *schedule) count() {
	if n := s.requests.Add(1); n == s.endAt.Load() {
		if end := s.end.Load(); end != nil {
			(*end)()
		}
	}
}

// outcome is what a run came to.
type outcome struct {
	call
	told     told
	sent     content
	rejected map[string]bool // refs that the sink refused
	uploads  int             // that were begun
}

// told is a line of --report.
type told struct {
	ExitCode int `json:"exit_code"`
	Report   *struct {
		RunID   string         `json:"run_id"`
		Verdict string         `json:"verdict"`
		Sent    bool           `json:"sent"`
		Read    int            `json:"read"`
		Endings map[string]int `json:"endings"`
		Kinds   []struct {
			Kind    string         `json:"kind"`
			Read    int            `json:"read"`
			Endings map[string]int `json:"endings"`
		} `json:"kinds"`
	} `json:"report"`
}

// do is a run of the shipped pipeline.
func (s *schedule) do(ctx context.Context, flags ...string) outcome {
	s.Helper()
	s.runs++
	dir := filepath.Join(s.TempDir(), fmt.Sprint(s.runs))
	report := filepath.Join(s.TempDir(), "report.ndjson")
	began := time.Now()
	args := append([]string{"run", shipped, "--progress", "none", "--output", dir, "--report", report}, flags...)
	for _, set := range []string{"source.page_size=7", "sink.batch.documents=6", "sink.requests_per_second=0", "sink.confirm=20ms", "source.retries.within=1s", "sink.retries.within=1s"} {
		args = append(args, "--set", "@"+set)
	}
	o := outcome{call: pipeIn(ctx, s.world.env, args...), rejected: map[string]bool{}}
	b, err := os.ReadFile(report)
	if err != nil {
		s.Fatal(err)
	}
	if err := codec.Unmarshal(b, &o.told); err != nil {
		s.Fatalf("%v in %s", err, b)
	}
	o.sent = sent(s, dir)
	each(s, dir, "rejected", func(d engine.DeadLetter) {
		if d.Stage == "publish" {
			o.rejected[d.Ref] = true
		}
	})
	for _, u := range s.world.index().Uploads {
		if o.told.Report != nil && strings.Contains(u.ID, o.told.Report.RunID) {
			o.uploads++
		}
	}
	s.tell("--- run %d %v: exit %d after %.1f s, %d uploads\n%s", s.runs, flags, o.code, time.Since(began).Seconds(), o.uploads, o.stderr)
	return o
}

// pipeIn is pipe with a context.
func pipeIn(ctx context.Context, env map[string]string, args ...string) call {
	var out, errs strings.Builder
	code := run(ctx, host{
		args:  append([]string{"pipe"}, args...),
		env:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs,
	})
	return call{code, out.String(), errs.String()}
}

func (s *schedule) run() {
	r := s.rand
	name := ""
	s.rules, name = reading(r)
	s.tell("Glean: %s", name)
	old := newFirm(r)
	s.world = newWorld(s, backstagesandbox.Options{Entities: old.entities(s), Observe: s.observeSource}, gleansandbox.Options{Rules: s.rules, Observe: s.observeSink})
	s.world.env["DEFAULT_PERMISSIONS"] = old.byDefault

	one := s.do(s.Context())
	s.books(one)
	if one.code != exitDone && one.code != exitRejected {
		s.wrong("the first run: exit %d", one.code)
		return
	}
	s.equal("after the first run", old.index(), one)
	was := indexed(s.world.index())
	remembered := s.remembered()

	now := old.clone()
	s.tell("changes: %s", strings.Join(now.change(r), ", "))
	s.serve(now)
	s.tell("faults: %s", strings.Join(s.world.trouble(r, now), "\n  "))
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	if chance(r, 30) {
		at := s.requests.Load() + 1 + r.Int64N(60)
		s.tell("ended at request %d", at-s.requests.Load())
		s.end.Store(&cancel)
		s.endAt.Store(at)
	}
	two := s.do(ctx, "--set", "@source.retries.attempts=2", "--set", "@sink.retries.attempts=2", "--set", "@source.timeout=400ms", "--set", "@sink.timeout=400ms")
	s.endAt.Store(0)
	s.tally.add(fmt.Sprintf("exit %d", two.code))
	s.books(two)
	s.whole(was, two)
	s.found(old, now)

	s.world.backstage.Heal()
	s.world.glean.Heal()
	lost := s.forget(remembered)
	s.recover(now, lost, two.code == exitUnconfirmed)
}

func (s *schedule) serve(f *firm) {
	if err := s.world.backstage.Replace(f.entities(s)); err != nil {
		s.Fatal(err)
	}
	s.world.env["DEFAULT_PERMISSIONS"] = f.byDefault
	s.emails = map[string]string{}
	for _, p := range f.people {
		s.emails[p.ref()] = strings.ToLower(p.email)
	}
}

// books checks that a run's report adds up, and that its exit code is that of
// its verdict (invariant 3).
func (s *schedule) books(o outcome) {
	s.Helper()
	if o.told.ExitCode != o.code {
		s.wrong("exit %d, and the report says %d", o.code, o.told.ExitCode)
	}
	rep := o.told.Report
	if rep == nil {
		s.wrong("the report has no run")
		return
	}
	sum := func(m map[string]int) (n int) {
		for _, v := range m {
			n += v
		}
		return n
	}
	if n := sum(rep.Endings); n != rep.Read {
		s.wrong("%d records read, and %d have ended: %v", rep.Read, n, rep.Endings)
	}
	kinds := map[string]int{}
	read := 0
	for _, k := range rep.Kinds {
		read += k.Read
		for e, n := range k.Endings {
			kinds[e] += n
		}
		if n := sum(k.Endings); n != k.Read {
			s.wrong("%d of kind %s read, and %d have ended: %v", k.Read, k.Kind, n, k.Endings)
		}
	}
	maps.DeleteFunc(kinds, func(_ string, n int) bool { return n == 0 })
	maps.DeleteFunc(rep.Endings, func(_ string, n int) bool { return n == 0 })
	if read != rep.Read || !maps.Equal(kinds, rep.Endings) {
		s.wrong("the kinds add up to %d %v, all to %d %v", read, kinds, rep.Read, rep.Endings)
	}
	want := map[string]int{"delivered": exitDone, "refused": exitRefused, "unconfirmed": exitUnconfirmed, "failed": exitFailed}[rep.Verdict]
	switch {
	case rep.Verdict == "delivered" && rep.Endings["rejected"] > 0:
		want = exitRejected
	case rep.Verdict == "failed" && o.code == exitHeld:
		want = exitHeld
	}
	if o.code != want {
		s.wrong("exit %d of a run that is %s, want %d", o.code, rep.Verdict, want)
	}
	if !rep.Sent && o.uploads > 0 || o.code == exitRefused && o.uploads > 0 {
		s.wrong("%d uploads were begun by a run that says it sent nothing (exit %d)", o.uploads, o.code)
	}
	if n := rep.Endings["pending"]; n > 0 && o.uploads > 0 {
		s.wrong("%d uploads were begun with %d records that have no ending", o.uploads, n)
	}
}

// equal checks that the index is what a run sent, and what a firm's is.
func (s *schedule) equal(when string, want content, o outcome) {
	s.Helper()
	i := s.world.index()
	now := indexed(i)
	for _, d := range now.differences(s.taken(o, now)) {
		s.wrong("%s the index is not what was sent: %s", when, d)
	}
	for _, d := range now.known().differences(want) {
		s.wrong("%s the index is not the catalog: %s", when, d)
	}
}

// taken is what a run sent, less what the sink refused of it. A record that was
// refused may be so as a document alone, and after it had been taken in an
// answer that was lost; the index tells.
func (s *schedule) taken(o outcome, now content) content {
	refused := map[string]bool{}
	for ref := range o.rejected {
		refused[s.emails[ref]] = true
		refused[ref] = !now.groups[ref]
	}
	out := o.sent.without(refused)
	for email, name := range o.sent.users {
		if refused[email] && now.users[email] == name {
			out.users[email] = name
		}
	}
	maps.DeleteFunc(out.documents, func(id string, d gleanapi.Document) bool {
		return o.rejected[id] && !reflect.DeepEqual(now.documents[id], d)
	})
	return out
}

// whole checks what a run under faults has made of the index: each stream, and
// the members of each group, as they were or as the run sent them; nothing at
// all when it sent nothing, and all of it when it says so.
func (s *schedule) whole(was content, o outcome) {
	s.Helper()
	i := s.world.index()
	now := indexed(i)
	will := s.taken(o, now)
	paused := slices.ContainsFunc(i.Uploads, func(u gleansandbox.Upload) bool { return strings.Contains(u.ID, o.told.Report.RunID) && u.Paused > 0 })
	if paused { // Glean has kept what should go
		will.keep(was, now)
	}
	switch {
	case o.uploads == 0:
		for _, d := range now.differences(was) {
			s.wrong("nothing was sent, and %s", d)
		}
		return
	case o.code == exitDone || o.code == exitRejected || o.code == exitUnconfirmed:
		if paused && o.code != exitUnconfirmed && !strings.Contains(o.stdout, "could not be asked") {
			s.wrong("exit %d, and Glean has paused a deletion", o.code)
		}
		for _, d := range now.differences(will) {
			s.wrong("it was delivered, and %s", d)
		}
		return
	}
	s.tally.add("partly sent")
	some := func(what string, old, new []string) {
		switch {
		case len(old) == 0 || len(new) == 0:
		case s.rules.VisibleBeforeLastPage: // the middle of an upload shows: each is one or the other
			for _, d := range old {
				subject, _, _ := strings.Cut(d, " is ")
				if slices.ContainsFunc(new, func(n string) bool { return strings.HasPrefix(n, subject+" is ") }) {
					s.wrong("%s is neither as before (%s) nor as sent (%s)", what, old, new)
				}
			}
		default:
			s.wrong("%s are neither as before (%s) nor as sent (%s)", what, old, new)
		}
	}
	some("documents", differ("document", now.documents, was.documents), differ("document", now.documents, will.documents))
	some("users", differ("user", now.users, was.users), differ("user", now.users, will.users))
	some("groups", differ("group", now.groups, was.groups), differ("group", now.groups, will.groups))
	for group := range now.members {
		got, old, new := now.members[group], was.membersIn(group, now), will.membersIn(group, now)
		switch {
		case slices.Equal(got, old), slices.Equal(got, new):
		case s.rules.VisibleBeforeLastPage && !slices.ContainsFunc(got, func(m string) bool { return !slices.Contains(old, m) && !slices.Contains(new, m) }):
		default:
			s.wrong("the members of %s are %v, neither as before %v nor as sent %v", group, got, old, new)
		}
	}
}

// found checks who finds what: nobody finds a document but by permissions that
// one of the two runs grants, through users and members that one of them has
// (invariant 5). That both are those of one run is counted only: between the
// uploads of a run the members are new and the documents old.
func (s *schedule) found(old, now *firm) {
	s.Helper()
	a, b := old.index(), now.index()
	i := s.world.index()
	for id, d := range i.Documents {
		mixed, everyone := map[string]bool{}, false
		strict := map[string]bool{}
		for _, c := range []content{a, b} {
			p := c.documents[id].Permissions
			users, all := finders(p, a, b)
			maps.Copy(mixed, users)
			own, _ := finders(p, c)
			maps.Copy(strict, own)
			everyone = everyone || all
		}
		if d.Permissions.AllowAnonymousAccess && !everyone {
			s.wrong("everybody finds %s, and neither run grants it", id)
		}
		if everyone {
			continue
		}
		for _, who := range i.WhoFinds(id) {
			if !mixed[who] {
				s.wrong("%s finds %s, and neither run grants it", who, id)
			} else if !strict[who] {
				s.tally.add("finders by new members and old documents")
			}
		}
	}
}

// remembered are the files of the state folder.
func (s *schedule) remembered() map[string][]byte {
	dir := filepath.Join(s.world.env["XDG_STATE_HOME"], "pipe")
	files, err := os.ReadDir(dir)
	if err != nil {
		s.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			s.Fatal(err)
		}
		out[filepath.Join(dir, f.Name())] = b
	}
	return out
}

// forget lets the last run be one on another machine now and then: the state is
// that of before the run under faults, or there is none. True when there is none.
func (s *schedule) forget(before map[string][]byte) bool {
	n := s.rand.IntN(10)
	if n > 3 {
		return false
	}
	dir := filepath.Join(s.world.env["XDG_STATE_HOME"], "pipe")
	if err := os.RemoveAll(dir); err != nil {
		s.Fatal(err)
	}
	if n > 1 {
		s.tell("the state is lost")
		return true
	}
	s.tell("the state is that of before")
	if err := os.Mkdir(dir, 0o700); err != nil {
		s.Fatal(err)
	}
	for path, b := range before {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			s.Fatal(err)
		}
	}
	return false
}

// offered are the flags that a refused run names.
var offered = regexp.MustCompile(`--(approve-loss|approve-widen|discard-upload) ([^\s;,)]+)`)

// recover is the next nights, when all is well: a person who has looked allows
// what the guards ask for. Then the index is the catalog.
func (s *schedule) recover(now *firm, lost, paused bool) {
	s.Helper()
	var flags []string
	for round := 1; ; round++ {
		o := s.do(s.Context(), flags...)
		s.books(o)
		switch {
		case o.code == exitDone || o.code == exitRejected:
			s.tally.add(fmt.Sprintf("well again in %d", round))
			s.equal("in the end", now.index(), o)
			if left := s.world.index().Unfinished(); len(left) > 0 {
				s.wrong("%d uploads are not finished: %+v", len(left), left)
			}
			return
		case round == 8:
			s.wrong("it does not recover")
			return
		case o.code == exitRefused, o.code == exitHeld:
			given := offered.FindAllStringSubmatch(o.stderr, -1)
			if len(given) == 0 {
				s.wrong("exit %d, and nothing is offered", o.code)
				return
			}
			for _, g := range given {
				s.tally.add("needed --" + g[1])
				flags = append(flags, "--"+g[1], g[2])
			}
		case o.code == exitUnconfirmed && (lost || paused || s.rules.VisibleBeforeLastPage): // Glean may rightly have paused
			s.tally.add("paused")
		default:
			s.wrong("the run after: exit %d", o.code)
			return
		}
	}
}
