package component

import "strings"

const (
	userWord  = "user "
	groupWord = "group "
)

// UserPrincipal returns the principal of the user that the sink calls name.
func UserPrincipal(name string) string { return userWord + name }

// GroupPrincipal returns the principal of the group that the sink calls name.
func GroupPrincipal(name string) string { return groupWord + name }

// PrincipalName returns the sink's name of the user or group of a principal. group reports
// whether it is a group.
func PrincipalName(principal string) (name string, group bool) {
	if name, group = strings.CutPrefix(principal, groupWord); group {
		return name, true
	}
	return strings.TrimPrefix(principal, userWord), false
}
