package cli

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// entities reads records: a JSON object a line, or one array of objects.
func entities(in io.Reader, each func(*component.Record) error) error {
	r := bufio.NewReaderSize(in, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return fmt.Errorf("read the records: %w", err)
		}
		last := err == io.EOF
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case line[0] == '[':
			rest, err := io.ReadAll(r)
			if err != nil {
				return fmt.Errorf("read the records: %w", err)
			}
			i := 0
			return codec.Elements(append(line, rest...), func(value []byte) error {
				i++
				return recordOf(fmt.Sprintf("record %d", i), value, each)
			})
		default:
			if err := recordOf(fmt.Sprintf("line %d", n), line, each); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

// recordOf makes a record of an entity as the catalog's model does: its ref is its own, or
// is derived from kind, namespace and name.
func recordOf(where string, data []byte, each func(*component.Record) error) error {
	value, err := codec.Decode(data)
	if err != nil {
		return usage{fmt.Sprintf("%s is not a JSON object: %v",
			where, err), "write one entity a line, as `jq -c .` does"}
	}
	text := func(of map[string]any, key string) string { s, _ := of[key].(string); return s }
	kind, of := text(value, "kind"), text(value, "ref")
	meta, _ := value["metadata"].(map[string]any)
	if of == "" && kind != "" && text(meta, "name") != "" {
		of = ref.New(kind, cmp.Or(text(meta, "namespace"), ref.DefaultNamespace), text(meta, "name"))
	}
	if of == "" {
		return usage{where + " is not an entity: it has neither ref nor kind and metadata.name",
			"pipe plugin try reads entities in the catalog's format"}
	}
	if kind == "" {
		kind, _, _, _ = ref.Split(of)
	}
	return each(&component.Record{Entry: component.Entry{Ref: of, Kind: kind}, Raw: data, Value: value})
}
