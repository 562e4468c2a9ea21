package baseline

// index finds rows by the hash of their ID or of their ref. It is an open-addressing hash table
// with four bytes per slot; the keys, which are hashes already, are read from the rows.
type index struct {
	rows  *[]previousItem
	byRef bool
	slots []int32 // the index of a row plus one; 0 means empty
	used  int
}

// key returns the key of a row.
func (x *index) key(i int32) itemKey {
	row := &(*x.rows)[i]
	if x.byRef {
		return itemKey{row.stream, row.ref}
	}
	return itemKey{row.stream, row.id}
}

// slot returns the slot of a key, or the empty slot for it.
func (x *index) slot(k itemKey) int {
	mask := len(x.slots) - 1
	for at := int(k.hash+uint64(k.stream)*0x9e3779b97f4a7c15) & mask; ; at = (at + 1) & mask {
		if s := x.slots[at]; s == 0 || x.key(s-1) == k {
			return at
		}
	}
}

// find returns the row of a key; nil when there is none.
func (x *index) find(k itemKey) *previousItem {
	if len(x.slots) == 0 {
		return nil
	}
	if s := x.slots[x.slot(k)]; s != 0 {
		return &(*x.rows)[s-1]
	}
	return nil
}

// set maps the key of a row to that row.
func (x *index) set(i int32) {
	if 4*x.used >= 3*len(x.slots) {
		old := x.slots
		x.slots = make([]int32, max(1024, 2*len(old)))
		for _, s := range old {
			if s != 0 {
				x.slots[x.slot(x.key(s-1))] = s
			}
		}
	}
	at := x.slot(x.key(i))
	if x.slots[at] == 0 {
		x.used++
	}
	x.slots[at] = i + 1
}
