package brokerfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"
)

// How a file is watched.
const (
	// Look is how often a file is looked at.
	Look = 250 * time.Millisecond
	// Grace is how long a file may be no YAML, or not readable, before all access ends.
	Grace = 30 * time.Second
	// settled is how long a file is the same before it is read: an editor may be writing it.
	settled = 200 * time.Millisecond
	// patience ends the wait for a file that changes all the time.
	patience = 2 * time.Second
)

// Watch notices that files change, by their content. It is not safe for concurrent use.
type Watch struct {
	used   string // the state of the files that was read
	last   string
	since  time.Time // of last
	change time.Time // when the files were first other than used; zero when they are not
}

// NewWatch begins with the files as they are. before is State of the first file before it was read: when
// it changed meanwhile, the files are reported as changed.
func NewWatch(before string, files ...string) *Watch {
	now := State(files...)
	if !strings.HasPrefix(now, before) {
		now = ""
	}
	return &Watch{used: now}
}

// Changed reports whether files are others than they were when it last returned true, and no longer
// change.
func (w *Watch) Changed(now time.Time, files ...string) bool {
	state := State(files...)
	switch {
	case state == w.used:
		w.change, w.last = time.Time{}, state
		return false
	case w.change.IsZero():
		w.change = now
	}
	if state != w.last {
		w.last, w.since = state, now
	}
	if now.Sub(w.since) < settled && now.Sub(w.change) < patience {
		return false
	}
	w.used, w.change = state, time.Time{}
	return true
}

// Use takes the files as they are, without waiting.
func (w *Watch) Use(files ...string) { w.used, w.change = State(files...), time.Time{} }

// State returns a text that differs when the content or the mode of a file does. "" is no file.
func State(files ...string) string {
	var out strings.Builder
	for _, file := range files {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintf(&out, "%s: %v\n", file, err)
			continue
		}
		sum := sha256.Sum256(text)
		mode := "?"
		if info, err := os.Stat(file); err == nil {
			mode = info.Mode().String()
		}
		fmt.Fprintf(&out, "%s: %s %s\n", file, hex.EncodeToString(sum[:]), mode)
	}
	return out.String()
}
