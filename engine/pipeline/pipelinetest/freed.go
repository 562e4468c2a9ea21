package pipelinetest

import (
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// Copy is a record whose texts are parts of one buffer, as codec.DecodeShared makes them.
type Copy struct{ rest string }

// Text returns a text that is a part of the record.
func (r *Copy) Text(s string) string {
	i := strings.Index(r.rest, s+"\n")
	text := r.rest[i : i+len(s)]
	r.rest = r.rest[i+len(s)+1:]
	return text
}

// Freed fails the test unless the record is freed after use returned: values that outlive it
// must not keep any of its texts. use takes the texts from the record in the order of texts.
func Freed(t *testing.T, texts []string, use func(r *Copy)) {
	t.Helper()
	freed := make(chan struct{})
	func() {
		data := []byte(strings.Join(texts, "\n") + "\n" + strings.Repeat("x", 1<<16))
		runtime.AddCleanup(&data[0], func(c chan struct{}) { close(c) }, freed)
		use(&Copy{rest: unsafe.String(&data[0], len(data))})
	}()
	for range 20 {
		runtime.GC()
		select {
		case <-freed:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("a text of the record is kept, and with it the whole record")
}
