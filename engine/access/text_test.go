package access

import "testing"

// TestAudienceText: the text of an audience is its class and, when it names principals, a
// digest of the names.
func TestAudienceText(t *testing.T) {
	if got := AudienceText("members", nil); got != "members" {
		t.Errorf("without names: %s", got)
	}
	one, two := AudienceText("listed", []uint64{1}), AudienceText("listed", []uint64{1, 2})
	if one == two || Class(one) != "listed" || Class("all-users") != "all-users" || one == "listed" {
		t.Errorf("%s and %s", one, two)
	}
}
