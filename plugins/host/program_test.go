package host

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pipe-engine/pipe/plugins/host/launch"
	"github.com/pipe-engine/pipe/plugins/host/output"
)

// TestPanicWhileReading: a panic over a plugin's output is logged, and the plugin can
// print on.
func TestPanicWhileReading(t *testing.T) {
	for name, records := range map[string]func(*program) func(io.Reader){
		"the first line": func(p *program) func(io.Reader) { return p.greet },
		"other lines":    func(p *program) func(io.Reader) { return p.drain },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				out := output.New(slog.New(slog.NewTextHandler(&log, nil)), func(string) string { panic("cannot clean it") })
				p := newProgram(launch.Command{}, false, out)
				close(p.over)
				r, w := io.Pipe()
				done := make(chan struct{})
				go func() {
					defer close(done)
					p.survive(r, records(p))
				}()
				for range 3 {
					if _, err := io.WriteString(w, "a line\n"); err != nil { // a deadlock fails the test
						t.Fatal(err)
					}
				}
				w.Close()
				<-done
				if got := log.String(); !strings.Contains(got, "panic: cannot clean it") || !strings.Contains(got, "output.go") {
					t.Errorf("logged: %s", got)
				}
				if name == "the first line" {
					if _, err := p.first.Read(make([]byte, 1)); err != io.EOF {
						t.Errorf("go-plugin reads on: %v", err)
					}
				}
			})
		})
	}
}
