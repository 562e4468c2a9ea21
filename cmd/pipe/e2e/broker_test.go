//go:build unix

package e2e

import (
	"cmp"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/broker/agent"
	"github.com/pipe-engine/pipe/engine/broker/brokerfile"
	"github.com/pipe-engine/pipe/engine/broker/brokertest"
	"github.com/pipe-engine/pipe/engine/broker/hub"
	"github.com/pipe-engine/pipe/engine/job"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	"github.com/pipe-engine/pipe/sources/backstage"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

var brokerFaults = flag.Int("brokerfaults", 6, "faults of TestBrokerFaults")

// brokered is a world that is read through a hub and an agent, each a process.
type brokered struct {
	*world
	*brokertest.Files
	targetToken string
	// The address of the hub for agents and for pipelines, where networks have different ones.
	far, near string
	// in calls a function in the inside, hub or outside network; nil: there is one network.
	in         func(network string, do func())
	pipeline   string
	hub, agent *process
	asked      func(*http.Request)
	mu         sync.Mutex
}

const brokerText = "canary-text-of-the-catalog-5d41402a"

func readEntity(name string) []byte {
	return fmt.Appendf(nil,
		`{"apiVersion":"backstage.io/v1alpha1","kind":"Component","metadata":{"name":%q,"namespace":"default",`+
			`"description":%q},"spec":{"type":"service","owner":"guests","lifecycle":"production"},"relations":[]}`, name,
		brokerText)
}

func newBrokered(t *testing.T, entities [][]byte) *brokered {
	t.Helper()
	b := &brokered{}
	b.start(t, entities)
	return b
}

// start starts the servers and writes all files.
func (b *brokered) start(t *testing.T, entities [][]byte) {
	t.Helper()
	inside := func(do func()) { b.within("inside", do) }
	outside := func(do func()) { b.within("outside", do) }
	b.world = newWorldIn(t, inside, outside, backstagesandbox.Options{Entities: entities, Observe: func(r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.asked != nil {
			b.asked(r)
		}
	}}, gleansandbox.Options{})
	b.setUp(t, b.backstage.URL(), sourceToken)
}

func (b *brokered) within(network string, do func()) {
	if b.in == nil {
		do()
		return
	}
	b.in(network, do)
}

// setUp writes the files of a hub, of an agent for a target, and of a pipeline that reads it.
func (b *brokered) setUp(t *testing.T, target, token string) {
	t.Helper()
	o := brokertest.Options{Target: target,
		Keys: "    token: ${TARGET_TOKEN}\n    allow:\n      - preset: backstage-catalog\n"}
	if b.far != "" {
		_, port, _ := net.SplitHostPort(b.far)
		o.Listen, o.Address, o.IPs = "0.0.0.0:"+port, b.far, []net.IP{ipOf(b.far), ipOf(b.near)}
	}
	b.Files, b.targetToken = brokertest.Write(t, o), token
	if b.far == "" {
		b.far, b.near = b.Address, b.Address
	}
	key := b.pipe(t, "agent", "key", b.Path("agent.key"))
	if key.code != 0 {
		t.Fatal(key.both())
	}
	b.pipeline = edited(t, "    url: ${BACKSTAGE_BASE_URL}\n",
		fmt.Sprintf("    url: https://portal\n    proxy: none\n    via:\n"+
			"      hub: https://%s\n      agent: acme\n      agent_key: %s\n      token: ${VIA_TOKEN}\n", b.near,
			strings.TrimSpace(key.stdout)), "    token: ${BACKSTAGE_API_TOKEN:-}\n", "",
		"      # ca_file: /etc/ssl/company-ca.pem ", "      ca_file: "+b.Path("hub.pem")+" #")
	b.env["VIA_TOKEN"] = b.Token
	delete(b.env, "BACKSTAGE_API_TOKEN")
	b.env["BACKSTAGE_UI_URL"] = target
}

func ipOf(address string) net.IP {
	host, _, _ := net.SplitHostPort(address)
	return net.ParseIP(host)
}

func (b *brokered) startHub(t *testing.T) {
	t.Helper()
	b.within("hub", func() { b.hub = startProcess(t, map[string]string{}, "hub", "run", b.Path("hub.yaml")) })
}

func (b *brokered) startAgent(t *testing.T) {
	t.Helper()
	b.within("inside", func() {
		b.agent = startProcess(t, map[string]string{"AGENT_TOKEN": b.Own, "TARGET_TOKEN": b.targetToken}, "agent", "run",
			b.Path("agent.yaml"))
	})
}

// end kills a process and waits for its end.
func end(p *process) {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// names are the documents of the index.
func (b *brokered) names() map[string]bool {
	out := map[string]bool{}
	for _, d := range b.index().Documents {
		out[d.Title] = true
	}
	return out
}

func services(from, to int) (out [][]byte) {
	for n := from; n < to; n++ {
		out = append(out, readEntity(fmt.Sprintf("service-%04d", n)))
	}
	return out
}

// TestBrokerPage: the files on the page of the broker can be used.
func TestBrokerPage(t *testing.T) {
	lookup := func(string) (string, bool) { return "x", true }
	found := 0
	for _, part := range strings.Split(read(t, brokerPage), "```yaml\n") {
		text, _, _ := strings.Cut(part, "```")
		if !strings.HasPrefix(text, "version: 1\n") {
			continue
		}
		found++
		file := write(t, "file.yaml", text)
		var err error
		if strings.Contains(text, "listen:") {
			_, _, err = hub.Read(file, brokerfile.Options{Lookup: lookup})
		} else {
			_, _, err = agent.Read(file, backstage.Presets(), brokerfile.Options{Lookup: lookup})
		}
		if err != nil {
			t.Error(err)
		}
	}
	if found != 2 {
		t.Errorf("%d files", found)
	}
}

// TestBroker: a pipeline delivers what it reads through the processes of a hub and an agent; the audit
// log has its requests.
func TestBroker(t *testing.T) {
	b := newBrokered(t, services(0, 300))
	b.startHub(t)
	b.startAgent(t)
	report := b.Path("report.json")
	run := b.pipe(t, "run", b.pipeline, "--set", "@source.page_size=20", "--report", report, "--set",
		"guards.max_loss=100%")
	if run.code != int(job.Done) {
		t.Fatalf("exit %d\n%s\n%s\n%s", run.code, run.both(), b.hub.text(), b.agent.text())
	}
	if n := len(b.names()); n != 300 {
		t.Errorf("%d documents", n)
	}
	head := auditHead(t, report)
	verified := b.pipe(t, "agent", "audit", "verify", "--head", head, b.Path("audit.jsonl"))
	if verified.code != 0 || !strings.Contains(verified.stdout, "intact") {
		t.Errorf("%s", verified.both())
	}
}

// auditHead returns the mark of the last request in the audit log that a report has.
func auditHead(t *testing.T, report string) string {
	t.Helper()
	_, head, found := strings.Cut(read(t, report), "the audit log of requests to Backstage has the line ")
	if head = head[:min(len(head), strings.Index(head+`"`, `"`))]; !found {
		t.Fatal(read(t, report))
	}
	return head
}

// TestBrokerFaults: whatever ends on the way, the index is the old one or the new one.
//
//	go test -run TestBrokerFaults -brokerfaults 100 ./cmd/pipe/e2e
func TestBrokerFaults(t *testing.T) {
	first := cmp.Or(*seed, uint64(time.Now().UnixNano()%1e9))
	random := mathrand.New(mathrand.NewPCG(first, 1))
	b := newBrokered(t, append(services(0, 60), readEntity("round-0")))
	b.startHub(t)
	b.startAgent(t)
	run := func() *process {
		return startProcess(t, b.env, "run", b.pipeline, "--progress", "none", "--set", "@source.page_size=5", "--set",
			"guards.max_loss=100%", "--set", "guards.max_widen=100%", "--set", "@sink.requests_per_second=0")
	}
	if p := run(); p.exit() != int(job.Done) {
		t.Fatal(p.text())
	}
	at, ends := 0, map[string]int{}
	for round := 1; round <= *brokerFaults; round++ {
		if err := b.backstage.Replace(append(services(0, 60), readEntity(fmt.Sprintf("round-%d", round)))); err != nil {
			t.Fatal(err)
		}
		left, reached := 1+random.IntN(12), make(chan struct{})
		b.mu.Lock()
		b.asked = func(*http.Request) {
			if left--; left == 0 {
				close(reached)
			}
		}
		b.mu.Unlock()
		p := run()
		fault := []string{"agent killed", "hub killed", "agent stopped", "agent ended"}[random.IntN(4)]
		select {
		case <-reached:
		case <-p.end:
		}
		switch fault {
		case "agent killed":
			end(b.agent)
			b.startAgent(t)
		case "hub killed":
			end(b.hub)
			b.startHub(t)
		case "agent stopped":
			b.agent.cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(300 * time.Millisecond) // the length of the fault
			b.agent.cmd.Process.Signal(syscall.SIGCONT)
		case "agent ended":
			b.agent.cmd.Process.Signal(syscall.SIGTERM)
			b.agent.exit()
			b.startAgent(t)
		}
		code := p.exit()
		names := b.names()
		old, now := names[fmt.Sprintf("round-%d", at)], names[fmt.Sprintf("round-%d", round)]
		if len(names) != 61 || old == now {
			t.Fatalf("seed %d, round %d, %s: exit %d, %d documents, old %v, new %v\n%s", first, round, fault, code,
				len(names),
				old, now, p.text())
		}
		if (code == int(job.Done)) != now {
			t.Errorf("seed %d, round %d, %s: exit %d, and the new index is there: %v\n%s", first, round, fault, code,
				now,
				p.text())
		}
		if now {
			at = round
		}
		ends[fmt.Sprintf("%s, exit %d", fault, code)]++
	}
	t.Log(ends)
	if v := b.pipe(t, "agent", "audit", "verify", b.Path("audit.jsonl")); v.code != 0 {
		t.Error(v.both())
	}
}
