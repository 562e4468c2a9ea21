package sandbox

import "strings"

// filter is what entities have to satisfy: one of its sets, none meaning all
// entities.
type filter struct {
	parameters []string // as they were written: the values of `filter`
	sets       []conditions
}

// conditions is one set: all of its keys have to match.
type conditions map[string]*condition

// condition requires one of some values, or without values that the key exists.
type condition struct{ values []string }

// parseFilter parses the values of the query parameter: sets are ORed, the comma-separated
// conditions of a set are ANDed, values for the same key in a set are ORed, and a key
// without a value requires that the key exists.
func parseFilter(parameters []string) (filter, *problem) {
	f := filter{parameters: parameters}
	for _, parameter := range parameters {
		if parameter == "" {
			p := invalid("Empty value found for query parameter 'filter'")
			return f, &p
		}
		set := conditions{}
		for statement := range strings.SplitSeq(parameter, ",") {
			statement = strings.TrimSpace(statement)
			if statement == "" {
				continue
			}
			key, value, equals := strings.Cut(statement, "=")
			key = strings.ToLower(strings.TrimSpace(key))
			if key == "" {
				p := invalid("Invalid filter, '%s' is not a valid statement (expected a string on the form a=b or a= or a)",
					statement)
				return f, &p
			}
			if set[key] == nil {
				set[key] = &condition{}
			}
			if equals {
				set[key].values = append(set[key].values, strings.ToLower(strings.TrimSpace(value)))
			}
		}
		if len(set) > 0 {
			f.sets = append(f.sets, set)
		}
	}
	return f, nil
}

func (f filter) matches(e *entry) bool {
	for _, set := range f.sets {
		if set.match(e) {
			return true
		}
	}
	return len(f.sets) == 0
}

func (set conditions) match(e *entry) bool {
	for key, c := range set {
		if !c.match(e, key) {
			return false
		}
	}
	return true
}

func (c *condition) match(e *entry, key string) bool {
	for got := range e.values(key) {
		if len(c.values) == 0 {
			return true
		}
		for _, want := range c.values {
			if got.value == want && !got.null {
				return true
			}
		}
	}
	return false
}
