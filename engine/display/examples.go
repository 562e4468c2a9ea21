package display

// Examples are the first refs of a list, and its length.
type Examples struct {
	Why  string // what they have in common; "" when that is clear
	N    int
	Refs []string
}

// Shown is the number of examples to show.
const Shown = 10

// Add counts a ref, and keeps it if it is one of the first.
func (e *Examples) Add(ref string) {
	e.N++
	if len(e.Refs) < Shown {
		e.Refs = append(e.Refs, ref)
	}
}

// String returns the first refs, and the number of the others.
func (x *Examples) String() string {
	return FirstOf(x.Refs, x.N, ", ")
}
