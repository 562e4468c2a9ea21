package notify

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
)

// sent is when each receiver got a message about each current state.
type sent map[string]time.Time

var errNoObject = errors.New("it is not a JSON object")

// load reads what was sent; "" and a missing file mean nothing. The result can be used even
// with an error.
func load(path string) (sent, error) {
	out := sent{}
	if path == "" {
		return out, nil
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return out, fmt.Errorf("%s is not a regular file", path)
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err == nil {
		err = codec.Unmarshal(b, &out)
	}
	if err != nil || out == nil {
		return sent{}, fmt.Errorf("read %s: %w", path, cmp.Or(err, errNoObject))
	}
	return out, nil
}

// keep drops the states that the event ended, and reports whether there were any. A run that
// delivered ends every refusal and failure.
func (s sent) keep(e Event) (dropped bool) {
	if e.Outcome == Failed || e.Outcome == Refused || e.Outcome == ApprovedAlone {
		return false
	}
	for key := range s {
		if _, state, _ := strings.Cut(key, " "); state != e.state() {
			delete(s, key)
			dropped = true
		}
	}
	return dropped
}

func (s sent) save(path string) error {
	return atomicfile.Replace(path, atomicfile.Options{}, func(w io.Writer) error {
		b, err := codec.MarshalIndent(s)
		if err == nil {
			_, err = w.Write(append(b, '\n'))
		}
		return err
	})
}
