package display

// Examples are the first of many refs.
type Examples struct {
	Why  string // what they have in common, "" where that is clear
	N    int
	Refs []string
}

// Shown is how many are shown of many.
const Shown = 10

// Add counts a ref, and keeps it when it is one of the first.
func (e *Examples) Add(ref string) {
	e.N++
	if len(e.Refs) < Shown {
		e.Refs = append(e.Refs, ref)
	}
}

// String is the first refs, and how many there are besides.
func (x *Examples) String() string {
	return FirstOf(x.Refs, x.N, ", ")
}
