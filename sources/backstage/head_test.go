package backstage

import "testing"

// TestHeadEmail: look-ups and messages name a person by the address alone.
func TestHeadEmail(t *testing.T) {
	for given, want := range map[string]string{"MailTo:cleo@example.com?subject=Hi": "cleo@example.com",
		"Ann@example.com": "Ann@example.com", "none": "none"} {
		h, err := headOf([]byte(`{"kind":"User","metadata":{"name":"cleo"},"spec":{"profile":{"email":"`+given+`"}}}`), "User")
		if err != nil || h.email != want {
			t.Errorf("%s: %q, %v", given, h.email, err)
		}
	}
}
