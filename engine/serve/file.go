package serve

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/schedule"
)

// A text of the file that cannot be used is tried again after retryFirst, then after twice that,
// and so on up to retryMost: a variable may be set, or a secret be there, later.
const (
	retryFirst = reloadEvery
	retryMost  = 10 * time.Minute
)

// watchedFile is a pipeline file, and what the server uses of it.
type watchedFile struct {
	path  string
	clock Clock
	// load returns what a text says; an error means that it cannot be used.
	load func(ctx context.Context, text []byte) (*fileContent, error)

	mu    sync.Mutex
	now   fileContent   // of the last text without errors
	edit  error         // why the text on the disk is not used; nil when it is
	seen  []byte        // the text on the disk that was last tried; nil when it could not be read
	again time.Time     // when a text that cannot be used is tried again
	pause time.Duration // before that
}

// fileContent is what the server uses of a pipeline file.
type fileContent struct {
	text      []byte
	schedule  schedule.Schedule
	streams   []string
	approvals int    // guards.approvals
	rules     string // see pipeline.Definition.RulesHash
	// takesRecords reports whether records are pushed to the source.
	takesRecords bool
}

func contentOf(text []byte, d *pipeline.Definition) *fileContent {
	c := &fileContent{text: text, schedule: d.File.Schedule, rules: d.RulesHash(), approvals: d.File.Guards.Approvals,
		takesRecords: d.TakesRecords()}
	for _, s := range d.Streams {
		c.streams = append(c.streams, s.Name)
	}
	return c
}

// inUse returns what the last text without errors says.
func (f *watchedFile) inUse() fileContent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// problem returns why the text on the disk is not used; nil when it is.
func (f *watchedFile) problem() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.edit
}

var (
	errRenamed = errors.New("the file has another name: now; restart the server for that")
	errMoved   = errors.New("the file names another sink now; restart the server for that")
)

// reload reads the file again, and loads it when its text is another one than before, or could not
// be used and it is time to try it again; with retry it is always time. changed reports whether
// another text is in use. err is why the file cannot be used, unless an earlier call returned the
// same. One goroutine at a time calls it.
func (f *watchedFile) reload(ctx context.Context, retry bool) (changed bool, err error) {
	text, err := os.ReadFile(f.path)
	if err == nil && !f.wanted(text, retry) {
		return false, nil
	}
	var content *fileContent
	if err == nil {
		content, err = f.load(ctx, text)
	} else {
		text = nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.now, f.seen, f.edit, f.pause = *content, text, nil, 0
		return true, nil
	}
	if bytes.Equal(text, f.seen) && f.edit != nil {
		f.pause = min(max(retryFirst, 2*f.pause), retryMost)
	} else {
		f.pause = retryFirst
	}
	known := f.edit != nil && f.edit.Error() == err.Error()
	f.seen, f.edit, f.again = text, err, f.clock.Now().Add(f.pause)
	if known {
		return false, nil
	}
	return false, err
}

// wanted reports whether a text is to be loaded.
func (f *watchedFile) wanted(text []byte, retry bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !bytes.Equal(text, f.seen) || f.seen == nil {
		return true
	}
	return f.edit != nil && (retry || !f.clock.Now().Before(f.again))
}
