package output

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// noisy is an output with a clock of the test's own.
func noisy(level slog.Level) (*Log, *bytes.Buffer, *time.Time) {
	var b bytes.Buffer
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level}))
	return &Log{
		log:   log,
		clean: func(s string) string { return s },
		limit: limiter{now: func() time.Time { return now }},
	}, &b, &now
}

// TestLogLimit: a plugin that prints without end has a bounded number of lines a second in
// the log, and one line with the number of omitted ones.
func TestLogLimit(t *testing.T) {
	for name, format := range map[string]string{"stderr": "line %d", "hclog": `{"@level":"warn","@message":"line %d"}`} {
		o, b, now := noisy(slog.LevelInfo)
		w := o.Writer()
		for i := range 3 * maxLines {
			fmt.Fprintf(w, format+"\n", i)
		}
		if n := strings.Count(b.String(), "\n"); n != maxLines {
			t.Errorf("%s: %d lines in a second", name, n)
		}
		*now = now.Add(time.Second)
		fmt.Fprintf(w, format+"\n", 1000)
		fmt.Fprintf(w, format+"\n", 1001)
		if n := strings.Count(b.String(), "\n"); n != maxLines+3 || strings.Count(b.String(), "lines=200") != 1 {
			t.Errorf("%s: %d lines\n%s", name, n, b)
		}
		if last := o.Last(); len(last) != tailLines || last[tailLines-1] != "line 1001" {
			t.Errorf("%s: the last lines are %q", name, last)
		}
	}
}

// TestLogLimitAtTheEnd: omitted lines are also reported when the plugin ends.
func TestLogLimitAtTheEnd(t *testing.T) {
	o, b, _ := noisy(slog.LevelInfo)
	for i := range maxLines + 7 {
		o.line([]byte(fmt.Sprint("line ", i)))
	}
	o.Settle()
	o.Settle()
	if strings.Count(b.String(), "lines=7") != 1 {
		t.Error(b)
	}
}

// TestLogLimitOfLevels: lines below the level are not counted.
func TestLogLimitOfLevels(t *testing.T) {
	o, b, now := noisy(slog.LevelWarn)
	for i := range 3 * maxLines {
		o.line([]byte(fmt.Sprintf(`{"@level":"debug","@message":"line %d"}`, i)))
	}
	*now = now.Add(time.Second)
	o.line([]byte(`{"@level":"warn","@message":"done"}`))
	if n := strings.Count(b.String(), "\n"); n != 1 {
		t.Errorf("%d lines\n%s", n, b)
	}
}

// TestLogLines: a line has at most longestLine bytes, and terminal control characters are
// escaped.
func TestLogLines(t *testing.T) {
	o, b, _ := noisy(slog.LevelInfo)
	w := o.Writer()
	fmt.Fprintf(w, "%s\n", strings.Repeat("x", 100*longestLine))
	if b.Len() > longestLine+200 {
		t.Errorf("%d bytes", b.Len())
	}
	b.Reset()
	for _, text := range []string{
		"\x1b]52;c;aGk=\x07 \u202e ::add-mask::",
		`{"@level":"warn","@message":"\u001b[31m\u202e","key\u202e":"\u009b\u200b"}`,
	} {
		fmt.Fprintln(w, text)
	}
	for _, bad := range []string{"\x1b", "\x07", "\u202e", "\u009b", "\u200b"} {
		if strings.Contains(b.String()+strings.Join(o.Last(), ""), bad) {
			t.Errorf("%q is there\n%q\n%q", bad, b, o.Last())
		}
	}
}
