package preview

// Kept returns the refs of the records that an index keeps in memory.
func (x *Index) Kept() []string { return x.trace.Refs() }

// Shortened exports shortened.
var Shortened = shortened
