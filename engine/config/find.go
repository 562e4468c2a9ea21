package config

// Nearest is the node at a path, whose segments are keys and names of items, or
// where the file has none the nearest one on the way to it.
func (d *Document) Nearest(path ...string) (n *Node, exact bool) {
	n = d.root
	for _, segment := range path {
		next, err := n.step(segment)
		if err != nil || next == nil {
			return n, false
		}
		n = next
	}
	return n, true
}
