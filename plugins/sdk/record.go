package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Record is one record of the source, with the paths that the plugin needs. It is valid
// during its call of Transform.
//
// A path is dotted, such as spec.definition. For a key that contains a dot, as in
// annotations, read and set the map above it.
type Record struct {
	raw     []byte
	value   map[string]any // nil until the whole record is needed
	seen    []objectAt     // values that were read
	writes  []string
	changed []string
	err     error
}

// objectAt is one within a record that was looked into.
type objectAt struct {
	path    string // with a dot at its end; "" is the record
	members []member
}

// Kind is the record's kind, such as "API".
func (r *Record) Kind() string { return r.Text("kind") }

// Ref is the record's entity ref, such as "api:default/orders".
func (r *Record) Ref() string { return r.Text("ref") }

// Get returns the value at a path, nil if there is none: nil, bool, json.Number, string,
// []any or map[string]any. The value belongs to the record: pass a changed copy to Set,
// since a change in place is not sent.
func (r *Record) Get(path string) any {
	v, _ := find(r.decoded(), path)
	return v
}

// Text returns the string at a path, "" if there is none or another value.
func (r *Record) Text(path string) string {
	if raw, there, known := r.peek(path); known {
		if there && raw[0] == '"' {
			text, _ := unquote(raw)
			return text
		}
		return ""
	}
	s, _ := r.Get(path).(string)
	return s
}

// Has reports whether there is a value at a path; null is a value.
func (r *Record) Has(path string) bool {
	if _, there, known := r.peek(path); known {
		return there
	}
	_, ok := find(r.decoded(), path)
	return ok
}

// peek finds the JSON at a path of a record that is not decoded yet, and reads only the
// objects on the path. known is false if the record must be decoded.
func (r *Record) peek(path string) (raw []byte, there, known bool) {
	if r.value != nil {
		return nil, false, false
	}
	object, ok := r.membersOf("", r.raw)
	if !ok {
		return nil, false, false
	}
	for at := 0; ; {
		end := strings.IndexByte(path[at:], '.')
		if end < 0 {
			raw, there = last(object, path[at:])
			return raw, there, true
		}
		raw, there = last(object, path[at:at+end])
		if !there || raw[0] != '{' {
			return nil, false, true
		}
		at += end + 1
		if object, ok = r.membersOf(path[:at], raw); !ok {
			return nil, false, false
		}
	}
}

// last is the member of a name, the last of several.
func last(object []member, name string) (raw []byte, there bool) {
	for i := len(object) - 1; i >= 0; i-- {
		if object[i].name == name {
			return object[i].raw, true
		}
	}
	return nil, false
}

// membersOf are the members of the object at a path, whose JSON is raw.
func (r *Record) membersOf(path string, raw []byte) ([]member, bool) {
	for i := range r.seen {
		if r.seen[i].path == path {
			return r.seen[i].members, true
		}
	}
	members, ok := membersIn(raw)
	if ok {
		r.seen = append(r.seen, objectAt{path, members})
	}
	return members, ok
}

// Set puts a value that encodes to JSON at a path that lies under the plugin's
// Writes, with all objects on the way. A path elsewhere, and one through a value
// that is not an object, makes the record fail.
func (r *Record) Set(path string, value any) {
	parent, key, ok := r.change(path, true)
	if !ok {
		return
	}
	parent[key] = value
}

// Delete removes the value at a path. The rules of Set apply.
func (r *Record) Delete(path string) {
	if !r.Has(path) {
		return
	}
	if parent, key, ok := r.change(path, false); ok {
		delete(parent, key)
	}
}

func (r *Record) decoded() map[string]any {
	if r.value == nil {
		r.value = map[string]any{}
		d := json.NewDecoder(bytes.NewReader(r.raw))
		d.UseNumber()
		if err := d.Decode(&r.value); err != nil {
			r.fail(fmt.Errorf("pipe sent a record that is not a JSON object: %w", err))
		}
	}
	return r.value
}

func (r *Record) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// change records that a path changes and returns the object that holds it.
func (r *Record) change(path string, grow bool) (parent map[string]any, key string, ok bool) {
	if !slices.ContainsFunc(r.writes, func(w string) bool { return covers(w, path) }) {
		r.fail(fmt.Errorf("the plugin changes %s, which its Writes does not name", path))
		return nil, "", false
	}
	steps := strings.Split(path, ".")
	parent = r.decoded()
	for i, step := range steps[:len(steps)-1] {
		next, is := parent[step].(map[string]any)
		if !is && parent[step] != nil {
			r.fail(fmt.Errorf("the plugin changes %s, but %s is not an object here", path, strings.Join(steps[:i+1], ".")))
			return nil, "", false
		}
		if next == nil {
			if !grow {
				return nil, "", false
			}
			next = map[string]any{}
			parent[step] = next
		}
		parent = next
	}
	if !slices.ContainsFunc(r.changed, func(c string) bool { return covers(c, path) }) {
		r.changed = append(slices.DeleteFunc(r.changed, func(c string) bool { return covers(path, c) }), path)
	}
	return parent, steps[len(steps)-1], true
}

// changes returns a JSON object shaped like the record with only the new values.
func (r *Record) changes() ([]byte, error) {
	if len(r.changed) == 0 {
		return nil, nil
	}
	out := map[string]any{}
	for _, path := range r.changed {
		v, ok := find(r.value, path)
		if !ok {
			continue
		}
		steps := strings.Split(path, ".")
		at := out
		for _, step := range steps[:len(steps)-1] {
			if at[step] == nil {
				at[step] = map[string]any{}
			}
			at = at[step].(map[string]any)
		}
		at[steps[len(steps)-1]] = v
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return nil, fmt.Errorf("encode what the plugin set: %w", err)
	}
	return bytes.TrimSpace(buf.Bytes()), nil
}

func find(in map[string]any, path string) (any, bool) {
	var v any = in
	for step := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[step]; !ok {
			return nil, false
		}
	}
	return v, true
}

// covers reports whether path is above or lies under it.
func covers(above, path string) bool {
	return path == above || strings.HasPrefix(path, above+".")
}

// object returns the bytes of one JSON object, given as JSON text or as a value; nil for
// nil.
func object(v any) ([]byte, error) {
	var raw []byte
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		raw = []byte(v)
	case []byte:
		raw = v
	default:
		var err error
		if raw, err = json.Marshal(v); err != nil {
			return nil, err
		}
	}
	if len(raw) == 0 {
		return nil, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	return raw, nil
}
