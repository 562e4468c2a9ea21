package main

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// forTests is the shipped pipeline with a datasource for tests.
func forTests(t *testing.T) string {
	return edited(t, "# isTestDatasource: true ", "isTestDatasource: true ", "# testers: [ann@example.com]", "testers: [zoe.martin@larkspur.example, anton.berg@larkspur.example]")
}

// TestDoctorProbe: on a test datasource that holds nothing, the probe answers
// its questions and leaves nothing; elsewhere it refuses.
func TestDoctorProbe(t *testing.T) {
	w := bare(t)
	file := forTests(t)
	w.pipe(t, "doctor", "--probe", "--yes", file).expect(t, exitFailed, "pipe datasource apply "+file)
	w.pipe(t, "datasource", "apply", "--yes", file).expect(t, 0)
	w.pipe(t, "doctor", "--probe", file).expect(t, exitWrong, "--yes")
	w.pipe(t, "doctor", "--yes", file).expect(t, exitWrong, "are for --probe")
	w.pipe(t, "doctor", "--probe", "--yes", "--timeout", "0s", file).expect(t, exitWrong, "--timeout")
	w.pipe(t, "doctor", "--probe", "--yes", shipped).expect(t, exitRefused, "backstage is not a test datasource")
	if n := len(w.index().Uploads); n > 0 {
		t.Errorf("%d uploads were made by refusals", n)
	}
	w.pipe(t, "doctor", file, "--probe", "--yes", "--timeout", "1m").expect(t, 0,
		"what does the first page get while another upload is unfinished?", "it is refused with 409", "what are permissions that name nobody?", "nobody",
		"taken away again; nothing that pipe promises rests on these answers", "!could not be seen")
	c := w.pipe(t, "doctor", file, "--probe", "--yes", "--json", "--set", "@sink.requests_per_second=0")
	var out struct {
		OK   bool                 `json:"ok"`
		Data []engine.ProbeAnswer `json:"data"`
	}
	if err := codec.Unmarshal([]byte(c.stdout), &out); err != nil || !out.OK || len(out.Data) < 15 || c.code != 0 {
		t.Fatalf("%v\n%s", err, c.both())
	}
	for _, a := range out.Data {
		if !a.Known || a.Question == "" || a.Answer == "" || a.Seen == "" {
			t.Errorf("%+v", a)
		}
	}
	if i := w.index(); len(i.Documents)+len(i.Users)+len(i.Groups)+len(i.Unfinished()) > 0 {
		t.Errorf("left behind: %+v", i)
	}
	w.pipe(t, "run", "--set", "@sink.requests_per_second=0", file).expect(t, 0)
	w.pipe(t, "doctor", "--probe", "--yes", file).expect(t, exitRefused, "the last run of backstage left ")
	w.pipe(t, "doctor", "--probe", "--yes", "--state", "none", "--json", file).expect(t, exitRefused, "not long ago", `"code": "refused"`)
}

// TestDoctorProbeInterrupted: what it made is taken away when it is stopped.
func TestDoctorProbeInterrupted(t *testing.T) {
	signals := make(chan os.Signal, 2)
	var once sync.Once
	o := gleansandbox.Options{Rules: gleansandbox.Rules{IndexingTakes: time.Hour}}
	o.Observe = func(e gleansandbox.Exchange) {
		if strings.HasSuffix(e.Path, "/document") && bytes.Contains(e.Answer, []byte(`"UPLOADED"`)) {
			once.Do(func() { signals <- syscall.SIGINT })
		}
	}
	w := newWorld(t, backstagesandbox.Options{}, o)
	file := forTests(t)
	w.pipe(t, "datasource", "apply", "--yes", file).expect(t, 0)
	var out, errs strings.Builder
	code := run(t.Context(), host{args: []string{"pipe", "doctor", "--probe", "--yes", file}, stdin: strings.NewReader(""), stdout: &out, stderr: &errs, signal: signals,
		env: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok }})
	if code != 130 || !strings.Contains(errs.String(), "what the probe made was taken away again") {
		t.Errorf("exit %d\n%s%s", code, out.String(), errs.String())
	}
	i := w.index()
	if len(i.Uploads) == 0 || len(i.Documents)+len(i.Users)+len(i.Groups)+len(i.Unfinished()) > 0 {
		t.Errorf("left behind: %+v", i)
	}
}
