package component

import "testing"

func TestPrincipalName(t *testing.T) {
	for _, name := range []string{"ann@example.com", "group:default/payments", "user x", "group x", ""} {
		if got, group := PrincipalName(UserPrincipal(name)); got != name || group {
			t.Errorf("user %q: %q, %t", name, got, group)
		}
		if got, group := PrincipalName(GroupPrincipal(name)); got != name || !group {
			t.Errorf("group %q: %q, %t", name, got, group)
		}
	}
}
