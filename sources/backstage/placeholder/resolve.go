package placeholder

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/config"
)

// resolvers are Backstage's, by their key; each makes a value of a file's content.
var resolvers = map[string]func(file string, content []byte) (any, error){
	"$text":     text,
	"$openapi":  text,
	"$asyncapi": text,
	"$json": func(_ string, content []byte) (any, error) {
		var v any
		if err := codec.Unmarshal(content, &v); err != nil {
			return nil, fmt.Errorf("it is not JSON")
		}
		return v, nil
	},
	"$yaml": func(file string, content []byte) (any, error) {
		all, problems := config.Documents(file, content, false)
		switch {
		case problems.HasErrors():
			return nil, fmt.Errorf("it is not YAML: %s", problems[0])
		case len(all) != 1:
			return nil, fmt.Errorf("it holds %d YAML documents", len(all))
		}
		return all[0].Value, nil
	},
}

func text(_ string, content []byte) (any, error) { return string(content), nil }

// Missed is a placeholder that was not filled in.
type Missed struct{ Ref, Key, Target, Why string }

// Resolve resolves the placeholders of an entity in place and returns those that it could
// not. ref identifies the entity in them.
func (f *Folder) Resolve(ref string, entity map[string]any) (changed bool, missed []Missed) {
	r := resolution{folder: f, ref: ref}
	for _, name := range slices.Sorted(maps.Keys(entity)) {
		entity[name] = r.value(entity[name])
	}
	return r.changed, r.missed
}

type resolution struct {
	folder  *Folder
	ref     string
	changed bool
	missed  []Missed
}

// value returns v with its placeholders resolved. As in Backstage, a mapping with a key that
// starts with $ is a placeholder if that is its only key and is known, and stays unchanged
// otherwise.
func (r *resolution) value(v any) any {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			v[i] = r.value(item)
		}
	case map[string]any:
		dollar := ""
		for name := range v {
			if strings.HasPrefix(name, "$") {
				dollar = name
			}
		}
		switch resolver := resolvers[dollar]; {
		case dollar == "":
			for _, name := range slices.Sorted(maps.Keys(v)) {
				v[name] = r.value(v[name])
			}
		case len(v) == 1 && resolver != nil:
			r.changed = true
			return r.filled(dollar, v[dollar], resolver)
		}
	}
	return v
}

// filled returns the content of the file that a placeholder names, or a text about its
// absence.
func (r *resolution) filled(key string, target any, resolver func(string, []byte) (any, error)) any {
	name, ok := target.(string)
	err := fmt.Errorf("it does not name a file")
	if ok {
		var content []byte
		if content, err = r.folder.read(name); err == nil {
			var v any
			if v, err = resolver(name, content); err == nil {
				return v
			}
		}
	}
	r.missed = append(r.missed, Missed{Ref: r.ref, Key: key, Target: name, Why: err.Error()})
	return fmt.Sprintf("[%s: %s was not read]", key, name)
}

// mostNamed is how many placeholders a sentence names.
const mostNamed = 3

// Sentence describes in one line what was not resolved, "" for nothing.
func Sentence(all []Missed) string {
	if len(all) == 0 {
		return ""
	}
	var named []string
	for _, m := range all[:min(mostNamed, len(all))] {
		named = append(named, fmt.Sprintf("%s %q of %s (%s)", m.Key, m.Target, m.Ref, m.Why))
	}
	if more := len(all) - mostNamed; more > 0 {
		named = append(named, fmt.Sprintf("%d more", more))
	}
	what := "1 placeholder was not filled in and has a text instead: "
	if len(all) > 1 {
		what = fmt.Sprintf("%d placeholders were not filled in and have a text instead: ", len(all))
	}
	return what + strings.Join(named, "; ")
}
