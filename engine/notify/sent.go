package notify

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/state"
)

// sent is when each receiver got a message about each current state.
type sent map[string]time.Time

var errNoObject = errors.New("it is not a JSON object")

// kept is the file of what was sent.
type kept interface {
	path() string
	read() ([]byte, error)
	replace(write func(io.Writer) error) error
}

// keptIn returns the file of a pipeline in a store; nil for no store.
func keptIn(in state.Store, pipeline string) kept {
	switch in := in.(type) {
	case nil:
		return nil
	case state.Folder:
		return folderFile(filepath.Join(string(in), "notified-"+pipeline+".json"))
	}
	return storeFile{in, "notified:" + pipeline}
}

// folderFile is the path of a file.
type folderFile string

func (f folderFile) path() string { return string(f) }

func (f folderFile) read() ([]byte, error) {
	if info, err := os.Lstat(string(f)); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	return os.ReadFile(string(f))
}

func (f folderFile) replace(write func(io.Writer) error) error {
	return atomicfile.Replace(string(f), atomicfile.Options{}, write)
}

// storeFile is a file of a store, under a place of its own.
type storeFile struct {
	in    state.Store
	place string
}

const storedName = ".notified"

func (f storeFile) path() string { return fmt.Sprintf("%s in %s", f.place, f.in) }

func (f storeFile) read() ([]byte, error) {
	files, err := f.in.Open(f.place)
	if err != nil {
		return nil, err
	}
	return state.ReadFile(files, storedName)
}

func (f storeFile) replace(write func(io.Writer) error) error {
	files, err := f.in.Open(f.place)
	if err != nil {
		return err
	}
	return state.Replace(files, storedName, write)
}

// load reads what was sent; nil and a missing file mean nothing. The result can be used even
// with an error.
func load(from kept) (sent, error) {
	out := sent{}
	if from == nil {
		return out, nil
	}
	b, err := from.read()
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err == nil {
		err = codec.Unmarshal(b, &out)
	}
	if err != nil || out == nil {
		return sent{}, fmt.Errorf("read %s: %w", from.path(), cmp.Or(err, errNoObject))
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

func (s sent) save(to kept) error {
	return to.replace(func(w io.Writer) error {
		b, err := codec.MarshalIndent(s)
		if err == nil {
			_, err = w.Write(append(b, '\n'))
		}
		return err
	})
}
