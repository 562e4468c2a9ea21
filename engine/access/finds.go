package access

import "slices"

// Finds reports whether an active user of the datasource finds a document with an audience. A
// Listed document names principals and sets of groups, and in reports whether a principal is the
// user or a group that they are in, directly or through other groups.
func Finds(a Audience, principals []string, allOf [][]string, in func(principal string) bool) bool {
	switch a {
	case AllUsers, DatasourceUsers:
		return true
	case Listed:
		return slices.ContainsFunc(principals, in) ||
			slices.ContainsFunc(allOf, func(set []string) bool { return InAll(set, in) })
	}
	return false
}

// InAll reports whether a user is in every group of a set, where in reports whether they are in
// one. No one is in every group of an empty set: a set that lost its groups allows no one.
func InAll(set []string, in func(group string) bool) bool {
	return len(set) > 0 && !slices.ContainsFunc(set, func(group string) bool { return !in(group) })
}
