package redact

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// BenchmarkRedactor cleans 1 MB of output with four secrets known.
func BenchmarkRedactor(b *testing.B) {
	for name, line := range map[string]string{
		"text":    "component:default/payments-api-17  Payments API  private to its owners  group:default/payments\n",
		"JSON":    `{"id":"component:default/x","title":"A \"quoted\" title\nwith lines & more","url":"https://x.example.com/a%20b"}` + "\n",
		"escapes": `\u00e9%C3%A9&eacute;`,
	} {
		var r Redactor
		for i := range 4 {
			r.Add(fmt.Sprintf("glean_%d_%s", i, strings.Repeat("aB3xY9", 6)))
		}
		text := strings.Repeat(line, 1<<20/len(line))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				io.WriteString(io.Discard, r.Clean(text))
			}
		})
	}
}
