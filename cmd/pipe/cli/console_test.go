package cli

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/redact"
)

// TestConsole: log records are lines for people, with their attributes below the level of
// a warning.
func TestConsole(t *testing.T) {
	var out strings.Builder
	log := slog.New(&consoleHandler{out: &out, level: slog.LevelInfo}).With("run", 7)
	log.Debug("not shown")
	log.Info("run ended", "verdict", "delivered")
	log.Warn("backstage answered 503, trying again in 2s (attempt 2 of 6)", "error", "a long one")
	const want = "info: run ended run=7 verdict=delivered\n! backstage answered 503, trying again in 2s (attempt 2 of 6)\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	out.Reset()
	log = slog.New(&consoleHandler{out: &out, ofServer: true}).With("pipeline", "catalog")
	log.Error("the run waits", "error", errors.New("disk full"))
	if want := "! the run waits pipeline=catalog error=disk full\n"; out.String() != want {
		t.Errorf("of a server: %q, want %q", out.String(), want)
	}
}

// TestDivert: text written while bars are shown goes above them, and to the output
// afterwards.
func TestDivert(t *testing.T) {
	var behind, above strings.Builder
	w := newWriter(&behind, &redact.Redactor{}, oneLine)
	w.divert(&above)
	w.Write([]byte("one\n"))
	w.divert(nil)
	w.Write([]byte("two\n"))
	w.Flush()
	if behind.String() != "two\n" || above.String() != "one\n" {
		t.Errorf("%q, %q", behind.String(), above.String())
	}
}
