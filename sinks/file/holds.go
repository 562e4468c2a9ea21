package file

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Holds counts the items in the files of the last run, for the guards (invariant 4). A
// missing file holds nothing. A line that the sink did not write is an error, since the
// contents of such a file are unknown.
func (s *session) Holds(ctx context.Context) (component.Holdings, error) {
	h := component.Holdings{Streams: map[string]int{}, Types: map[string]map[string]int{streamDocuments: {}}}
	for _, stream := range []string{streamUsers, streamGroups, streamMemberships, streamDocuments} {
		n, err := s.sink.count(ctx, stream, h.Types[stream])
		if err != nil {
			return component.Holdings{}, err
		}
		h.Streams[stream] = n
	}
	return h, nil
}

// count counts the items of a file, in total and by type; in memberships it counts
// the members.
func (k *Sink) count(ctx context.Context, stream string, types map[string]int) (n int, err error) {
	f, err := os.Open(k.path(stream))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fault.Errorf(fault.Fatal, "let the user that runs pipe read sink.file.folder",
			"read what the last run wrote: %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 64<<10)
	for line := 1; ; line++ {
		text, err := r.ReadBytes('\n')
		if err == io.EOF && len(text) == 0 {
			return n, ctx.Err()
		}
		var item struct {
			ID      string   `json:"id"`
			Group   string   `json:"group"`
			Type    string   `json:"type"`
			Members []string `json:"members"`
		}
		if err == nil {
			err = codec.Unmarshal(text, &item)
		}
		if err == nil && item.ID+item.Group == "" {
			err = errors.New("no id")
		}
		if err != nil {
			return 0, fault.Errorf(fault.Fatal, "restore the file, or move it away if pipe did not write it",
				"%s:%d: not a line that pipe wrote: %w", k.path(stream), line, err)
		}
		if stream == streamMemberships {
			n += len(item.Members)
			continue
		}
		n++
		if types != nil {
			types[item.Type]++
		}
	}
}

// Preflight checks that the folder can be written to.
func (s *session) Preflight(context.Context) error { return s.sink.writable() }

func (k *Sink) writable() error {
	const remedy = "set sink.file.folder to a folder that pipe may write to"
	if err := os.MkdirAll(k.folder, 0o750); err != nil {
		return fault.Errorf(fault.Fatal, remedy, "make the folder: %w", err)
	}
	f, err := os.CreateTemp(k.folder, ".pipe-*")
	if err != nil {
		return fault.Errorf(fault.Fatal, remedy, "write to the folder: %w", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Check reports whether the folder can be written to and the files read.
func (k *Sink) Check(ctx context.Context) []component.Finding {
	h, err := (&session{sink: k}).Holds(ctx)
	return []component.Finding{
		finding("folder writable", k.writable(), k.folder),
		finding("files readable", err, fmt.Sprintf("%d documents", h.Streams[streamDocuments])),
	}
}

func finding(what string, err error, good string) component.Finding {
	if err != nil {
		return component.Finding{What: what, Detail: err.Error(), Remedy: fault.RemedyOf(err), Err: err}
	}
	return component.Finding{What: what, OK: true, Detail: good}
}
