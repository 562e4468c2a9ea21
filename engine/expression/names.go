package expression

import (
	"maps"
	"slices"
)

// Member is a name that an expression may read.
type Member struct {
	Name string
	Kind Kind // of its value if it is not nil; AnyKind when it varies
}

// Members returns the names below a path, sorted: without a path those of the record, defines,
// vars and ref. It returns nil where nothing is known.
func (l *Language) Members(path ...string) []Member {
	if len(path) == 0 {
		var out []Member
		for name := range l.words() {
			out = append(out, Member{name, l.typeOf([]string{name}).kind})
		}
		return sortedMembers(out)
	}
	if path[0] == "vars" {
		var out []Member
		for name, v := range l.vars {
			if len(path) == 1 {
				out = append(out, Member{name, kindOfValue(v)})
			}
		}
		return sortedMembers(out)
	}
	var out []Member
	for name, t := range l.typeOf(path).is.members {
		out = append(out, Member{name, knownOf(t).kind})
	}
	return sortedMembers(out)
}

func sortedMembers(all []Member) []Member {
	slices.SortFunc(all, func(a, b Member) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return slices.Compact(all)
}

func (l *Language) typeOf(path []string) known {
	var k known
	i, define := l.byName[path[0]]
	t, name := l.names[path[0]]
	switch {
	case define && l.defines[i].program != nil:
		k = l.defines[i].program.known
	case name:
		k = knownOf(t)
	case path[0] == "ref":
		k = known{kind: TextKind}
	}
	for _, step := range path[1:] {
		switch t, ok := k.is.members[step]; {
		case ok:
			k = knownOf(t)
		case k.is.every != nil:
			k = knownOf(*k.is.every)
		default:
			return known{}
		}
	}
	return k
}

// Gives returns the kind of the program's value if that is not nil; AnyKind when it varies.
func (p *Program) Gives() Kind {
	if p.kind != AnyKind {
		return p.kind
	}
	return p.known.kind
}

// Defines returns the names of the defines, sorted.
func (l *Language) Defines() []string { return slices.Sorted(maps.Keys(l.byName)) }
