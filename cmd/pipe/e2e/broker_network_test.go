//go:build linux

package e2e

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pipe-engine/pipe/engine/job"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleanfaults "github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

var networkFaults = flag.Int("networkfaults", 0, "faults of TestBrokerNetwork; 0 skips it")

// networks are three network namespaces in a row:
//
//	outside ── near ─ hub ─ far ── inside
//
// inside drops every packet that belongs to no connection that it opened, and outside has no route to it.
type networks struct {
	t    testing.TB
	name string // what the names of the namespaces begin with
}

// The addresses. The links have the same names in each namespace of the hub.
const (
	insideAddress = "10.77.1.2"
	farAddress    = "10.77.1.1"
	nearAddress   = "10.77.2.1"
	outsideLink   = "near"
	insideLink    = "far"
	hubPort       = "8443"
)

// onlyAnswers is the packet filter of inside.
const onlyAnswers = `table inet inside {
	chain input {
		type filter hook input priority 0; policy drop;
		iif lo accept
		ct state established,related accept
	}
}
`

var networkNumber atomic.Int64

func newNetworks(t testing.TB) *networks {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root makes network namespaces")
	}
	for _, program := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed (apt-get install iproute2 nftables)", program)
		}
	}
	n := &networks{t: t, name: fmt.Sprintf("pipe-%d-%d-", os.Getpid(), networkNumber.Add(1))}
	if out, err := system("", "ip", "netns", "add", n.name+"hub"); err != nil {
		t.Skipf("network namespaces are not possible here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		for _, network := range []string{"inside", "hub", "outside"} {
			_, _ = system("", "ip", "netns", "del", n.name+network)
		}
	})
	n.run("", "ip", "netns", "add", n.name+"inside")
	n.run("", "ip", "netns", "add", n.name+"outside")
	for _, link := range [][4]string{{insideLink, "inside", farAddress, insideAddress},
		{outsideLink, "outside", nearAddress, "10.77.2.2"}} {
		n.run("hub", "ip", "link", "add", link[0], "type", "veth", "peer", "name", link[0], "netns", n.name+link[1])
		n.run("hub", "ip", "addr", "add", link[2]+"/30", "dev", link[0])
		n.run("hub", "ip", "link", "set", link[0], "up")
		n.run(link[1], "ip", "addr", "add", link[3]+"/30", "dev", link[0])
		n.run(link[1], "ip", "link", "set", link[0], "up")
	}
	for _, network := range []string{"inside", "hub", "outside"} {
		n.run(network, "ip", "link", "set", "lo", "up")
	}
	if out, err := n.filter("inside", onlyAnswers); err != nil {
		t.Skipf("packet filters are not possible here: %v: %s", err, out)
	}
	return n
}

func system(input, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Stdin = strings.NewReader(input)
	out, err := c.CombinedOutput()
	return string(out), err
}

// run runs a command in a network.
func (n *networks) run(network string, args ...string) {
	n.t.Helper()
	if network != "" {
		args = append([]string{"ip", "netns", "exec", n.name + network}, args...)
	}
	if out, err := system("", args[0], args[1:]...); err != nil {
		n.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (n *networks) filter(network, rules string) (string, error) {
	return system(rules, "ip", "netns", "exec", n.name+network, "nft", "-f", "-")
}

// in calls a function in a network: what it starts, and where it listens, is there.
func (n *networks) in(network string, do func()) {
	n.t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		n.t.Fatal(err)
	}
	defer own.Close()
	other, err := os.Open("/run/netns/" + n.name + network)
	if err != nil {
		n.t.Fatal(err)
	}
	defer other.Close()
	if err := unix.Setns(int(other.Fd()), unix.CLONE_NEWNET); err != nil {
		n.t.Fatal(err)
	}
	defer func() {
		if err := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(err) // the thread may not be used for anything else
		}
	}()
	do()
}

// drop drops all packets of a link of the hub without a word, until the result is called.
func (n *networks) drop(link string) (heal func()) {
	n.t.Helper()
	out, err := n.filter("hub", fmt.Sprintf(`table inet cut_%[1]s {
	chain input { type filter hook input priority 0
		iifname %[1]s drop
	}
	chain output { type filter hook output priority 0
		oifname %[1]s drop
	}
}
`, link))
	if err != nil {
		n.t.Fatal(out)
	}
	return func() { n.run("hub", "nft", "delete", "table", "inet", "cut_"+link) }
}

// dial connects in a network, and returns nil or why that is not possible.
func (n *networks) dial(network, address string) (err error) {
	n.in(network, func() {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", address, time.Second); err == nil {
			c.Close()
		}
	})
	return err
}

// TestBrokerNetworkIsClosed: nothing reaches inside, because of its
// filter and because there is no route.
func TestBrokerNetworkIsClosed(t *testing.T) {
	if *networkFaults == 0 {
		t.Skip("-networkfaults 1 runs it")
	}
	n := newNetworks(t)
	var l net.Listener
	var err error
	n.in("inside", func() { l, err = net.Listen("tcp", insideAddress+":0") })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address := l.Addr().String()
	if err := n.dial("outside", address); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("from outside to inside: %v", err)
	}
	var timeout net.Error
	if err := n.dial("hub", address); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("from the hub to inside: %v", err)
	}
	n.run("inside", "nft", "flush", "ruleset")
	if err := n.dial("hub", address); err != nil {
		t.Errorf("from the hub to inside without its filter: %v", err)
	}
}

// separate is a world whose parts are in networks of their own.
type separate struct {
	*brokered
	*networks
}

func newSeparate(t *testing.T, entities [][]byte) *separate {
	t.Helper()
	s := &separate{networks: newNetworks(t)}
	s.brokered = &brokered{in: s.networks.in, far: farAddress + ":" + hubPort, near: nearAddress + ":" + hubPort}
	s.brokered.start(t, entities)
	s.startHub(t)
	s.startAgent(t)
	return s
}

func (s *separate) begin(t *testing.T, flags ...string) (p *process) {
	t.Helper()
	s.within("outside", func() { p = startProcess(t, s.env, append(readAll(s.pipeline), flags...)...) })
	return p
}

// readAll are the arguments of a run that reads in many small pages, and accepts every change.
func readAll(pipeline string) []string {
	return []string{"run", pipeline, "--progress", "none", "--set", "@source.page_size=5", "--set", "guards.max_loss=100%",
		"--set", "guards.max_widen=100%", "--set", "@sink.requests_per_second=0"}
}

// found is an index with who finds its documents.
type found struct {
	content
	by map[string][]string
}

func foundIn(i gleansandbox.Index) found {
	f := found{indexed(i), map[string][]string{}}
	for id := range i.Documents {
		f.by[id] = i.WhoFinds(id)
	}
	return f
}

func (f found) differences(want found) []string {
	return append(f.content.differences(want.content), gleantest.Differ("who finds", f.by, want.by)...)
}

const companyTeam = "payments"

// companyAt is the company at a round of faults: another document, found by others, in each.
func companyAt(round int) [][]byte {
	visible := []string{"", `"glean.com/visibility":"private"`}[round%2]
	return append(backstagesandbox.Company(), fmt.Appendf(nil,
		`{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":"round-%d","namespace":"default",`+
			`"description":%q,"annotations":{%s}},"spec":{"type":"service","owner":"group:default/%s",`+
			`"lifecycle":"production"},"relations":[{"type":"ownedBy","targetRef":"group:default/%[4]s"}]}`,
		round, fmt.Sprintf("%s %d", brokerText, round), visible, companyTeam))
}

// silences are the faults that last, by the time they do.
var silences = map[string]func(s *separate) (heal func()){
	"agent stopped":  func(s *separate) func() { return stopped(s.agent) },
	"hub stopped":    func(s *separate) func() { return stopped(s.hub) },
	"agent silent":   func(s *separate) func() { return s.drop(insideLink) },
	"run silent":     func(s *separate) func() { return s.drop(outsideLink) },
	"agent unlinked": func(s *separate) func() { return s.unlink("inside", insideLink) },
	"run unlinked":   func(s *separate) func() { return s.unlink("outside", outsideLink) },
}

// losses are the faults that last until the run has ended.
var losses = map[string]func(s *separate){
	"agent lost": func(s *separate) { end(s.agent) },
	"hub lost":   func(s *separate) { end(s.hub) },
}

// endings are the faults that end a process. They begin another one.
var endings = map[string]func(t *testing.T, s *separate){
	"agent killed": func(t *testing.T, s *separate) { end(s.agent); s.startAgent(t) },
	"hub killed":   func(t *testing.T, s *separate) { end(s.hub); s.startHub(t) },
	"agent ended":  func(t *testing.T, s *separate) { askedToEnd(s.agent); s.startAgent(t) },
	"hub ended":    func(t *testing.T, s *separate) { askedToEnd(s.hub); s.startHub(t) },
}

func stopped(p *process) (heal func()) {
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	return func() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }
}

// askedToEnd asks a process to end, and waits longer than it may take for that.
func askedToEnd(p *process) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.exitWithin(2 * patience)
}

func (n *networks) unlink(network, link string) (heal func()) {
	n.run(network, "ip", "link", "set", link, "down")
	return func() { n.run(network, "ip", "link", "set", link, "up") }
}

// after returns a channel that is closed at a request to Backstage.
func (b *brokered) after(requests int) <-chan struct{} {
	reached := make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = func(*http.Request) {
		if requests--; requests == 0 {
			close(reached)
		}
	}
	return reached
}

// TestBrokerNetwork: whatever happens to agent, hub and network while a run reads through them, the
// index is the old one, or that of a run without a broker.
//
//	go test -run TestBrokerNetwork -networkfaults 100 -timeout 30m -v ./cmd/pipe/e2e
func TestBrokerNetwork(t *testing.T) {
	if *networkFaults == 0 {
		t.Skip("it takes minutes: -networkfaults 100 runs it")
	}
	const lanes = 4
	first := cmp.Or(*seed, uint64(time.Now().UnixNano()%1e9))
	var taken atomic.Int64
	var mu sync.Mutex
	ends := map[string]int{}
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				l := newLane(t, first+uint64(lane))
				for round := 1; taken.Add(1) <= int64(*networkFaults); round++ {
					fault := l.once(t, round)
					mu.Lock()
					ends[fault]++
					mu.Unlock()
				}
				if v := l.pipe(t, "agent", "audit", "verify", l.Path("audit.jsonl")); v.code != 0 {
					t.Error(v.both())
				}
			})
		}
	})
	total := 0
	for _, fault := range slices.Sorted(maps.Keys(ends)) {
		t.Logf("%4d  %s", ends[fault], fault)
		total += ends[fault]
	}
	t.Logf("%d faults, seed %d", total, first)
}

// lane is a series of faults.
type lane struct {
	*separate
	random *mathrand.Rand
	seed   uint64
	direct *world // what a run without a broker delivers to
	asks   int    // requests to Backstage of such a run
	now    found  // what the index is expected to be
}

func newLane(t *testing.T, seed uint64) *lane {
	t.Helper()
	l := &lane{separate: newSeparate(t, companyAt(0)), random: mathrand.New(mathrand.NewPCG(seed, 1)), seed: seed}
	l.direct = l.without(t)
	l.now = l.reference(t)
	if p := l.begin(t); p.exitWithin(2*patience) != int(job.Done) {
		t.Fatal(p.text())
	}
	if differences := foundIn(l.index()).differences(l.now); len(differences) > 0 {
		t.Fatal(differences)
	}
	if len(l.now.documents) < 50 || len(l.now.by["component:default/round-0"]) < 20 {
		t.Fatalf("%d documents, round-0 is found by %v", len(l.now.documents), l.now.by["component:default/round-0"])
	}
	return l
}

// without returns a world with the same Backstage, which is read from inside without a broker.
func (s *separate) without(t *testing.T) *world {
	t.Helper()
	w := &world{backstage: s.backstage, state: t.TempDir()}
	var err error
	s.within("inside", func() {
		w.glean, err = gleanfaults.Start(gleansandbox.Options{Token: sinkToken,
			Datasources: []gleanapi.DatasourceConfig{datasourceOf(shipped, s.backstage.URL())}})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.glean.Close)
	w.env = w.environment()
	w.env["BACKSTAGE_UI_URL"] = s.backstage.URL()
	return w
}

// reference returns the index that a run without a broker makes.
func (l *lane) reference(t *testing.T) found {
	t.Helper()
	l.mu.Lock()
	l.asks = 0
	l.asked = func(*http.Request) { l.asks++ }
	l.mu.Unlock()
	var p *process
	l.within("inside", func() { p = startProcess(t, l.direct.env, readAll(shipped)...) })
	if code := p.exit(); code != int(job.Done) {
		t.Fatalf("the run without a broker: exit %d\n%s", code, p.text())
	}
	return foundIn(l.direct.index())
}

// once has a fault during a run, and returns what it was and how the run ended.
func (l *lane) once(t *testing.T, round int) string {
	t.Helper()
	if err := l.backstage.Replace(companyAt(round)); err != nil {
		t.Fatal(err)
	}
	old, whole := l.now, l.reference(t)
	names := slices.Concat(slices.Sorted(maps.Keys(silences)), slices.Sorted(maps.Keys(endings)),
		slices.Sorted(maps.Keys(losses)))
	fault := names[l.random.IntN(len(names))]
	wait := "2m"
	if losses[fault] != nil {
		wait = "2s"
	}
	reached := l.after(1 + l.random.IntN(l.asks))
	p := l.begin(t, "--set", "@source.via.wait="+wait)
	select {
	case <-reached:
	case <-p.end: // it made fewer requests than the run without a broker
	}
	again := l.fail(t, &fault)
	code := p.exitWithin(5 * time.Minute)
	again()
	got := foundIn(l.index())
	fromOld, fromNew := got.differences(old), got.differences(whole)
	switch {
	case code == int(job.Done) && len(fromNew) > 0:
		t.Errorf("seed %d, round %d, %s: exit %d, and the index is not that of a run without a broker: %v\n%s", l.seed, round,
			fault, code, fromNew, p.text())
	case code != int(job.Done) && len(fromOld) > 0:
		t.Errorf("seed %d, round %d, %s: exit %d, and the index is not the old one: %v\n%s", l.seed, round, fault, code,
			fromOld, p.text())
	}
	if code == int(job.Done) {
		l.now = whole
	}
	return fmt.Sprintf("%s, exit %d", fault, code)
}

// fail lets a fault happen, and adds to its name. The result repairs what is to be repaired after the run.
func (l *lane) fail(t *testing.T, fault *string) (again func()) {
	t.Helper()
	again = func() {}
	if begin := silences[*fault]; begin != nil {
		length := time.Duration(20+l.random.IntN(2000)) * time.Millisecond
		if l.random.IntN(8) == 0 { // longer than it takes to notice
			length = silenceNoticed + 5*time.Second
			*fault += " for long"
		}
		heal := begin(l.separate)
		time.Sleep(length)
		heal()
	} else if lose := losses[*fault]; lose != nil {
		lose(l.separate)
		again = func() { l.startAgain(t) }
	} else {
		endings[*fault](t, l.separate)
	}
	return again
}

// startAgain starts hub and agent again.
func (l *lane) startAgain(t *testing.T) {
	t.Helper()
	end(l.hub)
	end(l.agent)
	l.startHub(t)
	l.startAgent(t)
}

// silenceNoticed is how long a dead peer that says nothing may go unnoticed.
const silenceNoticed = 30 * time.Second

// TestBrokerSilence: a peer that is gone without a word is noticed within half a minute by whoever waits
// for it: the hub, the agent, the run, and Backstage, whose request ends.
func TestBrokerSilence(t *testing.T) {
	if *networkFaults == 0 {
		t.Skip("it takes half a minute: -networkfaults 1 runs it")
	}
	for fault, who := range map[string][]string{
		"agent silent":  {"hub", "agent", "run", "Backstage"},
		"run silent":    {"run", "Backstage"},
		"agent stopped": {"hub", "run"},
		"hub stopped":   {"agent", "run", "Backstage"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := newSeparate(t, companyAt(0))
			g := newGate(t)
			over := make(chan string, 1)
			s.mu.Lock()
			s.asked = func(r *http.Request) {
				context.AfterFunc(r.Context(), func() {
					select {
					case over <- "over":
					default:
					}
				})
				g.hold()
			}
			s.mu.Unlock()
			p := s.begin(t)
			g.wait(t)
			connected := established(t, p)
			if len(connected) == 0 {
				t.Fatal("the run is not connected to the hub")
			}
			t.Cleanup(silences[fault](s))
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 3*silenceNoticed)
			defer cancel()
			var all sync.WaitGroup
			for _, one := range who {
				all.Go(func() {
					switch one {
					case "hub":
						heard(ctx, s.hub.said, "an agent is gone")
					case "agent":
						heard(ctx, s.agent.said, "the connection to the hub ended")
					case "run":
						closed(ctx, t, p, connected)
					default:
						heard(ctx, over, "over")
					}
					if time.Since(began) > silenceNoticed {
						t.Errorf("%s: %s did not notice within %v", fault, one, silenceNoticed)
					}
					t.Logf("%s: %s noticed after %.1f s", fault, one, time.Since(began).Seconds())
				})
			}
			all.Wait()
		})
	}
}

// established returns the connections that a network has to a hub, by their own address. Linux has no
// event for their end.
func established(t *testing.T, p *process) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	port, _ := strconv.Atoi(hubPort)
	for _, line := range strings.Split(read(t, fmt.Sprintf("/proc/%d/net/tcp", p.cmd.Process.Pid)), "\n") {
		const isEstablished = "01"
		if f := strings.Fields(line); len(f) > 3 && strings.HasSuffix(f[2], fmt.Sprintf(":%04X", port)) &&
			f[3] == isEstablished {
			out[f[1]] = true
		}
	}
	return out
}

// closed waits until a process has closed connections.
func closed(ctx context.Context, t *testing.T, p *process, connected map[string]bool) {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		left := established(t, p)
		if !slices.ContainsFunc(slices.Collect(maps.Keys(connected)), func(c string) bool { return left[c] }) {
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// heard waits for a line with a text.
func heard(ctx context.Context, said <-chan string, text string) {
	for {
		select {
		case line := <-said:
			if strings.Contains(line, text) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
