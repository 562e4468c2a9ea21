package component

import "strings"

const (
	userWord  = "user "
	groupWord = "group "
)

// UserPrincipal is how Encoded names the user that a sink calls name.
func UserPrincipal(name string) string { return userWord + name }

// GroupPrincipal is how Encoded names the group that a sink calls name.
func GroupPrincipal(name string) string { return groupWord + name }

// PrincipalName returns what the sink calls the user or group of a principal, and
// whether it is a group.
func PrincipalName(principal string) (name string, group bool) {
	if name, group = strings.CutPrefix(principal, groupWord); group {
		return name, true
	}
	return strings.TrimPrefix(principal, userWord), false
}
