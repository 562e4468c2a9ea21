// Package access says who may find an item: the classes of audiences, the decision of a
// permission rule, the hashes by which principals and sets of groups are compared, and which of
// two grants lets more people find an item (invariants 2 and 5).
package access
