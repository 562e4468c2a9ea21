package access

import "testing"

// TestAudienceText: an audience is its class, and a digest of the names where it
// has any.
func TestAudienceText(t *testing.T) {
	if got := AudienceText("members", nil); got != "members" {
		t.Errorf("without names: %s", got)
	}
	one, two := AudienceText("listed", []uint64{1}), AudienceText("listed", []uint64{1, 2})
	if one == two || Class(one) != "listed" || Class("all-users") != "all-users" || one == "listed" {
		t.Errorf("%s and %s", one, two)
	}
}
